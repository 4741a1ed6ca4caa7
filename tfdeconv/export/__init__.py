"""Write models as SavedModels that TensorFlow Serving, and ``tfdeconv serve``, load as they are."""

from tfdeconv.export.saved_model import export_saved_model

__all__ = ["export_saved_model"]
