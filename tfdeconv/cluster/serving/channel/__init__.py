"""The way of requests from edges to replicas: bytes over TCP, without Ray.

A request is a frame that the edge sends on a connection of its own, the answer a frame that comes back on it.
A connection that is closed before the answer says that the caller has given up, or that the replica is gone.
"""
