"""Loaded models: a SavedModel or a TensorFlow Lite file that runs, alone or in batches."""
