"""Which files ``tfdeconv upscale`` reads, and which it writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging import SUFFIXES


class Job(NamedTuple):
    """One photograph to read and one to write."""

    source: Path
    target: Path


def jobs(inputs: Sequence[Path], output: Path) -> list[Job]:
    """Return a job for each photograph, in the order given; folders are searched and keep their structure.

    Args:
        inputs: Files and folders.
        output: A file, if ``inputs`` is one file and this name ends as a picture's does and is no folder;
            else a folder.

    Raises:
        InvalidArgumentError: A folder holds no photographs, two inputs would be written to one file, or an
            input would be written over itself.
    """
    if len(inputs) == 1 and not inputs[0].is_dir() and _names_a_picture(output):
        found = [Job(inputs[0], output)]
    else:
        found = [job for path in inputs for job in _below(path, output)]
    sources: dict[Path, Path] = {}
    for source, target in found:
        if target in sources and sources[target] != source:
            raise InvalidArgumentError(
                f"{sources[target]} and {source} would both become {target}. Upscale them into two folders."
            )
        sources[target] = source
        if source.resolve() == target.resolve():
            raise InvalidArgumentError(
                f"{source} would be written over itself. Choose another output folder or name."
            )
    return [Job(source, target) for target, source in sources.items()]


def _names_a_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def _below(path: Path, output: Path) -> list[Job]:
    if not path.is_dir():
        return [Job(path, output / path.name)]
    found = [
        Job(file, output / file.relative_to(path))
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in SUFFIXES
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
        and output.resolve() not in file.resolve().parents
    ]
    if not found:
        raise InvalidArgumentError(f"{path} holds no photographs ({', '.join(SUFFIXES)}).")
    return found
