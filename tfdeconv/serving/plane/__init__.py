"""Requests on arrays: the data plane, and one run of a signature. No bytes, no sockets."""
