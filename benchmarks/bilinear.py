"""Per-channel bilinear upsampling against PyTorch and TensorFlow's resize, in a graph and in a SavedModel.

Run ``python benchmarks/bilinear.py`` from the source tree (``pip install --group bench`` for PyTorch). The
cases are what users run: heads of fully convolutional networks, features of decoders, and pictures; each
with both borders. Cases that lose are printed first. ``PyTorch`` is the fastest of its grouped transposed
convolution and its interpolation, each in both memory formats, whatever their border.

The column "of it, call" is what a call costs in which nothing is computed: a graph, or a loaded signature,
that returns its input. PyTorch has next to none of it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import harness.contest as contest
import keras
import numpy as np
import tensorflow as tf
from harness.contest import Result, check, geometric_mean, machine, merged, race, write
from harness.pytorch import torch

import tfdeconv as td
from tfdeconv import geometry

GRAPH, SAVED_MODEL = "graph", "SavedModel"
CALLS = {GRAPH: "call of a graph", SAVED_MODEL: "call of a signature"}
RESIZE = "tf.image.resize"
DENSE = "dense (FCN)"
TORCH = ("torch NCHW", "torch NHWC", "interpolate NCHW", "interpolate NHWC")
BOUNDARIES = ("zero", "edge")


@dataclass(frozen=True)
class Case:
    """Images ``[batch, size, size, channels]`` upsampled by ``factor``."""

    user: str
    batch: int
    size: int
    channels: int
    factor: int
    quick: bool = False

    def named(self, boundary: str) -> str:
        """Return the name of the case with one border."""
        batch = f"b{self.batch} " if self.batch > 1 else ""
        return f"{self.user}: {batch}{self.size}x{self.size}x{self.channels} x{self.factor} {boundary}"


CASES = [
    Case("FCN-32s", 1, 16, 21, 32, quick=True),
    Case("FCN-16s", 1, 32, 21, 16, quick=True),
    Case("FCN-16s", 1, 34, 21, 16),
    Case("FCN-8s", 1, 64, 21, 8, quick=True),
    Case("FCN-8s", 4, 32, 21, 8),
    Case("FCN-8s, 2x", 1, 128, 21, 2, quick=True),
    Case("Cityscapes", 1, 128, 19, 8),
    Case("Cityscapes", 1, 128, 19, 4),
    Case("ADE20K", 1, 128, 150, 4),
    Case("decoder", 1, 32, 256, 2),
    Case("decoder", 1, 64, 256, 2),
    Case("decoder", 4, 64, 256, 2, quick=True),
    Case("decoder", 2, 56, 64, 2, quick=True),
    Case("decoder", 8, 28, 128, 2),
    Case("decoder", 8, 32, 64, 2),
    Case("decoder", 1, 128, 32, 2),
    Case("decoder", 1, 200, 16, 2),
    Case("decoder", 1, 100, 48, 3),
    Case("decoder", 2, 128, 64, 2),
    Case("pyramid", 1, 64, 128, 4),
    Case("pyramid", 1, 28, 256, 8),
    Case("mask", 1, 64, 1, 8),
    Case("depth", 1, 512, 1, 2),
    Case("RGB", 1, 256, 3, 2),
    Case("RGB", 1, 256, 3, 3),
    Case("RGB", 1, 256, 3, 4, quick=True),
    Case("RGB", 1, 1024, 3, 2),
    Case("RGB", 8, 128, 3, 4),
]


def contenders(case: Case, boundary: str, x: tf.Tensor, folder: Path) -> dict[str, Callable[[], Any]]:
    """Return tfdeconv's layer in a graph and in a loaded SavedModel of unknown batch and sizes."""
    model = keras.Sequential(
        [
            keras.Input((None, None, case.channels), name="x"),
            td.layers.BilinearUpsampling2D(case.factor, boundary=boundary),
        ]
    )
    signature = loaded(td.export_saved_model(model, folder / boundary))
    (output,) = signature.structured_outputs
    graph = tf.function(model.layers[0], autograph=False)
    return {GRAPH: lambda: graph(x), SAVED_MODEL: lambda: signature(x=x)[output]}


