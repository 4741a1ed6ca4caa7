"""``tfdeconv serve --engine ray``: replicas, edges and a coordinator as one application of Ray Serve.

Replicas load the models and answer requests. Edges, one on each node, receive what clients send over gRPC
and REST and pass it on as bytes. One coordinator decides which versions are served.
"""
