"""Files as tensors: arrays (.npy), pictures, and any bytes for string tensors."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.cli.messages import shown
from tfdeconv.client import TensorSpec
from tfdeconv.errors import FileError, InvalidArgumentError
from tfdeconv.extras import require
from tfdeconv.imaging import READ_SUFFIXES, SUFFIXES, Photograph, read_photograph, write_photograph
from tfdeconv.imaging.storage import open_input, whole_output

_ENCODED = (".png", ".jpg", ".jpeg")  # what image decoders of TensorFlow take
_OVERSHOOT = 0.5  # beyond 0 and 1; networks overshoot at edges by less
_DARK = 32  # of 255
_ROUNDING = 0.01  # of a sum of probabilities, in bfloat16 too
_ORIENTATION = 0x0112  # the EXIF tag; 1 is upright


def can_be_sent_encoded(path: Any) -> bool:
    """Return whether a server that decodes the file sees the picture as it is meant.

    It does not where the file asks to be turned: TensorFlow's decoders do not look at that. A picture so
    large that it is not read here is not sent either.
    """
    if path.suffix.lower() not in _ENCODED:
        return False
    pillow = require("PIL.Image", extra="image", feature="Sending a picture")
    try:
        with warnings.catch_warnings(), open_input(path) as file:
            warnings.simplefilter("ignore")  # Pillow's remarks on sloppy metadata and large sizes
            with pillow.open(file) as picture:
                return bool(picture.getexif().get(_ORIENTATION, 1) == 1)
    except pillow.DecompressionBombError:
        return False
    except Exception:  # the decoders raise errors of any kind; the server says what is broken
        return True


def read(path: Any, spec: TensorSpec) -> NDArray[Any]:
    """Return what a file holds in the form that an input takes.

    A string input takes the file's bytes; any other input takes the array of a .npy file, or the
    pixels of a picture: floats in [0, 1], integers in 0 to 255, with a batch axis.

    Raises:
        InvalidArgumentError: The file is missing, broken, or of no use for this input.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _read_npy(path)
    if spec.dtype == "string":
        return element(_read_bytes(path), spec)
    if suffix in READ_SUFFIXES:
        return _read_picture(path, spec)
    raise InvalidArgumentError(
        f"--input {path} must be a .npy array or a picture ({', '.join(READ_SUFFIXES)}) for an input that "
        f"takes {spec}."
    )


def element(data: bytes, spec: TensorSpec) -> NDArray[Any]:
    """Return a string tensor of one element, in the rank that an input takes."""
    array = np.empty((1,) * (1 if spec.shape is None else len(spec.shape)), object)
    array.fill(data)
    return array


def _read_bytes(path: Any) -> bytes:
    try:
        with open_input(path) as file:
            return file.read()
    except Exception as error:  # each store has its own
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise FileError(f"--input {path} cannot be read: {reason.rstrip('.')}.") from error


def _read_npy(path: Any) -> NDArray[Any]:
    try:
        return np.asarray(np.load(io.BytesIO(_read_bytes(path)), allow_pickle=False))
    except (ValueError, EOFError) as error:
        raise FileError(f"--input {path} is not a NumPy array file: {error}.") from None


def takes_pictures(spec: TensorSpec) -> bool:
    """Return whether an input takes pictures, encoded or as pixels.

    Example:
        >>> takes_pictures(TensorSpec("float32", (None, None, None, 3)))
        True
        >>> takes_pictures(TensorSpec("float32", (None, 4)))
        False
    """
    if spec.dtype == "string" or spec.shape is None:
        return True
    return len(spec.shape) in (3, 4) and spec.shape[-1] in (None, 1, 3)


def has_batch(spec: TensorSpec) -> bool | None:
    """Return whether what an input takes begins with a batch axis; None where its rank is free.

    Example:
        >>> has_batch(TensorSpec("string", ())), has_batch(TensorSpec("uint8", (None, None, None, 3)))
        (False, True)
    """
    if spec.shape is None:
        return None
    return len(spec.shape) == (1 if spec.dtype == "string" else 4)


def _read_picture(path: Any, spec: TensorSpec) -> NDArray[Any]:
    channels = spec.shape[-1] if spec.shape else None
    if not takes_pictures(spec):
        raise InvalidArgumentError(
            f"--input {path} is a picture, but the input takes {spec}; pass a .npy array of that shape."
        )
    photograph = read_photograph(path)
    pixels = photograph.pixels[..., :-1] if photograph.has_alpha else photograph.pixels
    if channels == 1 and pixels.shape[-1] != 1:
        raise InvalidArgumentError(f"--input {path} is in colour, but the input takes {spec}.")
    if channels != 1 and pixels.shape[-1] == 1:
        pixels = pixels.repeat(3, axis=-1)
    top = np.iinfo(pixels.dtype).max
    if spec.dtype.startswith(("float", "bfloat")):
        pixels = pixels.astype(np.float32) / np.float32(top)
    elif top > 255:
        pixels = np.rint(pixels / (top / 255)).astype(np.uint8)
    return pixels if spec.shape is not None and len(spec.shape) == 3 else pixels[np.newaxis]


