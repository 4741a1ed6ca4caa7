"""Pictures and EXIF blocks to write and read."""

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
