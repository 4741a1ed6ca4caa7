"""An object store in memory, and a cache for the copies of its models."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tfdeconv.serving.repository.model_cache import ModelCache


@pytest.fixture
def store() -> Iterator[Any]:
    """An object store in memory."""
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ModelCache]:
    with contextlib.closing(ModelCache(str(tmp_path / "cache"))) as cache:
        yield cache
