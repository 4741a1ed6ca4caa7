"""Receptive fields and coverage as pictures."""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from tfdeconv.analysis.figures.style import BLACK, VERMILION, new_figure
from tfdeconv.analysis.models.coverage import Coverage
from tfdeconv.analysis.models.receptive_field import ReceptiveField
from tfdeconv.errors import InvalidArgumentError


def receptive_field(field: ReceptiveField) -> Figure:
    """Draw the input samples that one output sample depends on.

    Args:
        field: From :func:`tfdeconv.analysis.receptive_field`, with one or two axes.

    Returns:
        The figure; :func:`save` writes it.

    Example:
        >>> seen = np.zeros([8, 8], bool)
        >>> seen[2:5, 3:6] = True
        >>> receptive_field(ReceptiveField((3, 4), seen, (8, 8))).axes[0].get_title()
        'output (3, 4) sees 3 x 3 inputs'
    """
    support = _two_axes(field.support)
    figure = new_figure(4.2, max(1.6, min(4.2, 4.2 * support.shape[0] / support.shape[1]) + 0.4))
    axes = figure.add_subplot()
    axes.imshow(support, cmap="Blues", vmin=0, vmax=1.6, interpolation="nearest")
    bounds = field.bounds if len(field.bounds) == 2 else ((0, 0), *field.bounds)
    (top, bottom), (left, right) = bounds
    axes.add_patch(
        Rectangle(
            (left - 0.5, top - 0.5), right - left + 1, bottom - top + 1, fill=False, edgecolor=VERMILION, lw=2
        )
    )
    at = ", ".join(map(str, field.position))
    axes.set_title(f"output ({at}) sees {' x '.join(map(str, field.size))} inputs", fontsize=10)
    _finish(axes, support.shape, "input")
    return figure


def coverage(covered: Coverage) -> Figure:
    """Draw how many outputs each input reaches, and how many inputs each output sees.

    Args:
        covered: From :func:`tfdeconv.analysis.coverage`, with one or two axes.

    Returns:
        The figure; :func:`save` writes it.

    Example:
        >>> len(coverage(Coverage(np.ones([4, 4], int), np.ones([8, 8], int))).axes)
        4
    """
    figure = new_figure(8, 3.8)
    parts = (
        ("input", covered.reached, f"outputs that each input reaches ({covered.unused} unused)"),
        ("output", covered.seen, "inputs that each output sees"),
    )
    for axes, (name, counts, title) in zip(figure.subplots(1, 2), parts, strict=True):
        values = _two_axes(counts)
        image = axes.imshow(values, cmap="cividis", vmin=0, interpolation="nearest", aspect=_aspect(values))
        axes.set_title(title, fontsize=10)
        _finish(axes, values.shape, name)
        bar = figure.colorbar(image, ax=axes, shrink=0.8, ticks=MaxNLocator(integer=True))
        bar.ax.tick_params(labelsize=8)
        bar.outline.set_edgecolor(BLACK)
    return figure


def _two_axes(values: np.ndarray) -> np.ndarray:
    if values.ndim > 2:
        raise InvalidArgumentError(f"1 or 2 axes can be drawn; received {values.ndim}.")
    return np.atleast_2d(values)


def _aspect(values: np.ndarray) -> Literal["auto", "equal"]:
    return "auto" if values.shape[0] == 1 else "equal"


def _finish(axes: Axes, shape: tuple[int, ...], name: str) -> None:
    axes.set_xlabel(name, fontsize=9)
    axes.tick_params(labelsize=8, length=2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    if shape[0] == 1:
        axes.set_yticks([])
