"""Models in object stores: loaded when whole, served while the store is away, removed when unloaded."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from google_store import google_store
from serving_waits import wait_for

from tfdeconv.client import connect
from tfdeconv.errors import (
    CancelledError,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidRequestError,
    ResourceExhaustedError,
    ServingError,
)
from tfdeconv.serving import Server
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.repository.base_paths import BasePaths
from tfdeconv.serving.repository.model_cache import ModelCache
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.repository import ModelRepository
from tfdeconv.serving.repository.stored_versions import StoredVersions
from tfdeconv.serving.repository.version_policy import All

VARIABLES = {
    "saved_model.pb": b"... VarHandleOp ...",
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00002": b"first",
    "variables/variables.data-00001-of-00002": b"second",
}


@pytest.fixture
def store() -> Iterator[Any]:
    """An object store in memory."""
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


class Model:
    """Stands for a loaded SavedModel: what its folder held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.signatures: dict[str, Any] = {}
        self.files = {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}

    def close(self) -> None:
        assert self.path.is_dir(), "the copy was removed before the model was closed"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ModelCache]:
    with contextlib.closing(ModelCache(str(tmp_path / "cache"))) as cache:
        yield cache


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


def put(store: Any, version: int, objects: dict[str, bytes], base: str = "/models/m") -> None:
    store.pipe({f"{base}/{version}/{name}": content for name, content in objects.items()})


def copies(tmp_path: Path) -> list[Path]:
    """The copies of versions on this machine."""
    return [path for path in (tmp_path / "cache").glob("*/*") if path.is_dir()]


def looked(store: StoredVersions) -> list[int]:
    return sorted(store.look() or {})


class TestWhole:
    """When a version counts as whole."""

    @pytest.fixture
    def versions(self, store: Any, cache: ModelCache) -> StoredVersions:
        return StoredVersions("memory://models/m", cache, threading.Event())

    @pytest.mark.parametrize("last", list(VARIABLES))
    def test_everything_must_be_there(self, store: Any, versions: StoredVersions, last: str) -> None:
        """Graph, index and all shards, whichever comes last, and then nothing may change for a look."""
        put(store, 1, {name: content for name, content in VARIABLES.items() if name != last})
        for _ in range(3):
            assert looked(versions) == []
        assert versions.reason.startswith("version 1: ")
        put(store, 1, {last: VARIABLES[last]})
        assert looked(versions) == []
        assert versions.reason == "version 1: it loads when the next look finds the same objects"
        assert looked(versions) == [1]
        assert versions.reason == ""

    @pytest.mark.parametrize(
        "objects",
        [
            {"saved_model.pb": b"constants alone"},
            {"saved_model.pbtxt": b"constants alone"},
            {"model.tflite": b"..."},
            {"saved_model.pb": b"constants", "assets/words.txt": b"a b"},
        ],
    )
    def test_models_without_variables(
        self, store: Any, versions: StoredVersions, objects: dict[str, bytes]
    ) -> None:
        """Need none."""
        put(store, 1, objects)
        assert [looked(versions), looked(versions)] == [[], [1]]

    def test_what_is_written_over_is_still_there(self, store: Any, versions: StoredVersions) -> None:
        """A version that has been offered stays until its objects are gone; then it goes."""
        put(store, 1, VARIABLES)
        put(store, 2, VARIABLES)
        looked(versions)
        assert looked(versions) == [1, 2]
        store.rm("/models/m/1/variables", recursive=True)
        assert looked(versions) == [1, 2]
        store.rm("/models/m/1", recursive=True)
        assert looked(versions) == [2]

    def test_only_numbers_are_versions(self, store: Any, versions: StoredVersions) -> None:
        """As with folders, and of 1 and 0001 the first counts."""
        for name in ("0001", "1", "3.tmp", "notes"):
            store.pipe(f"/models/m/{name}/saved_model.pb", name.encode())
        store.pipe("/models/m/4", b"an object")
        looked(versions)
        assert looked(versions) == [1]
        assert (versions.current() or {})[1].fetch().joinpath("saved_model.pb").read_bytes() == b"0001"

    def test_an_object_of_another_size_than_listed(self, store: Any, versions: StoredVersions) -> None:
        """Is being written: nothing is kept of the copy."""
        put(store, 1, VARIABLES)
        looked(versions)
        place = (versions.look() or {})[1]
        put(store, 1, {"variables/variables.index": b"another"})
        with pytest.raises(ServingError, match=r"1/variables/variables\.index came with 7 bytes, and 5 were"):
            place.fetch()


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


