"""One upsampling layer in facts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from tfdeconv import ops
from tfdeconv.analysis.arithmetic.configuration import Configuration
from tfdeconv.analysis.arithmetic.framework_calls import Equivalent, equivalents
from tfdeconv.analysis.checkerboards.artifacts import natural_signal
from tfdeconv.analysis.checkerboards.checkerboard import check_layer
from tfdeconv.analysis.checkerboards.checkerboard_report import LayerCheckerboard
from tfdeconv.analysis.models.chosen_lowering import lowering_of
from tfdeconv.analysis.models.equivalent_kernel import (
    EquivalentKernel,
    equivalent_kernel,
    shuffles_channels,
    without_activation,
)
from tfdeconv.analysis.models.upsampling_layers import (
    UpsamplingLayer,
    find_upsampling_layers,
    run_channels_last,
)
from tfdeconv.errors import InvalidArgumentError


@dataclass(frozen=True)
class LayerDescription:
    """What one upsampling layer is and costs, for one image.

    Attributes:
        path: The layer's name, behind the names of the models that it is nested in.
        kind: The layer's class.
        input_shape: Shape of the input, batch first.
        output_shape: Shape of the output.
        configuration: The transposed convolution that the layer is, or equals away from the borders;
            None where it is not linear.
        exact: Whether it equals that transposed convolution at the borders, too.
        equivalents: The same in other frameworks; empty where the layer does not equal a transposed
            convolution.
        lowering: How it is computed, as in "auto: gradient"; None for layers without a choice.
        macs: Multiplications as that transposed convolution; None where there is none.
        parameters: Weights of the layer.
        memory: Bytes of weights, input and output together.
        checkerboard: The layer's checkerboard.
    """

    path: str
    kind: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    configuration: Configuration | None
    exact: bool
    equivalents: tuple[Equivalent, ...]
    lowering: str | None
    macs: int | None
    parameters: int
    memory: int
    checkerboard: LayerCheckerboard

    def __str__(self) -> str:
        rows = [
            ("layer", f"{self.path} ({self.kind})"),
            ("shapes", f"{self.input_shape} -> {self.output_shape}"),
        ]
        if self.configuration is not None:
            rows.append(("window", _sentence(self.configuration, self.exact)))
        rows += [(one.framework, str(one)) for one in self.equivalents]
        if self.lowering is not None:
            rows.append(("lowering", self.lowering))
        if self.macs is not None:
            rows.append(("cost", f"{self.macs:,} multiplications"))
        rows.append(("memory", f"{self.memory:,} bytes, {self.parameters:,} parameters"))
        board = self.checkerboard
        rows.append(("checkerboard", f"{board.score:.3f} ({board.cause})" if board.check else board.cause))
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:{width}}  {text}" for name, text in rows)


def describe(layer: keras.layers.Layer, input_shape: Sequence[int | None] | None = None) -> LayerDescription:
    """Describe one upsampling layer: window, other frameworks' words, cost and checkerboard.

    Args:
        layer: An upsampling layer of Keras or tfdeconv, or any linear layer that upsamples.
        input_shape: Shape of the input without the batch; None: the shape it was called with, 32 for
            each size that is open.

    Raises:
        InvalidArgumentError: The layer does not upsample, or the input shape is not known.

    Example:
        >>> print(describe(keras.layers.UpSampling2D(2, name="up"), (4, 4, 3)))
        layer         up (UpSampling2D)
        shapes        (1, 4, 4, 3) -> (1, 8, 8, 3)
        window        kernel 2, stride 2: samples [0, 8) of 8
        cost          192 multiplications
        memory        960 bytes, 0 parameters
        checkerboard  0.000 (none)
    """
    found = find_upsampling_layers(layer, input_shape)
    if len(found) != 1:
        raise InvalidArgumentError(
            f"layer must be one upsampling layer; {layer.name!r} holds {len(found)}. Use describe_model for "
            "the layers of a model."
        )
    return _describe(found[0])


def describe_model(
    model: keras.Model, input_shape: Sequence[int | None] | None = None
) -> tuple[LayerDescription, ...]:
    """Describe every upsampling layer of a model, with the input shapes that they get there.

    Args:
        model: A Keras model.
        input_shape: Shape of the model's input without the batch; None: its own, 32 for each open size.

    Example:
        >>> model = keras.Sequential([keras.Input([8, 1]), keras.layers.Conv1DTranspose(1, 4, strides=2)])
        >>> [found.configuration.output_size for found in describe_model(model)]
        [(18,)]
    """
    return tuple(map(_describe, find_upsampling_layers(model, input_shape)))


def _describe(found: UpsamplingLayer) -> LayerDescription:
    layer = found.layer
    equivalent = None if shuffles_channels(found) else equivalent_kernel(found)
    geometry = None if equivalent is None else equivalent.geometry
    config = None if geometry is None else Configuration(geometry, found.input_size)
    samples = math.prod(found.input_shape) * found.inputs + math.prod(found.output_shape)
    itemsize = np.dtype(layer.compute_dtype).itemsize
    weights = sum(math.prod(weight.shape) * np.dtype(weight.dtype).itemsize for weight in layer.weights)
    return LayerDescription(
        path=found.path,
        kind=type(layer).__name__,
        input_shape=found.input_shape,
        output_shape=found.output_shape,
        configuration=config,
        exact=equivalent is not None
        and config is not None
        and (equivalent.own or _equal_everywhere(found, equivalent, config)),
        equivalents=_equivalents(config, equivalent)
        if equivalent is not None and equivalent.own and config is not None
        else (),
        lowering=lowering_of(found, equivalent, config),
        macs=None if equivalent is None else math.prod(found.input_size) * _taps_used(equivalent),
        parameters=layer.count_params(),
        memory=weights + itemsize * samples,
        checkerboard=check_layer(found),
    )


def _equal_everywhere(found: UpsamplingLayer, equivalent: EquivalentKernel, config: Configuration) -> bool:
    """Whether the layer without bias and activation is the transposed convolution at its borders, too."""
    if equivalent.own:
        return True
    linear = without_activation(found.layer)
    x = natural_signal(found.input_size, found.channels)[np.newaxis]
    actual = run_channels_last(linear, x) - run_channels_last(linear, np.zeros_like(x))
    expected = ops.conv_transpose(
        x,
        equivalent.kernel.astype(np.float32),
        strides=found.factor,
        padding=config.crops,
        data_format="channels_last",
    )
    return bool(np.allclose(actual, expected, atol=1e-4 * float(np.abs(actual).max())))


def _equivalents(config: Configuration, equivalent: EquivalentKernel) -> tuple[Equivalent, ...]:
    outputs, channels = equivalent.kernel.shape[-2:]
    return equivalents(
        config, filters=outputs * equivalent.groups, channels=channels, groups=equivalent.groups
    )


def _taps_used(equivalent: EquivalentKernel) -> int:
    """All weights of a kernel that is learned; the others do not multiply by zero."""
    return (
        equivalent.kernel.size
        if equivalent.own
        else int(np.count_nonzero(np.abs(equivalent.kernel) > 1e-6 * np.abs(equivalent.kernel).max()))
    )


def _sentence(config: Configuration, exact: bool) -> str:
    def each(values: Iterable[object]) -> str:
        texts = list(map(str, values))
        return texts[0] if len(set(texts)) == 1 else " x ".join(texts)

    windows = each(f"[{lead}, {lead + size})" for lead, size in config.windows)
    dilation = "" if max(config.dilation_rate) == 1 else f", dilation {each(config.dilation_rate)}"
    return (
        f"kernel {each(config.kernel_size)}, stride {each(config.strides)}{dilation}: samples {windows} of "
        f"{each(config.full_size)}" + ("" if exact else "; equal inside, other borders")
    )
