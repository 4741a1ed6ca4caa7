"""LiteRT: TensorFlow Lite's flatbuffers."""
