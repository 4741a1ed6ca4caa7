"""The arithmetic of one transposed convolution in words and numbers."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import tensorflow as tf

from tfdeconv import ops
from tfdeconv.analysis.arithmetic.configuration import Axis, Configuration
from tfdeconv.analysis.arithmetic.framework_calls import equivalents
from tfdeconv.analysis.arithmetic.operators import operator_matrix
from tfdeconv.analysis.arithmetic.overlap import phase_counts
from tfdeconv.analysis.arithmetic.phases import checkerboard_score, phase_sums
from tfdeconv.analysis.arithmetic.text_grid import beside, text_grid
from tfdeconv.errors import InvalidArgumentError

WIDTH = 100
"""Columns of the text."""

VIEWS = {
    "gradient of a convolution": "gradient",
    "zero insertion, then convolution": "zero_insertion",
    "scatter: stamp and add": "scatter",
}
"""View -> lowering that computes it; the fourth is the matrix."""


def explain(
    config: Configuration,
    x: Any = None,
    kernel: Any = None,
    *,
    filters: int = 1,
    channels: int = 1,
    groups: int = 1,
) -> str:
    r"""Explain a transposed convolution step by step, with numbers.

    Args:
        config: From :func:`tfdeconv.analysis.configuration`.
        x: Input of one channel ``[*sizes]``; None: 1, 2, 3, ...
        kernel: Taps ``[*kernel_size]``; None: ones.
        filters: Output channels, for the calls and the cost.
        channels: Input channels, for the calls and the cost.
        groups: Groups of channels, for the calls and the cost.

    Returns:
        Text of six sections: sizes, stamps, four equal views, matrix, other frameworks, cost.

    Raises:
        InvalidArgumentError: ``x`` or ``kernel`` does not have the shape of the configuration.

    Example:
        >>> from tfdeconv import analysis
        >>> text = explain(analysis.configuration((2, 2), 3, strides=2, padding="same"))
        >>> print(text.split("\n\n")[1])
        1. Sizes, along each axis
           effective kernel   ke = (k - 1) * d + 1 = (3 - 1) * 1 + 1 = 3
           full output        F = (i - 1) * s + ke = (2 - 1) * 2 + 3 = 5
           window             samples 0 to 3 of those, 4 in all: 0 cropped at the start, 1 at the end
    """
    count = int(np.prod(config.input_size))
    values = np.arange(1.0, count + 1).reshape(config.input_size) if x is None else np.asarray(x, float)
    weights = np.ones(config.kernel_size) if kernel is None else np.asarray(kernel, float)
    for name, given, wanted in (("x", values, config.input_size), ("kernel", weights, config.kernel_size)):
        if given.shape != wanted:
            raise InvalidArgumentError(f"{name} must have shape {wanted}; received {given.shape}.")
    calls = equivalents(config, filters=filters, channels=channels, groups=groups)
    sections = [
        f"Transposed convolution of {_by(config.input_size)} samples with a kernel of "
        f"{_by(config.kernel_size)}, stride {_by(config.strides)}"
        + (f", dilation {_by(config.dilation_rate)}" if max(config.dilation_rate) > 1 else ""),
        "\n".join(_sizes(config)),
        "\n".join(_stamps(config, values, weights)),
        "\n".join(_views(config, values, weights)),
        "\n".join(_matrix(config, weights)),
        "\n".join(_calls(calls)),
        "\n".join(_cost(config, weights, filters=filters, channels=channels, groups=groups)),
    ]
    return "\n\n".join(sections)


def _sizes(config: Configuration) -> list[str]:
    alike = len(set(config.axes)) == 1
    lines = ["1. Sizes" + (", along each axis" if alike and config.rank > 1 else "")]
    for index, axis in enumerate(config.axes[:1] if alike else config.axes):
        if not alike:
            lines.append(f"   axis {index}")
        lines += _axis_sizes(axis)
    return lines


def _axis_sizes(axis: Axis) -> list[str]:
    i, k, s, d = axis.input_size, axis.kernel_size, axis.stride, axis.dilation_rate
    ke = (k - 1) * d + 1
    lead, size = axis.window
    end = f"{axis.tail} at the end"
    if axis.tail < 0:
        end = f"{-axis.tail} zero{'s' * (axis.tail < -1)} appended at the end"
    return [
        f"   effective kernel   ke = (k - 1) * d + 1 = ({k} - 1) * {d} + 1 = {ke}",
        f"   full output        F = (i - 1) * s + ke = ({i} - 1) * {s} + {ke} = {axis.full_size}",
        f"   window             samples {lead} to {lead + size - 1} of those, {size} in all: "
        f"{lead} cropped at the start, {end}",
    ]


def _stamps(config: Configuration, x: np.ndarray, kernel: np.ndarray) -> list[str]:
    alike = len(set(config.strides)) == 1
    stride = str(config.strides[0]) if alike else _by(config.strides)
    apart = f"{stride} sample{'' if stride == '1' else 's'} apart"
    lines = [f"2. Stamps: every input times the kernel, {apart}, added up"]
    if config.rank > 2 or max(config.full_size) > 16 or x.size > 9:
        return [*lines, "   (too many to print; the pattern of a smaller input is the same)"]
    full = config.uncropped()
    panels = []
    for index in np.ndindex(x.shape):
        one, there = np.zeros_like(x), np.zeros_like(x)
        one[index], there[index] = x[index], 1
        stamp = _apply(full, one, kernel)
        reached = _apply(full, there, np.ones_like(kernel)) > 0
        title = f"x[{','.join(map(str, index))}] = {x[index]:g}"
        panels.append((title, text_grid(stamp, hidden=~reached)))
    total = _apply(full, x, kernel)
    kept = np.zeros(total.shape, bool)
    kept[tuple(slice(lead, lead + size) for lead, size in config.windows)] = True
    panels.append(("sum, (cropped)" if not kept.all() else "sum", text_grid(total, bracketed=~kept)))
    return [*lines, *beside(panels, width=WIDTH, indent=3)]


def _views(config: Configuration, x: np.ndarray, kernel: np.ndarray) -> list[str]:
    results = {name: _apply(config, x, kernel, lowering) for name, lowering in VIEWS.items()}
    matrix = operator_matrix(kernel, config.input_size, sparse=True, **_arguments(config))
    product = tf.sparse.sparse_dense_matmul(matrix, x.reshape(-1, 1))
    results["the transposed matrix times x"] = np.asarray(product).reshape(config.output_size)
    first = next(iter(results.values()))
    scale = float(np.abs(first).max()) or 1.0
    lines = ["3. Four equal views"]
    for name, result in results.items():
        difference = float(np.abs(result - first).max()) / scale
        verdict = "the output below" if result is first else f"differs from it by {difference:.0e} at most"
        lines.append(
            f"   {name:34} {'the same output' if difference < 1e-12 and result is not first else verdict}"
        )
    if first.ndim <= 2 and max(first.shape) <= 16:
        lines += textwrap.indent("\n".join(text_grid(first)), "     ").splitlines()
    else:
        lines.append(f"     {_by(first.shape)} samples from {first.min():g} to {first.max():g}")
    return lines


def _matrix(config: Configuration, kernel: np.ndarray) -> list[str]:
    rows, columns = int(np.prod(config.output_size)), int(np.prod(config.input_size))
    lines = [f"4. The matrix T, {rows} x {columns}: y = T x, and T transposed is the convolution"]
    if rows > 36 or columns > 16:
        return [*lines, "   (too large to print; see td.analysis.operator_matrix)"]
    matrix = operator_matrix(kernel, config.input_size, **_arguments(config))
    return [*lines, *(f"     {line}" for line in text_grid(matrix, hidden=matrix == 0))]


def _calls(calls: Any) -> list[str]:
    lines = ["5. The same in other frameworks"]
    for one in calls:
        wrapped = textwrap.wrap(str(one), WIDTH - 15, break_long_words=False)
        lines += [
            f"   {name:10}  {line}" for name, line in zip([one.framework] + [""] * 9, wrapped, strict=False)
        ]
    return lines


def _cost(
    config: Configuration, kernel: np.ndarray, *, filters: int, channels: int, groups: int
) -> list[str]:
    direct = config.macs(filters=filters, channels=channels, groups=groups)
    inserted = config.zero_insertion_macs(filters=filters, channels=channels, groups=groups)
    counts = phase_counts(config.kernel_size, config.strides, config.dilation_rate)
    sums = phase_sums(kernel, config.strides, config.dilation_rate)
    score = checkerboard_score(kernel, config.strides, config.dilation_rate)
    even = "even" if counts.min() == counts.max() else "uneven"
    return [
        "6. Cost and checkerboard",
        f"   multiplications    {direct:,} (a dense convolution after zero insertion: {inserted:,})",
        f"   taps per output    {_listed(counts)} by phase: {even}",
        f"   sums by phase      {_listed(sums)}: a constant input of 1 becomes this pattern",
        f"   score              {score:.3f}" + (" (no checkerboard)" if score < 1e-9 else ""),
    ]


def _apply(config: Configuration, x: np.ndarray, kernel: np.ndarray, lowering: str = "scatter") -> np.ndarray:
    y = ops.conv_transpose(
        x[np.newaxis, ..., np.newaxis],
        kernel[..., np.newaxis, np.newaxis],
        lowering=lowering,
        data_format="channels_last",
        **_arguments(config),
    )
    return np.asarray(y)[0, ..., 0]


def _arguments(config: Configuration) -> dict[str, Any]:
    return {
        "strides": config.strides,
        "padding": config.crops,
        "dilation_rate": config.dilation_rate,
    }


def _by(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))


def _listed(values: np.ndarray) -> str:
    return np.array2string(values, separator=", ", precision=4, suppress_small=True).replace("\n", "")
