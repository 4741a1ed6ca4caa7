"""Single layers against Keras, ``tf.image.resize`` and PyTorch, forwards and in a training step.

Run ``python benchmarks/layers.py`` from the source tree (``pip install --group bench`` for PyTorch). Each
case is checked for equal numbers first; see ``contest.py`` for how it is timed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import contest
import keras
import numpy as np
import tensorflow as tf
from contest import Result, check, geometric_mean, machine, merged, race, table, write

import tfdeconv as td
from tfdeconv import geometry

try:
    import torch
except ImportError:
    torch = None
else:
    torch.set_num_threads(os.cpu_count() or 1)

OURS = "tfdeconv"
EDGE = "tfdeconv, edge"
OPTIMIZED = "after td.optimize"
KERAS = "Keras"
TORCH = ("torch NCHW", "torch NHWC")
RESIZE = "tf.image.resize"
DENSE = "dense (FCN)"
INTERPOLATE = ("interpolate NCHW", "interpolate NHWC")


@dataclass(frozen=True)
class Case:
    """A transposed convolution with "same" padding."""

    name: str
    batch: int
    sizes: tuple[int, ...]
    channels: int
    filters: int
    kernel_size: int
    stride: int
    quick: bool = False

    def __str__(self) -> str:
        shape = "x".join(map(str, self.sizes))
        batch = f"b{self.batch} " if self.batch > 1 else ""
        return (
            f"{self.name}: {batch}{shape} {self.channels}->{self.filters} k{self.kernel_size} s{self.stride}"
        )


TRANSPOSED = [
    Case("DCGAN 1", 1, (4, 4), 1024, 512, 5, 2, quick=True),
    Case("DCGAN 1", 8, (4, 4), 1024, 512, 5, 2),
    Case("DCGAN 2", 1, (8, 8), 512, 256, 5, 2),
    Case("DCGAN 2", 8, (8, 8), 512, 256, 5, 2),
    Case("DCGAN 3", 8, (16, 16), 256, 128, 4, 2, quick=True),
    Case("DCGAN last", 1, (32, 32), 128, 3, 5, 2),
    Case("DCGAN last", 8, (32, 32), 128, 3, 5, 2, quick=True),
    Case("U-Net", 1, (64, 64), 256, 128, 2, 2, quick=True),
    Case("U-Net", 8, (32, 32), 256, 128, 2, 2),
    Case("U-Net", 1, (128, 128), 128, 64, 3, 2),
    Case("VAE", 16, (32, 32), 64, 32, 4, 2),
    Case("VAE last", 8, (32, 32), 32, 3, 4, 2, quick=True),
    Case("MNIST last", 8, (14, 14), 64, 1, 5, 2),
    Case("FCN dense", 1, (16, 16), 21, 21, 64, 32),
    Case("FCN dense", 1, (64, 64), 21, 21, 16, 8),
    Case("FSRCNN x2", 1, (128, 128), 56, 1, 9, 2, quick=True),
    Case("FSRCNN x3", 1, (128, 128), 56, 1, 9, 3),
    Case("FSRCNN x4", 1, (128, 128), 56, 1, 9, 4),
    Case("FSRCNN x2", 8, (64, 64), 56, 1, 9, 2),
    Case("1-D audio", 8, (8192,), 32, 1, 16, 8),
    Case("1-D", 8, (512,), 64, 32, 4, 2),
    Case("3-D last", 1, (32, 32, 32), 16, 1, 4, 2, quick=True),
    Case("3-D", 1, (16, 16, 16), 32, 16, 3, 2),
]

BILINEAR = [  # batch, size, channels, factor
    (1, 16, 21, 32),
    (1, 64, 21, 8),
    (1, 128, 21, 2),
    (8, 32, 64, 2),
    (1, 256, 3, 4),
    (4, 64, 256, 2),
]


def compiled(function: Any) -> Any:
    """Return ``function`` as a graph."""
    return tf.function(function, autograph=False)


def transposed(case: Case, seconds: float) -> Result:
    """Race one transposed convolution."""
    rank = len(case.sizes)
    arguments = (case.filters, case.kernel_size, case.stride, "same")
    layers = {
        KERAS: getattr(keras.layers, f"Conv{rank}DTranspose")(*arguments),
        OURS: getattr(td.layers, f"Conv{rank}DTranspose")(*arguments),
    }
    rng = np.random.default_rng(0)
    x = tf.constant(rng.standard_normal([case.batch, *case.sizes, case.channels]), tf.float32)
    for layer in layers.values():
        layer.build(x.shape)
    weights = [rng.standard_normal(weight.shape).astype("float32") * 0.1 for weight in layers[KERAS].weights]
    for layer in layers.values():
        layer.set_weights(weights)
    model = keras.Sequential([keras.Input((*case.sizes, case.channels)), layers[OURS]])
    optimized = td.optimize(model, (*case.sizes, case.channels), batch=case.batch, budget_s=seconds)
    graphs = {
        KERAS: compiled(lambda: layers[KERAS](x)),
        OURS: compiled(lambda: layers[OURS](x)),
        OPTIMIZED: compiled(lambda: optimized.model(x)),
    }
    outputs = {name: graph().numpy() for name, graph in graphs.items()}
    runs = dict(graphs)
    if torch is not None:
        for name in TORCH if rank > 1 else TORCH[:1]:
            runs[name] = torch_transposed(case, x.numpy(), weights, name == TORCH[1])
            outputs[name] = np.moveaxis(runs[name]().numpy(), 1, -1)
    check(str(case), outputs)
    return Result("transposed", str(case), race(runs, seconds))


def torch_transposed(case: Case, x: np.ndarray, weights: Sequence[np.ndarray], last: bool) -> Any:
    """Return PyTorch's call for the same window; slicing its output copies nothing."""
    rank = len(case.sizes)
    lead, tail = geometry.crops(case.kernel_size, case.stride, padding="same")
    kind = getattr(torch.nn, f"ConvTranspose{rank}d")
    layer = kind(
        case.channels,
        case.filters,
        case.kernel_size,
        case.stride,
        padding=lead,
        output_padding=max(lead - tail, 0),
    )
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.moveaxis(weights[0], (-1, -2), (0, 1)).copy()))
        layer.bias.copy_(torch.from_numpy(weights[1]))
    tensor = torch.from_numpy(np.moveaxis(x, -1, 1).copy())
    if last:
        layout = torch.channels_last if rank == 2 else torch.channels_last_3d
        layer, tensor = layer.to(memory_format=layout), tensor.to(memory_format=layout)
    window = (slice(None), slice(None), *(slice(size * case.stride) for size in case.sizes))

    def run() -> Any:
        with torch.inference_mode():
            return layer(tensor)[window]

    return run


