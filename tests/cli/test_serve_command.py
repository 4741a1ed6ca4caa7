"""``tfdeconv serve`` as a process: start, messages, exit codes, SIGTERM, the operator's own files."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import tensorflow as tf
from click.testing import CliRunner
from serving_waits import Toys, free_port, wait_for

from tfdeconv.cli.commands.serve import command

OPERATOR = Path(__file__).parents[2] / "serving"


class Process:
    """A running ``tfdeconv serve``."""

    def __init__(self, *arguments: str, output: Path) -> None:
        self.port, self.rest_port = free_port(), free_port()
        self.output = output
        flags = [f"--port={self.port}", f"--rest_api_port={self.rest_port}", "--host=127.0.0.1", *arguments]
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tfdeconv.cli", "serve", *flags], stdout=file, stderr=file
            )

    def answers(self, path: str) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.rest_port}{path}", timeout=60):
                return True
        except urllib.error.URLError:
            return False

    def post(self, path: str, body: object) -> object:
        data = json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.rest_port}{path}", data, 60) as answer:
            return json.load(answer)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(120)


@pytest.fixture
def start(tmp_path):
    """Start servers that end with the test."""
    started: list[Process] = []

    def call(*arguments: str) -> Process:
        started.append(Process(*arguments, output=tmp_path / f"output-{len(started)}"))
        return started[-1]

    yield call
    for server in started:
        server.process.kill()
        server.process.wait(120)


def test_waits_for_a_model_serves_it_and_ends_with_zero(start, tmp_path, toy_folder):
    """An unknown flag is skipped, an empty folder waited for, a new version served; SIGTERM ends with 0."""
    folder = tmp_path / "toy"
    folder.mkdir()
    server = start(f"--model_base_path={folder}", "--model_name=toy", "--bogus")
    wait_for(lambda: "Waiting for model 'toy'" in server.output.read_text(), 120)
    assert not server.answers("/v1/models/toy")
    Toys.copy(toy_folder / "2", folder, 2)
    wait_for(lambda: server.answers("/v1/models/toy"), 120)
    assert server.post("/v1/models/toy:predict", {"instances": [[1]]}) == {"predictions": [[3.0]]}
    assert server.stop() == 0
    text = server.output.read_text()
    assert "unknown argument: --bogus" in text
    assert f"Running gRPC ModelServer at 127.0.0.1:{server.port} ..." in text
    assert f"Exporting HTTP/REST API at:localhost:{server.rest_port} ..." in text
    assert "Traceback" not in text


def test_serves_from_the_operators_files(start, tmp_path, toy_folder):
    """models.config, batching.config and monitoring.config as they are, but for where the model lies.

    Port 0 is a free port, and the line about it holds its number.
    """
    for name in ("models.config", "batching.config", "monitoring.config"):
        shutil.copy(OPERATOR / name, tmp_path)
    config = tmp_path / "models.config"
    config.write_text(config.read_text().replace("/models/upscaler", str(toy_folder)))
    server = start(
        f"--model_config_file={config}",
        f"--monitoring_config_file={tmp_path / 'monitoring.config'}",
        "--enable_batching=true",
        f"--batching_parameters_file={tmp_path / 'batching.config'}",
        "--port=0",
    )
    wait_for(lambda: server.answers("/v1/models/upscaler"), 120)
    assert server.post("/v1/models/upscaler:predict", {"instances": [[1]]}) == {"predictions": [[3.0]]}
    assert server.answers("/monitoring/prometheus/metrics")
    (port,) = re.findall(r"Running gRPC ModelServer at 127.0.0.1:(\d+) \.\.\.", server.output.read_text())
    socket.create_connection(("127.0.0.1", int(port)), 10).close()
    assert server.stop(signal.SIGHUP) == 0  # a closed terminal drains it as well


def test_ends_in_time_behind_a_slow_request(start, tmp_path):
    """Work that cannot be interrupted outlasts --drain_seconds: the process does not."""

    class Slow(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def slow(self, x):
            size = tf.cast(x[0], tf.int32)
            with tf.control_dependencies([tf.print("the work begins")]):
                product = tf.linalg.matmul(tf.ones([size, size]), tf.ones([size, size]))
            with tf.control_dependencies([product]), tf.control_dependencies([tf.print("the work ends")]):
                return {"y": x + product[0, 0]}

    module = Slow()
    tf.saved_model.save(module, str(tmp_path / "slow" / "1"), module.slow)
    server = start(
        f"--model_base_path={tmp_path / 'slow'}",
        "--model_name=slow",
        "--drain_seconds=1",
        "--tensorflow_intra_op_parallelism=1",  # ten seconds of work, also where there are many cores
    )
    wait_for(lambda: server.answers("/v1/models/slow"), 120)
    body = json.dumps({"instances": [9000.0]}).encode()
    head = f"POST /v1/models/slow:predict HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.rest_port), 20) as connection:
        connection.sendall(head.encode() + body)
        wait_for(lambda: "the work begins" in server.output.read_text())
        assert server.stop() == 0
        assert "the work ends" not in server.output.read_text()
        assert connection.recv(100).startswith(b"HTTP/1.1 503 ")


class TestWithoutStarting:
    def invoke(self, *arguments: str):
        return CliRunner().invoke(command, list(arguments))

    def test_failed_start(self, tmp_path):
        """One line on standard error and exit code 255."""
        (tmp_path / "1").mkdir()
        result = self.invoke(f"--model_base_path={tmp_path}", "--max_num_load_retries=0")
        assert result.exit_code == 255
        assert "Failed to start server. Error: INTERNAL: 1 servable(s) did not become" in result.output

    def test_config_file_that_does_not_parse(self, tmp_path):
        """The C++ server's sentence with the file's name."""
        file = tmp_path / "models.config"
        file.write_text("model_config_list { config { nonsense: 1 } }")
        result = self.invoke(f"--model_config_file={file}")
        assert result.exit_code == 255
        assert (
            "Failed to start server. Error: INVALID_ARGUMENT: Error parsing text-format "
            "tensorflow.serving.ModelServerConfig: 1:30"
        ) in result.output
        assert f"Invalid protobuf file: '{file}'" in result.output

    def test_value_that_does_not_parse_prints_the_usage(self):
        """Exit code 255, the reason, and the list of flags."""
        result = self.invoke("--port=x")
        assert result.exit_code == 255
        assert "--port must be a whole number; received 'x'." in result.output
        assert "--model_base_path=" in result.output

    def test_dry_run_prints_the_command(self):
        """What would run, and nothing runs."""
        result = self.invoke("--model_base_path=/m", "--dry-run", "--engine=embedded", "--host=::1")
        assert result.output == ("tfdeconv serve --model_base_path=/m --engine=embedded --host=::1\n")

    def test_version_and_help(self):
        """The version is one line; the help lists flags with defaults under headings."""
        assert self.invoke("--version").output.startswith("tfdeconv ")
        text = self.invoke("--help").output
        for part in ("Batching:", "--rest_api_port=0", "--saved_model_tags=serve", "SIGTERM or Ctrl-C"):
            assert part in text

    def test_unknown_engine(self):
        """The choice is named."""
        result = self.invoke("--engine=triton")
        assert result.exit_code == 255
        assert "must be embedded, tensorflow-serving, auto or ray" in result.output
