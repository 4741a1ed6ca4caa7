"""ONNX nodes and models to Keras."""
