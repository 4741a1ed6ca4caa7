"""Very many pieces of work: none waits in the driver, none is lost when a process dies."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib.util
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import pytest
from click.testing import CliRunner
from cluster.bulk import tiny_work
from PIL import Image

from tfdeconv.cli.bulk.job_list import Job, JobList
from tfdeconv.cli.bulk.options import Engine
from tfdeconv.cli.bulk.progress import Progress
from tfdeconv.cli.bulk.run import run
from tfdeconv.cli.commands.predict import command as predict
from tfdeconv.cli.commands.upscale import command as upscale
from tfdeconv.cluster.bulk import work
from tfdeconv.cluster.session import ClusterError, session

JOBS = 2_000
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own
WITHOUT_RAY = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """A cluster of this machine alone, for all tests and commands of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # its processes import tiny_work
        patch.setenv("RAY_worker_niceness", "0")  # they would wait for whatever else runs
        with session(cpus=1) as ray:
            patch.setattr("tfdeconv.cluster.session.session", lambda *_, **__: contextlib.nullcontext(ray))
            yield ray


class Ended(NamedTuple):
    """What a run left.

    Attributes:
        done: Whether all was done.
        lines: What it told of each job, failures among them.
        objects: How many this process held after a quarter of the jobs, and after three quarters.
        folder: Where the jobs are.
    """

    done: bool
    lines: list[str]
    objects: list[int]
    folder: Path


def ended(engine: str, names: list[str], folder: Path) -> Ended:
    """Do a job for each name, of which one brings its process down."""
    jobs, lines, objects = JobList(), [], []
    for name in names:
        jobs.add(Job(folder / name, folder / "out" / name))
    jobs.complete()
    (folder / "out").mkdir()

    def note(progress: Progress, line: str, *, err: bool) -> None:
        lines.append(line)
        if len(lines) in (len(names) // 4, len(names) * 3 // 4):
            gc.collect()
            objects.append(len(gc.get_objects()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Progress, "echo", note)
        done = run(
            jobs,
            tiny_work.copy,
            engine=Engine(engine, None, 1 if engine == "ray" else None),
            command=click.Command("do"),
            skip=True,
            report_in=folder / "out",
        )
    return Ended(done, lines, objects, folder)


@pytest.fixture(scope="module")
def on_ray(ray: Any, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Thousands of jobs, the last but one of which kills the process that does it."""
    names = [f"{number}.png" for number in range(JOBS)]
    names.insert(-1, tiny_work.DEADLY)
    return ended("ray", names, tmp_path_factory.mktemp("ray"))


def check_kept(objects: list[int]) -> None:
    first, last = objects
    assert last - first < JOBS // 8


def test_one_process_keeps_nothing_of_what_is_done(tmp_path):
    """It holds as many objects after thousands of jobs as after some."""
    here = ended("local", [f"{number}.png" for number in range(JOBS)], tmp_path)
    assert here.done
    check_kept(here.objects)


@WITHOUT_RAY
def test_the_driver_keeps_nothing_of_what_is_done(on_ray):
    """Nor does what waits for a worker fill it."""
    check_kept(on_ray.objects)


@WITHOUT_RAY
def test_a_job_that_kills_its_process(on_ray):
    """Is reported with a reason, after it has been tried again alone; all others are done, once."""
    assert not on_ray.done
    out = on_ray.folder / "out"
    (failure,) = map(json.loads, (out / "failures.jsonl").read_text().splitlines())
    assert failure["path"] == str(on_ray.folder / tiny_work.DEADLY)
    assert failure["reason"].startswith("the process that worked on it died, each time it was tried")
    wanted = {f"{number}.png" for number in range(JOBS)}
    assert {path.name for path in out.iterdir()} == wanted | {"failures.jsonl"}
    (told,) = set(on_ray.lines) - wanted
    assert told == f"tfdeconv: error: {failure['path']}: {failure['reason']}"
    assert len(on_ray.lines) == JOBS + 1


@WITHOUT_RAY
def test_the_source_waits_for_those_who_work(ray, tmp_path):
    """However few bytes an item has, it is not drawn long before it is needed."""
    log = tmp_path / "drawn"
    items = functools.partial(tiny_work.counted, 10_000, log)
    results: Any = work(ray, items, tiny_work.nothing, workers=1, together=8)
    for _ in zip(range(2_000), results, strict=False):
        pass
    assert 2_000 <= int(log.read_text()) < 3_500
    results.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.name == "nt" or os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("a disk may not be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@WITHOUT_RAY
def test_a_full_disk(ray, small_disk, tmp_path):
    """Ends the run with a line; what is there is whole."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 256, (200, 200, 3), np.uint8)
        Image.fromarray(pixels).save(photos / f"{number}.png")
    line = [str(photos), "-o", str(small_disk / "x2"), "--engine", "ray", "--workers", "1"]
    done = CliRunner().invoke(upscale, line, catch_exceptions=False)
    assert done.exit_code == 1
    error, summary = done.stderr.splitlines()
    assert error.startswith("tfdeconv: error: ")
    assert error.endswith("cannot be written: No space left on device.")
    assert "1 failed, then stopped: the others would fail as well" in summary
    for path in small_disk.rglob("*.png"):
        with Image.open(path) as picture:
            assert picture.size == (400, 400)
            picture.load()
    assert not list(small_disk.rglob(".*"))


@WITHOUT_RAY
def test_a_saved_model_that_does_not_load(ray, tmp_path):
    """Ends the run with the worker's reason, in one line; nothing is written."""
    model = tmp_path / "model" / "1"
    model.mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"nonsense")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    line = [str(model.parent), "--engine", "ray", "--workers", "1", "--input", str(tmp_path / "a.png")]
    line += ["--output", str(tmp_path / "out")]
    with pytest.raises(
        ClusterError, match=r"^a worker cannot start: Cannot read the SavedModel in .*/1: "
    ) as e:
        CliRunner().invoke(predict, line, catch_exceptions=False)
    assert "\n" not in str(e.value)
    assert not list(tmp_path.rglob("out/*"))


@WITHOUT_RAY
@pytest.mark.parametrize("answers", [False, True])
def test_an_address_without_a_cluster(tmp_path, monkeypatch, answers):
    """Nothing there, or something else that never answers: a line, soon."""
    monkeypatch.setattr("tfdeconv.cluster.session.PATIENCE", 1.0)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        if answers:
            other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with (
            pytest.raises(ClusterError, match=f"^--address {address}: no Ray cluster answers there") as error,
            session(address),
        ):
            pass
    assert "\n" not in str(error.value)
