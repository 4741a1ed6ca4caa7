"""Models in servers that speak the protocols of Amazon's and Google's stores."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google_store import google_store
from s3_store import s3_store
from serving_waits import wait_for
from stored_models import VARIABLES, Model

from tfdeconv.client import connect
from tfdeconv.errors import DeadlineExceededError
from tfdeconv.serving import Server
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.repository.base_paths import BasePaths
from tfdeconv.serving.repository.model_cache import ModelCache
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.repository import ModelRepository
from tfdeconv.serving.repository.stored_versions import StoredVersions


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A server that speaks S3, with a bucket."""
    with s3_store("models") as files:
        yield files


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
        repository.configure([ModelConfig("m", "s3://models/kept")], timeout=60)
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
