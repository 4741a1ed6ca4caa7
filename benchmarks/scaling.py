"""Time for each output pixel and peak memory from 0.1 to 64 megapixels, and of a training step.

Run ``python benchmarks/scaling.py`` from the source tree. Every measurement is a process of its own, so that
its peak memory is its own: what the call adds to the process, which holds the input already.
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
from harness.contest import FOLDER, check, machine, race

MEGAPIXELS = (0.1, 1, 4, 16, 64)
LARGEST_TRAINING = 4
SECONDS = 0.5
LAYERS = {
    "FSRCNN's last, 56->1 k9 s2": 56,
    "a convolution 1->56 k3 and FSRCNN's last": 1,
    "bilinear x2, 3 channels": 3,
}
"""Name and channels of the input. The second one makes the last layer's input, as a model does."""


def layers(name: str) -> dict[str, Any]:
    """Return tfdeconv's layer and Keras's."""
    import keras

    import tfdeconv as td

    if name.startswith("bilinear"):
        dense = keras.layers.Conv2DTranspose(
            3, 4, 2, "same", use_bias=False, kernel_initializer=td.initializers.Bilinear()
        )
        return {"tfdeconv": td.layers.BilinearUpsampling2D(2), "Keras": dense}
    last = {
        contender: layer(1, 9, 2, "same")
        for contender, layer in (
            ("tfdeconv", td.layers.Conv2DTranspose),
            ("Keras", keras.layers.Conv2DTranspose),
        )
    }
    if name.startswith("a convolution"):
        first = {"filters": 56, "kernel_size": 3, "padding": "same", "activation": "relu"}
        return {key: keras.Sequential([keras.layers.Conv2D(**first), layer]) for key, layer in last.items()}
    return last


def measure(name: str, contender: str, megapixels: float, training: bool) -> dict[str, float]:
    """Return milliseconds and the megabytes that the call adds; in a process of its own."""
    import tensorflow as tf

    side = math.isqrt(round(megapixels * 1e6)) // 2
    x = tf.ones([1, side, side, LAYERS[name]])  # random numbers would raise the peak before the call
    layer = layers(name)[contender]
    layer.build(x.shape)

    def forward() -> Any:
        return layer(x)

    def step() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean(tf.square(layer(x)))
        return tape.gradient(loss, [x, *(weight.value for weight in layer.trainable_weights)])

    run = tf.function(step if training else forward, autograph=False)
    run.get_concrete_function()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run()
    added = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"ms": race({contender: run}, SECONDS, least_turns=1)[contender], "mb": added / 1024}


def in_own_process(name: str, contender: str, megapixels: float, training: bool) -> dict[str, float]:
    """Return what :func:`measure` returns in a new process."""
    arguments = json.dumps([name, contender, megapixels, training])
    done = subprocess.run(
        [sys.executable, __file__, "--worker", arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def check_layers() -> None:
    """Stop where the layers of a pair differ."""
    import numpy as np

    for name, channels in LAYERS.items():
        x = np.random.default_rng(0).standard_normal([1, 20, 30, channels]).astype("float32")
        pair = layers(name)
        for layer in pair.values():
            layer.build(x.shape)
        if not name.startswith("bilinear"):
            pair["tfdeconv"].set_weights(pair["Keras"].get_weights())
        check(name, {key: layer(x).numpy() for key, layer in pair.items()})


def chart(rows: list[dict[str, Any]]) -> None:
    """Draw time and memory over the size."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (times, memory) = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
    lines: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for row in (row for row in rows if not row["training"]):
        point = (row["megapixels"], 1000 * row["ms"] / (row["megapixels"] * 1e3), max(row["mb"], 1))
        lines.setdefault((row["layer"], row["contender"]), []).append(point)
    for (layer, contender), points in lines.items():
        sizes, nanoseconds, megabytes = zip(*points, strict=True)
        style = "o-" if contender == "tfdeconv" else "o--"
        times.plot(sizes, nanoseconds, style, label=f"{layer}: {contender}")
        memory.plot(sizes, megabytes, style)
    for axes, label in ((times, "nanoseconds for each output pixel"), (memory, "megabytes added")):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("megapixels of output")
        axes.set_ylabel(label)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(FOLDER / "scaling.png", dpi=120)
    pyplot.close(figure)


@click.command()
@click.option("--largest", default=64.0, show_default=True, help="Megapixels to go up to.")
@click.option("--worker", hidden=True)
def main(largest: float, worker: str | None) -> None:
    """Measure how time and memory grow with the picture."""
    if worker is not None:
        click.echo(json.dumps(measure(*json.loads(worker))))
        return
    check_layers()
    click.echo(f"Shortest of many runs, each contender in a process of its own; {machine()}.\n")
    rows = []
    for training, what in ((False, "forwards"), (True, "training step")):
        for layer in LAYERS:
            click.echo(f"{layer}, {what}\n{'megapixels':>10}{'tfdeconv':>28}{'Keras':>28}   faster, memory")
            for megapixels in MEGAPIXELS:
                if megapixels > (min(largest, LARGEST_TRAINING) if training else largest):
                    continue
                cells, results = "", []
                for contender in ("tfdeconv", "Keras"):
                    result = in_own_process(layer, contender, megapixels, training)
                    results.append(result)
                    pixel = result["ms"] / megapixels
                    cells += f"{pixel:>12.2f} ns/px{result['mb']:>7.0f} MB"
                    key = {"layer": layer, "contender": contender, "megapixels": megapixels}
                    rows.append({**key, "training": training, **result})
                ours, theirs = results
                memory = ours["mb"] / max(theirs["mb"], 1e-9)
                click.echo(f"{megapixels:>10}{cells}   {theirs['ms'] / ours['ms']:.2f}x, {memory:.2f}")
            click.echo()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "scaling.json").write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    chart(rows)


if __name__ == "__main__":
    main()
