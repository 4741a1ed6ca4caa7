"""How the C library keeps the memory of large tensors between requests."""

from __future__ import annotations

import ctypes
import os

# glibc, malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MAPPED_BYTES = 256 << 20
_KEPT_BYTES = 32 << 20


def keep_freed_memory() -> bool:
    """Let this process reuse freed memory instead of returning it to the system after every request.

    By default glibc maps large blocks anew each time and gives back the end of its heaps when they are freed.
    Every page of an answer then costs a fault and is zeroed first: 900 faults for an answer of 3 MB. With up
    to 32 MB kept at the end of each heap there are none.

    By default there are eight heaps for each core as well, and each keeps what the largest request that one
    of its threads has answered took: after hours of mixed requests 500 MB more than after minutes. One for
    each core and one more bound that. (A single heap for all threads makes four clients wait for one
    another: 5% slower.)

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
    settings = {
        _M_MMAP_THRESHOLD: _MAPPED_BYTES,
        _M_TRIM_THRESHOLD: _KEPT_BYTES,
        _M_ARENA_MAX: (os.cpu_count() or 1) + 1,
    }
    return all([mallopt(setting, value) == 1 for setting, value in settings.items()])
