"""Serve SavedModels over TensorFlow Serving's gRPC and REST protocols.

``Server`` serves from this process. It is made of parts that can be had one by one, to serve the same
models in another way: ``Runtime`` loads the models and answers requests on arrays; ``GrpcApi`` and
``RestApi`` answer the messages and the documents of the two protocols without a socket; ``rest_app`` is the
REST API as an application for any ASGI server.
"""

from typing import Any

import lazy_loader

from tfdeconv.extras import require

_attached, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config.options": ["ServerOptions"],
        "grpc.answer": ["GrpcAnswer"],
        "grpc.api": ["GrpcApi"],
        "grpc.call_context": ["CallContext"],
        "model_spec": ["ModelSpec"],
        "rest.api": ["RestApi"],
        "rest.app": ["rest_app"],
        "runtime": ["Runtime"],
        "server": ["Server"],
    },
)
_NEEDED = (
    "grpc",
    "grpc_health",
    "tensorflow_serving.apis",
    "starlette",
    "uvicorn",
    "orjson",
    "prometheus_client",
)


def __getattr__(name: str) -> Any:
    if name in __all__ and name != "ServerOptions":
        for module in _NEEDED:
            require(module, extra="serving", feature="The embedded server")
    return _attached(name)