def empty_calls(x: tf.Tensor, folder: Path) -> dict[str, Callable[[], Any]]:
    """Return a graph and a signature of the same kind that return their input."""
    module = tf.Module()
    spec = tf.TensorSpec([None, None, None, x.shape[-1]], name="x")
    module.call = tf.function(lambda x: {"y": tf.identity(x)}, input_signature=[spec], autograph=False)
    tf.saved_model.save(module, str(folder / "nothing"), signatures=module.call)
    signature = loaded(folder / "nothing")
    graph = tf.function(tf.identity, autograph=False)
    return {CALLS[GRAPH]: lambda: graph(x), CALLS[SAVED_MODEL]: lambda: signature(x=x)}


def dense(case: Case, x: tf.Tensor) -> Callable[[], Any]:
    """Return FCN's own form, a transposed convolution from all channels to all with a diagonal kernel."""
    layer = keras.layers.Conv2DTranspose(
        case.channels,
        geometry.linear_kernel_size(case.factor),
        case.factor,
        "same",
        use_bias=False,
        kernel_initializer=td.initializers.Bilinear(),
    )
    layer.build(x.shape)
    graph = tf.function(layer, autograph=False)
    return lambda: graph(x)


def loaded(folder: Path) -> Any:
    """Return the default signature of a SavedModel."""
    return tf.saved_model.load(str(folder)).signatures["serving_default"]


def torch_contenders(x: np.ndarray, factor: int) -> dict[str, Callable[[], Any]]:
    """Return PyTorch's grouped transposed convolution and its interpolation in both memory formats."""
    channels, taps = x.shape[-1], geometry.linear_kernel_size(factor)
    lead, _ = geometry.crops(taps, factor, padding="same")
    row = np.array(geometry.linear_kernel(taps), "float32")
    runs: dict[str, Callable[[], Any]] = {}
    for number, layout in enumerate((torch.contiguous_format, torch.channels_last)):
        grouped = torch.nn.ConvTranspose2d(
            channels, channels, taps, factor, lead, groups=channels, bias=False
        )
        with torch.no_grad():
            grouped.weight.copy_(torch.from_numpy(np.outer(row, row)))
        grouped = grouped.to(memory_format=layout)
        tensor = torch.from_numpy(np.moveaxis(x, -1, 1).copy()).to(memory_format=layout)
        window = (slice(None), slice(None), *(slice(size * factor) for size in x.shape[1:3]))

        def transpose(grouped: Any = grouped, tensor: Any = tensor, window: Any = window) -> Any:
            with torch.inference_mode():
                return grouped(tensor)[window]

        def interpolate(tensor: Any = tensor) -> Any:
            with torch.inference_mode():
                return torch.nn.functional.interpolate(tensor, scale_factor=factor, mode="bilinear")

        runs |= {TORCH[number]: transpose, TORCH[number + 2]: interpolate}
    return runs


def bilinear(case: Case, boundary: str, seconds: float) -> Result:
    """Race one case; those that have this border are checked for equal numbers."""
    rng = np.random.default_rng(0)
    x = tf.constant(rng.standard_normal([case.batch, case.size, case.size, case.channels]), tf.float32)
    size = case.size * case.factor
    with tempfile.TemporaryDirectory() as folder:
        runs = contenders(case, boundary, x, Path(folder)) | empty_calls(x, Path(folder))
        outputs = {name: runs[name]().numpy() for name in (GRAPH, SAVED_MODEL)}
        resize = tf.function(lambda: tf.image.resize(x, (size, size)), autograph=False)
        runs[RESIZE] = resize
        if boundary == "edge":
            outputs[RESIZE] = resize().numpy()
        elif case.user.startswith("FCN"):
            runs[DENSE] = dense(case, x)
            outputs[DENSE] = runs[DENSE]().numpy()
        if torch is not None:
            others = torch_contenders(x.numpy(), case.factor)
            for name in TORCH[:2] if boundary == "zero" else TORCH[2:]:
                outputs[name] = np.moveaxis(others[name]().numpy(), 1, -1)
            runs |= others
        check(case.named(boundary), outputs)
        return Result("bilinear", case.named(boundary), race(runs, seconds))


