"""XMP packets: carried as they are, but for the few values that a larger, upright picture changes.

References:
    XMP Specification Part 1 (ISO 16684-1), and Part 3, *Storage in Files*; the TIFF and EXIF schemas are in
    Part 2, sections 3.2 and 3.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TIFF = b"http://ns.adobe.com/tiff/1.0/"
_EXIF = b"http://ns.adobe.com/exif/1.0/"
_XMP = b"http://ns.adobe.com/xap/1.0/"


def orientation_of_xmp(packet: bytes) -> int:
    """Return the orientation that a packet declares, 1 to 8; 1, upright, where it declares none.

    Example:
        >>> orientation_of_xmp(b'<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>')
        6
    """
    for pattern in _property(packet, _TIFF, b"Orientation"):
        for match in pattern.finditer(packet):
            if match[2] in b"12345678" and len(match[2]) == 1:
                return int(match[2])
    return 1


def upright_xmp(packet: bytes | None) -> bytes | None:
    """Return the packet with its orientation set to upright and without its thumbnails, which are not."""
    if packet is None:
        return None
    for prefix in _prefixes(packet, _XMP):
        element = b"%s:Thumbnails" % prefix
        packet = re.sub(rb"<%s\b.*?</%s\s*>" % (element, element), b"", packet, flags=re.DOTALL)
    return _replaced(packet, _TIFF, b"Orientation", 1)


def resized_xmp(packet: bytes | None, *, width: int, height: int) -> bytes | None:
    """Return the packet for a picture of another size: where it tells width and height, the new ones."""
    if packet is None:
        return None
    for namespace, name, size in (
        (_TIFF, b"ImageWidth", width),
        (_TIFF, b"ImageLength", height),
        (_EXIF, b"PixelXDimension", width),
        (_EXIF, b"PixelYDimension", height),
    ):
        packet = _replaced(packet, namespace, name, size)
    return packet


def _replaced(packet: bytes, namespace: bytes, name: bytes, value: int) -> bytes:
    for pattern in _property(packet, namespace, name):
        packet = pattern.sub(rb"\g<1>%d\g<3>" % value, packet)
    return packet


def _property(packet: bytes, namespace: bytes, name: bytes) -> Iterator[re.Pattern[bytes]]:
    """Patterns of a number as an attribute and as an element: before, the number, after."""
    for prefix in _prefixes(packet, namespace):
        qualified = rb"%s:%s" % (prefix, name)
        yield re.compile(rb"""(\b%s\s*=\s*["']\s*)(\d+)(\s*["'])""" % qualified)
        yield re.compile(rb"(<%s(?:\s[^>]*)?>\s*)(\d+)(\s*</%s\s*>)" % (qualified, qualified))


def _prefixes(packet: bytes, namespace: bytes) -> set[bytes]:
    """The prefixes that stand for a namespace."""
    return set(re.findall(rb"""xmlns:([\w.-]+)\s*=\s*["']%s["']""" % re.escape(namespace), packet))
