"""What became of one job, in a form that travels between processes."""

from __future__ import annotations

import errno
from typing import Any, NamedTuple

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class Outcome(NamedTuple):
    """What became of one job.

    Attributes:
        line: What is told where it went well.
        notes: Remarks, a line each.
        failure: Why it did not go well, in one line; empty where it did.
        about: The file that ``failure`` is about, where it does not say; empty where it does.
        unforeseen: Whether the failure is of a kind that nobody thought of.
        stops: Whether all other jobs would fail for the same reason.
    """

    line: str = ""
    notes: tuple[str, ...] = ()
    failure: str = ""
    about: str = ""
    unforeseen: bool = False
    stops: bool = False


def stops_all(error: BaseException, target: Any) -> bool:
    """Return whether an error in writing ``target`` is not of this file: a full disk, a store without rights.

    Example:
        >>> from pathlib import Path
        >>> full = ValueError("a.png cannot be written")
        >>> full.__cause__ = OSError(errno.ENOSPC, "No space left on device")
        >>> stops_all(full, Path("a.png")), stops_all(ValueError("a.png is broken"), Path("a.png"))
        (True, False)
    """
    closed_store = hasattr(target, "fs") and str(error).startswith(str(target))
    cause = error.__cause__
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        if closed_store and isinstance(cause, PermissionError | FileNotFoundError):  # of the bucket
            return True
        cause = cause.__cause__
    return False
