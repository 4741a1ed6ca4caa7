"""The layout of a transposed convolution: stamps, overlap counts, and the window that is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tfdeconv.analysis.arithmetic.configuration import Axis, Configuration
from tfdeconv.analysis.arithmetic.overlap import overlap
from tfdeconv.analysis.figures.cells import cell, clear, fit_size, grid, number, outline
from tfdeconv.analysis.figures.style import BLACK, CROPPED, INPUT, KERNEL, STAMPS, count_colours, new_figure
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import Window

LARGEST = 48
"""Cells along an axis up to which a layout can be read."""


def layout(config: Configuration, x: Any = None, kernel: Any = None) -> Figure:
    """Draw how a transposed convolution comes about.

    One axis: each input's stamp in a row of its own, and their sum. Two axes: input above kernel, and
    beside them the full output, the stamps as coloured frames. The output is shaded by the number of
    taps that reach each sample; cropped samples are hatched, and the window that is kept is framed.

    Args:
        config: From :func:`tfdeconv.analysis.configuration`, with one or two axes.
        x: Input ``[*sizes]``; None: 1, 2, 3, ...
        kernel: Taps ``[*kernel_size]``; None: ones.

    Returns:
        The figure; :func:`save` writes it.

    Raises:
        InvalidArgumentError: The configuration has three axes or is too large to be read.

    Example:
        >>> from tfdeconv import analysis
        >>> len(layout(analysis.configuration((2, 2), 3, strides=2, padding="same")).axes)
        3
    """
    values, taps = drawn_values(config, x, kernel)
    return _one_axis(config.axes[0], values, taps) if config.rank == 1 else _two_axes(config, values, taps)


def drawn_values(config: Configuration, x: Any, kernel: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the input and kernel to draw, checked against the configuration.

    Example:
        >>> from tfdeconv import analysis
        >>> drawn_values(analysis.configuration(3, 2), None, None)
        (array([1., 2., 3.]), array([1., 1.]))
    """
    if config.rank > 2 or max(config.full_size + config.output_size) > LARGEST:
        raise InvalidArgumentError(
            f"a layout can be drawn with 1 or 2 axes of at most {LARGEST} samples; received output sizes "
            f"{config.full_size}. Draw a smaller input: the pattern repeats."
        )
    count = int(np.prod(config.input_size))
    values = np.arange(1.0, count + 1).reshape(config.input_size) if x is None else np.asarray(x, float)
    taps = np.ones(config.kernel_size) if kernel is None else np.asarray(kernel, float)
    for name, given, wanted in (("x", values, config.input_size), ("kernel", taps, config.kernel_size)):
        if given.shape != wanted:
            raise InvalidArgumentError(f"{name} must have shape {wanted}; received {given.shape}.")
    return values, taps


