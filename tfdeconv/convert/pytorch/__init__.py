"""PyTorch modules to Keras, and weights back."""