def ratio(result: Result, ours: str) -> float:
    """Return how many times longer PyTorch's fastest takes."""
    return min(result.milliseconds[name] for name in TORCH) / result.milliseconds[ours]


def table(results: list[Result]) -> str:
    """Return one line for each case, those that lose first."""
    width = max(len(result.case) for result in results)
    head = [GRAPH, "of it, call", SAVED_MODEL, "of it, call", "PyTorch", RESIZE]
    lines = [f"{'':{width}}" + "".join(f"{name:>17}" for name in head) + "  PyTorch's fastest"]
    for result in sorted(results, key=lambda result: min(ratio(result, GRAPH), ratio(result, SAVED_MODEL))):
        ms = result.milliseconds
        fastest = min(TORCH, key=lambda name: ms[name])
        cells = []
        for ours in (GRAPH, SAVED_MODEL):
            cells += [f"{ms[ours]:.3f} ({ratio(result, ours):.2f}x)", f"{ms[CALLS[ours]]:.3f}"]
        cells += [f"{ms[fastest]:.3f}", f"{ms[RESIZE]:.3f}"]
        lines.append(f"{result.case:{width}}" + "".join(f"{cell:>17}" for cell in cells) + f"  {fastest}")
    return "\n".join(lines)


def summary(results: list[Result], ours: str) -> str:
    """Return the ratios' geometric mean and extremes, with and without what a call costs."""
    ratios = {result.case: ratio(result, ours) for result in results}
    worst = min(ratios, key=lambda case: ratios[case])
    below = sum(value < 0.8 for value in ratios.values())
    kernels = [
        min(result.milliseconds[name] for name in TORCH)
        / max(result.milliseconds[ours] - result.milliseconds[CALLS[ours]], 1e-3)
        for result in results
    ]
    return (
        f"{geometric_mean(list(ratios.values())):.2f}x geometric mean over {len(ratios)} cases, {below} "
        f"below 0.8x, worst {ratios[worst]:.2f}x ({worst}); without the call itself "
        f"{geometric_mean(kernels):.2f}x, {sum(value < 0.8 for value in kernels)} below 0.8x"
    )


@click.command()
@click.option("--seconds", default=2.0, show_default=True, help="Time for each case.")
@click.option("--quick", is_flag=True, help="A subset, for `make bench`.")
@click.option("--merge", is_flag=True, help="Keep the shorter of these times and those of the last run.")
def main(seconds: float, quick: bool, merge: bool) -> None:
    """Race bilinear upsampling."""
    if torch is None:
        raise SystemExit("This benchmark needs PyTorch: pip install --group bench.")
    click.echo(f"Shortest of many runs in turns, milliseconds; {machine()}.\n")
    results = [
        bilinear(case, boundary, seconds)
        for case in CASES
        if case.quick or not quick
        for boundary in BOUNDARIES
    ]
    if merge:
        results = merged("bilinear", results)
    click.echo(f"{table(results)}\n")
    for ours in (GRAPH, SAVED_MODEL):
        click.echo(f"{ours:12}{summary(results, ours)}")
        for boundary in BOUNDARIES:
            click.echo(f"  {boundary:10}{summary([r for r in results if r.case.endswith(boundary)], ours)}")
    for name, boundary in ((DENSE, "zero"), (RESIZE, "edge")):
        ratios = [
            result.milliseconds[name] / result.milliseconds[GRAPH]
            for result in results
            if name in result.milliseconds and result.case.endswith(boundary)
        ]
        click.echo(
            f"graph against {name}, {boundary}: {geometric_mean(ratios):.2f}x, worst {min(ratios):.2f}x"
        )
    write("bilinear", results, GRAPH)
    click.echo(f"\nJSON and chart: {contest.FOLDER}")


if __name__ == "__main__":
    main()
