"""Checkerboards as pictures: what a constant and a natural image become, and the scores of a model."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tfdeconv.analysis.arithmetic.kernel_layout import kernel_rank, with_channels
from tfdeconv.analysis.arithmetic.phases import checkerboard_score, phase_sums
from tfdeconv.analysis.checkerboards.checkerboard_report import VISIBLE, CheckerboardReport, LayerCheckerboard
from tfdeconv.analysis.checkerboards.fixes import fixes
from tfdeconv.analysis.figures.style import BLACK, BLUE, GREY, VERMILION, new_figure
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry.axis_arguments import per_axis

PERIODS = 6
"""Periods of the pattern that are drawn along each axis."""


def checkerboard_pattern(kernel: Any, strides: Any) -> Figure:
    """Draw what a transposed convolution makes of a constant, as it is and after each remedy.

    All panels share one grey scale: white and black are the extremes of the kernel as it is.

    Args:
        kernel: Taps ``[*kernel_size]``, or ``[*kernel_size, filters, channels]``, whose first filter is
            drawn for a constant of 1 in every channel; one or two spatial axes.
        strides: Stride; an int or one for each axis.

    Returns:
        The figure; :func:`save` writes it.

    Raises:
        InvalidArgumentError: The kernel has three spatial axes.

    Example:
        >>> len(checkerboard_pattern(np.ones([3, 3]), 2).axes)
        5
    """
    weights = np.asarray(kernel, float)
    rank = kernel_rank(weights, strides)
    if rank > 2:
        raise InvalidArgumentError(f"kernel must have 1 or 2 spatial axes to be drawn; received {rank}.")
    weights = with_channels(weights, rank)
    steps = per_axis("strides", strides, rank)
    panels = [("as it is", weights)] + [(fix.name, fix.kernel) for fix in fixes(weights, steps, (1,) * rank)]
    patterns = [_pattern(taps, steps) for _, taps in panels]
    low, high = patterns[0].min(), patterns[0].max()
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    rows, columns = patterns[0].shape
    figure = new_figure(2.1 * len(panels), min(0.6 + 2 * rows / columns, 2.8))
    for axes, (name, taps), pattern in zip(figure.subplots(1, len(panels)), panels, patterns, strict=True):
        axes.imshow(pattern, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        axes.set_title(f"{name}\nscore {checkerboard_score(taps, steps):.2f}", fontsize=9)
        axes.set(xticks=[], yticks=[])
    return figure


def checkerboard_scores(report: CheckerboardReport) -> Figure:
    """Draw the scores of a model's upsampling layers as bars, and what is left after the best remedy.

    Args:
        report: From :func:`tfdeconv.analysis.checkerboard`, with at least one layer.

    Returns:
        The figure; :func:`save` writes it.

    Example:
        >>> import keras
        >>> from tfdeconv import analysis
        >>> report = analysis.checkerboard(keras.layers.Conv1DTranspose(1, 3, strides=2), (8, 1))
        >>> len(checkerboard_scores(report).axes[0].patches)
        1
    """
    if not len(report):
        raise InvalidArgumentError("report must hold at least one layer; received an empty report.")
    layers = report.layers[::-1]  # bars count from below
    figure = new_figure(7.5, 0.42 * len(layers) + 1.2)
    axes = figure.add_subplot()
    colours = [VERMILION if layer.score > VISIBLE else BLUE for layer in layers]
    axes.barh(range(len(layers)), [layer.score for layer in layers], color=colours, height=0.6)
    axes.set_yticks(range(len(layers)), [layer.path for layer in layers], fontsize=8)
    axes.set(xlim=(0, 1), xlabel="checkerboard score (amplitude of the pattern / output)")
    axes.xaxis.label.set_fontsize(9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    for row, layer in enumerate(layers):
        text = _verdict(layer)
        outside = layer.score < 0.55
        axes.text(
            layer.score + (0.01 if outside else -0.01),
            row,
            text,
            ha="left" if outside else "right",
            va="center",
            fontsize=8,
            color=BLACK if outside else "white",
        )
    axes.axvline(0, color=GREY, linewidth=0.8)
    return figure


def _pattern(kernel: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    """Periods of the output of the first filter for a constant, always two-dimensional."""
    one = phase_sums(kernel, strides)[..., 0, :].sum(axis=-1)
    tiled = np.tile(one, (PERIODS,) * len(strides))
    return tiled if tiled.ndim == 2 else np.tile(tiled, (4, 1))


def _verdict(layer: LayerCheckerboard) -> str:
    if layer.check is None:
        return f"{layer.cause}"
    if layer.cause == "none":
        return f"{layer.score:.3f}"
    return f"{layer.score:.3f}  {layer.cause}"
