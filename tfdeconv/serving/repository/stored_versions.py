"""The versions of a model in an object store: which are there whole, and a copy of one on this machine.

A store has no folders that appear in one step, so a version counts as whole when two looks in a row have
found the same objects, there is a ``saved_model.pb`` (or ``.pbtxt``, or ``model.tflite``), and with it the
index and all shards of its variables if it has any. Whoever writes one uploads ``saved_model.pb`` last.
"""

from __future__ import annotations

import dataclasses
import errno
import logging
import re
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path

from tfdeconv import version_folders
from tfdeconv.errors import CancelledError, ResourceExhaustedError, UnavailableError
from tfdeconv.serving.repository import object_stores
from tfdeconv.serving.repository.model_cache import ModelCache
from tfdeconv.version_folders import Contents

_LOG = logging.getLogger("tfdeconv.serving")
_GRAPHS = ("saved_model.pb", "saved_model.pbtxt")
_VARIABLE_OPS = (b"VarHandleOp", b"VariableV2")
_SHARD = re.compile(r"variables/variables\.data-(\d{5})-of-(\d{5})")
_INDEX = "variables/variables.index"
_CHUNK = 8 << 20


class StoredVersions:
    """Looks at a base path in a store, on a thread of its own, so that a slow one holds nothing up.

    Args:
        url: The base path.
        cache: Takes the copies.
        closing: Set when copies are to be given up.

    Attributes:
        reason: Why the last look failed, or why there is nothing to load; empty where neither is so.

    Raises:
        MissingExtraError: The package for this kind of URL is not installed.
        InvalidArgumentError: There is no such kind of URL.
    """

    def __init__(self, url: str, cache: ModelCache, closing: threading.Event) -> None:
        self.url = url
        self.reason = ""
        self._cache = cache
        self._closing = closing
        # Listings must not be remembered, nor an instance that others have set up for themselves.
        self._files, root = object_stores.file_system(
            url, feature="Serving models of object stores", use_listings_cache=False, skip_instance_cache=True
        )
        self._root = root.rstrip("/")
        self._away = False
        self._looking = threading.Lock()
        self._last: dict[int, Contents] = {}  # of the look before
        self._offered: dict[int, StoredVersion] | None = None
        self._needs_variables: dict[tuple[int, Contents], bool] = {}

    def current(self) -> Mapping[int, StoredVersion] | None:
        """Return the whole versions as they were last seen, None before that; start another look."""
        if self._looking.acquire(blocking=False):
            threading.Thread(target=self._look_and_release, name="tfdeconv-store", daemon=True).start()
        return self._offered

    def _look_and_release(self) -> None:
        try:
            self.look()
        finally:
            self._looking.release()

    def look(self) -> Mapping[int, StoredVersion] | None:
        """Look now; return the whole versions, those of the last good look where this one fails."""
        try:
            found = self._list()
            if not found:
                raise FileNotFoundError("nothing is stored under that name")
            self._offer(found)
        except Exception as error:  # each store has its own
            self.reason = object_stores.reason(error)
            if not self._away:
                _LOG.warning(
                    "The base path %s cannot be read: %s. Loaded versions keep serving. Is the URL right, "
                    "and has this server the credentials to list and read it?",
                    self.url,
                    self.reason,
                )
            self._away = True
        else:
            if self._away:
                _LOG.info("The base path %s can be read again.", self.url)
            self._away = False
        return self._offered

    def _list(self) -> dict[int, Contents]:
        """Return version to the objects of all versions there."""
        found: dict[int, dict[str, tuple[str, int, int]]] = {}
        names: dict[int, str] = {}
        for path, entry in sorted(self._files.find(self._root, detail=True).items()):
            name, _, rest = path.removeprefix(self._root).lstrip("/").partition("/")
            version = version_folders.number(name)
            if version is None or not rest or rest.endswith("/"):
                continue
            if names.setdefault(version, name) != name:
                # Of names with the same value (1 and 0001) the last counts, as with folders.
                names[version] = name
                found.pop(version)
            mark = entry.get("ETag") or entry.get("etag") or entry.get("mtime") or entry.get("created")
            change = zlib.crc32(str(mark).encode())
            found.setdefault(version, {})[rest] = (f"{name}/{rest}", int(entry.get("size") or 0), change)
        return {version: tuple(objects.values()) for version, objects in found.items()}

    def _offer(self, found: dict[int, Contents]) -> None:
        """Take what a look has found. What has been offered stays until its objects are gone."""
        offered, missing = {}, {}
        old = self._offered or {}
        for version, objects in found.items():
            lacks = self._lacks(version, objects)
            if not lacks or version in old:
                kept = old.get(version)
                offered[version] = kept if kept and lacks else StoredVersion(self, version, objects)
            else:
                missing[version] = lacks
        self._last = found
        self._offered = offered
        self.reason = ""
        if not offered:
            self.reason = "; ".join(f"version {version}: {lacks}" for version, lacks in missing.items())
            self.reason = self.reason or "no version such as '1' in it"

    def _lacks(self, version: int, objects: Contents) -> str:
        """Return what a version lacks to be whole; empty where it is."""
        paths = {path.partition("/")[2]: path for path, _, _ in objects}
        graph = next((name for name in _GRAPHS if name in paths), None)
        if graph is None and "model.tflite" not in paths:
            return "saved_model.pb is not there"
        if self._last.get(version) != objects:
            return "it loads when the next look finds the same objects"
        shards = [match for match in map(_SHARD.fullmatch, paths) if match]
        if not shards and _INDEX not in paths:
            if graph is None or not self._has_variables(version, objects, paths[graph]):
                return ""
            return "its variables are not there"
        if _INDEX not in paths:
            return f"{_INDEX} is not there"
        count = int(shards[0][2]) if shards else 1
        if {int(match[1]) for match in shards if int(match[2]) == count} != set(range(count)):
            return f"of the {count} shards of its variables {len(shards)} are there"
        return ""

    def _has_variables(self, version: int, objects: Contents, graph: str) -> bool:
        key = (version, objects)
        if key not in self._needs_variables:
            content = self._files.cat_file(f"{self._root}/{graph}")
            self._needs_variables = {key: any(op in content for op in _VARIABLE_OPS)}
        return self._needs_variables[key]

    def copy(self, objects: Contents) -> Path:
        """Copy the objects of a version to this machine; return the folder.

        Raises:
            ResourceExhaustedError: The disk is full.
            UnavailableError: The store is away, or the objects have changed.
            CancelledError: The server is being closed.
        """
        size = sum(bytes_ for _, bytes_, _ in objects)
        folder = self._cache.reserve(size)
        try:
            for path, bytes_, _ in objects:
                target = folder / path.partition("/")[2]
                target.parent.mkdir(parents=True, exist_ok=True)
                self._copy_object(f"{self._root}/{path}", target)
                if target.stat().st_size != bytes_:
                    raise UnavailableError(
                        f"{path} came with {target.stat().st_size} bytes, and {bytes_} were listed: it is "
                        "being written."
                    )
        except BaseException as error:
            self._cache.release(folder)
            if isinstance(error, CancelledError | UnavailableError) or not isinstance(error, Exception):
                raise
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise ResourceExhaustedError(
                    f"The disk is full: the version has {size:,} bytes. Make room, or name a folder on "
                    "another disk with --model_cache_dir."
                ) from error
            raise UnavailableError(
                f"The version cannot be copied from the store: {object_stores.reason(error)}."
            ) from error
        return folder

    def _copy_object(self, source: str, target: Path) -> None:
        options = {"cache_type": "readahead", "block_size": _CHUNK}
        with self._files.open(source, "rb", **options) as reader, target.open("wb") as writer:
            while chunk := reader.read(_CHUNK):
                if self._closing.is_set():
                    raise CancelledError("The server is being closed.")
                writer.write(chunk)

    def contents(self, version: int) -> Contents:
        """Return the objects of a version when they were last seen."""
        return self._last.get(version, ())

    def release(self, folder: Path) -> None:
        """Remove a copy."""
        self._cache.release(folder)


@dataclasses.dataclass(eq=False)
class StoredVersion:
    """One version in a store.

    Args:
        store: Where it lies.
        number: The version.
        objects: What it is made of.
    """

    store: StoredVersions
    number: int
    objects: Contents
    _folder: Path | None = None

    def contents(self) -> Contents:
        """Return what tells whether it has changed."""
        return self.store.contents(self.number)

    def taken(self) -> Contents:
        """Return the objects as they were when it was offered."""
        return self.objects

    def fetch(self) -> Path:
        """Return a folder with a copy."""
        self._folder = self.store.copy(self.objects)
        return self._folder

    def release(self) -> None:
        """Remove the copy."""
        if self._folder is not None:
            self.store.release(self._folder)
            self._folder = None

    def hide(self, text: str) -> str:
        """Return a text for clients without where the copy lies."""
        return text if self._folder is None else text.replace(f"{self._folder}", str(self.number))
