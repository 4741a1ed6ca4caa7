"""Operator matrices as pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfdeconv.analysis.figures.cells import fit_size, number
from tfdeconv.analysis.figures.style import diverging_colours, new_figure, text_colour
from tfdeconv.errors import InvalidArgumentError

NUMBERS_UP_TO = 24
"""Rows and columns up to which the entries are written out."""


def matrix(values: Any, *, title: str = "") -> Figure:
    """Draw a matrix: its pattern in colours, and its entries where there is room.

    Args:
        values: Dense matrix ``(rows, columns)``, for example of :func:`tfdeconv.analysis.operator_matrix`.
        title: Title; empty: the shape.

    Returns:
        The figure; :func:`save` writes it.

    Raises:
        InvalidArgumentError: ``values`` is no dense matrix.

    Example:
        >>> from tfdeconv import analysis
        >>> figure = matrix(analysis.operator_matrix([1, 2, 3], 4, strides=2))
        >>> figure.axes[0].get_title()
        '9 outputs x 4 inputs'
    """
    array = np.asarray(values, float) if not hasattr(values, "dense_shape") else np.empty(0)
    if array.ndim != 2 or not array.size:
        raise InvalidArgumentError(
            f"values must be a dense matrix; received {type(values).__name__} of shape "
            f"{tuple(getattr(values, 'shape', ()))}. Sparse matrices are made dense by tf.sparse.to_dense."
        )
    rows, columns = array.shape
    inch = 0.36 if max(rows, columns) <= NUMBERS_UP_TO else 8 / max(rows, columns)
    figure = new_figure(max(2.6, columns * inch + 0.9), max(1.6, rows * inch + 0.8))
    axes = figure.add_subplot()
    limit = 1.3 * float(np.abs(array).max()) or 1.0  # leaves the darkest colours out
    colours = diverging_colours()
    axes.imshow(array, cmap=colours, vmin=-limit, vmax=limit, interpolation="nearest")
    axes.set_title(title or f"{rows} outputs x {columns} inputs", fontsize=10)
    axes.set(xlabel="input", ylabel="output")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize=8, length=2)
    if max(rows, columns) > NUMBERS_UP_TO:
        return figure
    axes.set(xticks=range(columns), yticks=range(rows))
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#D8D8D8", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    size = fit_size([number(value) for value in array.ravel()], largest=9) * 0.9
    for (row, column), value in np.ndenumerate(array):
        if value:
            colour = text_colour(colours(0.5 + value / (2 * limit))[:3])
            axes.text(column, row, number(value), ha="center", va="center", fontsize=size, color=colour)
    return figure
