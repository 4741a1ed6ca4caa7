"""Models on pictures of any size: exact tiles, with halo and phase from the model's graph."""

from tfdeconv.tiling.model_arguments import output_names
from tfdeconv.tiling.reach import Reach
from tfdeconv.tiling.tiled import Tiled, tiled

__all__ = ["Reach", "Tiled", "output_names", "tiled"]
