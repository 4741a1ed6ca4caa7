"""Import TensorFlow for a command without the notices that it prints while it loads."""

from __future__ import annotations

import os
from typing import Any

from tfdeconv.cli.native_output import native_output_dropped


def import_tensorflow() -> Any:
    """Return the imported ``tensorflow``; what it writes to standard error meanwhile shows only if it fails.

    TensorFlow 2.21 writes a dozen lines of notices before its logging is set up, so that
    ``TF_CPP_MIN_LOG_LEVEL`` does not reach them, and they come from C++, past ``sys.stderr``.

    Example:
        >>> import_tensorflow().constant(1).dtype
        tf.int32
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    failure = b""
    try:
        with native_output_dropped() as notices:
            try:
                import tensorflow
            except Exception:
                notices.seek(0)
                failure = notices.read()
                raise
    except Exception:
        os.write(2, failure)
        raise
    return tensorflow
