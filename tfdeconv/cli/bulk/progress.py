"""How far many jobs have come: a bar for people, now and then a line for logs."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

import click
from tqdm import tqdm

_EVERY = 10.0  # seconds between lines


class Progress:
    """Shows on standard error what is done, how fast, how long it still takes, and what failed.

    Args:
        total: How many jobs there are; a single one has no bar.
        lines: Whether lines tell it where standard error is no terminal.
        every: Seconds between two of them.
    """

    def __init__(self, total: int, *, lines: bool = True, every: float = _EVERY) -> None:
        self._total = total
        self._every = every
        self._first = self._told = 0.0
        self.done = self.failed = 0
        self._bar = tqdm(
            total=total,
            unit=" files",
            leave=False,
            disable=total == 1 or None,
            dynamic_ncols=True,
            smoothing=0.1,
            bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, "
            "{rate_noinv_fmt}{postfix}]",  # not s/file where it is slow
        )
        self._lines = lines and self._bar.disable

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def echo(self, text: str, *, err: bool) -> None:
        """Print a line above the bar."""
        with self._bar.external_write_mode(sys.stderr if err else sys.stdout):
            click.echo(text, err=err)

    def step(self, *, failed: bool) -> None:
        """One more job has ended."""
        self.done += not failed
        self.failed += failed
        self._bar.update()
        if self.failed:
            self._bar.set_postfix_str(f"{self.failed} failed", refresh=False)
        now = time.monotonic()
        if not self._first:  # what comes before is start-up
            self._first = self._told = now
        elif self._lines and now - self._told >= self._every and self.done + self.failed < self._total:
            self._told = now
            click.echo(self.line(now - self._first), err=True)

    def line(self, seconds: float) -> str:
        """Return what is told so many seconds after the first job had ended.

        Example:
            >>> with Progress(1200) as progress:
            ...     progress.done, progress.failed = 299, 2
            ...     print(progress.line(60.0))
            301 of 1200 files, 2 failed, 5.0 a second, 2:59 left
        """
        ended = self.done + self.failed
        rate = (ended - 1) / max(seconds, 1e-3)
        left = tqdm.format_interval((self._total - ended) / rate)
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{ended} of {self._total} files{failed}, {rate:.1f} a second, {left.removeprefix('0')} left"
