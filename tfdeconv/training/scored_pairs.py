"""The image pairs of a folder to score on: published low-resolution files, or photographs to degrade."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.bicubic import degrade
from tfdeconv.imaging.image_quality import SSIM_WINDOW
from tfdeconv.training.jpeg import through_jpeg
from tfdeconv.training.photographs import photograph_paths, read_rgb


@dataclass(frozen=True)
class Pair:
    """One image to score.

    Attributes:
        name: Of the file, without ``_hr`` and suffix.
        low: ``[height, width, 3]`` uint8.
        high: ``[height * scale, width * scale, 3]`` uint8.
    """

    name: str
    low: npt.NDArray[np.uint8]
    high: npt.NDArray[np.uint8]


def scored_pairs(folder: Path, scale: int, *, jpeg: int | None = None) -> Iterator[Pair]:
    """Yield the pairs of ``folder`` in order of their names.

    Where ``NAME_hr.*`` and ``NAME_lr.*`` lie side by side they are taken as they are, and other files are
    left out. Otherwise every image is an original, from which the low resolution is made by
    :func:`~tfdeconv.imaging.bicubic.degrade`.

    Args:
        folder: Images; or, as benchmark sets come, a folder ``x<scale>`` of them.
        scale: Upsampling factor.
        jpeg: Quality of JPEG, chroma 4:2:0, that the low-resolution images go through first; None: none.

    Raises:
        InvalidArgumentError: No image is there, an original has no partner, sizes do not fit ``scale``, or
            an image is too small to be scored.
    """
    for_scale = folder / f"x{scale}"
    folder = for_scale if for_scale.is_dir() else folder
    paths = photograph_paths(folder)
    originals = [path for path in paths if path.stem.endswith("_hr")]
    for path in originals or paths:
        if not originals:
            high = read_rgb(path)
            _check_size(path, high.shape[0], high.shape[1], scale)
            low, high = degrade(high, scale)
            yield Pair(path.stem, _compressed(low, jpeg), high)
            continue
        name = path.stem.removesuffix("_hr")
        partner = next((other for other in paths if other.stem == f"{name}_lr"), None)
        if partner is None:
            raise InvalidArgumentError(
                f"data must hold {name}_lr beside {path.name}; {str(folder)!r} does not."
            )
        low, high = read_rgb(partner), read_rgb(path)
        height, width = low.shape[0] * scale, low.shape[1] * scale
        if not (0 <= high.shape[0] - height < scale and 0 <= high.shape[1] - width < scale):
            raise InvalidArgumentError(
                f"{path.name} must be {scale} times as large as {partner.name}; received "
                f"{high.shape[1]}x{high.shape[0]} and {low.shape[1]}x{low.shape[0]} pixels. Is --scale right?"
            )
        _check_size(path, height, width, scale)
        yield Pair(name, _compressed(low, jpeg), high[:height, :width])


def _compressed(low: npt.NDArray[np.uint8], quality: int | None) -> npt.NDArray[np.uint8]:
    return low if quality is None else through_jpeg(low, quality)


def _check_size(path: Path, height: int, width: int, scale: int) -> None:
    """Raise unless an original, cropped to a multiple of ``scale``, has an SSIM."""
    height, width = (size // scale * scale for size in (height, width))
    least = SSIM_WINDOW + 2 * scale
    if min(height, width) < least:
        raise InvalidArgumentError(
            f"{path.name} must have at least {least} pixels a side, in multiples of {scale}, to be scored; "
            f"received {width}x{height}. Take it out of {str(path.parent)!r}."
        )
