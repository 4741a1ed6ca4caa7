"""Folders of pictures through a SavedModel, without a server."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tfdeconv.cli.bulk.job_list import Job, JobList
from tfdeconv.cli.bulk.options import Engine, check_places
from tfdeconv.cli.bulk.run import check_writable, run, without_drafts
from tfdeconv.cli.predicting.worker import PredictWorker
from tfdeconv.cli.upscaling.jobs import find
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.storage import STREAM, place


def predict_folders(
    saved_model: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    signature: str | None,
    kind: str,
    engine: Engine,
    command: click.Command,
    *,
    resume: bool,
) -> bool:
    """Send every picture of folders through a SavedModel; return whether all is done.

    Args:
        saved_model: Its path.
        inputs: ``[NAME=]FOLDER``: folders and files, by the input of the signature.
        outputs: ``[NAME=]FOLDER``, by output of the signature.
        signature: The signature; None: that for encoded images.
        kind: Of the files that are written, ``"png"`` or ``"npy"``; those that exist are replaced.
        engine: Who does the work.
        command: The command that runs.
        resume: Whether pictures whose first output exists are left alone.

    Raises:
        TfdeconvError: A folder holds no pictures, or the model cannot be loaded or does not take pictures.
    """
    if "://" in saved_model:
        raise InvalidArgumentError(
            f"{saved_model} is a URL; --engine {engine.name} takes the folder of a SavedModel."
        )
    name, sources = _sources(inputs)
    folders = _folders(outputs)
    check_places(engine, [*sources, *folders.values()])
    if STREAM in sources or STREAM in folders.values():
        raise InvalidArgumentError(f"- (a pipe) is no folder; received it with --engine {engine.name}.")
    first, *others = folders.values()
    ending = f".{kind}"
    jobs = JobList(looks=resume)
    for job in find(sources, first, ending=ending).jobs:
        if job.target == first:  # one picture, and a name that ends as a file's does
            raise InvalidArgumentError(f"--output {first} must be a folder; it names a file.")
        inside = str(job.target.relative_to(first))  # folders may be of several stores
        jobs.add(Job(job.source, job.target), others=[folder / inside for folder in others])
    jobs.complete()
    for folder in folders.values():
        check_writable(folder)
    model = str(Path(saved_model).absolute())
    worker = functools.partial(
        PredictWorker, model, signature, name, folders, ending, repeated=resume and engine.name == "ray"
    )
    with without_drafts(*folders.values() if resume else ()):
        return run(jobs, worker, engine=engine, command=command, skip=resume, report_in=first)


def _sources(inputs: Sequence[str]) -> tuple[str | None, list[Any]]:
    """The name before the places, if they have one, and the places."""
    names, places = set(), []
    for text in inputs:
        name, equals, rest = text.partition("=")
        named = bool(equals) and "/" not in name and not Path(text).exists()
        names.add(name if named else None)
        places.append(_absolute(place(rest if named else text)))
    if len(names) > 1:
        raise InvalidArgumentError(
            "--input: pictures go to one input; give all folders the same name, or none."
        )
    return names.pop(), places


def _folders(outputs: Sequence[str]) -> dict[str | None, Any]:
    if not outputs:
        raise InvalidArgumentError("--output is missing: the folder to write into.")
    folders: dict[str | None, Any] = {}
    for text in outputs:
        name, equals, rest = text.partition("=")
        named = bool(equals) and "/" not in name
        key = name if named else None
        if key in folders:
            raise InvalidArgumentError(
                f"--output {text}: give each folder its own name, as in --output NAME=FOLDER."
            )
        folder = _absolute(place(rest if named else text))
        if folder in folders.values():
            raise InvalidArgumentError(f"--output {text}: each output needs a folder of its own.")
        folders[key] = folder
    if None in folders and len(folders) > 1:
        raise InvalidArgumentError("--output: give each folder a name, as in --output NAME=FOLDER.")
    return folders


def _absolute(found: Any) -> Any:
    return found.absolute() if isinstance(found, Path) else found
