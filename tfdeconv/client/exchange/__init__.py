"""A request and its answer without I/O: what is sent, when it is sent again, and how many at once."""
