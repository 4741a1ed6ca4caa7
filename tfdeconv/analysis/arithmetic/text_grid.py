"""Small arrays as aligned text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def text_grid(
    values: np.ndarray, *, hidden: np.ndarray | None = None, bracketed: np.ndarray | None = None
) -> list[str]:
    r"""Return the lines of an array of one or two axes.

    Args:
        values: Numbers ``[columns]`` or ``[rows, columns]``.
        hidden: Where a dot stands for the number.
        bracketed: Which numbers are put in brackets.

    Example:
        >>> print("\n".join(text_grid(np.array([[1.0, 10.0], [0.5, 0.0]]), hidden=np.eye(2)[::-1] > 2)))
          1 10
         .5  0
    """
    rows = np.atleast_2d(values)
    dots = np.zeros(rows.shape, bool) if hidden is None else np.atleast_2d(hidden)
    brackets = np.zeros(rows.shape, bool) if bracketed is None else np.atleast_2d(bracketed)
    texts = [
        [
            "." if dot else f"({_short(value)})" if bracket else _short(value) + " " * bool(brackets.any())
            for value, dot, bracket in zip(*line, strict=True)
        ]
        for line in zip(rows, dots, brackets, strict=True)
    ]
    width = max(len(text) for line in texts for text in line)
    return [" ".join(text.rjust(width) for text in line) for line in texts]


def beside(panels: Sequence[tuple[str, list[str]]], *, width: int, indent: int) -> list[str]:
    r"""Return titled blocks of lines next to each other, in as many rows of blocks as ``width`` asks for.

    Example:
        >>> print("\n".join(beside([("a", ["1 2"]), ("b", ["3"])], width=20, indent=2)))
          a     b
          1 2   3
    """
    lines: list[str] = []
    row: list[list[str]] = []
    used = indent
    for title, block in panels:
        size = max(len(title), *map(len, block))
        if row and used + size > width:
            lines += [*_joined(row, indent), ""]
            row, used = [], indent
        row.append([text.ljust(size) for text in (title, *block)])
        used += size + 3
    return lines + _joined(row, indent)


def _joined(row: list[list[str]], indent: int) -> list[str]:
    return [(" " * indent + "   ".join(parts)).rstrip() for parts in zip(*row, strict=True)]


def _short(value: float) -> str:
    text = f"{value:.4g}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
