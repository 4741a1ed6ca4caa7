"""From a network for tiles to whole pictures of any size and type."""
