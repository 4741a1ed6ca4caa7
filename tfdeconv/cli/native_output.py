"""Lines that libraries write to standard error past Python, from C and C++."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def native_output_dropped() -> Iterator[BinaryIO]:
    """Yield a file that takes what is written to standard error meanwhile, by whomever.

    Such as libtiff, which tells of every damage itself, before the error that says it.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notices:
        os.dup2(notices.fileno(), 2)
        try:
            yield notices
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