def training(case: Case, seconds: float) -> Result:
    """Race the gradients of input, kernel and bias."""
    rank, rng = len(case.sizes), np.random.default_rng(0)
    x = tf.constant(rng.standard_normal([case.batch, *case.sizes, case.channels]), tf.float32)
    runs, outputs, weights = {}, {}, None
    for name, module in ((KERAS, keras.layers), (OURS, td.layers)):
        layer = getattr(module, f"Conv{rank}DTranspose")(case.filters, case.kernel_size, case.stride, "same")
        layer.build(x.shape)
        weights = weights or [rng.standard_normal(weight.shape) * 0.1 for weight in layer.weights]
        layer.set_weights(weights)

        def step(layer: Any = layer) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_mean(tf.square(layer(x)))
            return tape.gradient(loss, [x, *(weight.value for weight in layer.weights)])

        runs[name] = compiled(step)
        outputs[name] = runs[name]()[1].numpy()
    check(f"training {case}", outputs)
    return Result("training", str(case), race(runs, seconds))


def bilinear(batch: int, size: int, channels: int, factor: int, seconds: float) -> Result:
    """Race the per-channel bilinear upsampling of FCN and its neighbours.

    FCN and PyTorch's transposed convolution fade at the border, as ``boundary="zero"`` does; TensorFlow's
    and PyTorch's interpolation repeat it, as ``boundary="edge"`` does.
    """
    name = f"{f'b{batch} ' if batch > 1 else ''}{size}x{size}x{channels} x{factor}"
    x = tf.constant(np.random.default_rng(0).standard_normal([batch, size, size, channels]), tf.float32)
    taps = geometry.linear_kernel_size(factor)
    dense = keras.layers.Conv2DTranspose(
        channels, taps, factor, "same", use_bias=False, kernel_initializer=td.initializers.Bilinear()
    )
    dense.build(x.shape)
    ours = td.layers.BilinearUpsampling2D(factor)
    edge = td.layers.BilinearUpsampling2D(factor, boundary="edge")
    runs = {
        OURS: compiled(lambda: ours(x)),
        EDGE: compiled(lambda: edge(x)),
        DENSE: compiled(lambda: dense(x)),
        RESIZE: compiled(lambda: tf.image.resize(x, (size * factor, size * factor))),
    }
    outputs = {name: runs[name]().numpy() for name in (DENSE, OURS)}
    check(f"{name}, edge", {name: runs[name]().numpy() for name in (RESIZE, EDGE)})
    if torch is not None:
        for number, last in enumerate((False, True)):
            runs |= torch_bilinear(x.numpy(), factor, last, number)
            grouped = runs[TORCH[number]]().numpy()
            outputs[TORCH[number]] = np.moveaxis(grouped, 1, -1)
    check(name, outputs)
    return Result("bilinear", name, race(runs, seconds))


