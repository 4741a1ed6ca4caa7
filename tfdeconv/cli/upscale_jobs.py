"""Which files ``tfdeconv upscale`` reads, and which it writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging import SUFFIXES


class Job(NamedTuple):
    """One photograph to read and one to write."""

    source: Path
    target: Path

    @property
    def comparison(self) -> Path:
        """Where a picture of before and after goes."""
        return self.target.with_name(f"{self.target.stem}-compare.png")


def jobs(inputs: Sequence[Path], output: Path, *, compare: bool = False) -> list[Job]:
    """Return a job for each photograph, in the order given; folders are searched and keep their structure.

    Args:
        inputs: Files and folders.
        output: A file, if ``inputs`` is one file and this name ends as a file's does and is no folder; else
            a folder.
        compare: Whether comparisons are written as well.

    Raises:
        InvalidArgumentError: A folder holds no photographs, several photographs or two inputs would be
            written to one file, or an input would be written over itself or over another.
    """
    if len(inputs) == 1 and not inputs[0].is_dir() and _names_a_file(output):
        found = [Job(inputs[0], output)]
    elif _names_a_file(output) and output.suffix.lower() in SUFFIXES:
        raise InvalidArgumentError(
            f"the output must be a folder for several photographs; {output} names a picture."
        )
    else:
        found = list(dict.fromkeys(job for path in inputs for job in _below(path, output)))
    originals = {job.source.resolve(): job.source for job in found}
    makers: dict[Path, Path] = {}
    for job in found:
        for written in (job.target, job.comparison) if compare else (job.target,):
            other = makers.setdefault(written, job.source)
            if other != job.source:
                raise InvalidArgumentError(
                    f"{other} and {job.source} would both become {written}. Upscale them into two folders."
                )
            lost = originals.get(written.resolve())
            if lost is not None:
                what = "itself" if lost == job.source else f"the input {lost}"
                raise InvalidArgumentError(
                    f"{job.source} would be written over {what}. Choose another output folder or name."
                )
    return found


def _names_a_file(path: Path) -> bool:
    """Whether a name has an ending, such as ``.png``, but not ``x2.5``, and is not that of a folder."""
    is_folder = os.path.isdir(path)  # noqa: PTH112 - Path.is_dir may raise PermissionError
    return path.suffix[1:2].isalpha() and not is_folder


def _below(path: Path, output: Path) -> list[Job]:
    if not path.is_dir():
        return [Job(path, output / path.name)]
    results = output.resolve()
    results_are_inside = path.resolve() in results.parents
    found = [
        Job(file, output / file.relative_to(path))
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in SUFFIXES
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
        and not (results_are_inside and results in file.resolve().parents)
    ]
    if not found:
        raise InvalidArgumentError(f"{path} holds no photographs ({', '.join(SUFFIXES)}).")
    return found
