"""Serve SavedModels over TensorFlow Serving's gRPC and REST protocols.

``Server`` is a context manager around five parts that know nothing of one another's insides: the codec
(bytes and JSON to arrays), the model repository (which versions are loaded), the data plane (requests on
arrays, no transport), and the gRPC and REST edges, which convert, call and convert back.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"config.options": ["ServerOptions"], "server": ["Server"]},
)
