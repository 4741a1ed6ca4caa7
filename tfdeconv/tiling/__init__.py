"""Models on pictures of any size: exact tiles, with halo and phase from the model's graph."""

from tfdeconv.tiling.reach import Reach
from tfdeconv.tiling.tiled import Tiled, tiled

__all__ = ["Reach", "Tiled", "tiled"]
