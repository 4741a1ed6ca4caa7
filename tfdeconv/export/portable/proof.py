"""A written file against its model: the same inputs, in the file's own runtime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfdeconv.errors import ExportError
from tfdeconv.export.portable.program import SEPARATOR, Arrays, Program, Runner
from tfdeconv.export.portable.samples import empty_inputs
from tfdeconv.export.portable.target import Target


@dataclass(frozen=True)
class Difference:
    """How far outputs of the file are from the model's.

    Attributes:
        error: What is held against the tolerance.
        largest: Largest absolute difference.
        scale: Largest absolute output of the model.
        psnr_db: Peak signal-to-noise ratio in dB.
    """

    error: float
    largest: float
    scale: float
    psnr_db: float


def reference(program: Program, inputs: Arrays) -> Arrays:
    """Return the model's own outputs, those of every layer where the program is made so."""
    given = [inputs[name] for name in program.input_names]
    tensors = [keras.ops.convert_to_tensor(array) for array in given]
    outputs = program.run(tensors, lambda call: keras.tree.flatten(call.operation(*call.args, **call.kwargs)))
    return {name: keras.ops.convert_to_numpy(value) for name, value in outputs.items()}


def check_finite(program: Program, inputs: Arrays, outputs: Arrays) -> None:
    """Raise ExportError, which names the layer, where an output of the model is NaN or infinite."""
    if all(np.all(np.isfinite(value)) for value in outputs.values()):
        return
    inner = reference(replace(program, every_layer=True), inputs)
    first = next(name for name, value in inner.items() if not np.all(np.isfinite(value)))
    raise ExportError(
        f"Layer {_layer(first)!r} of the model itself returns NaN or infinity for a sample input. Mend its "
        "weights first; nothing was written."
    )


def difference(wanted: Any, actual: Any, *, mean_square: bool) -> Difference:
    """Compare one output; infinite where shapes differ or a number is none.

    Example:
        >>> round(difference(np.array([0.0, 2.0]), np.array([0.0, 1.0]), mean_square=False).error, 2)
        0.5
    """
    if wanted.shape != actual.shape:
        return Difference(math.inf, math.inf, float(np.max(np.abs(wanted), initial=0)), -math.inf)
    wanted, actual = wanted.astype("float64"), actual.astype("float64")
    distances = wanted - actual
    scale = float(np.max(np.abs(wanted), initial=0.0))
    if not np.all(np.isfinite(distances)):
        return Difference(math.inf, math.inf, scale, -math.inf)
    largest = float(np.max(np.abs(distances), initial=0.0))
    noise = float(np.sqrt(np.mean(distances**2))) if distances.size else 0.0
    power = float(np.sqrt(np.mean(wanted**2))) if wanted.size else 0.0
    psnr = math.inf if noise == 0 else 20 * math.log10(scale / noise) if scale else -math.inf
    ratio = (noise, power) if mean_square else (largest, scale)
    error = 0.0 if ratio[0] == 0 else ratio[0] / ratio[1] if ratio[1] else math.inf
    return Difference(error, largest, scale, psnr)


def check(
    run: Runner, samples: Sequence[tuple[Arrays, Arrays]], *, mean_square: bool
) -> tuple[Difference, Arrays]:
    """Return the largest difference over ``samples`` (inputs, the model's outputs), and those inputs."""
    found = [
        (difference(value, actual[name], mean_square=mean_square), inputs)
        for inputs, wanted in samples
        for actual in [run(inputs)]
        for name, value in wanted.items()
    ]
    return max(found, key=lambda pair: pair[0].error)


def takes_empty_batch(run: Runner, inputs: Arrays, outputs: Arrays) -> bool:
    """Return whether the file returns empty outputs of the right shapes for no sample."""
    try:
        actual = run(empty_inputs(inputs))
    except Exception:  # runtimes have their own; this is what is being asked
        return False
    return all(actual[name].shape == (0, *value.shape[1:]) for name, value in outputs.items())


def first_difference(
    program: Program,
    target: Target,
    folder: Path,
    precision: str,
    samples: list[Arrays],
    inputs: Arrays,
    *,
    tolerance: float,
    mean_square: bool,
) -> str:
    """Return where the file first differs from the model, in words: every layer's output is compared."""
    every = replace(program, every_layer=True)
    path = folder / f"every_layer{target.suffix}"
    try:
        target.write(every, path, precision, samples)
        run, _ = target.load(path)
        actual = run(inputs)
    except Exception as error:
        return f"Where it begins cannot be told: {error}"
    for name, value in reference(every, inputs).items():
        if name in actual and difference(value, actual[name], mean_square=mean_square).error > tolerance:
            return f"It first appears behind layer {_layer(name)!r}."
    return "Every layer alone is within the tolerance."


def _layer(name: str) -> str:
    return name.rpartition(SEPARATOR)[0]
