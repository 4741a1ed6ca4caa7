"""Where the versions of models lie: in folders of this machine, or in object stores behind URLs."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from tfdeconv import version_folders
from tfdeconv.errors import FailedPreconditionError, InvalidRequestError, TfdeconvError
from tfdeconv.serving.repository import object_stores
from tfdeconv.serving.repository.model_cache import ModelCache
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.stored_versions import StoredVersions
from tfdeconv.version_folders import Contents

_BETWEEN_LOOKS = 1.0  # seconds, where a store is looked at only when the configuration changes


class VersionPlace(Protocol):
    """Where one version lies."""

    def contents(self) -> Contents:
        """Return what tells whether it has changed."""

    def taken(self) -> Contents:
        """Return the contents that ``fetch`` takes."""

    def fetch(self) -> Path:
        """Return a folder of this machine with it, until it is released."""

    def release(self) -> None:
        """Remove what has been fetched."""

    def hide(self, text: str) -> str:
        """Return a text for clients without where models lie on this machine."""


@dataclasses.dataclass(frozen=True, slots=True)
class FolderPlace:
    """A version folder."""

    path: Path

    def contents(self) -> Contents:
        """Return what tells whether it has changed."""
        return version_folders.contents(self.path)

    def taken(self) -> Contents:
        """Return the same: what is there."""
        return self.contents()

    def fetch(self) -> Path:
        """Return it."""
        return self.path

    def release(self) -> None:
        """Leave it: it is the user's."""

    def hide(self, text: str) -> str:
        """Return a text for clients without where models lie on this machine."""
        return text.replace(f"{self.path.parent}{os.sep}", "")


class BasePaths:
    """The base paths of all models.

    Args:
        cache: Takes copies from object stores. Defaults to none: URLs are refused.
        poll: Whether stores are looked at again and again. Defaults to True.
    """

    def __init__(self, cache: ModelCache | None = None, *, poll: bool = True) -> None:
        self._cache = cache
        self._poll = poll
        self._closing = threading.Event()
        self._stores: dict[tuple[str, str], StoredVersions] = {}

    def use(self, configs: Iterable[ModelConfig]) -> None:
        """Take the stores of a configuration, and leave those of the last one.

        Raises:
            InvalidRequestError: There is no such kind of URL.
            FailedPreconditionError: What it needs is not installed, or URLs are not read here.
        """
        stores = {}
        for config in configs:
            if object_stores.is_url(config.base_path):
                key = (config.name, config.base_path)
                stores[key] = self._stores.get(key) or self._open(config)
        self._stores = stores

    def _open(self, config: ModelConfig) -> StoredVersions:
        where = (
            f"The base path of model {config.name!r} (--model_base_path, or base_path in the configuration)"
        )
        if self._cache is None:
            raise FailedPreconditionError(
                f"{where} is the URL {config.base_path}, which --engine=embedded reads and this engine does "
                "not: give a folder that every node sees."
            )
        try:
            return StoredVersions(config.base_path, self._cache, self._closing)
        except TfdeconvError as error:
            raise InvalidRequestError(f"{where}: {error}") from None

    def versions(self, config: ModelConfig) -> Mapping[int, VersionPlace] | None:
        """Return version to where it lies, or None where that cannot be told now."""
        store = self._stores.get((config.name, config.base_path))
        if store is None:
            folders = version_folders.versions(config.base_path.removeprefix("file://"))
            return None if folders is None else {n: FolderPlace(path) for n, path in folders.items()}
        if self._poll:
            return store.current()
        store.look()
        self._closing.wait(_BETWEEN_LOOKS)
        return store.look()

    def reason(self, config: ModelConfig) -> str:
        """Return what is the matter with a store; empty where nothing is."""
        store = self._stores.get((config.name, config.base_path))
        return "" if store is None else store.reason

    def stop(self) -> None:
        """Give up copies that are being made."""
        self._closing.set()

    def close(self) -> None:
        """Remove all copies."""
        if self._cache is not None:
            self._cache.close()
