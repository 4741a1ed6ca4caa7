"""The views of a transposed convolution that an animation puts side by side."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tfdeconv.analysis.arithmetic.configuration import Axis, Configuration
from tfdeconv.analysis.figures.cells import cell, clear, fit_size, number, outline
from tfdeconv.analysis.figures.layout import full_output
from tfdeconv.analysis.figures.moments import Moment
from tfdeconv.analysis.figures.style import (
    BLUE,
    CROPPED,
    GREEN,
    INPUT,
    INSERTED,
    KERNEL,
    VERMILION,
    count_colours,
)
from tfdeconv.geometry import Window

UNIT = Axis(1, 1, 1, 1, Window(0, 1))
"""The axis of height 1 that a single axis is drawn with."""


@dataclass(frozen=True)
class View(abc.ABC):
    """One way to see a transposed convolution of two axes, with the numbers of its input and kernel."""

    config: Configuration
    x: np.ndarray
    kernel: np.ndarray

    @property
    @abc.abstractmethod
    def size(self) -> tuple[int, ...]:
        """Cells along each axis."""

    @abc.abstractmethod
    def draw(self, axes: Axes, moment: Moment) -> None:
        """Draw the view at a moment of the animation."""

    def output(self, moment: Moment) -> tuple[int, ...] | None:
        """Index of the output sample that was made last; None before the first."""
        if not moment.made:
            return None
        return tuple(int(at) for at in np.unravel_index(moment.made - 1, self.config.output_size))

    def index(self, at: Sequence[Any]) -> str:
        """An index as text, without the axis that was added to a single one."""
        return ", ".join(str(int(i)) for i in (at[1:] if self.config.axes[0] == UNIT else at))

    @property
    def full(self) -> tuple[Axis, ...]:
        """The axes without their crop."""
        return tuple(axis.uncropped() for axis in self.config.axes)

    def palette(self) -> Any:
        """Colours of output samples, by the number of taps that have reached them."""
        most = full_output(self.full, np.ones_like(self.x), np.ones_like(self.kernel)).max()
        return count_colours(round(float(most)))


class StampView(View):
    """The full output, as the inputs stamp the kernel onto it one after the other."""

    @property
    def size(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return tuple(axis.window.size for axis in self.full)

    def draw(self, axes: Axes, moment: Moment) -> None:
        """Draw the stamps of the inputs that have had their turn; frame the last, and the last output."""
        rows, columns = self.size
        axes.clear()
        clear(axes, rows + 1.2, columns, top=-1)
        full = self.full
        counted = np.arange(self.x.size).reshape(self.x.shape) < moment.stamped
        counts = full_output(full, counted.astype(float), np.ones_like(self.kernel)).round().astype(int)
        values, palette = full_output(full, self.x * counted, self.kernel), self.palette()
        size = fit_size([number(value) for value in full_output(full, self.x, self.kernel).ravel()])
        for at, value in np.ndenumerate(values):
            kept = all(
                axis.window.lead <= index < axis.window.lead + axis.window.size
                for axis, index in zip(self.config.axes, at, strict=True)
            )
            fill = palette(int(counts[at])) if kept else CROPPED
            text = number(value) if counts[at] else ""
            cell(axes, (at[0], at[1]), fill=fill, hatch="" if kept else "////", text=text, size=size)
        leads = [window.lead for window in self.config.windows]
        outline(axes, (leads[0], leads[1]), *self.config.output_size, width=2.6)
        axes.text(columns / 2, -0.5, "stamp the kernel", ha="center", va="center", fontsize=10)
        output = self.output(moment)
        if output is not None:
            outline(axes, (leads[0] + output[0], leads[1] + output[1]), 1, 1, colour=VERMILION)
        if not moment.stamped:
            return
        last = np.unravel_index(moment.stamped - 1, self.x.shape)
        spans = [(k - 1) * d + 1 for k, d in zip(self.kernel.shape, self.config.dilation_rate, strict=True)]
        start = [int(index) * stride for index, stride in zip(last, self.config.strides, strict=True)]
        outline(axes, (start[0], start[1]), spans[0], spans[1], colour=BLUE, inset=0.08)
        text = f"x[{self.index(last)}] = {number(self.x[last])} times the kernel"
        axes.text(columns / 2, rows + 0.6, text, ha="center", va="center", fontsize=9, color=BLUE)


class SlideView(View):
    """Zeros between the inputs and around them, with the flipped kernel sliding over."""

    @property
    def pads(self) -> list[tuple[int, int]]:
        """Cells in front of the first input along each axis, and cells in all."""
        found = []
        for axis in self.config.axes:
            before = (axis.kernel_size - 1) * axis.dilation_rate - axis.window.lead
            inserted = (axis.input_size - 1) * axis.stride + 1
            span = (axis.kernel_size - 1) * axis.dilation_rate + axis.window.size
            found.append((max(before, 0), max(before, 0) + max(inserted, span - before)))
        return found

    @property
    def size(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return tuple(total for _, total in self.pads)

    def draw(self, axes: Axes, moment: Moment) -> None:
        """Draw the padded input, and the kernel where it made the last output."""
        rows, columns = self.size
        axes.clear()
        clear(axes, rows + 1.2, columns, top=-1)
        output = self.output(moment)
        here = {} if output is None else self._tap_cells(output)
        size = fit_size([number(value) for value in self.x.ravel()])
        fronts = [front for front, _ in self.pads]
        terms = []
        for row, column in np.ndindex(rows, columns):
            steps = [
                divmod(at - front, axis.stride)
                for at, front, axis in zip((row, column), fronts, self.config.axes, strict=True)
            ]
            data = all(
                rest == 0 and 0 <= index < axis.input_size
                for (index, rest), axis in zip(steps, self.config.axes, strict=True)
            )
            tap = here.get((row, column))
            value = self.x[steps[0][0], steps[1][0]] if data else 0.0
            if data and tap is not None:
                terms.append(f"{number(value)}*{number(self.kernel[tap])}")
            fill = INPUT if data else KERNEL if tap is not None else INSERTED
            cell(
                axes, (row, column), fill=fill, text=number(value) if data else "", size=size, edge="#C8C8C8"
            )
            if tap is not None:
                outline(axes, (row, column), 1, 1, colour=GREEN, width=1.6, inset=0.07)
        axes.text(columns / 2, -0.5, "insert zeros, convolve", ha="center", va="center", fontsize=10)
        if output is None:
            return
        shown = " + ".join(terms) if len(terms) <= 4 else f"sum of {len(terms)} products"
        text = f"y[{self.index(output)}] = {shown if terms else 'no input under a tap'}"
        axes.text(columns / 2, rows + 0.6, text, ha="center", va="center", fontsize=9, color=VERMILION)

    def _tap_cells(self, output: tuple[int, ...]) -> dict[tuple[int, int], tuple[int, int]]:
        """Cell -> tap, for the flipped kernel that makes one output."""
        lines = []
        for at, (front, _), axis in zip(output, self.pads, self.config.axes, strict=True):
            # tap a meets the inserted input at lead + output - a * dilation
            first = front + axis.window.lead + at
            lines.append([(first - tap * axis.dilation_rate, tap) for tap in range(axis.kernel_size)])
        return {(row, column): (a, b) for row, a in lines[0] for column, b in lines[1]}


class ResultView(View):
    """The output, as the sliding kernel fills it."""

    @property
    def size(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return self.config.output_size

    def draw(self, axes: Axes, moment: Moment) -> None:
        """Draw the output samples that are made, the last of them framed."""
        rows, columns = self.size
        axes.clear()
        clear(axes, rows + 1.2, columns, top=-1)
        values = full_output(self.config.axes, self.x, self.kernel)
        counts = full_output(self.config.axes, np.ones_like(self.x), np.ones_like(self.kernel)).round()
        palette = self.palette()
        size = fit_size([number(value) for value in values.ravel()])
        for place, (at, value) in enumerate(np.ndenumerate(values)):
            made = place < moment.made
            fill = palette(int(counts[at])) if made else INSERTED
            cell(axes, (at[0], at[1]), fill=fill, text=number(value) if made else "", size=size)
        axes.text(columns / 2, -0.5, "output", ha="center", va="center", fontsize=10)
        last = self.output(moment)
        if last is None:
            return
        outline(axes, (last[0], last[1]), 1, 1, colour=VERMILION)
        text = f"y[{self.index(last)}] = {number(values[last])}"
        axes.text(columns / 2, rows + 0.6, text, ha="center", va="center", fontsize=9, color=VERMILION)
