"""Transposed convolutions against Keras and PyTorch, forwards and in a training step.

Run ``python benchmarks/layers.py`` from the source tree (``pip install --group bench`` for PyTorch). Each
case is checked for equal numbers first; see ``harness/contest.py`` for how it is timed and
``harness/roofline.py`` for the column "of peak".
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import harness.contest as contest
import harness.roofline as roofline
import keras
import numpy as np
import tensorflow as tf
from harness.contest import Result, check, geometric_mean, machine, merged, race, table, write
from harness.pytorch import torch

import tfdeconv as td
from tfdeconv import geometry

OURS = "tfdeconv"
OPTIMIZED = "after td.optimize"
KERAS = "Keras"
TORCH = ("torch NCHW", "torch NHWC")


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


def of_peak(
    peak: roofline.Peak, cases: Sequence[Case], results: Sequence[Result], products: int = 1
) -> dict[str, str]:
    """Return how much of the machine's peak the fastest of ours reached, by case.

    A training step has the ``products`` of the layer, of the input's gradient and of the kernel's.
    """
    shares = {}
    for case, result in zip(cases, results, strict=True):
        work = roofline.transposed_work(
            case.batch, case.sizes, case.channels, case.filters, case.kernel_size, case.stride
        )
        ms = min(result.milliseconds[name] for name in (OURS, OPTIMIZED) if name in result.milliseconds)
        shares[result.case] = peak.share(ms, *(products * amount for amount in work))
    return shares


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
@click.option("--only", default="", help="Cases whose name holds this text; nothing is written.")
def main(seconds: float, quick: bool, merge: bool, only: str) -> None:
    """Race single layers."""
    cases = [case for case in TRANSPOSED if (case.quick or not quick) and only in str(case)]
    if not cases:
        raise click.BadParameter(f"no case holds {only!r}.", param_hint="--only")
    click.echo(f"Shortest of many runs in turns, milliseconds; {machine()}.\n")
    peaks = [roofline.measured(seconds)]
    forwards = [transposed(case, seconds) for case in cases]
    peaks.append(roofline.measured(seconds))
    steps = [training(case, seconds) for case in cases]
    peak = roofline.best([*peaks, roofline.measured(seconds)])
    if merge:
        forwards, steps = merged("layers", forwards), merged("training", steps)
    shares, step_shares = of_peak(peak, cases, forwards), of_peak(peak, cases, steps, products=3)
    columns = [OURS, OPTIMIZED, KERAS, *TORCH]
    click.echo(f"Peaks measured: {peak}.\n")
    click.echo(f"Transposed convolution\n{table(forwards, OURS, columns, shares)}\n")
    click.echo(f"Training step\n{table(steps, OURS, [OURS, KERAS], step_shares)}\n")
    for what, line in {
        "Transposed against Keras": summarize(forwards, [KERAS]),
        "  after td.optimize": summarize(forwards, [KERAS], OPTIMIZED),
        "Transposed against PyTorch's best": summarize(forwards, TORCH),
        "  after td.optimize ": summarize(forwards, TORCH, OPTIMIZED),
        "Training step against Keras": summarize(steps, [KERAS]),
    }.items():
        click.echo(f"{what:40}{line}")
    if only:
        return
    write("layers", forwards, OURS)
    write("training", steps, OURS)
    click.echo(f"\nJSON and charts: {contest.FOLDER}")


if __name__ == "__main__":
    main()
