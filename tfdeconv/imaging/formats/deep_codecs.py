"""Pixels of more than 8 bits from formats that Pillow reads in 8: AVIF, HEIC, JPEG, JPEG 2000, JPEG XL."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import ImageError
from tfdeconv.extras import require
from tfdeconv.imaging.formats.boxes import boxes

_FEATURE = "Reading pictures of more than 8 bits"
_SIZE_MARKER = b"\xff\x4f\xff\x51"  # start of a JPEG 2000 codestream and its SIZ segment
_DEPTH_AT = 42  # where SIZ tells the depth of the first component, from the codestream's start


def sixteen_bit(pixels: NDArray[Any], depth: int) -> NDArray[np.uint16]:
    """Return integers of ``depth`` bits over the range of 16 bits, rounded.

    Example:
        >>> sixteen_bit(np.array([0, 1, 1023], np.uint16), 10)
        array([    0,    64, 65535], dtype=uint16)
    """
    most = (1 << depth) - 1
    table = (np.arange(most + 1, dtype=np.uint64) * 65535 + most // 2) // most
    return table.astype(np.uint16)[np.minimum(pixels, most)]


def decode_deep(kind: str, data: bytes) -> NDArray[Any] | None:
    """Return the pixels of a file in 16 bits if it holds more than 8; else None.

    A JPEG XL file's come in any case: Pillow's plugin does not tell of animations.

    Raises:
        ImageError: Its samples are not integers, or it holds several pictures.
    """
    return _DECODERS[kind](data) if kind in _DECODERS else None


def decode_jpeg_12_bit(data: bytes) -> NDArray[np.uint16]:
    """Return the pixels of a JPEG file of 12 bits a sample in 16 bits."""
    codecs = require("imagecodecs", extra="image", feature=_FEATURE)
    return sixteen_bit(codecs.jpeg8_decode(data), 12)


def _avif(data: bytes) -> NDArray[Any] | None:
    configuration = next((content for name, content in boxes(data) if name == b"av1C"), b"\0\0\0")
    if len(configuration) < 3 or not configuration[2] & 0x40:
        return None
    codecs = require("imagecodecs", extra="image", feature=_FEATURE)
    pixels = codecs.avif_decode(data, index=0)
    return sixteen_bit(pixels, 12 if configuration[2] & 0x20 else 10)


def _heic(data: bytes) -> NDArray[Any] | None:
    heif = require("pillow_heif", extra="formats", feature="Reading HEIC pictures")
    file = heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    depth = file.info.get("bit_depth", 8)
    if depth <= 8:
        return None
    return sixteen_bit(np.asarray(file) >> (16 - depth), depth)  # they come in the upper bits


def _jpeg_2000(data: bytes) -> NDArray[Any] | None:
    start = data.find(_SIZE_MARKER)
    depth = (data[start + _DEPTH_AT] & 0x7F) + 1 if 0 <= start < len(data) - _DEPTH_AT else 8
    if depth <= 8:
        return None
    if depth > 16 or data[start + _DEPTH_AT] & 0x80:
        raise ImageError(f"holds signed or {depth}-bit samples; integers of up to 16 bits are read.")
    codecs = require("imagecodecs", extra="image", feature=_FEATURE)
    return sixteen_bit(codecs.jpeg2k_decode(data), depth)


def _jpeg_xl(data: bytes) -> NDArray[Any]:
    codecs = require("imagecodecs", extra="image", feature="Reading JPEG XL pictures")
    pixels: NDArray[Any] = codecs.jpegxl_decode(data)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ImageError(
            f"holds {pixels.dtype} samples; 8-bit and 16-bit integers are read. Convert it first."
        )
    return pixels


_DECODERS = {"AVIF": _avif, "HEIC": _heic, "JPEG 2000": _jpeg_2000, "JPEG XL": _jpeg_xl}
