"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tfdeconv.errors import FileError


@contextlib.contextmanager
def draft_of(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a hidden name in the folder of ``path``; what is there when the block ends well gets that name.

    After an exception in the block nothing is left behind, and what ``path`` held before is untouched.
    For libraries that want a name; others take :func:`atomic_file`. A link is followed: what it points to is
    replaced.

    Args:
        path: The final name; its folder must exist. The hidden name ends as this one does.
        overwrite: Whether a file of that name may be replaced.

    Raises:
        FileError: The file exists, or cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with draft_of(Path(folder, "a.txt")) as draft:
        ...         _ = draft.write_text("whole")
        ...         print(draft.suffix, Path(folder, "a.txt").exists())
        ...     print(Path(folder, "a.txt").read_text())
        .txt False
        whole
    """
    check_free(path, overwrite=overwrite)
    final = Path(os.path.realpath(path))
    draft = final.with_name(
        f".{secrets.token_hex(8)}.part{final.suffix}"
    )  # so short that any name can be written
    try:
        yield draft
        if not overwrite:  # it may have come meanwhile
            check_free(path, overwrite=False)
        draft.replace(final)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_file(path: Path, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Yield a file, open for writing and reading, that gets its name when the block ends well.

    See :func:`draft_of`.

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
    with draft_of(path, overwrite=overwrite) as draft, draft.open("x+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def check_free(path: Any, *, overwrite: bool) -> None:
    """Raise where a path, or another place with its methods, holds something that must not be replaced.

    Raises:
        FileError: A file is there and ``overwrite`` is false, or a folder is there.
    """
    try:
        taken = path.exists() and (not overwrite or path.is_dir())
    except Exception as error:  # each store has its own
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise FileError(f"{path} cannot be written: {reason.rstrip('.')}.") from error
    if taken and path.is_dir():
        raise FileError(f"{path} is a folder. Choose another name.")
    if taken:
        raise FileError(f"{path} exists. Choose another name, or pass overwrite=True.")
