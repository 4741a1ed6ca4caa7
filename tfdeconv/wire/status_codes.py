"""The canonical status codes, the error each stands for, and what HTTP calls it.

Domain errors carry no code; whoever speaks a protocol looks it up here. Sources: google.rpc.Code, whose
numbers gRPC and TensorFlow share, and TensorFlow Serving's ``ToHTTPStatusCode``.
"""

from __future__ import annotations

from tfdeconv import errors

NAMES = (
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
"""The name of each code by its number."""

NUMBERS = {name: number for number, name in enumerate(NAMES)}

# What is not listed (UNKNOWN, INTERNAL, DATA_LOSS) is an InternalError.
_ERRORS: dict[str, type[errors.ServingError]] = {
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
_CODES = {kind: name for name, kind in _ERRORS.items()}
# Where two codes share a status, the first is what a reader takes it for.
_HTTP = {
    "OK": 200,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
# Of proxies in front of a server.
_FROM_HTTP = {status: code for code, status in reversed(_HTTP.items())} | {
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    413: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
}


def code_of(error: BaseException) -> str:
    """Return the canonical code's name, ``INTERNAL`` for what no class foresees.

    Example:
        >>> code_of(errors.NotFoundError("no model"))
        'NOT_FOUND'
    """
    for kind in type(error).__mro__:
        if kind in _CODES:
            return _CODES[kind]
    return "INTERNAL"


def name_of(number: int) -> str:
    """Return the name of a code's number, ``UNKNOWN`` for a number that is none.

    Example:
        >>> name_of(5), name_of(99)
        ('NOT_FOUND', 'UNKNOWN')
    """
    return NAMES[number] if 0 <= number < len(NAMES) else "UNKNOWN"


def error_of(code: int | str, message: str) -> errors.ServingError:
    """Return the domain error of a canonical code.

    Args:
        code: Its name, or its number as TensorFlow's exceptions carry it.
        message: What went wrong.

    Example:
        >>> error_of(5, "no model")
        NotFoundError('no model')
        >>> error_of("UNAVAILABLE", "busy")
        UnavailableError('busy')
    """
    name = code if isinstance(code, str) else name_of(code)
    return _ERRORS.get(name, errors.InternalError)(message)


def http_status(code: str) -> int:
    """Return the HTTP status of a canonical code's name; 500 for those without one of their own.

    Example:
        >>> http_status("NOT_FOUND"), http_status("DATA_LOSS")
        (404, 500)
    """
    return _HTTP.get(code, 500)


def code_of_http(status: int) -> str:
    """Return the canonical code that an HTTP status stands for, a proxy's included.

    Example:
        >>> code_of_http(404), code_of_http(413), code_of_http(500)
        ('NOT_FOUND', 'RESOURCE_EXHAUSTED', 'INTERNAL')
    """
    return _FROM_HTTP.get(status, "INTERNAL")


def with_code(error: BaseException) -> str:
    """Return ``CODE: message``, the form in which one status quotes another.

    Example:
        >>> with_code(errors.NotFoundError("no model"))
        'NOT_FOUND: no model'
    """
    return f"{code_of(error)}: {error}"
