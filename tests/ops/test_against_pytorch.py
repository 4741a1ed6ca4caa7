"""Random configurations of torch.nn.functional.conv_transposeNd give PyTorch's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfdeconv as td

torch = pytest.importorskip("torch")


def draw(rng: np.random.Generator, rank: int) -> dict[str, Any]:
    """A legal configuration: kernel 1 to 5, stride 1 to 4, dilation 1 to 3, groups, odd sizes."""
    while True:

        def per_axis(low: int, high: int) -> tuple[int, ...]:
            return tuple(int(value) for value in rng.integers(low, high + 1, rank))

        sizes, kernel = per_axis(1, 7 if rank < 3 else 3), per_axis(1, 5)
        strides, dilation, padding = per_axis(1, 4), per_axis(1, 3), per_axis(0, 6)
        output_padding = tuple(
            int(rng.integers(0, max(pair))) for pair in zip(strides, dilation, strict=True)
        )
        axes = zip(sizes, kernel, strides, dilation, padding, output_padding, strict=True)
        if all((i - 1) * s + (k - 1) * d + 1 - 2 * p + op > 0 for i, k, s, d, p, op in axes):
            groups = int(rng.choice([1, 1, 2, 3]))
            return {
                "sizes": sizes,
                "kernel": kernel,
                "groups": groups,
                "channels": groups * int(rng.integers(1, 4)),
                "filters": groups * int(rng.integers(1, 4)),
                "options": {
                    "strides": strides,
                    "dilation_rate": dilation,
                    "padding": padding,
                    "output_padding": output_padding,
                },
            }


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_random_configuration(rank: int, seed: int) -> None:
    """Within 1e-4 relative, in both layouts, for every lowering that applies."""
    rng = np.random.default_rng([rank, seed])
    drawn = draw(rng, rank)
    groups, options = drawn["groups"], drawn["options"]
    x = rng.normal(size=(2, drawn["channels"], *drawn["sizes"])).astype("float32")
    weight = rng.normal(size=(drawn["channels"], drawn["filters"] // groups, *drawn["kernel"]))
    weight = weight.astype("float32")
    expected = getattr(torch.nn.functional, f"conv_transpose{rank}d")(
        torch.from_numpy(x),
        torch.from_numpy(weight),
        stride=options["strides"],
        padding=options["padding"],
        output_padding=options["output_padding"],
        dilation=options["dilation_rate"],
        groups=groups,
    ).numpy()
    kernel = np.transpose(weight, [*range(2, rank + 2), 1, 0])
    scale = np.abs(expected).max()
    first = td.ops.conv_transpose(x, kernel, groups=groups, data_format="channels_first", **options)
    np.testing.assert_allclose(first.numpy(), expected, rtol=0, atol=1e-4 * scale, err_msg=str(drawn))
    lowering = list(td.ops.LOWERINGS)[seed % len(td.ops.LOWERINGS)]
    try:
        last = td.ops.conv_transpose(
            np.moveaxis(x, 1, -1), kernel, groups=groups, lowering=lowering, **options
        )
    except td.errors.LoweringNotApplicable:
        assert lowering != "gradient"
        return
    got = np.moveaxis(last.numpy(), -1, 1)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4 * scale, err_msg=f"{lowering}: {drawn}")


def test_output_size_is_pytorchs_output_size() -> None:
    """PyTorch's ``output_size`` argument is ``output_shape`` here, with the same legal range."""
    x = np.random.default_rng(0).normal(size=(1, 2, 5)).astype("float32")
    module = torch.nn.ConvTranspose1d(2, 3, 4, stride=3, padding=1, bias=False)
    kernel = np.transpose(module.weight.detach().numpy(), [2, 1, 0])
    for size in td.geometry.output_size_range(5, 4, 3, 1):
        expected = module(torch.from_numpy(x), output_size=[size]).detach().numpy()
        got = td.ops.conv_transpose(
            x, kernel, strides=3, padding=1, output_shape=[size], data_format="channels_first"
        )
        np.testing.assert_allclose(got.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("factor", [2, 3])
def test_pixel_shuffle(factor: int) -> None:
    """torch.nn.PixelShuffle is order "crd", channels first."""
    x = np.random.default_rng(0).normal(size=(2, 3 * factor**2, 4, 5)).astype("float32")
    got = td.ops.pixel_shuffle(x, factor, order="crd", data_format="channels_first")
    np.testing.assert_array_equal(got.numpy(), torch.nn.PixelShuffle(factor)(torch.from_numpy(x)).numpy())


@pytest.mark.parametrize(("size", "stride"), [((7, 9), 2), ((8, 6), 3), ((5, 5), 1)])
def test_max_unpool(size: tuple[int, int], stride: int) -> None:
    """MaxPool2d's indices are the switches without channels; MaxUnpool2d's numbers follow."""
    x = np.random.default_rng(0).normal(size=(2, 3, *size)).astype("float32")
    values, indices = torch.nn.MaxPool2d(3, stride, return_indices=True)(torch.from_numpy(x))
    pooled, switches = td.ops.max_pool_with_switches(x, 3, strides=stride, data_format="channels_first")
    np.testing.assert_array_equal(pooled.numpy(), values.numpy())
    np.testing.assert_array_equal(switches.numpy() // 3, indices.numpy())
    expected = torch.nn.MaxUnpool2d(3, stride)(values, indices, output_size=size).numpy()
    got = td.ops.max_unpool(pooled, switches, output_shape=size, data_format="channels_first")
    np.testing.assert_array_equal(got.numpy(), expected)


def test_bilinear_edge_is_interpolate() -> None:
    """boundary="edge" equals interpolate(mode="bilinear", align_corners=False)."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    expected = torch.nn.functional.interpolate(torch.from_numpy(x), scale_factor=3, mode="bilinear").numpy()
    got = td.ops.linear_upsample(tf.constant(x), 3, boundary="edge", data_format="channels_first")
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-6)
