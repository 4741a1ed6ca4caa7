"""Very many pieces of work: none waits in the driver, none is lost when a process dies."""

from __future__ import annotations

import functools
import gc
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from cluster.bulk import tiny_work

from tfdeconv.cli.bulk.job_list import Job, JobList
from tfdeconv.cli.bulk.options import Engine
from tfdeconv.cli.bulk.progress import Progress
from tfdeconv.cli.bulk.run import run
from tfdeconv.cluster.bulk import work
from tfdeconv.cluster.session import session

JOBS = 2_000
WITHOUT_RAY = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@pytest.fixture(scope="module", autouse=True)
def _processes_of_ray_import_this() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        patch.setenv("RAY_worker_niceness", "0")  # they would wait for whatever else runs
        yield


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
def on_ray(tmp_path_factory: pytest.TempPathFactory) -> Ended:
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
def test_the_source_waits_for_those_who_work(tmp_path):
    """However few bytes an item has, it is not drawn long before it is needed."""
    log = tmp_path / "drawn"
    with session(cpus=1) as ray:
        items = functools.partial(tiny_work.counted, 10_000, log)
        results: Any = work(ray, items, tiny_work.nothing, workers=1, together=8)
        for _ in zip(range(2_000), results, strict=False):
            pass
        assert 2_000 <= int(log.read_text()) < 3_500
        results.close()
