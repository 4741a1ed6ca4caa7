"""Room on this machine's disk for versions that lie in object stores."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
import threading
from pathlib import Path
from typing import IO

from tfdeconv.errors import ResourceExhaustedError

_PREFIX = "tfdeconv-models-"
_LOCK = "in-use"


class ModelCache:
    """A folder of this process; it is made when it is first needed and removed in the end.

    What processes that were killed left behind is removed by the next one.

    Args:
        folder: Where it is made. Defaults to the system's folder for temporary files.
        limit: Most bytes of all versions together; 0: as many as the disk has free. Defaults to 0.
    """

    def __init__(self, folder: str = "", limit: int = 0) -> None:
        self._parent = Path(folder or tempfile.gettempdir())
        self._limit = limit
        self._lock = threading.Lock()
        self._root: Path | None = None
        self._held: IO[bytes] | None = None
        self._sizes: dict[Path, int] = {}
        self._numbers = itertools.count(1)

    def reserve(self, size: int) -> Path:
        """Return an empty folder for files of so many bytes.

        Raises:
            ResourceExhaustedError: They do not fit, or the folder cannot be made.
        """
        with self._lock:
            try:
                root = self._root = self._root or self._make()
                free = shutil.disk_usage(root).free
            except OSError as error:
                raise ResourceExhaustedError(
                    f"The folder for models from object stores cannot be made in {self._parent}: "
                    f"{error.strerror}. Name another with --model_cache_dir."
                ) from None
            used = sum(self._sizes.values())
            if self._limit and used + size > self._limit:
                raise ResourceExhaustedError(
                    f"The version has {size:,} bytes and --max_model_cache_bytes allows {self._limit:,}, of "
                    f"which loaded versions take {used:,}. Raise it, or serve fewer versions."
                )
            if size > free:
                raise ResourceExhaustedError(
                    f"The version has {size:,} bytes and the disk of {self._parent} {free:,} free. Make "
                    "room, or name a folder on another disk with --model_cache_dir."
                )
            folder = root / str(next(self._numbers))
            folder.mkdir()
            self._sizes[folder] = size
            return folder

    def _make(self) -> Path:
        self._parent.mkdir(parents=True, exist_ok=True)
        for old in self._parent.glob(f"{_PREFIX}*"):
            _remove_if_left_behind(old)
        root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._parent))
        self._held = (root / _LOCK).open("wb")
        _lock(self._held)
        return root

    def release(self, folder: Path) -> None:
        """Remove a folder and what is in it."""
        shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            self._sizes.pop(folder, None)

    def close(self) -> None:
        """Remove everything."""
        with self._lock:
            if self._root is not None:
                shutil.rmtree(self._root, ignore_errors=True)
            if self._held is not None:
                self._held.close()
            self._root = self._held = None
            self._sizes.clear()


def _lock(file: IO[bytes]) -> None:
    """Lock a file until it is closed; fail at once where another process has. POSIX alone has such locks."""
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_if_left_behind(folder: Path) -> None:
    """Remove the folder of a process that has ended; its lock ended with it."""
    with contextlib.suppress(OSError), (folder / _LOCK).open("rb") as file:
        _lock(file)
        shutil.rmtree(folder, ignore_errors=True)
