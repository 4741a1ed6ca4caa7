"""Functions of PyTorch, one kind a file, and the table of all."""
