"""EXIF blocks: what survives a change of size and of file format."""

from __future__ import annotations

from typing import Any

from tfdeconv._extras import require

ORIENTATION = 0x0112
EXIF_IFD = 0x8769
GPS_IFD = 0x8825
INTEROPERABILITY_IFD = 0xA005
_PIXEL_X_DIMENSION = 0xA002
_PIXEL_Y_DIMENSION = 0xA003

# Of a TIFF file's first directory these describe the photograph; the others describe the file.
_DESCRIPTIVE = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    ORIENTATION: "Orientation",
    0x0131: "Software",
    0x0132: "DateTime",
    0x013B: "Artist",
    0x013C: "HostComputer",
    0x4746: "Rating",
    0x4749: "RatingPercent",
    0x8298: "Copyright",
    EXIF_IFD: "Exif",
    GPS_IFD: "GPS",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9C9D: "XPAuthor",
    0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject",
}
_PREFIX = b"Exif\x00\x00"


def read_exif(exif: Any, *, of_tiff: bool = False) -> tuple[bytes | None, int]:
    """Return the EXIF block of a file, marked upright, and the orientation it had.

    Args:
        exif: The ``PIL.Image.Exif`` of the file.
        of_tiff: Whether it is the first directory of a TIFF file, which describes the file as well.

    Returns:
        The block, None for none, and the orientation: 1 to 8, 1 for upright.
    """
    orientation = exif.get(ORIENTATION, 1)
    kept = type(exif)()
    kept.endian = exif.endian  # a maker note may rely on it
    for tag, value in exif.items():
        if of_tiff and tag not in _DESCRIPTIVE:
            continue
        kept[tag] = dict(exif.get_ifd(tag)) if tag in (EXIF_IFD, GPS_IFD) else value
    if INTEROPERABILITY_IFD in (details := kept.get(EXIF_IFD, {})):
        details[INTEROPERABILITY_IFD] = dict(exif.get_ifd(INTEROPERABILITY_IFD))
    if ORIENTATION in kept:
        kept[ORIENTATION] = 1
    block: bytes | None = kept.tobytes().removeprefix(_PREFIX) if set(kept) - {ORIENTATION} else None
    return block, _legal(orientation)


def parse_exif(block: bytes) -> Any:
    """Return a block as ``PIL.Image.Exif``, a mapping from tags to values."""
    exif = require("PIL.Image", extra="image", feature="Reading EXIF").Exif()
    exif.load(_PREFIX + block)
    return exif


def resized_exif(block: bytes | None, *, width: int, height: int) -> bytes | None:
    """Return the block for a picture of another size: where it tells width and height, the new ones."""
    if block is None:
        return None
    exif = parse_exif(block)
    details = exif.get_ifd(EXIF_IFD)
    for tag, size in ((_PIXEL_X_DIMENSION, width), (_PIXEL_Y_DIMENSION, height)):
        if tag in details:
            details[tag] = size
    changed: bytes = exif.tobytes()
    return changed.removeprefix(_PREFIX)


def _legal(orientation: Any) -> int:
    """Viewers show a picture with a nonsensical tag as it is."""
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
