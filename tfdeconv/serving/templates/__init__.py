"""The operator's files as package data; ``write`` copies them into a folder."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from tfdeconv.errors import AlreadyExistsError, ServingError

__all__ = ["files", "write"]


def files() -> dict[str, bytes]:
    """Return relative path (with ``/``) to content, in order of path.

    Example:
        >>> "models.config" in files()
        True
    """
    return dict(sorted(_walk(resources.files(__name__), "")))


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.name == "__pycache__" or entry.name.endswith(".py"):
            continue
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.read_bytes()


def write(folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write the files into ``folder``, which is made if need be; return their paths.

    Args:
        folder: Where to write.
        overwrite: Whether files that are there and differ are replaced. Defaults to False.

    Raises:
        AlreadyExistsError: A file is there with another content; nothing is written then.
        ServingError: The folder cannot be written.
    """
    contents = {folder / name: content for name, content in files().items()}
    try:
        different = [
            path for path, content in contents.items() if path.exists() and path.read_bytes() != content
        ]
        if different and not overwrite:
            raise AlreadyExistsError(
                f"{different[0]} exists and differs from the template. "
                "Choose another folder, or pass --overwrite."
            )
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise ServingError(f"Cannot write {error.filename or folder}: {error.strerror}.") from None
    return list(contents)
