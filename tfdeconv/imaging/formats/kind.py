"""What kind of picture a file holds, by its first bytes."""

from __future__ import annotations

SNIFFED = 64
"""Bytes that :func:`kind_of` looks at."""

ENDINGS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WebP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".avif": "AVIF",
    ".jp2": "JPEG 2000",
    ".j2k": "JPEG 2000",
    ".jpf": "JPEG 2000",
    ".jpx": "JPEG 2000",
    ".heic": "HEIC",
    ".heif": "HEIC",
    ".hif": "HEIC",
    ".jxl": "JPEG XL",
}
"""Endings of the names of files that are read -> their kind, as their makers spell it."""

_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JPEG XL",
}
_BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}  # sizes in bytes
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_OTHERS = {
    b"8BPS": "a Photoshop document",
    b"%PDF": "a PDF document",
    b"<svg": "an SVG drawing",
    b"v/1\x01": "an OpenEXR picture",
    b"#?RADIANCE": "a Radiance picture",
    b"qoif": "a QOI picture",
    b"\0\0\x01\0": "an icon",
    b"FUJIFILM": "a camera's raw file",
    b"IIRO": "a camera's raw file",
    b"IIU\0": "a camera's raw file",
    b"II\x1a\0": "a camera's raw file",
    b"II\xbc": "a JPEG XR picture",
    b"DDS ": "a texture",
    b"gimp xcf": "a GIMP document",
    b"P1\n": "a Netpbm picture",
    b"P2\n": "a Netpbm picture",
    b"P3\n": "a Netpbm picture",
    b"P4\n": "a Netpbm picture",
    b"P5\n": "a Netpbm picture",
    b"P6\n": "a Netpbm picture",
    b"P7\n": "a Netpbm picture",
    b"Pf\n": "a Netpbm picture",
    b"PF\n": "a Netpbm picture",
    b"<?xml": "an XML document",
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<HTML": "a web page",
    b"version https://git-lfs": "a pointer of Git LFS to a file that is not here",
    b"PK\x03\x04": "an archive",
    b"\x1f\x8b": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"Rar!": "an archive",
}


def kind_of(head: bytes) -> str | None:
    """Return the kind of picture whose file begins so; None for one that is not read.

    Example:
        >>> kind_of(b"GIF89a..."), kind_of(b"text")
        ('GIF', None)
    """
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    # What stands between is reserved, and some programs put a number of their own there.
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if head[4:8] == b"ftyp":
        brands = {head[8:12], *(head[at : at + 4] for at in range(16, len(head), 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIC"
    return None


def other_kind(head: bytes) -> str | None:
    """Return what a file is that :func:`kind_of` does not know, in words; None where nobody here does.

    Example:
        >>> other_kind(b"%PDF-1.7")
        'a PDF document'
    """
    if head[4:8] == b"ftyp":
        return "a camera's raw file" if head[8:11] == b"crx" else "a video"
    return next((kind for beginning, kind in _OTHERS.items() if head.startswith(beginning)), None)
