"""The copies of versions on this machine: what they may take, and what becomes of them."""

from __future__ import annotations

import contextlib
import errno
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from serving_waits import wait_for
from stored_models import VARIABLES, Model, copies, put

from tfdeconv.errors import ResourceExhaustedError, ServingError
from tfdeconv.serving.repository.base_paths import BasePaths
from tfdeconv.serving.repository.model_cache import ModelCache
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.repository import ModelRepository
from tfdeconv.serving.repository.version_policy import All


@pytest.mark.parametrize("how", ["limit", "free", "full"])
def test_no_room(store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """One line names the sizes and the flag, and nothing is left of the copy."""
    put(store, 1, VARIABLES)
    if how == "free":
        monkeypatch.setattr("shutil.disk_usage", lambda path: types.SimpleNamespace(free=34))
    elif how == "full":

        def full(self: Path, mode: str = "r", *args: Any) -> Any:
            if mode == "wb" and self.name == "variables.index":
                raise OSError(errno.ENOSPC, "No space left on device")
            return _open(self, mode, *args)

        _open = Path.open
        monkeypatch.setattr(Path, "open", full)
    message = {
        "limit": r"The version has 35 bytes and --max_model_cache_bytes allows 20, of which",
        "free": r"The version has 35 bytes and the disk of .* 34 free\. Make room, or .* --model_cache_dir",
        "full": r"The disk is full: the version has 35 bytes\. Make room, or name .* --model_cache_dir",
    }[how]
    cache = ModelCache(str(tmp_path / "cache"), 20 if how == "limit" else 0)
    repository = ModelRepository(
        lambda name, version, path: Model(path),
        poll_seconds=0.01,
        max_load_retries=0,
        base_paths=BasePaths(cache),
    )
    with contextlib.closing(repository), pytest.raises(ServingError, match=message):
        repository.configure([ModelConfig("m", "memory://models/m")], timeout=60)
    assert copies(tmp_path) == []


def test_a_limit_counts_what_is_loaded(store: Any, tmp_path: Path) -> None:
    """A second version does not fit beside the first, which serves on."""
    put(store, 1, VARIABLES)
    repository = ModelRepository(
        lambda name, version, path: Model(path),
        poll_seconds=0.01,
        max_load_retries=0,
        base_paths=BasePaths(ModelCache(str(tmp_path / "cache"), 40)),
    )
    with contextlib.closing(repository):
        repository.configure([ModelConfig("m", "memory://models/m", All())], timeout=60)
        put(store, 2, VARIABLES)
        wait_for(lambda: repository.statuses("m")[0].state.name == "END")
        newest, oldest = repository.statuses("m")
        assert isinstance(newest.error, ResourceExhaustedError)
        assert "loaded versions take 35" in str(newest.error)
        assert oldest.state.name == "AVAILABLE"


def test_what_is_released_leaves_room(tmp_path: Path) -> None:
    """For as many bytes again."""
    with contextlib.closing(ModelCache(str(tmp_path), 40)) as cache:
        folder = cache.reserve(35)
        with pytest.raises(ResourceExhaustedError, match="of which loaded versions take 35"):
            cache.reserve(35)
        cache.release(folder)
        assert not folder.exists()
        assert cache.reserve(35).is_dir()


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """By the next that makes a copy; folders in use stay."""
    script = (
        "import os, sys; from tfdeconv.serving.repository.model_cache import ModelCache\n"
        "ModelCache(sys.argv[1]).reserve(1); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=250)
    (left,) = tmp_path.iterdir()
    in_use = ModelCache(str(tmp_path))
    folder = in_use.reserve(1)
    assert not left.exists()
    other = ModelCache(str(tmp_path))
    other.reserve(1)
    assert folder.is_dir()
    in_use.close()
    other.close()
    assert list(tmp_path.iterdir()) == []
