"""What stands between the brackets of ``x[...]``, one entry for each axis."""

from __future__ import annotations

import operator
from typing import Any


def axis_entries(key: Any, axes: int) -> list[Any] | None:
    """Return what ``x[key]`` does along each axis of ``x``; None where it adds axes.

    Args:
        key: Slices, whole numbers and an ellipsis, as Keras's GetItem holds them.
        axes: Axes of ``x``, batch and channels included.

    Returns:
        Slices, whose bounds are ints where they are whole numbers of any kind, or what else stands there.

    Example:
        >>> axis_entries((..., slice(2, None), slice(None)), 4)
        [slice(None, None, None), slice(None, None, None), slice(2, None, None), slice(None, None, None)]
    """
    entries = list(key) if isinstance(key, list | tuple) else [key]
    if any(entry is None for entry in entries):
        return None
    if Ellipsis in entries:
        at = entries.index(Ellipsis)
        entries[at : at + 1] = [slice(None)] * (axes - len(entries) + 1)
    entries += [slice(None)] * (axes - len(entries))
    return [_with_ints(entry) for entry in entries]


def _with_ints(entry: Any) -> Any:
    if not isinstance(entry, slice):
        return entry
    return slice(*map(_int, (entry.start, entry.stop, entry.step)))


def _int(bound: Any) -> Any:
    try:
        return operator.index(bound)
    except TypeError:  # None, or a tensor
        return bound
