"""The same transposed convolution in the words of Keras, TensorFlow, PyTorch, ONNX and Caffe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tfdeconv import geometry
from tfdeconv.analysis.arithmetic.configuration import Axis, Configuration
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry.axis_arguments import AxisPadding


@dataclass(frozen=True)
class Equivalent:
    """How one framework says it.

    Attributes:
        framework: Name of the framework.
        call: The call with its arguments; None where there is none.
        note: Why there is none, or what to do besides; empty where the call is all.
    """

    framework: str
    call: str | None
    note: str = ""

    def __str__(self) -> str:
        if self.call is None:
            return f"no equivalent: {self.note}"
        return f"{self.call}, {self.note}" if self.note else self.call


def equivalents(
    config: Configuration, *, filters: int = 1, channels: int = 1, groups: int = 1
) -> tuple[Equivalent, ...]:
    """Return the call of each framework that returns the same samples.

    Args:
        config: The sizes, strides, dilations and windows.
        filters: Output channels.
        channels: Input channels.
        groups: Groups of channels.

    Returns:
        tfdeconv, Keras, TensorFlow, PyTorch, ONNX and Caffe, in this order.

    Example:
        >>> from tfdeconv.analysis.arithmetic.configuration import configuration
        >>> for found in equivalents(configuration((7, 7), 3, strides=2, padding=1, output_padding=1)):
        ...     print(f"{found.framework}: {found.call}")
        tfdeconv: Conv2DTranspose(1, 3, strides=2, padding=((1, 0), (1, 0)))
        Keras: None
        TensorFlow: None
        PyTorch: ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1)
        ONNX: ConvTranspose(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0])
        Caffe: Deconvolution { num_output: 1 kernel_size: 3 stride: 2 }
    """
    return (
        _tfdeconv(config, filters, groups),
        _keras(config, filters, groups),
        _tensorflow(config, filters, groups),
        _torch(config, filters, channels, groups),
        _onnx(config, groups),
        _caffe(config, filters, groups),
    )


def _tfdeconv(config: Configuration, filters: int, groups: int) -> Equivalent:
    name = _keras_padding(config)
    padding = repr(name[0]) if name else str(config.crops)
    extra = _optional("output_padding", name[1]) if name and name[1] is not None else ""
    call = (
        f"Conv{config.rank}DTranspose({filters}, {_short(config.kernel_size)}, "
        f"strides={_short(config.strides)}"
    )
    rest = _optional("dilation_rate", config.dilation_rate, 1) + _optional("groups", (groups,), 1)
    return Equivalent("tfdeconv", f"{call}, padding={padding}{extra}{rest})")


def _keras(config: Configuration, filters: int, groups: int) -> Equivalent:
    if groups > 1:
        return Equivalent("Keras", None, "its layer has no groups")
    if max(config.strides) > 1 and max(config.dilation_rate) > 1:
        return Equivalent("Keras", None, "it refuses dilation together with strides")
    found = _keras_padding(config)
    if found is None:
        return Equivalent(
            "Keras",
            None,
            f"its paddings cannot start at sample {_short(_leads(config))} of the full output and return "
            f"{_short(config.output_size)}",
        )
    padding, output_padding = found
    return Equivalent(
        "Keras",
        f"Conv{config.rank}DTranspose({filters}, {_short(config.kernel_size)}, "
        f"strides={_short(config.strides)}, padding={padding!r}"
        + ("" if output_padding is None else _optional("output_padding", output_padding))
        + _optional("dilation_rate", config.dilation_rate, 1)
        + ")",
    )


def _keras_padding(config: Configuration) -> tuple[str, tuple[int, ...] | None] | None:
    """Keras's padding and output_padding for these windows; None where there are none."""
    for padding in ("same", "valid"):
        if all(_same_window(axis, padding=padding) for axis in config.axes):
            return padding, None
        extras = _output_paddings(config, [padding] * config.rank, config.strides)
        if extras is not None:
            return padding, extras
    return None


def _tensorflow(config: Configuration, filters: int, groups: int) -> Equivalent:
    rank = config.rank
    for padding in ("same", "valid"):
        if all(_same_window(axis, padding=padding, output_size=axis.window.size) for axis in config.axes):
            shape = ", ".join(map(str, ("n", *config.output_size, filters)))
            beyond = [name for name, used in _beyond_portable(config, groups).items() if used]
            note = f"{' and '.join(beyond)} need oneDNN or XLA on CPU" if beyond else ""
            return Equivalent(
                "TensorFlow",
                f"tf.nn.conv{rank}d_transpose(x, kernel, [{shape}], strides={_short(config.strides)}, "
                f"padding={padding.upper()!r}" + _optional("dilations", config.dilation_rate, 1) + ")",
                note,
            )
    return Equivalent(
        "TensorFlow", None, "neither SAME nor VALID selects this window: slice the VALID output"
    )


