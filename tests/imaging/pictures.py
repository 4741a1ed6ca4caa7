"""Pictures, EXIF blocks and ICC profiles to write and read."""

import struct

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational


def pattern(channels: int, dtype: type = np.uint8, *, height: int = 9, width: int = 14) -> np.ndarray:
    """Pixels ``[height, width, channels]`` without any symmetry, over the type's whole range."""
    rng = np.random.default_rng(channels)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)


def camera_exif(orientation: int = 1, size: tuple[int, int] = (14, 9)) -> Image.Exif:
    """Tags of a camera, with exposure and position in directories of their own."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[0x0110] = "Model 3"
    exif[0x0112] = orientation
    exif[0x0132] = "2026:11:22 10:00:00"
    exif[0x8298] = "(c) Someone"
    exif[0x8769] = {
        0x829A: IFDRational(1, 250),
        0x9003: "2026:11:22 10:00:00",
        0x927C: b"maker's own note",
        0xA002: size[0],
        0xA003: size[1],
        0xA005: {1: "R98"},
    }
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 3.0)}
    return exif


def made_profile(space: bytes, curve: bytes) -> bytes:
    """An ICC profile (version 2) with a white point and the same curve for every channel."""
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + b"\0" * 78,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061),
    }
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        primaries = ((28579, 14581, 912), (25251, 46982, 6362), (9378, 3978, 46799))
        for name, xyz in zip((b"r", b"g", b"b"), primaries, strict=True):
            tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + struct.pack(">3i", *xyz)
            tags[name + b"TRC"] = curve
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"none", 0x02400000, b"mntr", space, b"XYZ ").ljust(36, b"\0")
    header = header[:36] + b"acsp" + header[40:]
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + body


def gamma(exponent: float) -> bytes:
    """A tone curve of an ICC profile."""
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256)) + b"\0\0"
