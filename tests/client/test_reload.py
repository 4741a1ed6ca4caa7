"""New configurations for a running server."""

from pathlib import Path

import pytest
from client.fake_model import Failures
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from tfdeconv import errors
from tfdeconv.client import Client


def test_reload_goes_over_grpc_only(
    fake_client: Client, fake_url: str, failures: Failures, tmp_path: Path
) -> None:
    """The text of a --model_config_file, or its path; over REST TensorFlow Serving has no such call."""
    text = """model_config_list { config {
        name: "m" base_path: "/m" model_platform: "tensorflow"
        model_version_policy { specific { versions: [2, 3] } } version_labels { key: "stable" value: 2 }
    } }"""
    path = tmp_path / "models.config"
    path.write_text(text)
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
