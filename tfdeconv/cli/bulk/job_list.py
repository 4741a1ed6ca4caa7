"""What there is to do: files to read and files to write, kept on disk, since there may be very many."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tfdeconv.errors import FileError, InvalidArgumentError, TfdeconvError
from tfdeconv.imaging.storage import STREAM, place

_PAGE = 1000  # rows in memory
_SCHEMA = (
    "CREATE TABLE job (number INTEGER PRIMARY KEY, source BLOB, target BLOB, there INTEGER)",
    "CREATE TABLE original (real BLOB PRIMARY KEY, source BLOB) WITHOUT ROWID",
    "CREATE TABLE written (name BLOB PRIMARY KEY, real BLOB, source BLOB) WITHOUT ROWID",
)
_REMEDY = "Make room there, or set TMPDIR to a folder on another disk."


class Job(NamedTuple):
    """One file to read and one to write."""

    source: Any
    target: Any

    @property
    def comparison(self) -> Any:
        """Where a picture of before and after goes."""
        return self.target.with_name(f"{self.target.stem}-compare.png")


class Task(NamedTuple):
    """A job as other processes get it: by its number in the list, with names as bytes."""

    number: int
    source: bytes
    target: bytes

    @property
    def job(self) -> Job:
        """The job."""
        return Job(_place(self.source), _place(self.target))


class JobList:
    """Jobs, in the order of their arrival, none of which writes what another one reads or writes.

    They lie in a file for temporary files, which goes with the list.

    Args:
        looks: Whether it is noted which targets exist.

    Attributes:
        path: The file.

    Example:
        >>> jobs = JobList()
        >>> jobs.add(Job(Path("a.png"), Path("larger/a.png")))
        >>> jobs.complete()
        >>> len(jobs), [job.target.name for job in jobs]
        (1, ['a.png'])
    """

    def __init__(self, *, looks: bool = False) -> None:
        try:
            folder = tempfile.mkdtemp(prefix="tfdeconv-")
        except OSError as error:
            raise FileError(f"There is no folder for temporary files: {error.strerror}. {_REMEDY}") from None
        self.path = Path(folder, "jobs")
        # the garbage collector may close it in another thread
        self._database = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._close = weakref.finalize(self, _remove, self._database, folder)
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", *_SCHEMA, "BEGIN"):
            self._execute(statement)
        self._present = _Present() if looks else None

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement.

        Raises:
            FileError: There is no room for the list.
        """
        try:
            return self._database.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise FileError(
                f"The list of files cannot be kept in {self.path.parent}: {error}. {_REMEDY}"
            ) from None

    def add(self, job: Job, *, others: Sequence[Any] = ()) -> None:
        """Add a job; one that is there already is not added again.

        Args:
            job: The job. Places of a pipe are not compared with any others.
            others: What it writes besides its target.

        Raises:
            InvalidArgumentError: Two jobs would write one file.
        """
        source, target = _bytes(job.source), _bytes(job.target)
        if job.target is not STREAM:
            for written in (job.target, *others):
                other = self._written(written, source)
                if other == source and written is job.target:
                    return
                if other is not None and other != source:
                    if real(written) == real(job.source):
                        raise InvalidArgumentError(_lost(other, source))
                    raise InvalidArgumentError(
                        f"{_place(other)} and {job.source} would both become {written}. "
                        "Write them into two folders."
                    )
            if job.source is not STREAM:
                self._execute(
                    "INSERT OR IGNORE INTO original VALUES (?, ?)", (_bytes(real(job.source)), source)
                )
        there = self._present is not None and job.target is not STREAM and self._present(job.target)
        self._execute(
            "INSERT INTO job (source, target, there) VALUES (?, ?, ?)", (source, target, int(there))
        )

    def _written(self, written: Any, source: bytes) -> bytes | None:
        """Note what is written; return the source of which it is written already."""
        name = _bytes(written)
        try:
            self._execute("INSERT INTO written VALUES (?, ?, ?)", (name, _bytes(real(written)), source))
        except sqlite3.IntegrityError:
            row = self._execute("SELECT source FROM written WHERE name = ?", (name,)).fetchone()
            return bytes(row[0])
        return None

    def complete(self) -> None:
        """All are added: check them against one another.

        Raises:
            InvalidArgumentError: A job would write over what it or another one reads.
        """
        self._execute("COMMIT")
        lost = self._execute(
            "SELECT written.source, original.source FROM written JOIN original USING (real) LIMIT 1"
        ).fetchone()
        if lost is not None:
            raise InvalidArgumentError(_lost(*lost))

    def __len__(self) -> int:
        return int(self._execute("SELECT count(*) FROM job").fetchone()[0])

    def __iter__(self) -> Iterator[Job]:
        for task in tasks(self.path):  # a generator keeps the list, and with it the file
            yield task.job

    @property
    def there(self) -> int:
        """How many have a target that existed."""
        return int(self._execute("SELECT count(*) FROM job WHERE there").fetchone()[0])


def _lost(source: bytes, original: bytes) -> str:
    what = "itself" if source == original else f"the input {_place(original)}"
    return f"{_place(source)} would be written over {what}. Choose another output folder or name."


def tasks(path: Path, *, there: bool | None = None) -> Iterator[Task]:
    """Yield the jobs of a list's file, a page at a time: all, or those whose target existed, or did not."""
    last = 0
    while True:
        database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            rows = database.execute(
                "SELECT number, source, target FROM job "
                "WHERE number > ?1 AND (?2 IS NULL OR there = ?2) ORDER BY number LIMIT ?3",
                (last, there, _PAGE),
            ).fetchall()
        finally:
            database.close()
        if not rows:
            return
        for row in rows:
            yield Task(*row)
        last = rows[-1][0]


def real(path: Any) -> Any:
    """A place without links; Path.resolve raises an error of links that lead to themselves."""
    return Path(os.path.realpath(path)) if isinstance(path, Path) else path.resolve()


@contextlib.contextmanager
def looked_at(found: Any) -> Iterator[None]:
    """Let what goes wrong in a store be told of the place that is looked at.

    Raises:
        FileError: The store does not answer, or does not let in.
    """
    try:
        yield
    except TfdeconvError:
        raise
    except Exception as error:  # each store has its own
        if isinstance(found, Path):
            raise
        reason = (" ".join(str(error).split()) or type(error).__name__).rstrip(".")
        raise FileError(f"{found} cannot be looked at: {reason}.") from error


class _Present:
    """Whether a file exists; a folder of an object store is listed once for the files in it."""

    def __init__(self) -> None:
        self._folder: Any = None
        self._names: set[str] = set()

    def __call__(self, target: Any) -> bool:
        if isinstance(target, Path):
            return os.path.exists(target)  # noqa: PTH110 - Path.exists may raise PermissionError
        if target.parent != self._folder:
            self._folder = target.parent
            with looked_at(target.parent):
                target.fs.invalidate_cache(target.parent.path)
                try:
                    found = target.fs.ls(target.parent.path, detail=False)
                except FileNotFoundError:
                    found = []
            self._names = {str(name).rstrip("/").rpartition("/")[2] for name in found}
        return target.name in self._names


def _bytes(found: Any) -> bytes:
    """The name of a place; it may hold bytes that are no text. ``./-`` is a file, ``-`` a pipe."""
    if isinstance(found, Path) and str(found) == STREAM.name:
        return b"./-"
    return os.fsencode(str(found))


def _place(name: bytes) -> Any:
    return place(os.fsdecode(name))


def _remove(database: sqlite3.Connection, folder: str) -> None:
    database.close()
    shutil.rmtree(folder, ignore_errors=True)
