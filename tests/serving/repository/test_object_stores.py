"""Models in object stores: loaded when whole, served while the store is away, removed when unloaded."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_waits import wait_for
from stored_models import VARIABLES, Model, copies, put

from tfdeconv.errors import DeadlineExceededError, FailedPreconditionError, InvalidRequestError
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.repository.base_paths import BasePaths
from tfdeconv.serving.repository.model_cache import ModelCache
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.repository import ModelRepository


@pytest.fixture
def repository(cache: ModelCache) -> Iterator[ModelRepository]:
    found = ModelRepository(
        lambda name, version, path: Model(path),
        poll_seconds=0.01,
        max_load_retries=0,
        retry_seconds=0.01,
        base_paths=BasePaths(cache),
    )
    yield found
    found.close()


def test_versions_come_and_go(store: Any, repository: ModelRepository, tmp_path: Path) -> None:
    """A new version replaces the old one, whose copy is removed; in the end nothing is left."""
    put(store, 1, VARIABLES)
    repository.configure([ModelConfig("m", "memory://models/m")], timeout=60)
    with repository.lease(ModelSpec("m")) as servable:
        assert servable.model.files == VARIABLES
    assert len(copies(tmp_path)) == 1
    put(store, 2, {**VARIABLES, "assets/words.txt": b"words"})
    wait_for(lambda: [s.state.name for s in repository.statuses("m")] == ["AVAILABLE", "END"])
    with repository.lease(ModelSpec("m")) as servable:
        assert (servable.version, servable.model.files["assets/words.txt"]) == (2, b"words")
    wait_for(lambda: len(copies(tmp_path)) == 1)
    repository.close()
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_store_that_is_away(
    store: Any,
    repository: ModelRepository,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Keeps the loaded versions serving; status and, once, the log tell; and once when it is back."""
    put(store, 1, VARIABLES)
    repository.configure([ModelConfig("m", "memory://models/m")], timeout=60)
    looks = []

    def away(*args: Any, **kwargs: Any) -> Any:
        looks.append(args)
        raise ConnectionError("no route to the store\nand more")

    caplog.set_level(logging.INFO, "tfdeconv.serving")
    with monkeypatch.context() as patch:
        patch.setattr(type(store), "find", away)
        wait_for(lambda: len(looks) > 3)
        (status,) = repository.statuses("m")
        assert (status.state.name, status.error, status.note) == ("AVAILABLE", None, "no route to the store")
        with repository.lease(ModelSpec("m")) as servable:
            assert servable.version == 1
    wait_for(lambda: repository.statuses("m")[0].note == "")
    told = [record.getMessage() for record in caplog.records if "memory://models/m" in record.getMessage()]
    told = [line for line in told if line.startswith("The base path")]
    assert len(told) == 2, told
    assert "memory://models/m cannot be read: no route to the store. Loaded versions keep" in told[0]
    assert told[1] == "The base path memory://models/m can be read again."


def test_an_emptied_base_path_keeps_what_is_loaded(store: Any, repository: ModelRepository) -> None:
    """A prefix without objects is not there, as a folder that is not mounted."""
    put(store, 1, VARIABLES)
    repository.configure([ModelConfig("m", "memory://models/m")], timeout=60)
    store.rm("/models", recursive=True)
    wait_for(lambda: "no such bucket or object" in repository.statuses("m")[0].note)
    assert repository.statuses("m")[0].state.name == "AVAILABLE"


def test_a_copy_that_fails_for_a_while(
    store: Any, repository: ModelRepository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Is tried again for as long as it takes, and nothing half is left."""
    put(store, 1, VARIABLES)
    failures = iter([ConnectionError("reset")] * 4)
    real = type(store)._open

    def unreliable(self: Any, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        if path.endswith("00001-of-00002") and mode == "rb":
            for error in failures:
                raise error
        return real(self, path, mode, **kwargs)

    monkeypatch.setattr(type(store), "_open", unreliable)
    repository.configure([ModelConfig("m", "memory://models/m")], timeout=60)
    assert repository.statuses("m")[0].state.name == "AVAILABLE"
    assert len(copies(tmp_path)) == 1


def test_a_version_that_is_written_again(
    store: Any, cache: ModelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A load that is tried again takes the objects that are there by then, not those of its first try."""
    tries: list[Path] = []

    def load(name: str, version: int, path: Path) -> Model:
        tries.append(path)
        model = Model(path)
        if model.files["saved_model.pb"] == b"broken":
            raise InvalidRequestError("broken")
        return model

    repository = ModelRepository(
        load, poll_seconds=0.01, max_load_retries=5, retry_seconds=600, base_paths=BasePaths(cache)
    )
    with contextlib.closing(repository):
        put(store, 1, {"saved_model.pb": b"broken"})
        with pytest.raises(DeadlineExceededError):
            repository.configure([ModelConfig("m", "memory://models/m")], timeout=0)
        wait_for(lambda: bool(tries))
        put(store, 1, {"saved_model.pb": b"larger than before"})
        wait_for(lambda: [s.state.name for s in repository.statuses("m")] == ["AVAILABLE"])
        with repository.lease(ModelSpec("m")) as servable:
            assert servable.model.files == {"saved_model.pb": b"larger than before"}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nothing://a/b", r"--model_base_path.*nothing://a/b cannot be used: Protocol not known: nothing"),
        ("s3://bucket/m", r"s3:// needs a package .*Install it with: pip install 'tfdeconv\[s3\]'"),
        ("gs://bucket/m", r"gs:// needs a package .*Install it with: pip install 'tfdeconv\[gs\]'"),
    ],
)
def test_urls_that_cannot_be_served(
    repository: ModelRepository, monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    """The line names the flag, and the command that installs what is missing."""
    for package in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, package, None)
    for scheme in ("s3", "gs"):
        monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, scheme, raising=False)
    with pytest.raises(InvalidRequestError, match=message):
        repository.configure([ModelConfig("m", url)], timeout=1)
    with pytest.raises(FailedPreconditionError, match="give a folder that every node sees"):
        ModelRepository(lambda *_: None, poll_seconds=0).configure([ModelConfig("m", url)], timeout=1)  # type: ignore[arg-type, return-value]
