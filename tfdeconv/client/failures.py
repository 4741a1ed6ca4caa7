"""Which exception an HTTP answer or a broken connection stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tfdeconv import errors
from tfdeconv.wire import status_codes

_NAMED = 8  # servers in one message

# HTTP folds several codes into 400; these parts of TensorFlow Serving's messages tell them apart.
_FAILED_PRECONDITION_TEXTS = (
    "padding is turned off",
    "not currently available for inference",
    "FAILED_PRECONDITION",
)


def from_http(status: int, message: str) -> errors.ServingError:
    """Return the exception of an HTTP status and the message of its body.

    Example:
        >>> from_http(503, "busy")
        UnavailableError('busy')
        >>> from_http(400, "... different shapes and padding is turned off. ...")
        FailedPreconditionError('... different shapes and padding is turned off. ...')
    """
    code = status_codes.code_of_http(status)
    if status == 400 and any(text in message for text in _FAILED_PRECONDITION_TEXTS):
        code = "FAILED_PRECONDITION"
    return status_codes.error_of(code, message)


def unreachable(url: str, reason: str) -> errors.UnreachableError:
    """Return the error of a connection that could not be made or broke.

    Example:
        >>> print(unreachable("http://h:1", "[Errno 111] Connection refused"))
        http://h:1 cannot be reached: Connection refused. Is the server running, and does it speak REST there?
    """
    reason = re.sub(r"^\[Errno -?\d+\] |^[A-Z_]+: (ipv4|ipv6|unix):\S+: ", "", reason).strip().rstrip(".")
    protocol = "REST" if url.startswith("http") else "gRPC"
    asked = f"Is the server running, and does it speak {protocol} there?"
    if url.startswith(("grpcs:", "https:")):
        # After the first try gRPC tells no more that it was the certificate.
        asked = (
            f"Is the server running, does it speak {protocol} over TLS there, and does each side trust the "
            "other's certificate?"
        )
    return errors.UnreachableError(f"{url} cannot be reached: {reason}. {asked}")


def none_reachable(found: Sequence[errors.UnreachableError]) -> errors.UnreachableError:
    """Return the error of several servers that all cannot be reached, from the error of each.

    Example:
        >>> print(none_reachable([unreachable("http://a:1", "refused"), unreachable("http://b:1", "reset")]))
        None of 2 servers can be reached: http://a:1 cannot be reached: ...
    """
    told = "; ".join(str(error).partition(". Is the server")[0] for error in found[:_NAMED])
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return errors.UnreachableError(f"None of {len(found)} servers can be reached: {told}{more}.")


def unresolved(url: str, reason: str) -> errors.UnreachableError:
    """Return the error of a name without addresses.

    Example:
        >>> print(unresolved("grpc+dns://models:8500", "Name or service not known"))
        The name in grpc+dns://models:8500 has no address: Name or service not known.
    """
    return errors.UnreachableError(f"The name in {url} has no address: {reason.rstrip('.')}.")


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
