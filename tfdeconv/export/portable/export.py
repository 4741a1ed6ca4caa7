"""``td.export_portable``: a model leaves TensorFlow, and the file proves itself in its own runtime."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import keras

from tfdeconv.errors import ExportError, InvalidArgumentError
from tfdeconv.export.portable import proof
from tfdeconv.export.portable.calibration import calibration_samples
from tfdeconv.export.portable.program import Arrays, Program
from tfdeconv.export.portable.report import PortableReport
from tfdeconv.export.portable.rewriting import Lowering, rewrite
from tfdeconv.export.portable.samples import input_shapes, sample_inputs
from tfdeconv.export.portable.target import FORMATS, Target, target
from tfdeconv.inference.rewrite import as_functional

Format = Literal["onnx", "litert", "openvino"]
Precision = Literal["float32", "float16", "int8"]

TOLERANCES: dict[str, float] = {"float32": 1e-4, "float16": 2e-2, "int8": 0.1}
"""Largest difference relative to the largest output; for "int8" that of the root mean squares."""
CHECKED_SAMPLES = 8
"""At most so many calibration samples are compared as well."""


def export_portable(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    format: Format = "onnx",
    precision: Precision = "float32",
    calibration: Any = None,
    input_shape: Sequence[int | None] | Sequence[Sequence[int | None]] | None = None,
    lowering: Lowering = "subpixel",
    tolerance: float | None = None,
) -> PortableReport:
    """Write ``model`` for ONNX Runtime, LiteRT or OpenVINO, and check the file there.

    Upsampling layers (transposed convolutions of Keras and tfdeconv with their groups, dilations, strides
    and crops, bilinear ones, sub-pixel and resize convolutions) become stride-1 convolutions and depth to
    space, which all runtimes compute alike. Batch normalization behind a transposed convolution becomes
    part of it. Inputs and outputs keep names, types and layout; batch and sizes stay free where they are.

    The file is run in its own runtime on sample inputs, among them odd sizes, several samples and none. It
    appears at ``path`` only if its outputs are the model's.

    Args:
        model: A built Sequential or functional model in float32, possibly with such models inside.
        path: The file to write, ending in ``.onnx``, ``.tflite`` or ``.xml``; one that exists is replaced.
        format: "onnx", "litert" (TensorFlow Lite) or "openvino".
        precision: "float32"; "float16" for half the size; "int8" for weights in 8 bits, one scale for each
            channel, and activations in 8 bits, by post-training quantization. Inputs and outputs stay
            float32.
        calibration: For "int8", which it is needed for: a folder of pictures, an array ``[samples, ...]``, a
            list of samples of various sizes, or a dictionary of these for several inputs. Pictures are read
            as RGB in [0, 1], or as the luma that tfdeconv's upscalers take for models of one channel.
        input_shape: Shape of one input without the batch, where sizes shall be fixed; a list of shapes for
            several inputs. None: the model's own, free sizes included.
        lowering: "subpixel", or "gradient" for the runtime's own transposed convolution.
        tolerance: Largest difference allowed, relative to the largest output ("int8": the root mean square
            of the difference relative to that of the output). None: 1e-4, 2e-2 for "float16" and 0.1 for
            "int8".

    Returns:
        What was rewritten, the largest difference, the operations and the size.

    Raises:
        InvalidArgumentError: An argument breaks a rule, such as samples that do not fit the model.
        ExportError: A layer cannot be expressed in the format, the model returns NaN, or the file computes
            something else; the message names the layer, and no file is left.
        MissingExtraError: A package is missing; the message holds the pip command.

    Example:
        >>> import tfdeconv as td
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = td.export_portable(td.zoo.load_upscaler(2), Path(folder, "upscaler.onnx"))
        >>> report.operations["Conv"], report.operations.get("ConvTranspose", 0), report.error < 1e-4
        (8, 0, True)
    """
    path = Path(path)
    functional = _checked_model(model)
    chosen = _checked_target(path, format, precision, lowering)
    limit = TOLERANCES[precision] if tolerance is None else tolerance
    if not isinstance(limit, int | float) or not 0 <= limit < math.inf:
        raise InvalidArgumentError(f"tolerance must be a number, 0 or more; received {tolerance!r}.")
    if (precision == "int8") != (calibration is not None):
        raise InvalidArgumentError(
            "calibration must be given with precision='int8', and only then; received "
            f"precision={precision!r} and calibration={'None' if calibration is None else 'some'}."
        )
    shapes = input_shapes(functional, input_shape)
    chosen.check_packages(precision)
    samples = [] if calibration is None else calibration_samples(calibration, functional, shapes)
    program = Program(functional, rewrite(functional, lowering), shapes)
    checked: list[tuple[Arrays, Arrays]] = []
    for inputs in [*samples[:CHECKED_SAMPLES], *sample_inputs(functional, shapes)]:
        outputs = proof.reference(program, inputs)
        proof.check_finite(program, inputs, outputs)
        checked.append((inputs, outputs))
    if samples:  # integers are for what they were calibrated with
        checked = checked[: min(len(samples), CHECKED_SAMPLES)]
    with _workplace(path) as folder:
        draft = Path(folder, path.name)
        chosen.write(program, draft, precision, samples)
        report = _prove(program, chosen, draft, path, format, precision, samples, checked, limit, lowering)
        for suffix in (chosen.companion, chosen.suffix):  # the weights first
            if suffix is not None:
                draft.with_suffix(suffix).replace(path.with_suffix(suffix))
    return report


def _prove(
    program: Program,
    chosen: Target,
    draft: Path,
    path: Path,
    format: str,
    precision: str,
    samples: list[Arrays],
    checked: list[tuple[Arrays, Arrays]],
    limit: float,
    lowering: str,
) -> PortableReport:
    run, operations = chosen.load(draft)
    _check_operations(operations, lowering)
    mean_square = precision == "int8"
    try:
        worst, inputs = proof.check(run, checked, mean_square=mean_square)
    except Exception as error:  # each runtime has its own exceptions
        raise ExportError(f"The file does not run in its runtime: {error}. No file was left.") from error
    if not worst.error <= limit:
        where = proof.first_difference(
            program,
            chosen,
            draft.parent,
            precision,
            samples,
            inputs,
            tolerance=limit,
            mean_square=mean_square,
        )
        raise ExportError(
            f"The file's outputs differ by up to {worst.largest:.3g} from the model's, which reach "
            f"{worst.scale:.3g}; allowed is {limit:g} of that. {where} No file was left."
        )
    empty = proof.takes_empty_batch(run, *checked[-1]) if _empty_allowed(program, chosen) else None
    files = [draft, *([draft.with_suffix(chosen.companion)] if chosen.companion else [])]
    return PortableReport(
        path,
        format,
        precision,
        worst.largest,
        worst.scale,
        worst.error,
        worst.psnr_db,
        tuple(tuple(array.shape for array in inputs.values()) for inputs, _ in checked),
        empty,
        dict(operations),
        sum(file.stat().st_size for file in files),
        dict(program.rewriting.names),
    )


def _empty_allowed(program: Program, chosen: Target) -> bool:
    return chosen.empty_batch and all(shape[0] is None for shape in program.input_shapes)


TRANSPOSED_OPERATIONS = ("ConvTranspose", "TRANSPOSE_CONV", "CONV_3D_TRANSPOSE", "ConvolutionBackpropData")


def _check_operations(operations: Any, lowering: str) -> None:
    left = [name for name in TRANSPOSED_OPERATIONS if operations.get(name)]
    if left and lowering != "gradient":
        raise ExportError(
            f"The file would hold {left[0]}, from a transposed convolution inside a layer that is not known. "
            "Make it a layer of the model, or pass lowering='gradient'. No file was left."
        )


def _checked_model(model: Any) -> keras.Model:
    functional = as_functional(model) if isinstance(model, keras.Model) else None
    if functional is None:
        raise InvalidArgumentError(
            f"model must be a built Sequential or functional Keras model; received {type(model).__name__}. "
            "Build a Sequential model by giving it keras.Input(shape=...) first; of other models, export the "
            "functional parts."
        )
    return functional


def _checked_target(path: Path, format: str, precision: str, lowering: str) -> Target:
    for name, value, known in (
        ("format", format, FORMATS),
        ("precision", precision, get_args(Precision)),
        ("lowering", lowering, get_args(Lowering)),
    ):
        if value not in known:
            raise InvalidArgumentError(f"{name} must be {' or '.join(map(repr, known))}; received {value!r}.")
    chosen = target(format)
    if path.suffix != chosen.suffix:
        raise InvalidArgumentError(
            f"path must end in {chosen.suffix} for format={format!r}; received {str(path)!r}."
        )
    return chosen


def _workplace(path: Path) -> tempfile.TemporaryDirectory[str]:
    """A hidden folder beside ``path``, so that finished files are moved there in one step."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=f".writing-{path.stem}-", dir=path.parent)
    except OSError as error:
        raise ExportError(
            f"path {str(path)!r} cannot be written: {error.strerror}. Choose a folder that you may write to."
        ) from error
