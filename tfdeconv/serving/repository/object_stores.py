"""Object stores by their URLs, such as ``s3://bucket/models``, through fsspec."""

from __future__ import annotations

from typing import Any

from tfdeconv.errors import InvalidArgumentError, MissingExtraError
from tfdeconv.extras import require

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}  # scheme -> extra of tfdeconv that brings it


def is_url(path: str) -> bool:
    """Return whether a path names a store; ``file://`` names a folder.

    Example:
        >>> is_url("gs://bucket/models"), is_url("/models"), is_url("file:///models")
        (True, False, False)
    """
    scheme, colon, _ = path.partition("://")
    return bool(colon) and scheme.isalnum() and scheme != "file"


def file_system(url: str, *, feature: str, **options: Any) -> tuple[Any, str]:
    """Return fsspec's file system of a URL, and the path in it.

    Args:
        url: Where.
        feature: What the user asked for, as the subject of an error's sentence.
        **options: Handed to the file system.

    Raises:
        MissingExtraError: fsspec, or the package for this kind of URL, is not installed.
        InvalidArgumentError: There is no such kind of URL, or the file system refuses it.

    Example:
        >>> files, path = file_system("memory://models/upscaler", feature="Reading models")
        >>> path
        '/models/upscaler'
    """
    fsspec = require("fsspec.core", extra="storage", feature=feature)
    scheme = url.partition("://")[0]
    try:
        files, path = fsspec.url_to_fs(url, **options)
    except ImportError as error:
        extra = _EXTRAS.get(scheme)
        remedy = (
            f"Install it with: pip install 'tfdeconv[{extra}]'" if extra else f"{str(error).rstrip('.')}."
        )
        raise MissingExtraError(
            f"{url}: {scheme}:// needs a package that is not installed. {remedy}"
        ) from None
    except Exception as error:  # each store has its own
        raise InvalidArgumentError(f"{url} cannot be used: {reason(error)}.") from None
    return files, path


def reason(error: BaseException) -> str:
    """Return why a store failed, in one line without a full stop.

    Example:
        >>> reason(PermissionError(13, "Forbidden")), reason(FileNotFoundError("b/x")), reason(ValueError())
        ('access denied (Forbidden)', 'there is no such bucket or object (b/x)', 'ValueError')
    """
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    line = text.splitlines()[0].rstrip(".")
    if isinstance(error, PermissionError):
        return f"access denied ({line})"
    if isinstance(error, FileNotFoundError):
        return f"there is no such bucket or object ({line})"
    return line