def full_output(axes: tuple[Axis, ...], x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the output of full axes, float64.

    Example:
        >>> from tfdeconv import analysis
        >>> full_output(analysis.configuration(2, 3, strides=2).axes, np.array([1.0, 2.0]), np.ones(3))
        array([1., 1., 3., 2., 2.])
    """
    selectors = [axis.selector() for axis in axes]
    if len(axes) == 1:
        return np.einsum("qpa,p,a->q", selectors[0], x, kernel)
    return np.einsum("qpa,rbc,pb,ac->qr", *selectors, x, kernel, optimize=True)


def _one_axis(axis: Axis, x: np.ndarray, kernel: np.ndarray) -> Figure:
    full = axis.uncropped()
    size, rows = full.window.size, axis.input_size + 3
    figure = new_figure(max(4.5, 0.42 * size + 2.2), 0.42 * rows + 1.1)
    axes = figure.add_subplot()
    clear(axes, rows + 0.9, size, left=-2.6)
    products = np.outer(x, kernel)
    text_size = fit_size([number(value) for value in (*products.ravel(), *x)])
    axes.text(-0.3, 0.5, "input", ha="right", va="center", fontsize=9)
    for index, value in enumerate(x):
        colour = STAMPS[index % len(STAMPS)]
        start = index * axis.stride
        cell(axes, (0, start), fill=INPUT, text=number(value), size=text_size)
        outline(axes, (0, start), 1, 1, colour=colour, inset=0.06)
        row = 1.5 + index
        axes.text(-0.3, row + 0.5, f"x[{index}] * w", ha="right", va="center", fontsize=9, color=colour)
        for tap in range(axis.kernel_size):
            at = (row, start + tap * axis.dilation_rate)
            cell(axes, at, fill=KERNEL, text=number(products[index, tap]), size=text_size, edge=colour)
    bottom = axis.input_size + 2
    axes.text(-0.3, bottom + 0.5, "sum", ha="right", va="center", fontsize=9)
    height = Axis(1, 1, 1, 1, Window(0, 1))
    values, counts = full_output((full,), x, kernel)[None], _counts((full,))[None]
    _output(axes, values, counts, (height, axis), top=bottom, size=text_size)
    outline(axes, (bottom, axis.window.lead), 1, axis.window.size)
    axes.text(
        axis.window.lead + axis.window.size / 2,
        bottom + 1.45,
        f"output: samples {axis.window.lead} to {axis.window.lead + axis.window.size - 1}",
        ha="center",
        va="center",
        fontsize=9,
    )
    _legend(figure, counts, cropped=axis.window.size < size)
    return figure


def _two_axes(config: Configuration, x: np.ndarray, kernel: np.ndarray) -> Figure:
    full = tuple(axis.uncropped() for axis in config.axes)
    sizes = tuple(axis.window.size for axis in full)
    rows = (config.input_size[0] + 1, config.kernel_size[0] + 1)  # with their titles
    columns = (max(config.input_size[1], config.kernel_size[1]), sizes[1])
    height = max(sum(rows) + 0.5, sizes[0] + 1)
    figure = new_figure(max(4.5, 0.42 * (sum(columns) + 1.5)), 0.42 * height + 0.7)
    places = figure.add_gridspec(2, 2, width_ratios=columns, height_ratios=rows)
    panels = [figure.add_subplot(place) for place in (places[0, 0], places[1, 0], places[:, 1])]
    titles = (
        f"input {_by(config.input_size)}",
        f"kernel {_by(config.kernel_size)}" + _note("dilation", config.dilation_rate, 1),
        f"stride {_by(config.strides)}: {_by(config.output_size)} of {_by(sizes)}",
    )
    output = full_output(full, x, kernel)
    text_size = fit_size([number(v) for v in (*output.ravel(), *kernel.ravel())])
    for axes, shape, title in zip(panels, (x.shape, kernel.shape, sizes), titles, strict=True):
        clear(axes, *shape, top=-1)
        axes.text(shape[1] / 2, -0.5, title, ha="center", va="center", fontsize=10)
    grid(panels[0], x, fill=INPUT, size=text_size)
    grid(panels[1], kernel, fill=KERNEL, size=text_size)
    _output(panels[2], output, _counts(full), config.axes, size=text_size)
    _stamps(panels[0], panels[2], config)
    leads = (config.windows[0].lead, config.windows[1].lead)
    outline(panels[2], leads, *config.output_size, width=3)
    _legend(figure, _counts(full), cropped=config.output_size != sizes)
    return figure


def _stamps(source: Axes, result: Axes, config: Configuration) -> None:
    """Frames of one colour around each input and its stamp; only where they can be told apart."""
    if np.prod(config.input_size) > len(STAMPS):
        return
    spans = [(k - 1) * d + 1 for k, d in zip(config.kernel_size, config.dilation_rate, strict=True)]
    for index, (row, column) in enumerate(np.ndindex(config.input_size)):
        colour, inset = STAMPS[index % len(STAMPS)], 0.07 + 0.05 * (index % 3)
        outline(source, (row, column), 1, 1, colour=colour, inset=0.07)
        at = (row * config.strides[0], column * config.strides[1])
        outline(result, at, spans[0], spans[1], colour=colour, width=1.6, inset=inset)


def _output(
    axes: Axes,
    values: np.ndarray,
    counts: np.ndarray,
    windows: tuple[Axis, ...],
    *,
    size: float,
    top: float = 0,
) -> None:
    colours = count_colours(int(counts.max()))
    for at, value in np.ndenumerate(values):
        kept = all(
            axis.window.lead <= index < axis.window.lead + axis.window.size
            for axis, index in zip(windows, at, strict=True)
        )
        fill, hatch = (colours(int(counts[at])), "") if kept else (CROPPED, "////")
        cell(axes, (top + at[0], at[1]), fill=fill, hatch=hatch, text=number(value), size=size)


def _counts(axes: tuple[Axis, ...]) -> np.ndarray:
    return overlap(
        tuple(axis.input_size for axis in axes),
        tuple(axis.kernel_size for axis in axes),
        strides=tuple(axis.stride for axis in axes),
        padding=[(axis.window.lead, axis.tail) for axis in axes],
        dilation_rate=tuple(axis.dilation_rate for axis in axes),
    ).counts


def _legend(figure: Figure, counts: np.ndarray, *, cropped: bool) -> None:
    colours = count_colours(int(counts.max()))
    shown = sorted({int(count) for count in counts.ravel()})
    handles = [
        Patch(
            facecolor=colours(count),
            edgecolor=BLACK,
            linewidth=0.5,
            label=f"{count} tap" + "s" * (count != 1),
        )
        for count in shown
    ]
    if cropped:
        hatched = Patch(facecolor=CROPPED, edgecolor="#6A6A6A", hatch="////", linewidth=0.5, label="cropped")
        handles.append(hatched)
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 8), fontsize=8, frameon=False
    )


def _by(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))


def _note(name: str, values: tuple[int, ...], default: int) -> str:
    return "" if all(value == default for value in values) else f", {name} {_by(values)}"