def _beyond_portable(config: Configuration, groups: int) -> dict[str, bool]:
    """What TensorFlow's own CPU kernel refuses."""
    return {
        "groups (from the kernel's shape)": groups > 1,
        "dilated kernels": max(config.dilation_rate) > 1,
    }


def _torch(config: Configuration, filters: int, channels: int, groups: int) -> Equivalent:
    limits = tuple(max(axis.stride, axis.dilation_rate) for axis in config.axes)
    extras = _output_paddings(config, _leads(config), limits)
    start = f"ConvTranspose{config.rank}d({channels}, {filters}, {_short(config.kernel_size)}"
    call = f"{start}, stride={_short(config.strides)}"
    rest = _optional("dilation", config.dilation_rate, 1) + _optional("groups", (groups,), 1)
    if extras is not None:
        sizes = _optional("padding", _leads(config), 0) + _optional("output_padding", extras, 0)
        return Equivalent("PyTorch", f"{call}{sizes}{rest})")
    if min(axis.tail for axis in config.axes) < 0:
        return Equivalent("PyTorch", None, "the window passes the end too far: append zeros")
    return Equivalent("PyTorch", f"{call}{rest})", f"then keep {_window(config)}")


def _onnx(config: Configuration, groups: int) -> Equivalent:
    limit = [max(axis.stride, axis.dilation_rate) for axis in config.axes]
    tails = [axis.tail for axis in config.axes]
    if any(-tail >= most for tail, most in zip(tails, limit, strict=True)):
        return Equivalent("ONNX", None, "the window passes the end too far: append zeros")
    attributes = [
        f"kernel_shape={list(config.kernel_size)}",
        f"strides={list(config.strides)}",
        f"pads={[*_leads(config), *(max(tail, 0) for tail in tails)]}",
    ]
    if min(tails) < 0:
        attributes.append(f"output_padding={[max(-tail, 0) for tail in tails]}")
    if max(config.dilation_rate) > 1:
        attributes.append(f"dilations={list(config.dilation_rate)}")
    if groups > 1:
        attributes.append(f"group={groups}")
    return Equivalent("ONNX", f"ConvTranspose({', '.join(attributes)})")


def _caffe(config: Configuration, filters: int, groups: int) -> Equivalent:
    def field(name: str, values: Sequence[int], default: int | None = None) -> str:
        if all(value == default for value in values):
            return ""
        return "".join(f" {name}: {value}" for value in (values[:1] if len(set(values)) == 1 else values))

    exact = all(axis.tail == axis.window.lead for axis in config.axes)
    call = (
        f"Deconvolution {{ num_output: {filters}"
        + field("kernel_size", config.kernel_size)
        + field("stride", config.strides)
        + (field("pad", _leads(config), 0) if exact else "")
        + field("dilation", config.dilation_rate, 1)
        + field("group", (groups,), 1)
        + " }"
    )
    if exact:
        return Equivalent("Caffe", call)
    if min(axis.tail for axis in config.axes) < 0:
        return Equivalent("Caffe", None, "it cannot return more than the full output")
    return Equivalent("Caffe", call, f"then Crop {{ offset: {' offset: '.join(map(str, _leads(config)))} }}")


def _same_window(axis: Axis, **convention: Any) -> bool:
    try:
        found = geometry.window(
            axis.input_size, axis.kernel_size, axis.stride, dilation_rate=axis.dilation_rate, **convention
        )
    except InvalidArgumentError:
        return False
    return found == axis.window


def _output_paddings(
    config: Configuration, paddings: Sequence[AxisPadding], limits: Sequence[int]
) -> tuple[int, ...] | None:
    """The output_padding of each axis, below its limit, that gives these windows; None: there is none."""
    found = []
    for axis, padding, limit in zip(config.axes, paddings, limits, strict=True):
        fitting = (
            extra for extra in range(limit) if _same_window(axis, padding=padding, output_padding=extra)
        )
        found.append(next(fitting, None))
    chosen = tuple(extra for extra in found if extra is not None)
    return chosen if len(chosen) == config.rank else None


def _leads(config: Configuration) -> tuple[int, ...]:
    return tuple(axis.window.lead for axis in config.axes)


def _window(config: Configuration) -> str:
    """The window of an output ``[batch, channels, *sizes]``."""
    return "y[..., " + ", ".join(f"{lead}:{lead + size}" for lead, size in config.windows) + "]"


def _short(values: tuple[int, ...]) -> str:
    """One number where all are equal."""
    return str(values[0]) if len(set(values)) == 1 else str(values)


def _optional(name: str, values: tuple[int, ...], default: int | None = None) -> str:
    return "" if all(value == default for value in values) else f", {name}={_short(values)}"
