"""The command line of TensorFlow Serving: its flags, the engine they start, and the memory of the process."""
