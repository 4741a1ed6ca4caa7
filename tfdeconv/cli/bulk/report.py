"""Which files were not done, and why: a line of JSON for each."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tfdeconv.cli.bulk.job_list import looked_at
from tfdeconv.errors import FileError
from tfdeconv.imaging.storage import whole_output

NAME = "failures.jsonl"


class FailureReport:
    """Writes ``failures.jsonl`` into the folder of the results, if there are failures; removes an older one.

    On disk it grows line by line; an object store gets it at the end.

    Args:
        folder: The folder of the results; None: nothing is written.

    Attributes:
        lost: Why it could not be written; empty where it could.
    """

    def __init__(self, folder: Any) -> None:
        self._place = None if folder is None else folder / NAME
        self._file: IO[str] | None = None
        self.lost = ""

    def __enter__(self) -> Self:
        if self._place is not None:
            with looked_at(self._place):
                if self._place.exists():
                    self._place.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        with self._file as file:
            if not isinstance(self._place, Path):
                file.seek(0)
                try:
                    with whole_output(self._place, overwrite=True) as out:  # type: ignore[arg-type]
                        out.writelines(line.encode() for line in file)
                except FileError as failure:  # the store that the results did not reach either
                    self.lost = str(failure)

    @property
    def written(self) -> Any:
        """Where it is; None where there were no failures."""
        return None if self._file is None or self.lost else self._place

    def add(self, path: str, reason: str) -> None:
        """Write why a file was not done."""
        if self._place is None:
            return
        if self._file is None:
            if isinstance(self._place, Path):
                self._place.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._place.open("w", encoding="utf-8", buffering=1)
            else:
                self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        json.dump({"path": path, "reason": reason}, self._file)  # in ASCII: names may be no text
        self._file.write("\n")
