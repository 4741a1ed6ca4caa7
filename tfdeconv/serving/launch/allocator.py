"""How the C library keeps the memory of large tensors between requests."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable

# glibc, malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MAPPED_BYTES = 256 << 20
_KEPT_BYTES = 32 << 20


def keep_freed_memory(*, seconds: float = 60.0) -> bool:
    """Let this process reuse freed memory for a while instead of returning it after every request.

    By default glibc maps large blocks anew each time and gives back the end of its heaps when they are freed.
    Every page of an answer then costs a fault and is zeroed first: 900 faults for an answer of 3 MB. With
    memory kept there are none.

    By default there are eight heaps for each core as well, and each keeps what the largest request that one
    of its threads has answered took: after half an hour of mixed requests 500 MB more than after minutes. So
    there is one for each core and one more, and what lies free in them is given back now and then. (A single
    heap for all threads makes four clients wait for one another: 5% slower.)

    Call it before TensorFlow starts its threads. It changes the whole process, so it is for programs and not
    for libraries: ``tfdeconv serve`` calls it, :class:`~tfdeconv.serving.Server` does not.

    Args:
        seconds: Time from one giving back to the next. Defaults to 60.

    Returns:
        Whether the C library took the settings; others than glibc have none.

    References:
        glibc manual, "Malloc Tunable Parameters"; ``malloc_trim(3)``.
    """
    try:
        library = ctypes.CDLL(None)
        mallopt, trim = library.mallopt, library.malloc_trim
    except (AttributeError, OSError, TypeError):  # macOS and musl have neither, Windows no CDLL(None)
        return False
    settings = {
        _M_MMAP_THRESHOLD: _MAPPED_BYTES,
        _M_TRIM_THRESHOLD: _KEPT_BYTES,
        _M_ARENA_MAX: (os.cpu_count() or 1) + 1,
    }
    taken = {mallopt(setting, value) for setting, value in settings.items()} == {1}
    threading.Thread(target=_give_back, args=(trim, seconds), name="tfdeconv-memory", daemon=True).start()
    return taken


def _give_back(trim: Callable[[int], int], seconds: float) -> None:
    while True:
        time.sleep(seconds)
        trim(0)
