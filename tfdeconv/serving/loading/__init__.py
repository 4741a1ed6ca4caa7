"""From a version folder to a model that serves."""

from tfdeconv.serving.loading.loader import ModelLoader

__all__ = ["ModelLoader"]
