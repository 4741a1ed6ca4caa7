"""Which versions of which models are loaded, and the life of each."""
