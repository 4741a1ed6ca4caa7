"""PNG with 16 bits a sample, which Pillow reads and writes for grey alone."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tfdeconv.extras import require
from tfdeconv.imaging.photograph import Photograph

PNG_BIT_DEPTH_AT = 24
"""Where a PNG file tells its bits a sample: signature, length and name of IHDR, width, height."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by channels: grey, grey and alpha, RGB, RGB and alpha
_BLOCK_BYTES = 1 << 18  # of rows that are filtered and compressed at once
_LEVEL = 3  # of zlib: files 2 % larger than with its default, 6, in half the time
_INCHES_PER_METRE = 1 / 0.0254


def decode_deep_png(data: bytes, *, transparent: int | tuple[int, ...] | None = None) -> NDArray[np.uint16]:
    """Decode a 16-bit PNG to ``[height, width]`` or ``[height, width, channels]``.

    Args:
        data: The file.
        transparent: The grey value or the colour that the file declares to be transparent (tRNS).
    """
    codecs = require("imagecodecs", extra="image", feature="Reading 16-bit PNG files")
    pixels: NDArray[np.uint16] = codecs.png_decode(data)
    if transparent is None or pixels.shape[2:] in ((2,), (4,)):
        return pixels
    colours = pixels if pixels.ndim == 3 else pixels[..., np.newaxis]
    opaque = (colours != np.array(transparent, np.uint16)).any(axis=-1, keepdims=True)
    return np.concatenate([colours, np.where(opaque, np.uint16(65535), np.uint16(0))], axis=-1)


def write_deep_png(photograph: Photograph, file: BinaryIO) -> None:
    """Write a uint16 photograph as a PNG with its profile, EXIF block and resolution.

    Row by row: encoders that return a file hold it a second time, 0.8 GB for 100 megapixels with alpha.
    """
    height, width, channels = photograph.pixels.shape
    file.write(_SIGNATURE)
    _write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0))
    for name, content in _metadata(photograph):
        _write_chunk(file, name, content)
    compressor = zlib.compressobj(_LEVEL)
    for rows in _filtered_rows(photograph.pixels):
        if compressed := compressor.compress(rows.data):
            _write_chunk(file, b"IDAT", compressed)
    _write_chunk(file, b"IDAT", compressor.flush())
    _write_chunk(file, b"IEND", b"")


def _write_chunk(file: BinaryIO, name: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + name)
    file.write(content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(name))))


def _filtered_rows(pixels: NDArray[np.uint16]) -> Iterator[NDArray[np.uint8]]:
    """Blocks of rows ``[rows, 1 + bytes]``, each row with the filter of the least sum of magnitudes.

    That is the choice that the PNG specification recommends (third edition, section 12.7).
    """
    _, width, channels = pixels.shape
    sample = 2 * channels
    above = np.zeros([1, width * sample], np.uint8)
    step = max(1, _BLOCK_BYTES // above.size)
    for start in range(0, len(pixels), step):
        block = pixels[start : start + step].astype(">u2").reshape(-1, width * channels).view(np.uint8)
        upper = np.concatenate([above, block[:-1]])
        filtered = _filters(block, upper, sample)
        costs = np.abs(filtered.view(np.int8).astype(np.int16)).sum(axis=-1)
        best = costs.argmin(axis=0)
        rows = filtered[best, np.arange(len(block))]
        yield np.concatenate([best[:, np.newaxis].astype(np.uint8), rows], axis=1)
        above = block[-1:]


def _filters(block: NDArray[np.uint8], upper: NDArray[np.uint8], sample: int) -> NDArray[np.uint8]:
    """What the filters 0 to 4 make of each row: ``[5, rows, bytes]`` (the same, section 9)."""

    def previous(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.pad(rows, [(0, 0), (sample, 0)])[:, : rows.shape[1]]

    left, corner = previous(block), previous(upper)
    a, b, c = (rows.astype(np.int16) for rows in (left, upper, corner))
    to_a, to_b, to_c = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    paeth = np.where((to_a <= to_b) & (to_a <= to_c), left, np.where(to_b <= to_c, upper, corner))
    average = ((a + b) // 2).astype(np.uint8)
    return np.stack([block, block - left, block - upper, block - average, block - paeth])


def _metadata(photograph: Photograph) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of chunks (PNG, third edition, sections 11.3.2.3, 11.3.4.3 and 11.3.4.5)."""
    if photograph.icc_profile is not None:
        yield b"iCCP", b"ICC Profile\x00\x00" + zlib.compress(photograph.icc_profile)
    if photograph.dpi is not None:
        per_metre = [round(dpi * _INCHES_PER_METRE) for dpi in photograph.dpi]
        yield b"pHYs", struct.pack(">IIB", *per_metre, 1)
    if photograph.exif is not None:
        yield b"eXIf", photograph.exif
