"""Where photographs lie: files, the standard streams, and URLs of object stores.

Everything that reads or writes a photograph goes through three functions: :func:`place` turns text into a
place, :func:`open_input` opens one for reading, :func:`whole_output` writes one whole or not at all. A
place is a ``Path``, a ``UPath`` (fsspec's file systems with the same methods, for URLs), or :data:`STREAM`.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from tfdeconv.errors import FileError, InvalidArgumentError, MissingExtraError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.atomic_file import atomic_file, check_free

if TYPE_CHECKING:
    from upath import UPath

_FEATURE = "Reading and writing URLs"
_WITHOUT_FOLDERS = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"}  # names with slashes, no more
_IN_MEMORY = 1 << 26  # bytes of a standard stream that are kept without a temporary file


class Stream:
    """Standard input or output, by the name that programs give it: ``-``."""

    name = "-"
    suffix = ""

    def __str__(self) -> str:
        return self.name


STREAM = Stream()

Place: TypeAlias = "Path | UPath | Stream"


def place(text: str) -> Place:
    """Return the place that a person named: ``-``, a URL such as ``s3://bucket/a.png``, or a path.

    A file that is called ``-`` is named ``./-``.

    Raises:
        MissingExtraError: The library for URLs, or for this kind of them, is not installed.
        InvalidArgumentError: There is no such kind of URL.

    Example:
        >>> place("-") is STREAM, place("album/a.png").name
        (True, 'a.png')
    """
    if text == STREAM.name:
        return STREAM
    scheme, colon, rest = text.partition("://")
    if not colon or not scheme.isalnum():
        return Path(text)
    if scheme == "file":
        return Path(f"/{rest.lstrip('/')}")
    upath = require("upath", extra="storage", feature=_FEATURE)
    try:
        found: UPath = upath.UPath(text)
        found.fs  # noqa: B018 - what it needs is imported only now
    except ImportError as error:
        raise MissingExtraError(
            f"{text}: {scheme}:// needs a package that is not installed: {str(error).rstrip('.')}."
        ) from None
    except Exception as error:  # each store has its own, some of many lines
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise InvalidArgumentError(f"{text} cannot be used: {reason}.") from None
    return found


@contextlib.contextmanager
def open_input(source: Place | BinaryIO) -> Iterator[BinaryIO]:
    """Yield a file for reading whose position can be set; a file that is passed in is not closed."""
    if isinstance(source, Stream):
        yield from _seekable(sys.stdin.buffer)
        return
    opens: Any = source
    if isinstance(source, Path) or hasattr(source, "fs"):
        with opens.open("rb") as file:
            yield from _seekable(file)
    else:
        yield from _seekable(opens)


def _seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The stream itself, or a copy of what comes from a pipe, such as a named one or a shell's ``<(...)``."""
    if stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        shutil.copyfileobj(stream, copy, 1 << 20)
        copy.seek(0)
        yield copy  # type: ignore[misc]


@contextlib.contextmanager
def whole_output(target: Place | BinaryIO, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Yield a file, open for writing and reading, that arrives at its place when the block ends well.

    On disk it is renamed. An object store gets it in one put, a stream in one go; neither gets anything
    after an exception.

    Args:
        target: Where it goes: a place, or a file that is open for writing.
        overwrite: Whether a file of that name may be replaced.

    Raises:
        FileError: The file exists, or cannot be written.

    Example:
        >>> out = io.BytesIO()
        >>> with whole_output(out) as file:
        ...     _ = file.write(b"whole")
        >>> out.getvalue()
        b'whole'
    """
    if isinstance(target, Path):
        with atomic_file(target, overwrite=overwrite) as file:
            yield file
        return
    is_remote = not isinstance(target, Stream | io.IOBase) and hasattr(target, "fs")
    if is_remote:
        check_free(target, overwrite=overwrite)
    with tempfile.NamedTemporaryFile(prefix="tfdeconv-") as draft:
        yield draft  # type: ignore[misc]
        draft.flush()
        try:
            if is_remote:
                make_folder(target.parent)  # type: ignore[union-attr]
                target.fs.put_file(draft.name, target.path)  # type: ignore[union-attr]
            else:
                stream: Any = sys.stdout.buffer if isinstance(target, Stream) else target
                draft.seek(0)
                shutil.copyfileobj(draft, stream, 1 << 20)
                stream.flush()
        except Exception as error:  # each store has its own
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            if isinstance(error, FileNotFoundError) and " " not in reason:  # its name alone
                reason = "there is no such bucket"
            raise FileError(f"{target} cannot be written: {reason.rstrip('.')}.") from error


def make_folder(folder: Any) -> None:
    """Make a folder with those above it, where the place knows folders.

    Raises:
        FileError: It cannot be made.
    """
    if isinstance(folder, Path):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = "a file has that name" if folder.exists() else error.strerror
            raise FileError(f"the folder {folder} cannot be made: {reason}.") from error
    elif getattr(folder, "protocol", None) not in _WITHOUT_FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)
