"""``tfdeconv serve --engine ray`` without a cluster: what it prints, and what it refuses."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest
import yaml
from click.testing import CliRunner

from tfdeconv.cli import main
from tfdeconv.cli.commands.serve import command
from tfdeconv.serving import templates
from tfdeconv.serving.launch import flags

NO_RAY = importlib.util.find_spec("ray") is None
needs_ray = pytest.mark.skipif(NO_RAY, reason="Ray is not installed")


def run(*arguments: str):
    return CliRunner().invoke(command, ["--engine=ray", *arguments])


def test_without_ray_the_message_names_the_extra(monkeypatch, capsys):
    """One line, and no traceback."""
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "ray.serve", raising=False)
    monkeypatch.setattr(sys, "argv", ["tfdeconv", "serve", "--engine=ray", "--model_base_path=/m"])
    with pytest.raises(SystemExit, match="1"):
        main()
    (line,) = capsys.readouterr().err.splitlines()
    assert "Serving on Ray needs the package 'ray'" in line
    assert "pip install 'tfdeconv[cluster]'" in line


@needs_ray
def test_dry_run_prints_the_configuration_of_ray_serve():
    """It names the application, and its arguments are the flags that were given, values with their types."""
    result = run("--dry_run", "--replicas=3", "--model_base_path=/m", "--enable_batching", "--replica_cpus=2")
    assert result.exit_code == 0
    document = yaml.safe_load(result.output)
    assert document["proxy_location"] == "Disabled"
    (application,) = document["applications"]
    assert application["args"] == {
        "enable_batching": True,
        "model_base_path": "/m",
        "replica_cpus": 2.0,
        "replicas": 3,
    }
    check_ray_takes(document)
    module, _, name = application["import_path"].partition(":")
    assert callable(getattr(importlib.import_module(module), name))
    assert set(application["args"]) <= set(flags.BY_NAME)


def check_ray_takes(document):
    """All of it: Ray Serve's schema leaves out what it does not know."""
    from ray.serve.schema import ServeDeploySchema

    read = ServeDeploySchema.model_validate(document)
    assert read.model_dump(mode="json", exclude_unset=True) == document


@needs_ray
def test_ray_serve_takes_the_configuration_of_the_kubernetes_resource():
    """Every field of it; its arguments are flags that can be parsed and agree."""
    from tfdeconv.cluster.serving.application import Scale

    manifest = next(yaml.safe_load_all(templates.files()["kubernetes/rayservice.yaml"]))
    document = yaml.safe_load(manifest["spec"]["serveConfigV2"])
    check_ray_takes(document)
    (described,) = document["applications"]
    given = (f"--{name}={str(value).lower()}" for name, value in described["args"].items())
    assert Scale.of(flags.parse(list(given))).replicas == 2


@needs_ray
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--replicas=0"], "--replicas must be at least 1; received 0."),
        (["--replicas=2", "--max_replicas=4"], "--replicas fixes the number"),
        (["--min_replicas=2"], "--min_replicas needs --max_replicas"),
        (["--max_replicas=2", "--min_replicas=3"], "--min_replicas must be from 1 to --max_replicas=2"),
        (["--max_replicas=2", "--target_ongoing_requests=0"], "--target_ongoing_requests must be above 0"),
        (["--replica_gpus=-1"], "--replica_gpus must not be negative; received -1."),
        (["--address=nowhere"], "--address must be HOST:PORT of a Ray cluster to which this machine belongs"),
        (
            ["--address=127.0.0.1:1"],
            "--address 127.0.0.1:1: no Ray cluster answers there: Connection refused.",
        ),
    ],
)
def test_refusals(arguments, text):
    """Each is one line that names the flag, before anything starts."""
    result = run("--model_base_path=/m", *arguments)
    assert result.exit_code == 255
    assert text in result.output
    assert len(result.output.strip().splitlines()) == 1
