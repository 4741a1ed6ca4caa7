"""Every exception that tfdeconv raises on purpose.

The tree says what is wrong, never how a transport reports it: the gRPC and REST edges map these
classes to their codes. Each class can be made from one message (Keras re-raises errors so).

    TfdeconvError
    |-- InvalidArgumentError (ValueError)     an argument breaks a rule; the message names rule and fix
    |   |-- LoweringNotApplicable             the chosen lowering cannot compute this configuration
    |   |-- AlignmentError                    coordinate maps disagree, or no legal crop exists
    |   |-- ConversionError                   a foreign layer or model has no exact equivalent
    |   `-- FileError                         a file or folder is missing, broken, in the way, or closed to us
    |       `-- ImageError                    bytes or files that are not a usable image
    |-- MissingExtraError (ImportError)       an optional dependency is not installed
    |-- ExportError                           a model cannot be written or read in a format
    `-- ServingError                          a request or a server failed
        |-- InvalidRequestError (ValueError)  the request itself is wrong
        |   `-- OutOfRangeError               a value lies outside what the model accepts
        |-- NotFoundError (LookupError)       unknown model, version or resource
        |-- AlreadyExistsError                the thing to create is there
        |-- FailedPreconditionError           right request, wrong state (unloaded version, unknown signature)
        |-- PermissionDeniedError             authenticated, but not allowed
        |-- UnauthenticatedError              credentials are missing or wrong
        |-- ResourceExhaustedError            a limit is used up
        |-- AbortedError                      a concurrent change won
        |-- CancelledError                    the caller gave up
        |-- UnimplementedError                the server does not offer this
        |-- UnavailableError (ConnectionError)  not now; the same request may succeed later
        |   `-- UnreachableError              no connection, or it broke before the answer
        |-- DeadlineExceededError (TimeoutError)  no answer in time
        `-- InternalError                     the server failed in a way it did not foresee
"""

from __future__ import annotations


class TfdeconvError(Exception):
    """Base class of every error raised by tfdeconv."""

    # Inside tf.function, AutoGraph keeps an exception's class only if it can make it from one message,
    # which it recognises by this very function; ValueError and others have their own.
    __init__ = Exception.__init__


class InvalidArgumentError(TfdeconvError, ValueError):
    """An argument breaks a rule; the message names argument, rule, received value and fix."""


class LoweringNotApplicable(InvalidArgumentError):  # noqa: N818 - a public name fixed by the design
    """The chosen lowering cannot compute this transposed convolution."""


class AlignmentError(InvalidArgumentError):
    """Coordinate maps of two tensors disagree, or no legal crop exists between them."""


class ConversionError(InvalidArgumentError):
    """A layer or model of another framework has no exact equivalent here."""


class FileError(InvalidArgumentError):
    """A file or folder is missing, broken, in the way, or may not be read or written."""


class ImageError(FileError):
    """Bytes or a file that cannot be read as an image, or an image that cannot be used."""


class MissingExtraError(TfdeconvError, ImportError):
    """An optional dependency is missing; the message holds the pip command."""


class ExportError(TfdeconvError):
    """A model cannot be written or read in the format asked for."""


class ServingError(TfdeconvError):
    """A request to a served model, or the server itself, failed."""


class InvalidRequestError(ServingError, ValueError):
    """The request is wrong whatever the state of the server."""


class OutOfRangeError(InvalidRequestError):
    """A value lies outside the range that the model accepts."""


class NotFoundError(ServingError, LookupError):
    """The model, version or resource is not served here."""


class AlreadyExistsError(ServingError):
    """The thing to create exists."""


class FailedPreconditionError(ServingError):
    """The request is right but the state is not: an unloaded version, an unknown signature."""


class PermissionDeniedError(ServingError):
    """The caller may not do this."""


class UnauthenticatedError(ServingError):
    """The caller's credentials are missing or wrong."""


class ResourceExhaustedError(ServingError):
    """A limit (memory, message size, quota) is used up."""


class AbortedError(ServingError):
    """A concurrent change won."""


class CancelledError(ServingError):
    """The caller gave the request up."""


class UnimplementedError(ServingError):
    """The server does not offer this operation."""


class UnavailableError(ServingError, ConnectionError):
    """The server cannot answer now; the same request may succeed later."""


class UnreachableError(UnavailableError):
    """The server's address cannot be found, it cannot be connected to, or the connection broke."""


class DeadlineExceededError(ServingError, TimeoutError):
    """No answer came in time."""


class InternalError(ServingError):
    """The server failed in a way it did not foresee."""
