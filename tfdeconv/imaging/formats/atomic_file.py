"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tfdeconv.errors import ImageError


@contextlib.contextmanager
def atomic_file(path: Path, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Yield a file, open for writing and reading, that gets its name when the block ends well.

    After an exception in the block nothing is left behind, and what ``path`` held before is untouched.

    Args:
        path: The final name; its folder must exist.
        overwrite: Whether a file of that name may be replaced.

    Raises:
        ImageError: The file exists, or cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_file(Path(folder, "a.txt")) as file:
        ...         _ = file.write(b"whole")
        ...         print(Path(folder, "a.txt").exists())
        ...     print(Path(folder, "a.txt").read_bytes())
        False
        b'whole'
    """
    if path.exists() and not overwrite:
        raise ImageError(f"{path} exists. Choose another name, or pass overwrite=True (--overwrite).")
    draft = path.with_name(f".{secrets.token_hex(8)}.part")  # so short that any legal name can be written
    try:
        with draft.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise ImageError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        draft.unlink(missing_ok=True)
