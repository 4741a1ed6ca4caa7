"""Which files ``tfdeconv upscale`` reads, and which it writes."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tfdeconv.cli.bulk.job_list import Job, JobList, looked_at, real
from tfdeconv.errors import FileError, InvalidArgumentError
from tfdeconv.imaging import READ_SUFFIXES, SUFFIXES
from tfdeconv.imaging.formats.kind import ENDINGS as KINDS
from tfdeconv.imaging.storage import STREAM, Place

ENDINGS = {"png": ".png", "jpg": ".jpg", "webp": ".webp", "tif": ".tif"}
"""Values of ``--format`` -> endings of the files."""

_NAMED = 10  # files that are left out, by name

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


@dataclass
class LeftOut:
    """Pictures in folders that are not read, and folders that may not be looked into.

    Attributes:
        count: How many pictures.
        first: The first of them.
        closed: The folders, and why.
    """

    count: int = 0
    first: list[Any] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def add(self, file: Any) -> None:
        """Note one more."""
        self.count += 1
        if self.count <= _NAMED:
            self.first.append(file)


class Found(NamedTuple):
    """What inputs come to.

    Attributes:
        jobs: The photographs, in the order given; folders keep their structure.
        left_out: What is not read.
    """

    jobs: JobList
    left_out: LeftOut


def find(
    inputs: Sequence[Place],
    output: Place,
    *,
    compare: bool = False,
    ending: str | None = None,
    look: bool = False,
) -> Found:
    """Return a job for each photograph; folders are searched, links to folders followed.

    Memory is taken for the largest folder, not for all of them.

    Args:
        inputs: Files, folders, and standard input.
        output: A file, if ``inputs`` is one file and this name ends as a file's does and is no folder;
            standard output, if it is one; else a folder.
        compare: Whether comparisons are written as well.
        ending: The ending of the files to be written, such as ``".jpg"``; None: that of the input, or
            ``.png`` where inputs of its kind are only read.
        look: Whether it is noted whose result exists.

    Raises:
        InvalidArgumentError: Several photographs or two inputs would be written to one file, an input would
            be written over itself or over another, or a stream is asked for what it cannot do.
        FileError: A folder holds no photographs.
    """
    if output is STREAM or STREAM in inputs:
        _check_streams(inputs, output, compare)
    jobs, left_out = JobList(looks=look), LeftOut()
    if len(inputs) == 1 and (output is STREAM or (not is_folder(inputs[0]) and _names_a_file(output))):
        if is_folder(inputs[0]):
            raise InvalidArgumentError("-o - takes one photograph; the input is a folder.")
        _check_ending(output, ending)
        found: Iterable[Job] = [Job(inputs[0], output)]
    elif _names_a_file(output) and output.suffix.lower() in SUFFIXES:
        raise InvalidArgumentError(
            f"the output must be a folder for several photographs; {output} names a picture."
        )
    else:
        found = (job for path in inputs for job in _below(path, output, ending, left_out))
    for job in found:
        jobs.add(job, others=[job.comparison] if compare else [])
    jobs.complete()
    return Found(jobs, left_out)


def _check_ending(output: Any, ending: str | None) -> None:
    if output is STREAM:
        return
    suffix = output.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidArgumentError(
            f"{output} must end in one of {', '.join(SUFFIXES)}, which choose the format; if it is to be a "
            "folder, make it first."
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


def is_folder(path: Any) -> bool:
    """Whether a place is a folder that can be searched."""
    if isinstance(path, Path):
        return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir may raise PermissionError
    if path is STREAM:
        return False
    with looked_at(path):
        return bool(path.is_dir())


def _names_a_file(path: Any) -> bool:
    """Whether a name has an ending, such as ``.png``, but not ``x2.5``, and is not that of a folder."""
    return path is not STREAM and path.suffix[1:2].isalpha() and not is_folder(path)


def _below(path: Any, output: Any, ending: str | None, left_out: LeftOut) -> Iterator[Job]:
    if not is_folder(path):
        if path is not STREAM and not isinstance(path, Path) and not path.exists():
            raise FileError(f"{path}: there is no such file or folder.")
        yield Job(path, output / _renamed(path, ending).name)
        return
    results = real(output)
    photographs = False
    for file in _tree(path, results, left_out):
        suffix = file.suffix.lower()
        if suffix in READ_SUFFIXES and (not isinstance(file, Path) or _may_be_read(file)):
            photographs = True
            yield Job(
                file, output / str(_renamed(file, ending).relative_to(path))
            )  # perhaps of another store
        elif suffix in READ_SUFFIXES or _is_picture(suffix):
            left_out.add(file)
    if not photographs:
        raise FileError(f"{path} holds no photographs ({', '.join(READ_SUFFIXES)}).")


def _renamed(file: Any, ending: str | None) -> Any:
    if ending is not None:
        return file.with_suffix(ending)
    suffix = file.suffix.lower()
    return file.with_suffix(".png") if suffix in READ_SUFFIXES and suffix not in SUFFIXES else file


def _may_be_read(file: Path) -> bool:
    """Whether a file is one, or a broken link, about which reading says more; a pipe would be waited for."""
    return file.is_file() or (file.is_symlink() and not file.exists())


def _is_picture(suffix: str) -> bool:
    kind = mimetypes.guess_type(f"a{suffix}")[0] or ""
    return suffix in _OTHER_PICTURES or kind.startswith("image/")


def _tree(folder: Any, results: Any, left_out: LeftOut) -> Iterator[Any]:
    """Files below a folder, one folder after the other, without hidden ones and those that are results."""
    if not isinstance(folder, Path):
        with looked_at(folder):
            yield from _remote_tree(folder)
        return
    results_are_inside = real(folder) in results.parents
    seen: set[tuple[int, int]] = set()

    def refused(error: OSError) -> None:
        reason = f"the folder {error.filename} cannot be looked into: {error.strerror}"
        if Path(error.filename) == folder:
            raise FileError(f"{reason}.")
        left_out.closed.append(reason)

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
            if not name.startswith(".") and not (results_are_inside and real(place / name) == results)
        )
        yield from (place / name for name in sorted(names) if not name.startswith("."))


def _remote_tree(folder: Any) -> Iterator[Any]:
    """The same of an object store, which tells at once what is a file."""
    store = folder.fs
    for where, folders, files in store.walk(folder.path, detail=True):
        for name in [name for name in folders if name.startswith(".")]:
            del folders[name]
        inside = where.strip("/")[len(folder.path.strip("/")) :].strip("/")
        for name in sorted(files):
            if name and not name.startswith("."):
                yield folder / inside / name if inside else folder / name
        store.invalidate_cache(where)  # listings are kept for ever otherwise
