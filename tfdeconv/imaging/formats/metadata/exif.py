"""EXIF blocks: carried as they are, but for the few values that a larger, upright picture changes.

A block is a small TIFF file: directories of 12-byte entries (tag, type, count, value or where it is). Writing
one anew would lose what the writer does not know, such as maker notes, which point into the block; so the
values are replaced in place. A block that makes no sense is carried along untouched.

References:
    Exif 2.32 (CIPA DC-008), section 4.5; TIFF 6.0, section 2.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from typing import Any

from tfdeconv.extras import require

ORIENTATION = 0x0112
EXIF_IFD = 0x8769
GPS_IFD = 0x8825
INTEROPERABILITY_IFD = 0xA005
_PIXEL_X_DIMENSION, _PIXEL_Y_DIMENSION = 0xA002, 0xA003

DESCRIPTIVE = frozenset(
    {
        0x010E,  # ImageDescription
        0x010F,  # Make
        0x0110,  # Model
        ORIENTATION,
        0x0131,  # Software
        0x0132,  # DateTime
        0x013B,  # Artist
        0x013C,  # HostComputer
        0x4746,  # Rating
        0x4749,  # RatingPercent
        0x8298,  # Copyright
        0x9C9B,  # XPTitle
        0x9C9C,  # XPComment
        0x9C9D,  # XPAuthor
        0x9C9E,  # XPKeywords
        0x9C9F,  # XPSubject
    }
)
"""What describes the photograph in the first directory of a TIFF file; the rest describes the file."""

PREFIX = b"Exif\x00\x00"
_SHORT, _LONG = 3, 4


def block_of(block: Any) -> bytes | None:
    """Return an EXIF block as files hold it without the prefix of JPEG; None for none."""
    return bytes(block).removeprefix(PREFIX) or None if block else None


def block_of_tiff(exif: Any) -> bytes | None:
    """Return what the directories of a TIFF file say about the photograph, as an EXIF block.

    Args:
        exif: The ``PIL.Image.Exif`` of the file.
    """
    kept = type(exif)()
    kept.endian = exif.endian  # a maker note may rely on it
    for tag, value in exif.items():
        if tag in DESCRIPTIVE:
            kept[tag] = exact(value)
    for tag, directory in directories(exif).items():
        kept[tag] = directory
    if not set(kept) - {ORIENTATION}:
        return None
    block: bytes = kept.tobytes()
    return block.removeprefix(PREFIX)


def directories(exif: Any) -> dict[int, dict[int, Any]]:
    """Return the EXIF and GPS directories of a ``PIL.Image.Exif`` by tag, those that are there."""
    found = {}
    for tag in (EXIF_IFD, GPS_IFD):
        if directory := {key: exact(value) for key, value in exif.get_ifd(tag).items()}:
            if INTEROPERABILITY_IFD in directory:
                directory[INTEROPERABILITY_IFD] = dict(exif.get_ifd(INTEROPERABILITY_IFD))
            found[tag] = directory
    return found


def exact(value: Any) -> Any:
    """Return a value as Pillow must be given it to write what it has read: it writes text as ASCII."""
    return value.encode("latin-1") if isinstance(value, str) and not value.isascii() else value


def parse_exif(block: bytes) -> Any | None:
    """Return what can be read of a block as ``PIL.Image.Exif``, from tags to values; None for nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damage, of which is_damaged tells
        return _parsed(block)


def is_damaged(block: bytes) -> bool:
    """Return whether a part of a block, or all of it, cannot be read."""
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        return _parsed(block) is None or bool(remarks)


def _parsed(block: bytes) -> Any | None:
    exif = require("PIL.Image", extra="image", feature="Reading EXIF").Exif()
    try:
        exif.load(PREFIX + block)
        exif.tobytes()  # reads every value
        directories(exif)
    except Exception:  # whatever the parser trips over
        return None
    return exif


def orientation_of(block: bytes) -> int:
    """Return the orientation that a block declares, 1 to 8; 1, upright, where it declares none."""
    for order, at in _entries(block, ORIENTATION):
        (orientation,) = struct.unpack_from(f"{order}H", block, at + 8)
        return legal_orientation(orientation)
    return 1


def legal_orientation(value: Any) -> int:
    """Return 1 for a nonsensical orientation: viewers show such a picture as it is."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright_exif(block: bytes | None) -> bytes | None:
    """Return the block with its orientation set to upright and without its thumbnail, which is not."""
    if block is None:
        return None
    changed = bytearray(block)
    for order, at in _entries(block, ORIENTATION):
        struct.pack_into(f"{order}HIHH", changed, at + 2, _SHORT, 1, 1, 0)
    for order, first, count in _directory(block, None):
        struct.pack_into(f"{order}I", changed, first + 12 * count, 0)  # where the thumbnail's directory is
    return bytes(changed)


def resized_exif(block: bytes | None, *, width: int, height: int) -> bytes | None:
    """Return the block for a picture of another size: where it tells width and height, the new ones."""
    if block is None:
        return None
    changed = bytearray(block)
    for tag, size in ((_PIXEL_X_DIMENSION, width), (_PIXEL_Y_DIMENSION, height)):
        for order, at in _entries(block, tag, within=EXIF_IFD):
            struct.pack_into(f"{order}HII", changed, at + 2, _LONG, 1, size)
    return bytes(changed)


def _entries(block: bytes, tag: int, within: int | None = None) -> Iterator[tuple[str, int]]:
    """Byte order and position of a tag's entry in the first directory, or in one that an entry points to."""
    for order, first, count in _directory(block, within):
        for at in range(first, first + 12 * count, 12):
            if struct.unpack_from(f"{order}H", block, at) == (tag,):
                yield order, at
                return


def _directory(block: bytes, pointer: int | None) -> Iterator[tuple[str, int, int]]:
    """Byte order, position and number of the entries of a directory; nothing if it is not all there."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return
    where = [4] if pointer is None else [at + 8 for _, at in _entries(block, pointer)]
    for position in where:
        (start,) = struct.unpack_from(f"{order}I", block, position)
        if start + 2 <= len(block):
            (count,) = struct.unpack_from(f"{order}H", block, start)
            if start + 2 + 12 * count + 4 <= len(block):
                yield order, start + 2, count
