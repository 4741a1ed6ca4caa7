"""Which files ``tfdeconv upscale`` reads, and which it writes."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tfdeconv.errors import FileError, InvalidArgumentError
from tfdeconv.imaging import READ_SUFFIXES, SUFFIXES
from tfdeconv.imaging.formats.kind import ENDINGS as KINDS
from tfdeconv.imaging.storage import STREAM, Place

ENDINGS = {"png": ".png", "jpg": ".jpg", "webp": ".webp", "tif": ".tif"}
"""Values of ``--format`` -> endings of the files."""

# Pictures of cameras and programs that `mimetypes` does not know.
_OTHER_PICTURES = frozenset(
    [
        ".arw",
        ".cr2",
        ".cr3",
        ".dng",
        ".exr",
        ".hdr",
        ".kra",
        ".nef",
        ".orf",
        ".pef",
        ".psb",
        ".psd",
        ".qoi",
        ".raf",
        ".raw",
        ".rw2",
        ".srw",
        ".svgz",
        ".tga",
        ".xcf",
    ]
)


class Job(NamedTuple):
    """One photograph to read and one to write."""

    source: Any
    target: Any

    @property
    def comparison(self) -> Any:
        """Where a picture of before and after goes."""
        return self.target.with_name(f"{self.target.stem}-compare.png")


class Found(NamedTuple):
    """What inputs come to.

    Attributes:
        jobs: The photographs, in the order given; folders keep their structure.
        left_out: Pictures in folders that are not read, and folders that may not be looked into.
    """

    jobs: list[Job]
    left_out: list[Any]


def find(
    inputs: Sequence[Place], output: Place, *, compare: bool = False, ending: str | None = None
) -> Found:
    """Return a job for each photograph; folders are searched, links to folders followed.

    Args:
        inputs: Files, folders, and standard input.
        output: A file, if ``inputs`` is one file and this name ends as a file's does and is no folder;
            standard output, if it is one; else a folder.
        compare: Whether comparisons are written as well.
        ending: The ending of the files to be written, such as ``".jpg"``; None: that of the input, or
            ``.png`` where inputs of its kind are only read.

    Raises:
        InvalidArgumentError: Several photographs or two inputs would be written to one file, an input would
            be written over itself or over another, or a stream is asked for what it cannot do.
        FileError: A folder holds no photographs.
    """
    left_out: list[Any] = []
    if output is STREAM or STREAM in inputs:
        _check_streams(inputs, output, compare)
    if len(inputs) == 1 and (output is STREAM or (not _is_folder(inputs[0]) and _names_a_file(output))):
        if _is_folder(inputs[0]):
            raise InvalidArgumentError("-o - takes one photograph; the input is a folder.")
        _check_ending(output, ending)
        found = [Job(inputs[0], output)]
    elif _names_a_file(output) and output.suffix.lower() in SUFFIXES:
        raise InvalidArgumentError(
            f"the output must be a folder for several photographs; {output} names a picture."
        )
    else:
        found = list(dict.fromkeys(job for path in inputs for job in _below(path, output, ending, left_out)))
    if output is not STREAM:
        _check_targets(found, compare)
    return Found(found, left_out)


def _check_ending(output: Any, ending: str | None) -> None:
    if output is STREAM:
        return
    suffix = output.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidArgumentError(
            f"{output} must end in one of {', '.join(SUFFIXES)}, which choose the format."
        )
    if ending is not None and KINDS[suffix] != KINDS[ending]:
        raise InvalidArgumentError(
            f"--format and the ending of {output} contradict each other. Leave --format out."
        )


def _check_streams(inputs: Sequence[Place], output: Place, compare: bool) -> None:
    if len(inputs) > 1:
        raise InvalidArgumentError("- (a pipe) takes one photograph; the inputs are several.")
    if compare and output is STREAM:
        raise InvalidArgumentError(
            "--compare writes a second picture beside the first; -o - has no room for it."
        )
    if inputs[0] is STREAM and output is not STREAM and not _names_a_file(output):
        raise InvalidArgumentError(
            f"what comes from - has no name; -o must be a file, such as photo.png; received {output}."
        )


def _check_targets(jobs: list[Job], compare: bool) -> None:
    originals = {_real(job.source): job.source for job in jobs if job.source is not STREAM}
    makers: dict[Any, Any] = {}
    for job in jobs:
        for written in (job.target, job.comparison) if compare else (job.target,):
            other = makers.setdefault(written, job.source)
            if other != job.source:
                raise InvalidArgumentError(
                    f"{other} and {job.source} would both become {written}. Upscale them into two folders."
                )
            lost = originals.get(_real(written))
            if lost is not None:
                what = "itself" if lost == job.source else f"the input {lost}"
                raise InvalidArgumentError(
                    f"{job.source} would be written over {what}. Choose another output folder or name."
                )


def _real(path: Any) -> Any:
    """A place without links; Path.resolve raises an error of links that lead to themselves."""
    return Path(os.path.realpath(path)) if isinstance(path, Path) else path.resolve()


def _is_folder(path: Any) -> bool:
    if isinstance(path, Path):
        return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir may raise PermissionError
    return path is not STREAM and bool(path.is_dir())


def _names_a_file(path: Any) -> bool:
    """Whether a name has an ending, such as ``.png``, but not ``x2.5``, and is not that of a folder."""
    return path is not STREAM and path.suffix[1:2].isalpha() and not _is_folder(path)


def _below(path: Any, output: Any, ending: str | None, left_out: list[Any]) -> Iterator[Job]:
    if not _is_folder(path):
        yield Job(path, output / _renamed(path, ending).name)
        return
    results = _real(output)
    photographs = False
    for file in _tree(path, results, left_out):
        suffix = file.suffix.lower()
        if suffix in READ_SUFFIXES and _may_be_read(file):
            photographs = True
            yield Job(file, output / _renamed(file, ending).relative_to(path))
        elif suffix in READ_SUFFIXES or _is_picture(suffix):
            left_out.append(file)
    if not photographs:
        raise FileError(f"{path} holds no photographs ({', '.join(READ_SUFFIXES)}).")


def _renamed(file: Any, ending: str | None) -> Any:
    if ending is not None:
        return file.with_suffix(ending)
    suffix = file.suffix.lower()
    return file.with_suffix(".png") if suffix in READ_SUFFIXES and suffix not in SUFFIXES else file


def _may_be_read(file: Any) -> bool:
    """Whether a file is one, or a broken link, about which reading says more; a pipe would be waited for."""
    return file.is_file() or (isinstance(file, Path) and file.is_symlink() and not file.exists())


def _is_picture(suffix: str) -> bool:
    kind = mimetypes.guess_type(f"a{suffix}")[0] or ""
    return suffix in _OTHER_PICTURES or kind.startswith("image/")


def _tree(folder: Any, results: Any, left_out: list[Any]) -> Iterator[Any]:
    """Files below a folder in order, without hidden ones and those that are results."""
    if not isinstance(folder, Path):
        for file in sorted(folder.rglob("*"), key=str):
            parts = file.relative_to(folder).parts
            if file.is_file() and not any(part.startswith(".") for part in parts):
                yield file
        return
    results_are_inside = _real(folder) in results.parents
    seen: set[tuple[int, int]] = set()

    def refused(error: OSError) -> None:
        left_out.append(f"{error.filename}/ ({error.strerror})")

    files = []
    for where, folders, names in os.walk(folder, onerror=refused, followlinks=True):
        place = Path(where)
        status = place.stat()
        if (status.st_dev, status.st_ino) in seen:  # a link to a folder above it, or the same once more
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not (results_are_inside and _real(place / name) == results)
        )
        files += [place / name for name in names if not name.startswith(".")]
    yield from sorted(files)