def torch_bilinear(x: np.ndarray, factor: int, last: bool, number: int) -> dict[str, Any]:
    """Return PyTorch's grouped transposed convolution and its interpolation."""
    channels, taps = x.shape[-1], geometry.linear_kernel_size(factor)
    lead, _ = geometry.crops(taps, factor, padding="same")
    grouped = torch.nn.ConvTranspose2d(channels, channels, taps, factor, lead, groups=channels, bias=False)
    row = np.array(geometry.linear_kernel(taps), "float32")
    with torch.no_grad():
        grouped.weight.copy_(torch.from_numpy(np.outer(row, row)))
    tensor = torch.from_numpy(np.moveaxis(x, -1, 1).copy())
    layout = torch.channels_last if last else torch.contiguous_format
    grouped, tensor = grouped.to(memory_format=layout), tensor.to(memory_format=layout)
    window = (slice(None), slice(None), *(slice(size * factor) for size in x.shape[1:3]))

    def transpose() -> Any:
        with torch.inference_mode():
            return grouped(tensor)[window]

    def interpolate() -> Any:
        with torch.inference_mode():
            return torch.nn.functional.interpolate(tensor, scale_factor=factor, mode="bilinear")

    return {TORCH[number]: transpose, INTERPOLATE[number]: interpolate}


def summarize(results: Sequence[Result], rivals: Sequence[str], ours: str = OURS) -> str:
    """Return how many times faster ``ours`` is than the fastest of ``rivals``: mean and worst case."""
    ratios = {
        result.case: min(result.milliseconds[name] for name in rivals if name in result.milliseconds)
        / result.milliseconds[ours]
        for result in results
        if any(name in result.milliseconds for name in rivals)
    }
    if not ratios:
        return "not installed"
    worst = min(ratios, key=lambda case: ratios[case])
    return (
        f"{geometric_mean(list(ratios.values())):.2f}x geometric mean, worst {ratios[worst]:.2f}x ({worst})"
    )


@click.command()
@click.option("--seconds", default=2.0, show_default=True, help="Time for each case.")
@click.option("--quick", is_flag=True, help="A subset, for `make bench`.")
@click.option("--merge", is_flag=True, help="Keep the shorter of these times and those of the last run.")
def main(seconds: float, quick: bool, merge: bool) -> None:
    """Race single layers."""
    cases = [case for case in TRANSPOSED if case.quick or not quick]
    click.echo(f"Shortest of many runs in turns, milliseconds; {machine()}.\n")
    forwards = [transposed(case, seconds) for case in cases]
    steps = [training(case, seconds) for case in cases]
    interpolations = [bilinear(*case, seconds) for case in (BILINEAR[:4] if quick else BILINEAR)]
    if merge:
        forwards, steps = merged("layers", forwards), merged("training", steps)
        interpolations = merged("bilinear", interpolations)
    click.echo(f"Transposed convolution\n{table(forwards, OURS, [OURS, OPTIMIZED, KERAS, *TORCH])}\n")
    click.echo(f"Training step\n{table(steps, OURS, [OURS, KERAS])}\n")
    columns = [OURS, EDGE, DENSE, RESIZE, *TORCH, *INTERPOLATE]
    click.echo(f"Bilinear by channel\n{table(interpolations, OURS, columns)}\n")
    for what, line in {
        "Transposed against Keras": summarize(forwards, [KERAS]),
        "  after td.optimize": summarize(forwards, [KERAS], OPTIMIZED),
        "Transposed against PyTorch's best": summarize(forwards, TORCH),
        "  after td.optimize ": summarize(forwards, TORCH, OPTIMIZED),
        "Training step against Keras": summarize(steps, [KERAS]),
        "Bilinear against FCN's dense form": summarize(interpolations, [DENSE]),
        "Bilinear against tf.image.resize": summarize(interpolations, [RESIZE]),
        '  with boundary="edge", as it has': summarize(interpolations, [RESIZE], EDGE),
        "Bilinear against PyTorch grouped NHWC": summarize(interpolations, [TORCH[1]]),
    }.items():
        click.echo(f"{what:40}{line}")
    write("layers", forwards, OURS)
    write("training", steps, OURS)
    write("bilinear", interpolations, OURS)
    click.echo(f"\nJSON and charts: {contest.FOLDER}")


if __name__ == "__main__":
    main()
