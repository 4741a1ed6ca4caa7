"""Every public layer, with what it must compute: one registry that runs through every mode.

Weights and inputs are small multiples of 1/4, exact in every float type, so that an oracle in
float64 judges all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import oracles

import tfdeconv as td


@dataclass(frozen=True)
class Case:
    """One layer in one configuration.

    Attributes:
        name: Shown by a failure.
        layer: Name of the class in ``td.layers``.
        config: Constructor arguments.
        inputs: Shapes of the inputs, with a batch of 2.
        expected: ``expected(inputs, weights)`` returns the outputs, all float64 and channels last.
        from_nothing: Size of the output along each spatial axis where the input has no sample along that
            axis, worked out by hand; None where there is no output (a "valid" kernel that fits nowhere).
        integers: Bounds of the inputs that are integers (switches), by position.
        keeps_initial_weights: Whether the weights are those of the initializer instead of random ones.
    """

    name: str
    layer: str
    config: dict[str, Any]
    inputs: Sequence[tuple[int, ...]]
    expected: Callable[[list[Any], dict[str, Any]], list[Any]]
    from_nothing: Sequence[int | None]
    integers: dict[int, int] = field(default_factory=dict)
    keeps_initial_weights: bool = False

    @property
    def has_lowering(self) -> bool:
        """Whether the layer computes a transposed convolution, in any lowering."""
        return self.layer.endswith("Transpose")

    @property
    def channels_first(self) -> bool:
        """Whether inputs and outputs are channels first."""
        return self.config.get("data_format") == "channels_first"

    def make(self, dtype: Any, lowering: str) -> Any:
        """Return a new layer."""
        options = {"lowering": lowering} if self.has_lowering else {}
        return getattr(td.layers, self.layer)(**self.config, **options, dtype=dtype)

    def make_inputs(self, rng: np.random.Generator) -> list[Any]:
        """Return random inputs, channels last, in float64 or int64."""
        return [
            rng.permutation(self.integers[n])[: int(np.prod(shape[1:]))].reshape(1, *shape[1:]).repeat(2, 0)
            if n in self.integers
            else quarters(rng, shape)
            for n, shape in enumerate(self.inputs)
        ]


def quarters(rng: np.random.Generator, shape: Sequence[int]) -> Any:
    """Return random multiples of 1/4 in [-1, 1]."""
    return rng.integers(-4, 5, size=shape) / 4


def _transposed(
    name: str,
    sizes: Sequence[int],
    window: tuple[Sequence[int], Sequence[int]],
    *,
    channels: int = 4,
    depthwise: bool = False,
    **config: Any,
) -> Case:
    """A transposed convolution whose window ``(leads, sizes)`` was worked out by hand."""
    rank = len(sizes)

    def per_axis(value: Any) -> tuple[int, ...]:
        return (value,) * rank if isinstance(value, int) else tuple(value)

    def expected(inputs: list[Any], weights: dict[str, Any]) -> list[Any]:
        y = oracles.by_scatter(
            inputs[0],
            weights["kernel"],
            strides=per_axis(config.get("strides", 1)),
            dilation=per_axis(config.get("dilation_rate", 1)),
            groups=channels if depthwise else config.get("groups", 1),
            leads=window[0],
            sizes=window[1],
        )
        return [y + weights.get("bias", 0)]

    layer = "DepthwiseConv2DTranspose" if depthwise else f"Conv{rank}DTranspose"
    if not depthwise:
        config.setdefault("filters", 3)
    beyond = zip(window[1], sizes, per_axis(config.get("strides", 1)), strict=True)
    from_nothing = [max(wanted - size * stride, 0) for wanted, size, stride in beyond]
    return Case(name, layer, config, [(2, *sizes, channels)], expected, from_nothing)


TRANSPOSED = [
    _transposed("keras same", (3, 4), ((0, 0), (6, 8)), kernel_size=3, strides=2, padding="same"),
    _transposed("same, even kernel", (3, 2), ((1, 1), (6, 4)), kernel_size=4, strides=2, padding="same"),
    _transposed("stride above kernel", (2, 3), ((0, 0), (6, 9)), kernel_size=2, strides=3),
    _transposed(
        "pytorch doubling, bias",
        (3, 3),
        ((1, 1), (6, 6)),
        kernel_size=3,
        strides=2,
        padding=1,
        output_padding=1,
    ),
    _transposed(
        "groups, dilation and strides",
        (3, 2),
        ((1, 2), (7, 5)),
        kernel_size=(3, 2),
        strides=2,
        dilation_rate=(2, 3),
        padding=((1, 1), (2, -1)),
        groups=2,
        filters=4,
    ),
    _transposed(
        "channels first, padding above the kernel",
        (5, 4),
        ((3, 4), (3, 4)),
        kernel_size=2,
        strides=(2, 3),
        padding=((3, 4), (4, 3)),
        data_format="channels_first",
    ),
    _transposed(
        "window past the end",
        (2, 2),
        ((0, 3), (9, 6)),
        kernel_size=1,
        strides=3,
        padding=((0, -5), (3, -5)),
        use_bias=False,
    ),
    _transposed("1-D", (5,), ((2,), (10,)), kernel_size=5, strides=2, padding=2, output_padding=1),
    _transposed("1-D, groups", (4,), ((0,), (9,)), kernel_size=3, strides=2, groups=4, filters=4),
    _transposed(
        "3-D, dilation",
        (2, 2, 3),
        ((1, 0, 1), (3, 4, 6)),
        kernel_size=(2, 2, 3),
        strides=(1, 2, 2),
        dilation_rate=(3, 1, 1),
        padding=((1, 1), (0, 0), (1, 0)),
    ),
    _transposed(
        "depthwise", (3, 3), ((1, 1), (6, 6)), depthwise=True, kernel_size=4, strides=2, padding="same"
    ),
    _transposed(
        "depth multiplier, unequal strides",
        (2, 2),
        ((0, 0), (5, 6)),
        depthwise=True,
        kernel_size=3,
        strides=(2, 3),
        depth_multiplier=2,
        data_format="channels_first",
    ),
]


def _convolution(x: Any, weights: dict[str, Any], padding: str) -> Any:
    return oracles.convolution_2d(x, weights["kernel"], padding) + weights.get("bias", 0)


OTHERS = [
    Case(
        "zero boundary",
        "BilinearUpsampling2D",
        {"factor": (2, 3)},
        [(2, 3, 2, 3)],
        lambda x, w: [oracles.linear(x[0], (2, 3), "zero")],
        (0, 0),
    ),
    Case(
        "learned, edge",
        "BilinearUpsampling2D",
        {"factor": 2, "boundary": "edge", "trainable": True, "data_format": "channels_first"},
        [(2, 3, 2, 3)],
        lambda x, w: [oracles.linear(x[0], (2, 2), "edge")],
        (0, 0),
        keeps_initial_weights=True,
    ),
    Case(
        "edge",
        "LinearUpsampling1D",
        {"factor": 3, "boundary": "edge"},
        [(2, 4, 2)],
        lambda x, w: [oracles.linear(x[0], (3,), "edge")],
        (0,),
    ),
    Case(
        "one factor of 1",
        "TrilinearUpsampling3D",
        {"factor": (2, 1, 4)},
        [(2, 2, 2, 2, 2)],
        lambda x, w: [oracles.linear(x[0], (2, 1, 4), "zero")],
        (0, 0, 0),
    ),
    Case(
        "as published",
        "BilinearAdditiveUpsampling2D",
        {"factor": 2},
        [(2, 3, 2, 8)],
        lambda x, w: [oracles.sum_neighbouring_channels(oracles.linear(x[0], (2, 2), "edge"), 4)],
        (0, 0),
    ),
    Case(
        "own reduction",
        "BilinearAdditiveUpsampling2D",
        {"factor": (1, 3), "reduction": 2, "boundary": "zero", "data_format": "channels_first"},
        [(2, 3, 2, 4)],
        lambda x, w: [oracles.sum_neighbouring_channels(oracles.linear(x[0], (1, 3), "zero"), 2)],
        (0, 0),
    ),
    Case(
        "nearest",
        "ResizeConv2D",
        {"filters": 3, "kernel_size": 3},
        [(2, 3, 2, 2)],
        lambda x, w: [_convolution(oracles.nearest(x[0], (2, 2)), w, "same")],
        (0, 0),
    ),
    Case(
        "bilinear, valid",
        "ResizeConv2D",
        {
            "filters": 2,
            "kernel_size": (2, 3),
            "factor": (3, 2),
            "interpolation": "bilinear",
            "padding": "valid",
            "data_format": "channels_first",
        },
        [(2, 3, 3, 2)],
        lambda x, w: [_convolution(oracles.linear(x[0], (3, 2), "edge"), w, "valid")],
        (None, None),
    ),
    Case(
        "TensorFlow's order",
        "SubpixelConv2D",
        {"filters": 2, "kernel_size": 3},
        [(2, 3, 4, 2)],
        lambda x, w: [oracles.pixel_shuffle(_convolution(x[0], w, "same"), (2, 2), "dcr")],
        (0, 0),
    ),
    Case(
        "PyTorch's order",
        "SubpixelConv2D",
        {
            "filters": 2,
            "kernel_size": 2,
            "factor": (1, 3),
            "order": "crd",
            "padding": "valid",
            "use_bias": False,
            "data_format": "channels_first",
        },
        [(2, 3, 4, 2)],
        lambda x, w: [oracles.pixel_shuffle(_convolution(x[0], w, "valid"), (1, 3), "crd")],
        (None, None),
    ),
    Case(
        "TensorFlow's order",
        "PixelShuffle2D",
        {"factor": (2, 3)},
        [(2, 2, 3, 12)],
        lambda x, w: [oracles.pixel_shuffle(x[0], (2, 3), "dcr")],
        (0, 0),
    ),
    Case(
        "PyTorch's order",
        "PixelShuffle2D",
        {"factor": 2, "order": "crd", "data_format": "channels_first"},
        [(2, 2, 3, 8)],
        lambda x, w: [oracles.pixel_shuffle(x[0], (2, 2), "crd")],
        (0, 0),
    ),
    Case(
        "one axis",
        "PixelShuffle1D",
        {"factor": 3},
        [(2, 4, 6)],
        lambda x, w: [oracles.pixel_shuffle(x[0], (3,), "dcr")],
        (0,),
    ),
    Case(
        "three axes",
        "PixelShuffle3D",
        {"factor": (2, 1, 3), "order": "crd"},
        [(1, 2, 3, 2, 12)],
        lambda x, w: [oracles.pixel_shuffle(x[0], (2, 1, 3), "crd")],
        (0, 0, 0),
    ),
    Case(
        "offsets",
        "CropLike",
        {"offset": (1, 2)},
        [(2, 5, 6, 2), (2, 3, 4, 7)],
        lambda x, w: [x[0][:, 1:4, 2:6]],
        (0, 0),
    ),
    Case(
        "channels first",
        "CropLike",
        {"offset": 1, "data_format": "channels_first"},
        [(2, 5, 6, 2), (2, 4, 2, 7)],
        lambda x, w: [x[0][:, 1:5, 1:3]],
        (0, 0),
    ),
    Case(
        "incomplete windows dropped",
        "MaxPooling2DWithSwitches",
        {"pool_size": 2},
        [(2, 5, 4, 3)],
        lambda x, w: list(oracles.max_pool(x[0], (2, 2), (2, 2), "valid")),
        (0, 0),
    ),
    Case(
        "overlapping, same",
        "MaxPooling2DWithSwitches",
        {"pool_size": 3, "strides": (2, 1), "padding": "same", "data_format": "channels_first"},
        [(2, 4, 5, 2)],
        lambda x, w: list(oracles.max_pool(x[0], (3, 3), (2, 1), "same")),
        (0, 0),
    ),
    Case(
        "size from the windows",
        "MaxUnpooling2D",
        {"pool_size": 3, "strides": 2},
        [(2, 2, 3, 3), (2, 2, 3, 3)],
        lambda x, w: [oracles.max_unpool(x[0], x[1], (5, 7))],
        (1, 1),
        integers={1: 5 * 7 * 3},
    ),
    Case(
        "same, sum",
        "MaxUnpooling2D",
        {"pool_size": 2, "padding": "same", "duplicates": "sum", "data_format": "channels_first"},
        [(2, 2, 3, 2), (2, 2, 3, 2)],
        lambda x, w: [oracles.max_unpool(x[0], x[1], (4, 6), "sum")],
        (0, 0),
        integers={1: 12},
    ),
]

CASES = [*TRANSPOSED, *OTHERS]
