"""Grids of cells: the one thing that all pictures of sizes and taps are drawn with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from tfdeconv.analysis.figures.style import BLACK, GREY, text_colour

Cell = tuple[float, float]
"""Row and column of a cell's upper left corner."""


def clear(axes: Axes, rows: float, columns: float, *, top: float = 0.0, left: float = 0.0) -> None:
    """Make room for ``rows`` x ``columns`` square cells; rows grow downwards."""
    axes.set(xlim=(left - 0.15, columns + 0.15), ylim=(rows + 0.15, top - 0.15), aspect="equal")
    axes.axis("off")


def cell(
    axes: Axes,
    at: Cell,
    *,
    fill: Any = "white",
    text: str = "",
    hatch: str = "",
    edge: str = GREY,
    size: float = 9,
) -> list[Any]:
    """Draw one cell and return its artists."""
    row, column = at
    box = Rectangle(
        (column, row), 1, 1, facecolor=fill, edgecolor=edge, linewidth=0.8, hatch=hatch, hatch_linewidth=0.5
    )
    artists: list[Any] = [axes.add_patch(box)]
    if text:
        colour = text_colour(fill) if not hatch else "#6A6A6A"
        artists.append(
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=size, color=colour)
        )
    return artists


def grid(axes: Axes, values: np.ndarray, *, fill: str, size: float) -> None:
    """Draw a 2-D array of numbers."""
    for at, value in np.ndenumerate(values):
        cell(axes, at, fill=fill, text=number(value), size=size)


def outline(
    axes: Axes,
    at: Cell,
    rows: float,
    columns: float,
    *,
    colour: str = BLACK,
    width: float = 2.2,
    inset: float = 0,
) -> Any:
    """Draw a frame around cells and return it."""
    row, column = at
    return axes.add_patch(
        Rectangle(
            (column + inset, row + inset),
            columns - 2 * inset,
            rows - 2 * inset,
            fill=False,
            edgecolor=colour,
            linewidth=width,
            zorder=3,
        )
    )


def number(value: float) -> str:
    """Return a short text of a number.

    Example:
        >>> number(2.0), number(0.0625), number(-1.5)
        ('2', '.0625', '-1.5')
    """
    text = f"{value:.4g}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def fit_size(texts: Sequence[str], *, largest: float = 10) -> float:
    """Return a font size at which the longest of ``texts`` fits its cell.

    Example:
        >>> fit_size(["1"]), fit_size([".0625"])
        (10, 7.0)
    """
    longest = max((len(text) for text in texts), default=1)
    return min(largest, 35 / max(longest, 3))
