"""The steps that several lowerings take, each a few TensorFlow ops that run on every device."""
