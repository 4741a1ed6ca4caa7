"""Version folders of a model, and the policy that chooses among them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

_MAX_VERSION = (1 << 63) - 1


@dataclasses.dataclass(frozen=True, slots=True)
class Latest:
    """The newest ``count`` versions."""

    count: int = 1

    def choose(self, versions: Iterable[int]) -> set[int]:
        """Return the chosen ones of the versions on disk.

        Example:
            >>> sorted(Latest(2).choose([1, 3, 2]))
            [2, 3]
        """
        return set(sorted(versions, reverse=True)[: self.count])


@dataclasses.dataclass(frozen=True, slots=True)
class All:
    """Every version."""

    def choose(self, versions: Iterable[int]) -> set[int]:
        """Return the versions on disk.

        Example:
            >>> sorted(All().choose([2, 1]))
            [1, 2]
        """
        return set(versions)


@dataclasses.dataclass(frozen=True, slots=True)
class Specific:
    """The listed versions, as far as they are there."""

    versions: tuple[int, ...]

    def choose(self, versions: Iterable[int]) -> set[int]:
        """Return those of the versions on disk that are listed.

        Example:
            >>> Specific((1, 9)).choose([1, 2])
            {1}
        """
        return set(versions).intersection(self.versions)


VersionPolicy = Latest | All | Specific


def on_disk(base_path: str | os.PathLike[str]) -> dict[int, Path] | None:
    """Return version number to folder, or None where the base path cannot be listed.

    Names that are not decimal numbers (a half-written ``3.tmp``, notes, hidden files) are no versions.
    Of names with the same value (``1`` and ``0001``) the first in alphabetical order counts.

    Args:
        base_path: The folder that holds the version folders.
    """
    found: dict[int, Path] = {}
    try:
        folders = sorted(Path(base_path).iterdir())
    except OSError:
        return None
    for folder in folders:
        name = folder.name
        if name.isascii() and name.isdigit() and int(name) <= _MAX_VERSION:
            found.setdefault(int(name), folder)
    return found
