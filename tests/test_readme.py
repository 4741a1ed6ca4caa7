"""The README's code runs as it stands."""

import base64
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import tfdeconv as td

README = Path(__file__).parents[1] / "README.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.M | re.S)


def test_the_layer_example_prints_what_it_says(capsys):
    """Each print of the first Python block is followed by a comment that holds its output."""
    code, *_ = blocks("python")
    assert len(code.splitlines()) <= 15
    exec(compile(code, str(README), "exec"), {})
    promised = re.findall(r"^print\(.*\)  # (.*)$", code, re.M)
    assert capsys.readouterr().out.splitlines() == promised


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    model = td.zoo.RGBUpscaler(td.zoo.FSRCNN(2), 2)
    base_path = tmp_path_factory.mktemp("models") / "upscaler"
    td.export_saved_model(model, base_path)
    with td.serving.Server(model_base_path=base_path, model_name="upscaler") as running:
        yield running


def test_the_client_example_upscales(server):
    """The second Python block, against a running server."""
    code = blocks("python")[1].replace("localhost:8500", f"127.0.0.1:{server.grpc_port}")
    names = {"photo": np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)}
    exec(compile(code, str(README), "exec"), names)
    assert names["bigger"].shape == (8, 12, 3)
    assert names["bigger"].dtype == np.uint8


def test_the_further_example_runs():
    """The third Python block, on the model of the first."""
    first, _, further = blocks("python")
    names = {}
    for code in (first, further):
        exec(compile(code, str(README), "exec"), names)
    x = np.random.default_rng(0).normal(size=(1, 6, 5, 16)).astype("float32")
    np.testing.assert_allclose(names["optimized"].model(x), names["model"](x), atol=1e-4)
    assert names["matrix"].shape == (9, 4)
    assert names["segmenter"](np.zeros((1, 70, 65, 3), "float32")).shape == (1, 70, 65, 21)


def test_a_picture_of_any_size_goes_through_curl(tmp_path):
    """The document is piped: one argument of a program holds no more than 128 KiB."""
    (command,) = re.findall(r"^\$ (echo .*) \|\n +curl -d @- http", README.read_text(), re.M)
    picture = np.random.default_rng(0).bytes(300_000)
    (tmp_path / "photo.png").write_bytes(picture)
    document = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, check=True).stdout
    (instance,) = json.loads(document)["instances"]
    assert base64.b64decode(instance["b64"]) == picture


def test_links_lead_to_files():
    """Every relative link and picture of the README exists."""
    targets = re.findall(r"\]\(([^)]+)\)", README.read_text())
    assert targets
    missing = [target for target in targets if not (README.parent / target).exists()]
    assert not missing


def test_commands_of_the_readme_exist():
    """Each `tfdeconv X` that the README shows is a command, and each `make X` a target."""
    from tfdeconv.cli import COMMANDS

    shown = "\n".join(blocks("console"))
    assert set(re.findall(r"^\$ tfdeconv (\w+)", shown, re.M)) <= set(COMMANDS)
    targets = re.findall(r"^([a-z]+):", (README.parent / "Makefile").read_text(), re.M)
    assert set(re.findall(r"make (\w+)", shown)) <= set(targets)
