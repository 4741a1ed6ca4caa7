"""How the C library keeps the memory of large tensors between requests."""

from __future__ import annotations

import ctypes

# glibc, malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 256 << 20


def keep_freed_memory() -> bool:
    """Let this process reuse freed memory instead of returning it to the system after every request.

    By default glibc maps large blocks anew each time and gives back the end of its heaps when they are freed.
    Every page of an answer then costs a fault and is zeroed first: 900 faults for an answer of 3 MB. With up
    to 256 MB kept there are none, as long as what a request holds fits a thread's heap of 64 MB. (A single
    heap for all threads has no such limit, but four clients wait for one another there: 5% slower.)

    Call it before TensorFlow starts its threads. It changes the whole process, so it is for programs and not
    for libraries: ``tfdeconv serve`` calls it, :class:`~tfdeconv.serving.Server` does not.

    Returns:
        Whether the C library took the settings; others than glibc have none.

    References:
        glibc manual, "Malloc Tunable Parameters".
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS and musl have no mallopt, Windows no CDLL(None)
        return False
    return all(mallopt(setting, _KEPT_BYTES) == 1 for setting in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD))
