"""What is read from a model: its upsampling layers, their kernels, what an output sees."""
