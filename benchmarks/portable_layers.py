"""Random upsampling layers in ONNX Runtime, LiteRT and OpenVINO: does every file compute what the layer does?

    python benchmarks/portable_layers.py [--layers 300] [--seed 0] [--formats onnx litert openvino]

Layers of one, two and three dimensions with random kernels, strides, dilations, groups, paddings of every
convention, output paddings and biases, with free sizes or fixed ones, are exported together, a few at a
time, with ``td.export_portable``, which runs each file in its runtime. Prints the largest difference of each
format, relative to the largest output; exits with 1 where one is above 1e-4 or a layer is refused.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import tfdeconv as td

TOGETHER = 6
"""Layers of one file: a model of several outputs."""
SUFFIXES = {"onnx": ".onnx", "litert": ".tflite", "openvino": ".xml"}


def random_layer(generator: np.random.Generator, rank: int, channels: int) -> keras.Layer:
    """Return a random upsampling layer for ``channels`` channels."""

    def per_axis(low: int, high: int) -> tuple[int, ...]:
        return tuple(map(int, generator.integers(low, high + 1, rank)))

    kind = generator.choice(["transposed", "transposed", "transposed", "keras", "other"])
    if kind == "other":
        return _other_layer(generator, rank, per_axis)
    kernel_size, strides = per_axis(1, 5), per_axis(1, 3)
    if kind == "keras":
        keras_class = getattr(keras.layers, f"Conv{rank}DTranspose")
        padding = str(generator.choice(["same", "valid"]))
        stride = int(generator.integers(1, 4))
        return keras_class(int(generator.integers(1, 5)), kernel_size, stride, padding)
    dilation_rate = per_axis(1, 3)
    options: dict[str, Any] = {"dilation_rate": dilation_rate, "bias_initializer": "glorot_normal"}
    convention = generator.choice(["same", "valid", "pairs", "torch"])
    if convention in ("same", "valid"):
        options["padding"] = str(convention)
    else:
        effective = [(taps - 1) * rate + 1 for taps, rate in zip(kernel_size, dilation_rate, strict=True)]
        before = [int(generator.integers(0, max(size // 2, 1))) for size in effective]
        if convention == "torch":
            options["padding"] = tuple(before)
            options["output_padding"] = tuple(
                int(generator.integers(0, max(stride, rate)))
                for stride, rate in zip(strides, dilation_rate, strict=True)
            )
        else:
            after = [int(generator.integers(-2, max(size // 2, 1))) for size in effective]
            options["padding"] = tuple(zip(before, after, strict=True))
    groups = int(generator.choice([1, 1, 2, channels]))
    layer_class = getattr(td.layers, f"Conv{rank}DTranspose")
    if rank == 2 and groups == channels:
        multiplier = int(generator.integers(1, 3))
        return td.layers.DepthwiseConv2DTranspose(
            kernel_size, strides, depth_multiplier=multiplier, **options
        )
    return layer_class(groups * int(generator.integers(1, 4)), kernel_size, strides, groups=groups, **options)


def _other_layer(generator: np.random.Generator, rank: int, per_axis: Any) -> keras.Layer:
    boundary = str(generator.choice(["zero", "edge"]))
    linear = {1: td.layers.LinearUpsampling1D, 2: td.layers.BilinearUpsampling2D}.get(
        rank, td.layers.TrilinearUpsampling3D
    )
    kind = generator.integers(5) if rank == 2 else 0
    factor = per_axis(1, 4)
    if kind == 0:
        return linear(factor, boundary=boundary, trainable=bool(generator.integers(2)))
    if kind == 1:
        return td.layers.BilinearAdditiveUpsampling2D(factor, reduction=2, boundary=boundary)
    if kind == 2:
        interpolation = str(generator.choice(["nearest", "bilinear"]))
        return td.layers.ResizeConv2D(3, per_axis(1, 4), factor, interpolation)
    if kind == 3:
        order = str(generator.choice(["dcr", "crd"]))
        return td.layers.SubpixelConv2D(3, per_axis(1, 4), factor, order)
    return keras.layers.UpSampling2D(factor, interpolation=str(generator.choice(["nearest", "bilinear"])))


def random_model(generator: np.random.Generator) -> keras.Model:
    """Return a model of several random layers that read one input of free or fixed size."""
    rank = int(generator.choice([1, 2, 2, 2, 3]))
    channels = int(generator.choice([2, 4]))
    fixed = generator.integers(2)
    sizes = [int(size) if fixed else None for size in generator.integers(4, 12, rank)]
    image = keras.Input([*sizes, channels], name="x")
    layers = [random_layer(generator, rank, channels) for _ in range(TOGETHER)]
    return keras.Model(image, [layer(image) for layer in layers])


def main() -> int:
    """Export, compare, print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--formats", nargs="+", default=list(SUFFIXES), choices=list(SUFFIXES))
    options = parser.parse_args()
    worst = dict.fromkeys(options.formats, 0.0)
    failures = 0
    start = time.perf_counter()
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        while count < options.layers:
            keras.utils.set_random_seed(options.seed + count)
            model = random_model(np.random.default_rng([options.seed, count]))
            count += TOGETHER
            for format_ in options.formats:
                try:
                    report = td.export_portable(
                        model, Path(folder, f"layers{SUFFIXES[format_]}"), format=format_
                    )
                except td.errors.TfdeconvError as error:
                    failures += 1
                    print(f"{format_}, layers up to {count}: {error}")
                    continue
                worst[format_] = max(worst[format_], report.error)
    print(f"{count} layers, {time.perf_counter() - start:.0f} s")
    for format_, error in worst.items():
        print(f"{format_:9} largest relative difference {error:.2g}")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
