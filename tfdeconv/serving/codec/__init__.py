"""Bytes and JSON to arrays, and back: pure functions without sockets, sessions or state.

``wire_format`` and ``tensor_proto`` and ``predict_message`` speak protocol buffers; ``json_document``,
``json_tensor``, ``json_predict`` and ``json_examples`` speak TensorFlow Serving's REST JSON.
"""
