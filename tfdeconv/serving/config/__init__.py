"""What an operator writes down: options, and the text files of TensorFlow Serving."""
