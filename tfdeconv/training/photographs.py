"""Read the photographs of a folder."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tfdeconv.errors import FileError, ImageError
from tfdeconv.extras import require

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

_DEEP_MODES = "IF"
"""How Pillow's names for grey of 16 and 32 bits begin, which it clips where it should scale."""


def photograph_paths(folder: Path) -> list[Path]:
    """Return the image files of ``folder`` in order of their names, without hidden files and subfolders.

    Raises:
        InvalidArgumentError: ``folder`` is not a folder or holds no image.
    """
    if not folder.is_dir():
        raise FileError(f"data must be a folder of images; {str(folder)!r} is not a folder.")
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    if not paths:
        kinds = ", ".join(sorted(suffix.lstrip(".") for suffix in SUFFIXES))
        raise FileError(f"data must hold images ({kinds}); {str(folder)!r} holds none.")
    return paths


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """Return the image at ``path`` as ``[height, width, 3]`` uint8 RGB; transparency is left out.

    Raises:
        ImageError: The file cannot be read as an image, or is grey with more than 8 bits a sample.
    """
    pillow = require("PIL.Image", extra="train", feature="Reading photographs")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on sloppy metadata and large sizes
            with pillow.open(path) as image:
                if image.mode[0] not in _DEEP_MODES:
                    return np.asarray(image.convert("RGB"))
    except Exception as error:  # the decoders raise errors of any kind for files that contradict themselves
        raise ImageError(f"{str(path)!r} cannot be read as an image: {str(error).rstrip('.')}.") from error
    raise ImageError(f"{str(path)!r} holds more than 8 bits a sample. Convert it to 8 bits first.")


def photographs(*folders: Path) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Yield the name and the pixels of each photograph of the folders, in order of all their names."""
    paths = [path for folder in folders for path in photograph_paths(folder)]
    for path in sorted(paths, key=lambda path: (path.name, str(path))):
        yield path.stem, read_rgb(path)