@pytest.mark.parametrize("how", ["limit", "free", "full"])
def test_no_room(store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """One line names the sizes and the flag, and nothing is left of the copy."""
    put(store, 1, VARIABLES)
    if how == "free":
        monkeypatch.setattr("shutil.disk_usage", lambda path: os.terminal_size((0, 0)) and _Usage)
    elif how == "full":

        def full(self: Path, mode: str = "r", *args: Any) -> Any:
            if mode == "wb" and self.name == "variables.index":
                raise OSError(errno.ENOSPC, "No space left on device")
            return _open(self, mode, *args)

        _open = Path.open
        monkeypatch.setattr(Path, "open", full)
    message = {
        "limit": r"The version has 35 bytes and --max_model_cache_bytes allows 20, of which",
        "free": r"The version has 35 bytes and the disk of .* 7 free\. Make room, or .* --model_cache_dir",
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


class _Usage:
    free = 7


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


def test_closing_gives_copies_up(store: Any, cache: ModelCache) -> None:
    """A large version does not hold a shutdown up."""
    put(store, 1, VARIABLES)
    closing = threading.Event()
    versions = StoredVersions("memory://models/m", cache, closing)
    versions.look()
    place = (versions.look() or {})[1]
    closing.set()
    with pytest.raises(CancelledError):
        place.fetch()


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


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A server that speaks S3, with a bucket."""
    moto = pytest.importorskip("moto.server", reason="needs moto and flask")
    s3fs = pytest.importorskip("s3fs", reason="needs the extra s3")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
        files.mkdir("models")
        yield files
    server.stop()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_model_in_google_cloud_storage(toy_folder: Path, tmp_path: Path) -> None:
    """Is served, and removed from this machine in the end."""
    with google_store("models") as files:
        for path in (toy_folder / "1").rglob("*"):
            if path.is_file():
                files.pipe_file(f"models/toy/{path.relative_to(toy_folder)}", path.read_bytes())
        cache = tmp_path / "cache"
        with (
            Server(
                model_name="toy",
                model_base_path="gs://models/toy",
                model_cache_dir=cache,
                file_system_poll_wait_seconds=0.05,
                start_timeout=120,
                grpc_port=None,
            ) as server,
            connect(server.rest_url, model="toy", timeout=60) as client,
        ):
            np.testing.assert_allclose(client.predict([[1.0, 2.0]])["y"], [[2, 4]])
        assert list(cache.iterdir()) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_rights_and_a_store_that_are_lost(
    s3: Any, cache: ModelCache, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaded versions keep serving, and status and log say why; so without an answer at all."""
    from moto import settings
    from moto.core.authorization import ActionAuthenticatorMixin

    for name, content in VARIABLES.items():
        s3.pipe_file(f"models/kept/1/{name}", content)
    repository = ModelRepository(
        lambda name, version, path: Model(path), poll_seconds=0.05, base_paths=BasePaths(cache)
    )
    with contextlib.closing(repository):
        repository.configure([ModelConfig("m", "s3://models/kept")], timeout=30)
        with monkeypatch.context() as patch:
            patch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0.0)
            patch.setattr(ActionAuthenticatorMixin, "request_count", 0)
            wait_for(lambda: repository.statuses("m")[0].note != "", 30)
            (status,) = repository.statuses("m")
            assert status.state.name == "AVAILABLE"
            assert status.note.startswith("access denied (The AWS Access Key Id")
            with repository.lease(ModelSpec("m")) as servable:
                assert servable.model.files == VARIABLES
            assert "s3://models/kept cannot be read: access denied" in caplog.text
        wait_for(lambda: repository.statuses("m")[0].note == "", 30)


def test_a_model_in_s3(s3: Any, toy_folder: Path, tmp_path: Path) -> None:
    """Is served by the flag and by the configuration file; a new version replaces it."""
    s3.put(f"{toy_folder}/1/", "models/toy/1/", recursive=True)
    config = tmp_path / "models.config"
    config.write_text(
        'model_config_list { config { name: "toy" base_path: "s3://models/toy" '
        'model_platform: "tensorflow" } }'
    )
    cache = tmp_path / "cache"
    for options in (
        {"model_name": "toy", "model_base_path": "s3://models/toy"},
        {"model_config_file": config},
    ):
        with (
            Server(
                **options,
                model_cache_dir=cache,
                file_system_poll_wait_seconds=0.05,
                start_timeout=120,
                grpc_port=None,
            ) as server,
            connect(server.rest_url, model="toy", timeout=60) as client,
        ):
            outputs = client.predict([[1.0, 2.0]], signature="serving_default")
            np.testing.assert_allclose(outputs["y"], [[2, 4]])
            (status,) = client.status()
            assert (status.version, status.state, status.error) == (1, "AVAILABLE", "")
        assert list(cache.iterdir()) == []


def test_a_bucket_that_is_not_there(s3: Any, cache: ModelCache, caplog: pytest.LogCaptureFixture) -> None:
    """Is told in one line; a model there is waited for, as in a folder."""
    versions = StoredVersions("s3://nowhere/m", cache, threading.Event())
    assert versions.look() is None
    assert versions.reason.startswith("there is no such bucket or object")
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "The base path s3://nowhere/m cannot be read: there is no such bucket"
    )
    repository = ModelRepository(Model, poll_seconds=0.05, base_paths=BasePaths(cache))  # type: ignore[arg-type]
    with (
        contextlib.closing(repository),
        pytest.raises(DeadlineExceededError, match=r"base path s3://nowhere/m: "),
    ):
        repository.configure([ModelConfig("m", "s3://nowhere/m")], timeout=0.5)


def test_a_store_without_rights(
    s3: Any, cache: ModelCache, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says so and asks for credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    versions = StoredVersions("s3://models/toy", cache, threading.Event())
    assert versions.look() is None
    assert "credentials" in versions.reason
    assert "has this server the credentials to list and read it?" in caplog.text
