"""The version folders of a served model, as TensorFlow Serving reads them: ``model/1``, ``model/2``, ...

Whoever writes, serves, inspects or analyzes a model asks here which folders are versions and which is newest.
"""

from __future__ import annotations

import os
from pathlib import Path

_MAX_VERSION = (1 << 63) - 1
_SAVED_MODEL = ("saved_model.pb", "saved_model.pbtxt")


def number(name: str) -> int | None:
    """Return the version that a folder's name means, or None where it means none.

    Example:
        >>> number("3"), number("0001"), number("3.tmp"), number(".3"), number("²")
        (3, 1, None, None, None)
    """
    if not (name.isascii() and name.isdigit()):
        return None
    value = int(name) if len(name) < 100 else _MAX_VERSION + 1
    return value if value <= _MAX_VERSION else None


def versions(base_path: str | os.PathLike[str]) -> dict[int, Path] | None:
    """Return version number to folder, or None where the base path cannot be listed.

    Names that are not decimal numbers (a half-written ``3.tmp``, notes, hidden files) are no versions.
    Of names with the same value (``1`` and ``0001``) the last in alphabetical order counts, ``1``, as in
    TensorFlow Serving.

    Args:
        base_path: The folder that holds the version folders.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Path(folder, "3").mkdir()
        ...     Path(folder, "4.tmp").mkdir()
        ...     list(versions(folder)), versions(f"{folder}/missing")
        ([3], None)
    """
    found: dict[int, Path] = {}
    try:
        folders = sorted(Path(base_path).iterdir())
    except OSError:
        return None
    for folder in folders:
        version = number(folder.name)
        if version is not None:
            found[version] = folder
    return found


Contents = tuple[tuple[str, int, int], ...]
"""Relative path, size in bytes and time of change in nanoseconds of every file of a folder."""


def contents(folder: Path) -> Contents:
    """Return what tells whether a version folder has changed; empty where it cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "saved_model.pb").write_bytes(b"...")
        ...     [(name, size) for name, size, _ in contents(Path(folder))]
        [('saved_model.pb', 3)]
    """
    found = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                status = path.stat()
            except OSError:  # renamed or removed in this moment
                continue
            found.append((str(path.relative_to(folder)), status.st_size, status.st_mtime_ns))
    return tuple(sorted(found))


def saved_model(path: str | os.PathLike[str]) -> Path | None:
    """Return the SavedModel that a path means: itself, or its newest version that holds one.

    Args:
        path: A folder with ``saved_model.pb`` (or ``.pbtxt``), or a folder of numbered ones.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for version in ("2", "10"):
        ...         Path(folder, version).mkdir()
        ...         Path(folder, version, "saved_model.pb").touch()
        ...     Path(folder, "11").mkdir()
        ...     saved_model(folder).name, saved_model(f"{folder}/2").name, saved_model(f"{folder}/11")
        ('10', '2', None)
    """
    found = versions(path) or {}
    newest_first = (folder for _, folder in sorted(found.items(), reverse=True))
    for folder in (Path(path), *newest_first):
        if any((folder / name).is_file() for name in _SAVED_MODEL):
            return folder
    return None
