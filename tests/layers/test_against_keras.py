"""Any valid call of Keras's transposed convolution gives Keras's numbers, with Keras's weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import tfdeconv as td

SIZES = {1: (6,), 2: (4, 5), 3: (2, 3, 3)}


def draw(rng: np.random.Generator, rank: int) -> dict[str, Any]:
    """Constructor arguments that Keras accepts and computes on CPUs."""

    def per_axis(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(value) for value in rng.integers(low, high + 1, rank))

    strides, kernel = per_axis(1, 3), per_axis(1, 5)
    padding = str(rng.choice(["same", "valid"]))
    output_padding: tuple[int, ...] | None = None
    if min(strides) > 1 and rng.random() < 0.5:
        low = [int(padding == "same" and k % 2 == 0) for k in kernel]
        output_padding = tuple(
            int(rng.integers(first, stride)) for first, stride in zip(low, strides, strict=True)
        )
    dilation = per_axis(1, 2) if rank == 2 and max(strides) == 1 else 1
    return {
        "filters": int(rng.integers(1, 4)),
        "kernel_size": kernel,
        "strides": strides,
        "padding": padding,
        "output_padding": output_padding,
        "dilation_rate": dilation,
        "activation": str(rng.choice(["relu", "tanh", "linear"])),
        "use_bias": bool(rng.random() < 0.7),
    }


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_random_configuration(rank: int, seed: int) -> None:
    """Same arguments, same weights, same numbers: a drop-in replacement."""
    rng = np.random.default_rng([rank, seed])
    name, arguments = f"Conv{rank}DTranspose", draw(rng, rank)
    x = rng.normal(size=(2, *SIZES[rank], 3)).astype("float32")
    theirs = getattr(keras.layers, name)(**arguments, bias_initializer="random_normal")
    expected = np.asarray(theirs(x))
    ours = getattr(td.layers, name)(**arguments)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    got = ours(x)
    assert ours.compute_output_shape(x.shape) == tuple(theirs.compute_output_shape(x.shape)) == got.shape
    scale = np.abs(expected).max(initial=1e-6)
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=1e-4 * scale, err_msg=str(arguments))


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_arguments_by_position_keep_their_meaning(rank: int) -> None:
    """Keras's order of arguments, which differs between ranks; what is added here is keyword-only."""
    arguments = [
        3,
        4,
        2,
        "same",
        *(("channels_last", 1) if rank == 3 else (1, "channels_last")),
        1,
        "relu",
        False,
    ]
    configs = [
        getattr(module, f"Conv{rank}DTranspose")(*arguments).get_config()
        for module in (keras.layers, td.layers)
    ]
    for key in ("filters", "padding", "data_format", "activation", "use_bias"):
        assert configs[0][key] == configs[1][key]
    with pytest.raises(TypeError):
        getattr(td.layers, f"Conv{rank}DTranspose")(3, 4, *[None] * 20)


def test_refuses_what_keras_aborts_on() -> None:
    """padding="same", an even kernel and output_padding=0 pass Keras's constructor, then abort."""
    with pytest.raises(td.errors.InvalidArgumentError, match="output_padding must be at least 1"):
        td.layers.Conv2DTranspose(2, 4, strides=2, padding="same", output_padding=0)


def test_depthwise_is_the_adjoint_of_keras_depthwise() -> None:
    """<depthwise(y), x> equals <y, transposed(x)> for one kernel."""
    rng = np.random.default_rng(0)
    forward = keras.layers.DepthwiseConv2D(4, strides=2, padding="same", use_bias=False, dtype="float64")
    transposed = td.layers.DepthwiseConv2DTranspose(
        4, strides=2, padding="same", use_bias=False, dtype="float64"
    )
    y, x = rng.normal(size=(1, 8, 6, 3)), rng.normal(size=(1, 4, 3, 3))
    down = np.asarray(forward(y))
    transposed.build(x.shape)
    transposed.set_weights([np.moveaxis(weight, -1, -2) for weight in forward.get_weights()])
    up = transposed(x).numpy()
    np.testing.assert_allclose((down * x).sum(), (y * up).sum(), rtol=1e-12)


@pytest.mark.parametrize("factor", [2, (3, 2)])
def test_nearest_is_keras_upsampling(factor: Any) -> None:
    """nearest_upsample is keras.layers.UpSampling2D."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype("float32")
    np.testing.assert_array_equal(
        td.ops.nearest_upsample(x, factor).numpy(), np.asarray(keras.layers.UpSampling2D(factor)(x))
    )
