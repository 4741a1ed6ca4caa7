"""Which exception a gRPC status code, an HTTP status or a broken connection stands for."""

from __future__ import annotations

import re

from tfdeconv import errors

# The codes of grpc.StatusCode by number; TensorFlow's error codes are the same numbers.
CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)

# What is not listed (UNKNOWN, INTERNAL, DATA_LOSS) is an InternalError.
_BY_CODE: dict[str, type[errors.ServingError]] = {
    "CANCELLED": errors.CancelledError,
    "INVALID_ARGUMENT": errors.InvalidRequestError,
    "DEADLINE_EXCEEDED": errors.DeadlineExceededError,
    "NOT_FOUND": errors.NotFoundError,
    "ALREADY_EXISTS": errors.AlreadyExistsError,
    "PERMISSION_DENIED": errors.PermissionDeniedError,
    "RESOURCE_EXHAUSTED": errors.ResourceExhaustedError,
    "FAILED_PRECONDITION": errors.FailedPreconditionError,
    "ABORTED": errors.AbortedError,
    "OUT_OF_RANGE": errors.OutOfRangeError,
    "UNIMPLEMENTED": errors.UnimplementedError,
    "UNAVAILABLE": errors.UnavailableError,
    "UNAUTHENTICATED": errors.UnauthenticatedError,
}

# TensorFlow Serving's table read backwards; 408, 413, 502 and 405 come from proxies in front of it.
_CODE_BY_HTTP_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

# HTTP folds several codes into 400; these parts of TensorFlow Serving's messages tell them apart.
_FAILED_PRECONDITION_TEXTS = (
    "padding is turned off",
    "not currently available for inference",
    "FAILED_PRECONDITION",
)


def from_code(code: str, message: str) -> errors.ServingError:
    """Return the exception of a gRPC status code, given by its name.

    Example:
        >>> from_code("NOT_FOUND", "Servable not found for request: Latest(m)")
        NotFoundError('Servable not found for request: Latest(m)')
    """
    return _BY_CODE.get(code, errors.InternalError)(message)


def from_http(status: int, message: str) -> errors.ServingError:
    """Return the exception of an HTTP status and the message of its body.

    Example:
        >>> from_http(503, "busy")
        UnavailableError('busy')
        >>> from_http(400, "... different shapes and padding is turned off. ...")
        FailedPreconditionError('... different shapes and padding is turned off. ...')
    """
    code = _CODE_BY_HTTP_STATUS.get(status, "INTERNAL")
    if status == 400 and any(text in message for text in _FAILED_PRECONDITION_TEXTS):
        code = "FAILED_PRECONDITION"
    return from_code(code, message)


def unreachable(url: str, reason: str) -> errors.UnavailableError:
    """Return the error of a connection that could not be made or broke.

    Example:
        >>> print(unreachable("http://h:1", "[Errno 111] Connection refused"))
        http://h:1 cannot be reached: Connection refused. Is the server running, and does it speak REST there?
    """
    reason = re.sub(r"^\[Errno -?\d+\] |^[A-Z_]+: (ipv4|ipv6|unix):\S+: ", "", reason).strip().rstrip(".")
    protocol = "REST" if url.startswith("http") else "gRPC"
    return errors.UnavailableError(
        f"{url} cannot be reached: {reason}. Is the server running, and does it speak {protocol} there?"
    )


def late(url: str, timeout: float) -> errors.DeadlineExceededError:
    """Return the error of an answer that did not come in time.

    Example:
        >>> print(late("http://h:1", 59.97))
        No answer from http://h:1 within 60 s. If the model needs longer, raise the timeout.
    """
    seconds = float(f"{timeout:.2g}")  # what was left of 60 s is 60 s to the reader
    return errors.DeadlineExceededError(
        f"No answer from {url} within {seconds:g} s. If the model needs longer, raise the timeout."
    )
