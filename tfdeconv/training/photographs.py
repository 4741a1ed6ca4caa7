"""Read the photographs of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tfdeconv._extras import require
from tfdeconv.errors import ImageError, InvalidArgumentError

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def photograph_paths(folder: Path) -> list[Path]:
    """Return the image files of ``folder`` in order of their names, subfolders not searched.

    Raises:
        InvalidArgumentError: ``folder`` is not a folder or holds no image.
    """
    if not folder.is_dir():
        raise InvalidArgumentError(f"data must be a folder of images; {str(folder)!r} is not a folder.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        kinds = ", ".join(sorted(suffix.lstrip(".") for suffix in SUFFIXES))
        raise InvalidArgumentError(f"data must hold images ({kinds}); {str(folder)!r} holds none.")
    return paths


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """Return the image at ``path`` as ``[height, width, 3]`` uint8 RGB.

    Raises:
        ImageError: The file cannot be read as an image.
    """
    pillow = require("PIL.Image", extra="train", feature="Reading photographs")
    try:
        with pillow.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except OSError as error:
        raise ImageError(f"{str(path)!r} cannot be read as an image: {error}") from error


def photographs(folder: Path) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Yield the name and the pixels of each photograph of ``folder``."""
    for path in photograph_paths(folder):
        yield path.stem, read_rgb(path)
