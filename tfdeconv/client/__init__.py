"""One client for TensorFlow Serving's two protocols, gRPC and REST.

::

    import tfdeconv as td

    with td.client.connect("grpc://localhost:8500", model="upscaler") as client:
        print(client.metadata().signatures["serving_default"])
        outputs = client.predict({"image": batch})     # {"upscaled": array}
        bigger = client.upscale(photo)                 # uint8 [H, W, 3] in, uint8 [2 H, 2 W, 3] out

It speaks to ``tfdeconv serve`` and to TensorFlow Serving alike. Both protocols give the same arrays, types
and exceptions; gRPC carries arrays as they are, REST as decimal text, so gRPC is the faster by far for
anything but encoded images. Neither imports TensorFlow; REST needs only NumPy and httpx.

What goes wrong is raised as a class of :mod:`tfdeconv.errors`:

======================  ==========================  =========================================================
gRPC status             HTTP status                 exception
======================  ==========================  =========================================================
INVALID_ARGUMENT        400                         InvalidRequestError
OUT_OF_RANGE            (400)                       OutOfRangeError; over REST its base InvalidRequestError
FAILED_PRECONDITION     400, told by the message    FailedPreconditionError
UNAUTHENTICATED         401                         UnauthenticatedError
PERMISSION_DENIED       403                         PermissionDeniedError
NOT_FOUND               404                         NotFoundError
ABORTED                 409                         AbortedError
ALREADY_EXISTS          (409)                       AlreadyExistsError; over REST AbortedError
RESOURCE_EXHAUSTED      429, 413                    ResourceExhaustedError
CANCELLED               499                         CancelledError
UNIMPLEMENTED           501, 405                    UnimplementedError
UNAVAILABLE             503, 502                    UnavailableError, after the retries
DEADLINE_EXCEEDED       504, 408                    DeadlineExceededError
anything else           anything else               InternalError
======================  ==========================  =========================================================

A connection that cannot be made or breaks is an UnavailableError, an answer that does not come in time a
DeadlineExceededError, one that cannot be read an InternalError. Inputs that do not match the signature
are an InvalidRequestError, and a signature that the model does not have is a FailedPreconditionError,
before anything is sent; arguments that no server could accept are InvalidArgumentErrors.
"""

from tfdeconv.client.clients import AsyncClient, Client
from tfdeconv.client.connect import connect, connect_async
from tfdeconv.client.endpoint import TLS
from tfdeconv.client.exchange.retry import RetryPolicy
from tfdeconv.client.values.results import Classification, Metadata, Signature, TensorSpec, VersionStatus

__all__ = [
    "TLS",
    "AsyncClient",
    "Classification",
    "Client",
    "Metadata",
    "RetryPolicy",
    "Signature",
    "TensorSpec",
    "VersionStatus",
    "connect",
    "connect_async",
]
