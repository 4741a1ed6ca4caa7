"""The policy that chooses among the versions of a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable


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