def write(path: Any, array: NDArray[Any], name: str, *, batch: bool | None = None) -> str:
    """Write one output to a file, replacing it if it exists, and return a line about it.

    Args:
        path: The file.
        array: The output.
        name: Its name.
        batch: Whether its first axis is that of the batch. None: where it looks like one.

    Raises:
        InvalidArgumentError: The output has no form in a file of this kind, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _write_bytes(path, _npy(array, name), f"{array.dtype} {list(array.shape)}")
    if array.dtype == object:
        data = _element(path, array, name)
        return _write_bytes(path, data, f"{len(data):,} bytes")
    if suffix not in SUFFIXES:
        raise InvalidArgumentError(f"--output {path} must end in .npy or {', '.join(SUFFIXES)} for an array.")
    photograph = _picture(array, name, batch)
    write_photograph(photograph, path, overwrite=True)
    return f"{shown(path)}: {photograph.describe()}"


def _write_bytes(path: Any, data: bytes, what: str) -> str:
    try:
        with whole_output(path, overwrite=True) as file:
            file.write(data)
    except FileError as error:
        raise FileError(f"--output {error}") from error.__cause__
    return f"{shown(path)}: {what}"


def _npy(array: NDArray[Any], name: str) -> bytes:
    if array.dtype == object:
        raise InvalidArgumentError(
            f"Output {name!r} holds strings, which a .npy file cannot; name the file after what they are."
        )
    if array.dtype.kind == "V":  # bfloat16 and its like, which other readers would take for bytes
        array = array.astype(np.float32)
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _element(path: Any, array: NDArray[Any], name: str) -> bytes:
    if array.size != 1:
        raise InvalidArgumentError(f"Output {name!r} holds {array.size} strings; a file takes one.")
    data: bytes = array.reshape(-1)[0]
    if data.startswith(b"\x89PNG") and path.suffix.lower() in SUFFIXES[1:]:
        raise InvalidArgumentError(f"The model answers with a PNG; let --output {path} end in .png.")
    return data


def doubt(path: Path, array: NDArray[Any], name: str) -> str | None:
    """Return why an output that was written as a picture may not be one; None where it looks like one.

    Example:
        >>> doubt(Path("y.png"), np.array([[[7], [20]]]), "labels")
        "Output 'labels' has no value above 20, as numbers of classes do: y.png looks black. A .npy ..."
    """
    if path.suffix.lower() not in SUFFIXES or array.dtype == object:
        return None
    low, high = array.min(), array.max()
    if array.dtype.kind in "biu":
        if low < 0 or high > 255:
            found = f"has values from {low} to {high}: {path} holds them cut to 0 to 255"
        elif array.shape[-1] == 1 and high < _DARK:
            found = f"has no value above {high}, as numbers of classes do: {path} looks black"
        else:
            return None
    elif not np.isfinite(array).all():
        found = f"holds values that are not finite: {path} shows them as black or white"
    elif low < -_OVERSHOOT or high > 1 + _OVERSHOOT:
        found = f"has values from {low:.4g} to {high:.4g}: {path} holds them cut to 0 to 1"
    elif array.shape[-1] == 3 and np.allclose(array.sum(-1, dtype=np.float64), 1, atol=_ROUNDING):
        found = (
            "adds up to 1 over the channels of every pixel, as the probabilities of 3 classes do: "
            f"{path} shows them as red, green and blue"
        )
    else:
        return None
    return f"Output {name!r} {found}. A .npy file keeps the numbers."


def _picture(array: NDArray[Any], name: str, batch: bool | None) -> Photograph:
    begins_with_batch = batch
    if batch is None:
        begins_with_batch = array.ndim == 4 or (array.ndim == 3 and array.shape[-1] not in (1, 3))
    pixels = array
    if begins_with_batch:
        pixels = array[0] if array.ndim and len(array) == 1 else array.reshape(-1)[:0]
    if pixels.ndim == 2 and (begins_with_batch or batch is False):  # a label map without channels
        pixels = pixels[..., np.newaxis]
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3) or pixels.size == 0:
        raise InvalidArgumentError(
            f"Output {name!r} of shape {list(array.shape)} is not one picture; write it to a .npy file."
        )
    if pixels.dtype.kind not in "iu":
        pixels = np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 255)
    return Photograph(np.clip(pixels, 0, 255).astype(np.uint8))
