"""How the C library keeps the memory of large tensors between requests."""

from __future__ import annotations

import ctypes

# glibc, malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_KEPT_BYTES = 256 << 20


def keep_freed_memory() -> bool:
    """Let this process reuse freed memory instead of returning it to the system after every request.

    By default glibc maps large blocks anew each time, and gives back what other threads' arenas free. Every
    page of an answer then costs a fault and is zeroed first: 900 faults for an answer of 3 MB. In one arena,
    with up to 256 MB kept free at its end, there are none.

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
    settings = {_M_ARENA_MAX: 1, _M_MMAP_THRESHOLD: _KEPT_BYTES, _M_TRIM_THRESHOLD: _KEPT_BYTES}
    return all(mallopt(setting, value) == 1 for setting, value in settings.items())
