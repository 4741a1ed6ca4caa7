"""The part of ``gpu.py`` that runs here: lowers the cases by XLA and computes what they should give.

Every case is a ``tf.function`` of tfdeconv, lowered for fixed shapes to a serialized HLO module and to
StableHLO. Inputs and kernels are multiples of powers of two that float32, TF32 and bfloat16 all hold exactly,
made on both sides by the same frozen generator (``gpu.integers``), so that only sums and what is between two
operations are rounded. Weights of models, and samples of what the processor computes in float32, are written
to ``arrays.npz``.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import gpu
import keras
import numpy as np
import tensorflow as tf

import tfdeconv as td
from tfdeconv import geometry
from tfdeconv.errors import LoweringNotApplicable

MOST_SAMPLES = 65_536
"""Numbers of an expected output that are kept, spread evenly."""


@dataclass(frozen=True)
class Layer:
    """A transposed convolution with "same" padding."""

    name: str
    batch: int
    sizes: tuple[int, ...]
    channels: int
    filters: int
    taps: int
    stride: int
    groups: int = 1


LAYERS = [
    Layer("DCGAN: b8 8x8 512->256 k5 s2", 8, (8, 8), 512, 256, 5, 2),
    Layer("DCGAN last: b8 32x32 128->3 k5 s2", 8, (32, 32), 128, 3, 5, 2),
    Layer("U-Net: b8 64x64 256->128 k2 s2", 8, (64, 64), 256, 128, 2, 2),
    Layer("VAE: b16 32x32 64->32 k4 s2", 16, (32, 32), 64, 32, 4, 2),
    Layer("FSRCNN last: 256x256 56->1 k9 s2", 1, (256, 256), 56, 1, 9, 2),
    Layer("Slim last: 256x256 16->1 k6 s2", 1, (256, 256), 16, 1, 6, 2),
    Layer("FCN dense: 64x64 21->21 k16 s8", 1, (64, 64), 21, 21, 16, 8),
    Layer("FCN by channel: 64x64x21 k16 s8", 1, (64, 64), 21, 21, 16, 8, 21),
    Layer("3-D last: 32x32x32 16->1 k4 s2", 1, (32, 32, 32), 16, 1, 4, 2),
]
SMALL_LAYERS = [
    Layer("small: 6x5 8->3 k4 s2", 1, (6, 5), 8, 3, 4, 2),
    Layer("small by channel: b2 6x5x4 k3 s2", 2, (6, 5), 4, 4, 3, 2, 4),
]
BILINEAR = [(1, 64, 21, 8), (8, 32, 64, 2), (1, 256, 3, 4)]
"""Batch, side, channels and factor of bilinear upsampling."""
SMALL_BILINEAR = [(2, 6, 4, 3)]
SIZE, SMALL_SIZE = 256, 12
"""Side of a model's picture."""


