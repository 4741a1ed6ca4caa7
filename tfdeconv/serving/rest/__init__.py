"""TensorFlow Serving's REST protocol over the data plane."""
