"""Files as tensors: arrays (.npy), pictures, and any bytes for string tensors."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv._extras import require
from tfdeconv.client import TensorSpec
from tfdeconv.errors import ImageError, InvalidArgumentError

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def read(path: Path, spec: TensorSpec) -> NDArray[Any]:
    """Return what a file holds in the form that an input takes.

    A string input takes the file's bytes; any other input takes the array of a .npy file, or the
    pixels of a picture: floats in [0, 1], integers in 0 to 255, with a batch axis.

    Raises:
        InvalidArgumentError: The file is missing, broken, or of no use for this input.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidArgumentError(f"--input {path} cannot be read: {error.strerror}.") from None
    if path.suffix.lower() == ".npy":
        return _read_npy(path, data)
    if spec.dtype == "string":
        element = np.empty((1,) * (1 if spec.shape is None else len(spec.shape)), object)
        element.fill(data)
        return element
    if path.suffix.lower() in PICTURES:
        return _read_picture(path, data, spec)
    raise InvalidArgumentError(
        f"--input {path} must be a .npy array or a picture (.png, .jpg) for an input that takes {spec}."
    )


def _read_npy(path: Path, data: bytes) -> NDArray[Any]:
    try:
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise InvalidArgumentError(f"--input {path} is not a NumPy array file: {error}.") from None


def _read_picture(path: Path, data: bytes, spec: TensorSpec) -> NDArray[Any]:
    image_module = require("PIL.Image", extra="image", feature="Reading a picture")
    image_ops = require("PIL.ImageOps", extra="image", feature="Reading a picture")
    channels = spec.shape[-1] if spec.shape else None
    if spec.shape is not None and (len(spec.shape) not in (3, 4) or channels not in (None, 1, 3)):
        raise InvalidArgumentError(
            f"--input {path} is a picture, but the input takes {spec}; pass a .npy array of that shape."
        )
    try:
        with image_module.open(io.BytesIO(data)) as picture:
            upright = image_ops.exif_transpose(picture)
            pixels = np.asarray(upright.convert("L" if channels == 1 else "RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"--input {path} is not a picture that can be read: {error}.") from None
    if channels == 1:
        pixels = pixels[..., np.newaxis]
    if spec.dtype.startswith(("float", "bfloat")):
        pixels = pixels.astype(np.float32) / np.float32(255)
    return pixels if spec.shape is not None and len(spec.shape) == 3 else pixels[np.newaxis]


def write(path: Path, array: NDArray[Any], name: str) -> str:
    """Write one output to a file and return a line about it.

    Raises:
        InvalidArgumentError: The output has no form in a file of this kind, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        data, what = _npy(array, name)
    elif array.dtype == object:
        data, what = _element(path, array, name)
    elif suffix in PICTURES:
        data, what = _picture(path, array, name)
    else:
        raise InvalidArgumentError(f"--output {path} must end in .npy, .png or .jpg for an array.")
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InvalidArgumentError(f"--output {path} cannot be written: {error.strerror}.") from None
    return f"{path}: {what}"


def _npy(array: NDArray[Any], name: str) -> tuple[bytes, str]:
    if array.dtype == object:
        raise InvalidArgumentError(
            f"Output {name!r} holds strings, which a .npy file cannot; name the file after what they are."
        )
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue(), f"{array.dtype} {list(array.shape)}"


def _element(path: Path, array: NDArray[Any], name: str) -> tuple[bytes, str]:
    if array.size != 1:
        raise InvalidArgumentError(f"Output {name!r} holds {array.size} strings; a file takes one.")
    data: bytes = array.reshape(-1)[0]
    if PICTURES.get(path.suffix.lower()) == "JPEG" and data.startswith(b"\x89PNG"):
        raise InvalidArgumentError(f"The model answers with a PNG; let --output {path} end in .png.")
    return data, f"{len(data):,} bytes"


def _picture(path: Path, array: NDArray[Any], name: str) -> tuple[bytes, str]:
    image_module = require("PIL.Image", extra="image", feature="Writing a picture")
    pixels = array[0] if array.ndim == 4 and len(array) == 1 else array
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3) or pixels.size == 0:
        raise InvalidArgumentError(
            f"Output {name!r} of shape {list(array.shape)} is not one picture; write it to a .npy file."
        )
    if pixels.dtype.kind not in "iu":
        pixels = np.rint(np.clip(pixels, 0, 1) * 255)
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    image_module.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(
        buffer, PICTURES[path.suffix.lower()]
    )
    return buffer.getvalue(), f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
