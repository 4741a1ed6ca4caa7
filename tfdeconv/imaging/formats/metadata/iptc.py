"""IPTC records (IIM) and the blocks in which JPEG, TIFF and PNG files keep them.

References:
    IPTC-NAA Information Interchange Model 4.2; *Adobe Photoshop File Formats*, "Image Resource Blocks"; the
    text chunk of PNG is the custom of ImageMagick and ExifTool.
"""

from __future__ import annotations

import struct
import textwrap
from typing import Any

_IPTC_RESOURCE = 0x0404
_SIGNATURE = b"8BIM"
_MARKER = 0x1C  # with which each record begins
PNG_KEYWORDS = ("Raw profile type iptc", "Raw profile type 8bim", "Raw profile type APP13")
TIFF_TAG, TIFF_RESOURCES_TAG = 33723, 34377


def iptc_of_resources(blocks: bytes) -> bytes | None:
    """Return the IPTC records among Photoshop's image resource blocks; None for none.

    Example:
        >>> iptc_of_resources(resource_block(b"records"))
        b'records'
    """
    at = blocks.find(_SIGNATURE)
    while at >= 0 and at + 12 <= len(blocks) and blocks[at : at + 4] == _SIGNATURE:
        (number, name_length) = struct.unpack_from(">HB", blocks, at + 4)
        at += 6 + (name_length + 2) // 2 * 2
        if at + 4 > len(blocks):
            break
        (size,) = struct.unpack_from(">I", blocks, at)
        if number == _IPTC_RESOURCE:
            return blocks[at + 4 : at + 4 + size] or None
        at += 4 + (size + 1) // 2 * 2
    return None


def resource_block(iptc: bytes) -> bytes:
    """Return the image resource block that holds IPTC records."""
    header = struct.pack(">4sHHI", _SIGNATURE, _IPTC_RESOURCE, 0, len(iptc))
    return header + iptc + b"\0" * (len(iptc) % 2)


def iptc_of_tiff(records: Any, resources: Any) -> bytes | None:
    """Return the records of a TIFF file.

    Args:
        records: The value of the tag 33723: bytes, or 32-bit numbers as old writers have it; None for none.
        resources: The value of the tag 34377; None for none.
    """
    if isinstance(records, bytes) and records:
        return records
    if isinstance(resources, bytes):
        return iptc_of_resources(resources)
    return None


def iptc_of_png(text: dict[str, str]) -> bytes | None:
    """Return the records that the text chunks of a PNG file hold in hexadecimal digits; None for none."""
    for keyword in PNG_KEYWORDS:
        if keyword in text:
            profile = raw_profile(text[keyword])
            found = profile if profile[:1] == bytes([_MARKER]) else iptc_of_resources(profile)
            if found is not None:
                return found
    return None


def raw_profile(text: str) -> bytes:
    """Return the content of a "raw profile": a name, a length and hexadecimal digits, on lines of their own.

    Nonsense is empty.
    """
    lines = text.strip().split("\n")
    try:
        return bytes.fromhex("".join(lines[2:]))
    except ValueError:
        return b""


def png_raw_profile(iptc: bytes) -> str:
    """Return the records as the text of a PNG chunk with the keyword ``Raw profile type iptc``.

    Example:
        >>> iptc_of_png({"Raw profile type iptc": png_raw_profile(b"records")})
        b'records'
    """
    block = resource_block(iptc)
    digits = "\n".join(textwrap.wrap(block.hex(), 72))
    return f"\niptc\n{len(block):8}\n{digits}\n"
