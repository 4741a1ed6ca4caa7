"""Write models as SavedModels that TensorFlow Serving, and ``tfdeconv serve``, load as they are."""

from tfdeconv.export.saved_model import export_saved_model
from tfdeconv.export.segmentation_bytes import segmentation_signatures

__all__ = ["export_saved_model", "segmentation_signatures"]
