"""The canonical status code of an error, and what HTTP calls it.

Domain errors carry no code; the edges look it up here. Sources: google.rpc.Code, and the mapping of
TensorFlow Serving's ``ToHTTPStatusCode``.
"""

from __future__ import annotations

from tfdeconv import errors

_BY_CLASS: dict[type[errors.ServingError], str] = {
    errors.OutOfRangeError: "OUT_OF_RANGE",
    errors.InvalidRequestError: "INVALID_ARGUMENT",
    errors.NotFoundError: "NOT_FOUND",
    errors.AlreadyExistsError: "ALREADY_EXISTS",
    errors.FailedPreconditionError: "FAILED_PRECONDITION",
    errors.PermissionDeniedError: "PERMISSION_DENIED",
    errors.UnauthenticatedError: "UNAUTHENTICATED",
    errors.ResourceExhaustedError: "RESOURCE_EXHAUSTED",
    errors.AbortedError: "ABORTED",
    errors.CancelledError: "CANCELLED",
    errors.UnimplementedError: "UNIMPLEMENTED",
    errors.UnavailableError: "UNAVAILABLE",
    errors.DeadlineExceededError: "DEADLINE_EXCEEDED",
    errors.InternalError: "INTERNAL",
}
_BY_NAME = {name: kind for kind, name in _BY_CLASS.items()}
NUMBERS = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
}
_NAMES = {number: name for name, number in NUMBERS.items()}
_HTTP = {
    "OK": 200,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


def code_of(error: BaseException) -> str:
    """Return the canonical code's name, ``INTERNAL`` for what no class foresees.

    Example:
        >>> code_of(errors.NotFoundError("no model"))
        'NOT_FOUND'
    """
    for kind in type(error).__mro__:
        if kind in _BY_CLASS:
            return _BY_CLASS[kind]
    return "INTERNAL"


def http_status(code: str) -> int:
    """Return the HTTP status of a canonical code's name; 500 for those without one of their own.

    Example:
        >>> http_status("NOT_FOUND"), http_status("DATA_LOSS")
        (404, 500)
    """
    return _HTTP.get(code, 500)


def error_of(number: int, message: str) -> errors.ServingError:
    """Return the domain error of a canonical code's number, as TensorFlow's exceptions carry it.

    Example:
        >>> error_of(5, "no model")
        NotFoundError('no model')
    """
    return _BY_NAME.get(_NAMES.get(number, ""), errors.InternalError)(message)


def describe(error: BaseException) -> str:
    """Return ``CODE: message``, the form in which one status quotes another.

    Example:
        >>> describe(errors.NotFoundError("no model"))
        'NOT_FOUND: no model'
    """
    return f"{code_of(error)}: {error}"
