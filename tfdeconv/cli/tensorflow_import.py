"""Import TensorFlow for a command without the notices that it prints while it loads."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any


def import_tensorflow() -> Any:
    """Return the imported ``tensorflow``; what it writes to standard error meanwhile shows only if it fails.

    TensorFlow 2.21 writes a dozen lines of notices before its logging is set up, so that
    ``TF_CPP_MIN_LOG_LEVEL`` does not reach them, and they come from C++, past ``sys.stderr``.

    Example:
        >>> import_tensorflow().constant(1).dtype
        tf.int32
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notices:
        os.dup2(notices.fileno(), 2)
        try:
            import tensorflow
        except Exception:
            notices.seek(0)
            os.write(kept, notices.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    return tensorflow
