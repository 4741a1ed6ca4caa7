"""New configurations for a running server."""

import shutil
from pathlib import Path

import pytest
from client.fakes.fake_model import MODEL, Failures
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from tfdeconv import errors
from tfdeconv.client import Client, connect
from tfdeconv.serving import Server


def test_reload_goes_over_grpc_only(
    fake_client: Client, fake_url: str, failures: Failures, tmp_path: Path
) -> None:
    """The text of a --model_config_file, or its path; over REST TensorFlow Serving has no such call."""
    text = """model_config_list { config {
        name: "m" base_path: "/m" model_platform: "tensorflow"
        model_version_policy { specific { versions: [2, 3] } } version_labels { key: "stable" value: 2 }
    } }"""
    path = tmp_path / "models.config"
    path.write_text(text, encoding="utf-8-sig")  # as editors of Windows do
    if fake_url.startswith("http"):
        with pytest.raises(errors.UnimplementedError, match="over gRPC only; connect with grpc://"):
            fake_client.reload(text)
        return
    fake_client.reload(text)
    fake_client.reload(path)
    expected = text_format.Parse(text, ModelServerConfig())
    assert failures.reloaded == [expected, expected]
    with pytest.raises(
        errors.InvalidArgumentError, match="config must be a ModelServerConfig in text format"
    ):
        fake_client.reload("model_list {}")
    with pytest.raises(errors.InvalidArgumentError, match=r"none.config cannot be read: No such file"):
        fake_client.reload(tmp_path / "none.config")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(errors.InvalidArgumentError, match=r"models.config cannot be read: it is not text\."):
        fake_client.reload(path)
    failures.script.append(("INVALID_ARGUMENT", "no such folder"))
    with pytest.raises(errors.InvalidRequestError, match=r"^no such folder"):
        fake_client.reload(text)


def config(folder: Path, stable: int) -> str:
    """Serve both versions, one of them as stable."""
    return f"""model_config_list {{ config {{
        name: "{MODEL}" base_path: "{folder}" model_platform: "tensorflow"
        model_version_policy {{ all {{}} }} version_labels {{ key: "stable" value: {stable} }}
    }} }}"""


def test_labels_follow_a_reload(model_folder: Path, tmp_path: Path) -> None:
    """Versions and labels choose the model over both protocols; remembered metadata is dropped."""
    for version in ("1", "2"):
        shutil.copytree(model_folder / "3", tmp_path / "models" / version)
    file = tmp_path / "models.config"
    file.write_text(config(tmp_path / "models", stable=1))
    with (
        Server(model_config_file=file) as server,
        connect(server.grpc_url, model=MODEL) as grpc,
        connect(server.rest_url, model=MODEL) as rest,
    ):
        for client in (grpc, rest):
            assert [one.version for one in client.status()] == [2, 1]
            assert client.metadata().version == 2
            assert client.metadata(version=1).version == 1
            assert client.metadata(label="stable").version == 1
            assert client.predict({"count": [1], "scale": [2]}, signature="mixed", label="stable")
        grpc.reload(config(tmp_path / "models", stable=2))
        assert grpc.metadata(label="stable").version == 2
        assert rest.metadata(label="stable", refresh=True).version == 2
