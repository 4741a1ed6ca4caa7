"""TensorFlow Serving's gRPC protocol over the data plane."""
