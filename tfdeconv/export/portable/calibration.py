"""Samples that set the ranges of an integer model: arrays, or a folder of pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tfdeconv.errors import ImageError, InvalidArgumentError
from tfdeconv.export.portable.program import Arrays, Shape
from tfdeconv.imaging import SUFFIXES, read_photograph
from tfdeconv.imaging.bt601 import BLACK, LUMA_WEIGHTS

PICTURES = 64
"""At most so many pictures of a folder, evenly spread over its names in order."""
SIDE = 256
"""Free sides of the block in the middle of each picture; more only takes longer."""


def calibration_samples(calibration: Any, model: keras.Model, shapes: Sequence[Shape]) -> list[Arrays]:
    """Return the calibration as inputs of one sample each.

    Args:
        calibration: A folder of pictures; an array ``[samples, ...]`` or a list of samples; a dictionary of
            these by the names of the inputs where the model has several. Pictures become RGB in [0, 1], and
            limited-range BT.601 luma for a model of one channel, as tfdeconv's upscalers take them.
        model: A functional model.
        shapes: Shape of each input with the batch.

    Raises:
        InvalidArgumentError: There is no sample, or one does not fit the model.
    """
    names = [tensor.name for tensor in model.inputs]
    if isinstance(calibration, str | os.PathLike):
        if len(shapes) != 1:
            raise InvalidArgumentError(
                f"calibration as a folder is for a model of one picture; this one has the inputs "
                f"{names}. Give a dictionary of arrays."
            )
        samples = [{names[0]: picture} for picture in _pictures(Path(calibration), shapes[0])]
    else:
        samples = _from_arrays(calibration, names)
    if not samples:
        raise InvalidArgumentError("calibration must hold at least one sample; received none.")
    for sample in samples:
        for tensor, shape in zip(model.inputs, shapes, strict=True):
            sample[tensor.name] = _checked(sample[tensor.name], tensor, shape)
    return samples


def _from_arrays(calibration: Any, names: Sequence[str]) -> list[Arrays]:
    by_name = calibration if isinstance(calibration, Mapping) else {names[0]: calibration}
    if set(by_name) != set(names):
        raise InvalidArgumentError(
            f"calibration must be a folder, an array, or a dictionary of arrays for the inputs "
            f"{list(names)}; received {type(calibration).__name__}"
            + (f" of {sorted(by_name)}." if isinstance(calibration, Mapping) else ".")
        )
    counts = {name: len(arrays) for name, arrays in by_name.items()}
    if len(set(counts.values())) > 1:
        raise InvalidArgumentError(
            f"calibration must hold as many samples for each input; received {counts}."
        )
    return [
        {name: np.asarray(arrays[number]) for name, arrays in by_name.items()}
        for number in range(next(iter(counts.values())))
    ]


def _checked(sample: npt.NDArray[Any], tensor: Any, shape: Shape) -> npt.NDArray[Any]:
    wanted = shape[1:]
    fits = sample.ndim == len(wanted) and all(
        size in (None, actual) for size, actual in zip(wanted, sample.shape, strict=True)
    )
    if not fits:
        raise InvalidArgumentError(
            f"calibration must hold samples of shape {wanted} for the input {tensor.name!r} (None: any "
            f"size); received one of shape {sample.shape}."
        )
    if sample.dtype.kind not in "fiub" or not np.all(np.isfinite(sample)):
        raise InvalidArgumentError(
            f"calibration must hold finite numbers; a sample for the input {tensor.name!r} has others."
        )
    return np.repeat(sample[np.newaxis].astype(str(tensor.dtype)), shape[0] or 1, axis=0)


def _pictures(folder: Path, shape: Shape) -> list[npt.NDArray[np.float32]]:
    if not folder.is_dir():
        raise InvalidArgumentError(
            f"calibration must be a folder of pictures; there is no folder {str(folder)!r}."
        )
    if len(shape) != 4 or shape[-1] not in (1, 3):
        raise InvalidArgumentError(
            "calibration as a folder is for a model of pictures with 1 or 3 channels, last; this one takes "
            f"{shape[1:]}. Give an array."
        )
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise InvalidArgumentError(
            f"calibration must be a folder of pictures ({', '.join(SUFFIXES)}); {str(folder)!r} holds none."
        )
    chosen = [paths[number] for number in np.unique(np.linspace(0, len(paths) - 1, PICTURES).astype(int))]
    return [_picture(path, shape) for path in chosen]


def _picture(path: Path, shape: Shape) -> npt.NDArray[np.float32]:
    try:
        pixels = read_photograph(path).pixels
    except ImageError as error:
        raise InvalidArgumentError(f"calibration holds a picture that cannot be read: {error}") from error
    unit = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    unit = (
        unit[..., :3]
        if unit.ndim == 3 and unit.shape[-1] >= 3
        else np.repeat(unit.reshape(*unit.shape[:2], -1)[..., :1], 3, -1)
    )
    block = []
    for axis, wanted in enumerate(shape[1:3]):
        size = unit.shape[axis]
        length = wanted or min(size, SIDE)
        if size < length:
            raise InvalidArgumentError(
                f"calibration must hold pictures of at least {shape[1]}x{shape[2]}, the model's size; "
                f"{str(path)!r} has {unit.shape[0]}x{unit.shape[1]}."
            )
        start = (size - length) // 2
        block.append(slice(start, start + length))
    unit = unit[tuple(block)]
    if shape[-1] == 3:
        return unit
    luma: npt.NDArray[np.float32] = (unit @ np.asarray(LUMA_WEIGHTS, np.float32))[
        ..., np.newaxis
    ] + np.float32(BLACK)
    return luma
