"""What became of one job, in a form that travels between processes."""

from __future__ import annotations

import errno
from typing import NamedTuple

from tfdeconv.cli.bulk.job_list import Job

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_AWAY = {"ConnectionError", "ClientConnectionError"}  # Python's and botocore's, aiohttp's


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


def stops_all(error: BaseException, job: Job) -> bool:
    """Return whether an error is not of this job alone: a full disk, a store without rights or away.

    Example:
        >>> from pathlib import Path
        >>> job = Job(Path("photos/a.png"), Path("a.png"))
        >>> full = ValueError("a.png cannot be written")
        >>> full.__cause__ = OSError(errno.ENOSPC, "No space left on device")
        >>> stops_all(full, job), stops_all(ValueError("photos/a.png is broken"), job)
        (True, False)
    """
    writes = hasattr(job.target, "fs") and str(job.target) in str(error)
    remote = any(hasattr(place, "fs") for place in job)
    cause = error.__cause__
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        if writes and isinstance(cause, PermissionError | FileNotFoundError):  # of the bucket
            return True
        if remote and not _AWAY.isdisjoint(kind.__name__ for kind in type(cause).__mro__):
            return True
        cause = cause.__cause__
    return False
