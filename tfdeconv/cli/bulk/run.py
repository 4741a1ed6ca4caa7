"""Do every job of a list, here or on Ray, and tell what became of each."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from tfdeconv.cli.bulk.job_list import Job, JobList, Task, tasks
from tfdeconv.cli.bulk.options import Engine
from tfdeconv.cli.bulk.outcome import Outcome
from tfdeconv.cli.bulk.progress import Progress
from tfdeconv.cli.bulk.report import FailureReport
from tfdeconv.cli.messages import error_line, in_option_words, shown
from tfdeconv.cli.native_output import native_output_dropped
from tfdeconv.errors import FileError
from tfdeconv.imaging.storage import STREAM

Worker = Callable[[Job], Outcome]

_TOGETHER = 8  # jobs that go to a process of Ray at once
_DIED = "the process that worked on it died, each time it was tried; its memory may not suffice"
_DRAFT = re.compile(r"\.[0-9a-f]{16}\.part(\.\w+)?$")  # of imaging.formats.atomic_file


def run(
    jobs: JobList,
    make_worker: Callable[[], Worker],
    *,
    engine: Engine,
    command: click.Command,
    skip: bool,
    report_in: Any = None,
) -> bool:
    """Do the jobs, tell of each, and sum up.

    Args:
        jobs: The jobs.
        make_worker: Called once in each process that works.
        engine: Where they work.
        command: The command that runs, whose words are used.
        skip: Whether those whose target existed when the list was made are left alone; else they fail.
        report_in: The folder for ``failures.jsonl``; None: none is written.

    Returns:
        Whether all is done.
    """
    there = jobs.there if skip else 0
    todo = len(jobs) - there
    if there:
        click.echo(f"{there} of {len(jobs)} files are there already.", err=True)
    if not todo:
        with FailureReport(report_in):
            return True
    start = time.monotonic()
    stopped = False
    on_ray = engine.name == "ray"
    outcomes = _on_ray(jobs, make_worker, engine) if on_ray else _here(jobs, make_worker)
    if not skip:
        outcomes = itertools.chain(_refused(jobs), outcomes)
    with FailureReport(report_in) as report, Progress(todo, lines=on_ray) as progress:
        for task, outcome in outcomes:
            for note in outcome.notes:
                progress.echo(note, err=True)
            if outcome.failure:
                progress.echo(_failure_line(outcome, command), err=True)
                report.add(_source(task), in_option_words(outcome.failure, command))
            else:
                progress.echo(outcome.line, err=task.job.target is STREAM)
            progress.step(failed=bool(outcome.failure))
            if outcome.stops:
                stopped = True
                break
    if report.lost:
        click.echo(error_line(report.lost, command), err=True)
    if progress.failed and todo > 1:
        told = f"{progress.done} of {todo} files done, {progress.failed} failed"
        if stopped:
            told += ", then stopped: the others would fail as well"
        if report.written:
            told += f"; see {shown(report.written)}"
        click.echo(f"{told}.", err=True)
    elif on_ray:
        seconds = time.monotonic() - start
        click.echo(f"{todo} files done in {seconds:.0f} s.", err=True)
    return not progress.failed


def _refused(jobs: JobList) -> Iterator[tuple[Task, Outcome]]:
    for task in tasks(jobs.path, there=True):
        yield task, Outcome(failure=f"{task.job.target} exists. Choose another name, or pass overwrite=True.")


def _here(jobs: JobList, make_worker: Callable[[], Any]) -> Iterator[tuple[Task, Outcome]]:
    worker = make_worker()
    with contextlib.ExitStack() as stack:
        stack.callback(getattr(worker, "close", lambda: None))
        for task in tasks(jobs.path, there=False):
            yield task, worker(task.job)


def _on_ray(
    jobs: JobList, make_worker: Callable[[], Worker], engine: Engine
) -> Iterator[tuple[Task, Outcome]]:
    """Outcomes as they come; then once more, one by one, what went down with a process."""
    from tfdeconv.cluster.bulk import work
    from tfdeconv.cluster.session import session

    missing = bytearray(b"\x01") * (len(jobs) + 1)  # by number, from 1
    with contextlib.ExitStack() as stack:
        with native_output_dropped():  # by Ray, past sys.stderr, before its own settings hold
            ray = stack.enter_context(session(engine.address, cpus=engine.workers or 0))
        for together in (_TOGETHER, 1):
            items = functools.partial(_unfinished, jobs.path, None if together > 1 else bytes(missing))
            do = functools.partial(_Doing, make_worker)
            for task, outcome in work(ray, items, do, workers=engine.workers, together=together):
                if missing[task.number]:
                    missing[task.number] = 0
                    yield task, outcome
            if not any(True for _ in _unfinished(jobs.path, missing)):
                return
    for task in _unfinished(jobs.path, missing):
        yield task, Outcome(failure=_DIED, about=shown(task.job.source))


def _unfinished(path: Path, missing: bytes | bytearray | None) -> Iterable[Task]:
    return (task for task in tasks(path, there=False) if missing is None or missing[task.number])


class _Doing:
    """In a process of Ray: what is done with a job."""

    def __init__(self, make_worker: Callable[[], Worker]) -> None:
        self._worker = make_worker()

    def __call__(self, task: Task) -> tuple[Task, Outcome]:
        return task, self._worker(task.job)


def _failure_line(outcome: Outcome, command: click.Command) -> str:
    if outcome.unforeseen:
        return f"tfdeconv: unforeseen error: {outcome.about}: {outcome.failure}"
    return error_line(outcome.failure, command, about=outcome.about or None)


def _source(task: Task) -> str:
    name = os.fsdecode(task.source)
    return name if "://" in name else os.path.abspath(name)  # noqa: PTH100 - Path.absolute keeps dots


def check_writable(folder: Any) -> None:
    """Raise where no file can be written into a folder, or where the folder cannot be made; before any work.

    Raises:
        FileError: The disk is full, or may only be read.
    """
    if not isinstance(folder, Path):
        return  # the first put tells
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    try:
        tempfile.TemporaryFile(dir=there).close()
    except NotADirectoryError:
        raise FileError(f"--output {folder}: {there} is a file, not a folder.") from None
    except OSError as error:
        raise FileError(f"--output {folder}: nothing can be written there: {error.strerror}.") from None


@contextlib.contextmanager
def without_drafts(*folders: Any) -> Iterator[None]:
    """Remove what killed processes leave half written below folders: of an earlier run, then of this one.

    A process of Ray that dies does so without ending the run, and its work is done again under another name.
    """
    _remove_drafts(folders)
    try:
        yield
    finally:
        _remove_drafts(folders)


def _remove_drafts(folders: Iterable[Any]) -> None:
    for folder in folders:
        if isinstance(folder, Path):  # an object is there whole or not at all
            for where, _, names in os.walk(folder):
                for name in filter(_DRAFT.fullmatch, names):
                    Path(where, name).unlink(missing_ok=True)
