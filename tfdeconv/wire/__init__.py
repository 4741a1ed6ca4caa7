"""What client and server share of TensorFlow Serving's protocols: messages, element types, status codes.

Nothing here imports TensorFlow: a client that only moves bytes must not wait for it.
"""
