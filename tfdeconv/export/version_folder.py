"""Version folders under a model's base path, which appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tfdeconv import version_folders
from tfdeconv.errors import ExportError


def versions(base_path: Path) -> list[int]:
    """Return the version numbers under ``base_path``, ascending.

    Raises:
        ExportError: The folder holds names that are not versions, so it is not a model's folder.
            Hidden names are allowed: servers pass over them too.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Path(folder, "3").mkdir()
        ...     versions(Path(folder))
        [3]
    """
    if not base_path.exists():
        return []
    if not base_path.is_dir():
        raise ExportError(f"base_path must be a folder; {str(base_path)!r} is a file. Choose another path.")
    names = [child.name for child in base_path.iterdir() if not child.name.startswith(".")]
    strange = sorted(name for name in names if version_folders.number(name) is None)
    if strange:
        raise ExportError(
            f"base_path must hold version folders (1, 2, ...) and nothing else; {str(base_path)!r} holds "
            f"{', '.join(map(repr, strange[:3]))}{', ...' if len(strange) > 3 else ''}. "
            "Choose an empty or new folder, one for each model."
        )
    return sorted(version_folders.versions(base_path) or {})


@contextlib.contextmanager
def new_version(base_path: Path, version: int | None) -> Iterator[tuple[Path, Path]]:
    """Yield ``(draft, final)``: a hidden folder to write into, renamed to ``final`` at the end.

    A server sees the version only after the rename, so a crash in the middle leaves nothing that it
    would load; an exception removes the draft.

    Args:
        base_path: The model's folder; made if missing.
        version: The version number; None: one more than the newest.

    Raises:
        ExportError: The folder cannot be written, is not a model's folder, or the version exists.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with new_version(Path(folder, "model"), None) as (draft, final):
        ...         _ = Path(draft, "saved_model.pb").write_bytes(b"...")
        ...     print(final.name, [path.name for path in final.iterdir()])
        1 ['saved_model.pb']
    """
    if version is not None and version < 1:
        raise ExportError(f"version must be at least 1; received {version}.")
    existing = versions(base_path)
    number = version if version is not None else max(existing, default=0) + 1
    if number in existing:
        raise _exists(base_path, number)
    try:
        base_path.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".writing-{number}-", dir=base_path))
    except OSError as error:
        raise ExportError(
            f"base_path {str(base_path)!r} cannot be written: {error.strerror}. "
            "Choose a folder that you may write to."
        ) from error
    try:
        yield draft, base_path / str(number)
        draft.chmod(0o755)  # mkdtemp makes it private; a server may run as another user
        draft.rename(base_path / str(number))
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # another export took the number meanwhile
            raise _exists(base_path, number) from None
        raise ExportError(f"{str(base_path)!r} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _exists(base_path: Path, number: int) -> ExportError:
    return ExportError(
        f"version must be new; {str(base_path / str(number))!r} exists. "
        "Leave version=None to number after the newest."
    )
