"""ONNX, for ONNX Runtime and what reads it."""