@dataclass
class Preparation:
    """What is written: programs as files, arrays, and the manifest that says what belongs together."""

    folder: Path
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    cases: list[dict[str, Any]] = field(default_factory=list)

    def expect(self, name: str, kind: str, output: np.ndarray, **more: Any) -> dict[str, Any]:
        """Add a case, with samples of its output, and return it."""
        number, flat = len(self.cases), output.reshape(-1)
        step = math.ceil(flat.size / MOST_SAMPLES) | 1  # odd: it meets every phase
        self.arrays[f"{number}/expected"] = flat[::step]
        case = {"name": name, "kind": kind, "step": step, "scale": float(abs(flat).max()), "programs": []}
        self.cases.append(case | {"number": number, "shape": output.shape, **more})
        return self.cases[-1]

    def add(
        self, case: dict[str, Any], contender: str, precision: str, function: Callable[..., Any], x: list[Any]
    ) -> None:
        """Lower ``function`` of the tensors ``x``, whose sources are the case's ``inputs``, and write it."""
        name = f"{case['number']}-{contender.replace(' ', '_')}-{precision}"
        dtype = tf.bfloat16 if precision == "bfloat16" and case["kind"] != "model" else tf.float32
        x = [tf.cast(tensor, dtype) for tensor in x]
        compiled = tf.function(function, jit_compile=True, autograph=False)
        tf.config.experimental.enable_tensor_float_32_execution(precision != "float32")
        try:
            lowered = compiled.experimental_get_compiler_ir(*x)
            for stage, suffix in (("hlo_serialized", "hlo"), ("stablehlo_serialized", "stablehlo")):
                (self.folder / f"{name}.{suffix}").write_bytes(lowered(stage=stage))
        finally:
            tf.config.experimental.enable_tensor_float_32_execution(True)
        concrete = compiled.get_concrete_function(*x)
        values = {id(variable.handle): variable for variable in concrete.variables}
        parameters: list[Any] = [[source, dtype.name] for source in case["inputs"]]
        for position, captured in enumerate(concrete.captured_inputs):
            value = tf.convert_to_tensor(values.get(id(captured), captured))
            self.arrays[f"{name}/{position}"] = tf.cast(value, tf.float32).numpy()
            parameters.append([f"{name}/{position}", value.dtype.name])
        case["programs"].append(
            {"contender": contender, "precision": precision, "file": name, "parameters": parameters}
        )

    def write(self) -> None:
        """Write arrays, manifest and the script that runs there."""
        np.savez_compressed(self.folder / "arrays.npz", **self.arrays)
        manifest = {"tensorflow": tf.__version__, "tfdeconv": td.__version__, "cases": self.cases}
        (self.folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        shutil.copy(gpu.__file__, self.folder / "gpu.py")


def source(shape: Sequence[int], seed: int, scale: float = 1.0) -> dict[str, Any]:
    """Return how both sides make an input or a kernel."""
    return {"shape": list(shape), "seed": seed, "scale": scale}


def add_layer(preparation: Preparation, layer: Layer) -> None:
    """Add every lowering that applies, in each precision, and what PyTorch is to compute."""
    rank, inside = len(layer.sizes), layer.channels // layer.groups
    products = max(inside * layer.taps**rank // layer.stride**rank, 1)
    kernel_shape = [*[layer.taps] * rank, layer.filters // layer.groups, layer.channels]
    inputs = [
        source([layer.batch, *layer.sizes, layer.channels], 1),
        source(kernel_shape, 2, 2.0 ** -round(math.log2(products) / 2)),
    ]
    x = [tf.constant(gpu.integers(one)) for one in inputs]

    def compute(lowering: str) -> Callable[..., Any]:
        return lambda x, kernel: td.ops.conv_transpose(
            x, kernel, strides=layer.stride, padding="same", groups=layer.groups, lowering=lowering
        )

    expected = tf.function(compute("gradient"), autograph=False)(*x).numpy()
    lead, tail = geometry.crops(layer.taps, layer.stride, padding="same")
    torch = {"stride": layer.stride, "lead": lead, "extra": max(lead - tail, 0), "groups": layer.groups}
    case = preparation.expect(layer.name, "layer", expected, inputs=inputs, torch=torch)
    for lowering in td.ops.LOWERINGS:
        try:
            for precision in gpu.PRECISIONS:
                preparation.add(case, lowering, precision, compute(lowering), x)
        except LoweringNotApplicable:
            continue


def add_bilinear(preparation: Preparation, batch: int, size: int, channels: int, factor: int) -> None:
    """Add ``linear_upsample`` with the border that PyTorch's interpolation has."""
    inputs = [source([batch, size, size, channels], 1)]
    x = [tf.constant(gpu.integers(inputs[0]))]

    def compute(x: tf.Tensor) -> tf.Tensor:
        return td.ops.linear_upsample(x, factor, boundary="edge")

    name = f"{f'b{batch} ' if batch > 1 else ''}{size}x{size}x{channels} x{factor}"
    expected = tf.function(compute, autograph=False)(*x).numpy()
    case = preparation.expect(name, "bilinear", expected, inputs=inputs, torch={"scale": factor})
    for precision in gpu.PRECISIONS:
        preparation.add(case, "linear_upsample", precision, compute, x)


def chain(preparation: Preparation, model: keras.Model) -> list[dict[str, Any]]:
    """Return the steps of an upscaler for PyTorch, whose weights are added to the arrays."""
    steps: list[dict[str, Any]] = []
    for layer in model.layers:
        step: dict[str, Any] = {"weights": []}
        if isinstance(layer, keras.layers.Rescaling):
            step |= {"kind": "shift", "offset": float(layer.offset)}
        elif isinstance(layer, keras.layers.Conv2D):
            step |= {"kind": "conv"}
        elif isinstance(layer, keras.layers.LeakyReLU):
            step |= {"kind": "leaky", "slope": float(layer.negative_slope)}
        elif isinstance(layer, keras.layers.PReLU):
            step |= {"kind": "prelu"}
        elif isinstance(layer, td.layers.Conv2DTranspose):
            lead, _ = layer.geometry.crops[0]
            step |= {"kind": "transpose", "stride": layer.strides[0], "lead": lead}
        elif isinstance(layer, keras.layers.InputLayer | td.layers.BilinearUpsampling2D | keras.layers.Add):
            continue  # the enlargement that is added at the end
        else:
            raise TypeError(f"{layer.name} has no step for PyTorch")
        for weight in layer.get_weights():
            step["weights"].append(f"{len(preparation.cases)}/torch/{len(preparation.arrays)}")
            preparation.arrays[step["weights"][-1]] = weight
        steps.append(step)
    return steps


def add_model(preparation: Preparation, model: keras.Model, scale: int, name: str, size: int) -> None:
    """Add an upscaler as it is built (for a processor) and as ``td.optimize`` makes it for a GPU."""
    inputs = [source([1, size, size, 1], 3, 1 / 8)]
    x = [tf.constant(gpu.integers(inputs[0]))]
    expected = tf.function(model, autograph=False)(x[0]).numpy()
    torch = {"scale": scale, "steps": chain(preparation, model)}
    case = preparation.expect(f"{name}, {size}x{size}", "model", expected, inputs=inputs, torch=torch)
    for precision in gpu.PRECISIONS:
        reduced = "bfloat16" if precision == "bfloat16" else "float32"
        shape = (size, size, 1)
        there = td.optimize(model, shape, device="gpu", precision=reduced, budget_s=0).model
        preparation.add(case, "device='gpu'", precision, there, x)
        here = td.optimize(model, shape, device="cpu", precision=reduced, budget_s=0.2).model
        preparation.add(case, "device='cpu'", precision, here, x)


def prepare(folder: Path, *, small: bool = False) -> None:
    """Write everything that ``gpu.py run`` needs; ``small`` for a trial of the path."""
    folder.mkdir(parents=True, exist_ok=True)
    preparation = Preparation(folder)
    for layer in SMALL_LAYERS if small else LAYERS:
        add_layer(preparation, layer)
    for shape in SMALL_BILINEAR if small else BILINEAR:
        add_bilinear(preparation, *shape)
    size = SMALL_SIZE if small else SIZE
    for quality in ("fast",) if small else ("fast", "fine"):
        for scale in (2,) if small else (2, 3, 4):
            model = td.zoo.load_upscaler(scale, quality=quality)
            add_model(preparation, model, scale, f"{quality} x{scale}", size)
    if not small:
        add_model(preparation, td.zoo.FSRCNN(2, weights="cc0-photos"), 2, "FSRCNN x2", size)
    preparation.write()
