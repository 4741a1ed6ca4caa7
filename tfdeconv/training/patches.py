"""Training patches and held-out strips from a folder of photographs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.bicubic import bicubic_resize, degrade
from tfdeconv.imaging.luma import luma
from tfdeconv.training.collage import COLLAGE_SIDE, collages
from tfdeconv.training.drawings.pages import drawings
from tfdeconv.training.jpeg import hurt_by_jpeg
from tfdeconv.training.photographs import photographs
from tfdeconv.training.recipe import DataRecipe

Luma = npt.NDArray[np.float32]
Half = npt.NDArray[np.float16]
Rgb = npt.NDArray[np.uint8]
Pixels = TypeVar("Pixels", Half, Luma)

_LEAST_SCORED = 3
"""Low-resolution pixels a side that leave something inside the border that PSNR leaves out."""


@dataclass(frozen=True)
class PatchSet:
    """Low and high resolution luma patches for training, and whole pairs held out for validation.

    Patches overlap, so the images are kept, once, and where the patches lie in them.

    Attributes:
        images: (low, high) float16 pairs in [0, 1]: the versions of the low one ``[versions, height, width]``
            (clean, and as JPEG left it), and the high one, ``scale`` times as large; half precision is a
            twelfth of an 8-bit step.
        places: ``[patches, 3]``: which image, and the top and left low-resolution pixel in it.
        size: Side of a low-resolution patch.
        scale: Upsampling factor.
        holdout: (low, high) float32 pairs from the strips that no training patch touches.
        made: How many of the patches, the last ones, were cut from collages and drawings.
    """

    images: tuple[tuple[Half, Half], ...]
    places: npt.NDArray[np.int32]
    size: int
    scale: int
    holdout: tuple[tuple[Luma, Luma], ...]
    made: int = 0

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.places)

    @property
    def versions(self) -> int:
        """Return how many versions of each low-resolution image there are."""
        return len(self.images[0][0])

    def cut(self, indices: npt.ArrayLike, versions: npt.ArrayLike = 0) -> tuple[Luma, Luma]:
        """Return patches by their numbers: low ``[n, size, size]`` and high ``[n, size * scale, ...]``.

        Args:
            indices: ``[n]``, of the patches.
            versions: ``[n]`` or one number, of the low-resolution images; 0 is the clean one.
        """
        low, high = [], []
        places = self.places[np.asarray(indices)]
        for (image, top, left), version in zip(places, np.broadcast_to(versions, len(places)), strict=True):
            small, large = self.images[image]
            low.append(_square(small[version], top, left, self.size))
            high.append(_square(large, top * self.scale, left * self.scale, self.size * self.scale))
        return np.stack(low).astype(np.float32), np.stack(high).astype(np.float32)


def _square(image: Pixels, top: int, left: int, side: int) -> Pixels:
    return image[top : top + side, left : left + side]


def detail(patch: Luma) -> float:
    """Return the mean squared Laplacian: how much fine structure a patch holds.

    Example:
        >>> detail(np.ones((4, 4), np.float32))
        0.0
    """
    inner = patch[1:-1, 1:-1]
    laplacian = 4 * inner - patch[:-2, 1:-1] - patch[2:, 1:-1] - patch[1:-1, :-2] - patch[1:-1, 2:]
    return float(np.mean(laplacian * laplacian))


def collect_patches(folder: Path | Sequence[Path], recipe: DataRecipe, scale: int) -> PatchSet:
    """Cut the photographs of a folder, or of several, into training patches and held-out pairs.

    Each photograph is first reduced by every factor of ``recipe.reductions`` (which removes the traces of
    JPEG compression and gives detail of several sizes), then split into a left part to train on and a right
    strip to validate on, each degraded by ``scale``. Collages of the left parts and drawings are cut as well.
    Of the training patches only the most detailed are kept, of each kind of picture separately. The held-out
    pairs are the most detailed square of each strip; with ``recipe.jpeg_versions`` clean ones and ones that
    JPEG has hurt take turns. Parts too small for a patch, and strips too small or too flat to be scored, are
    left out.

    Args:
        folder: One folder or several, of photographs best at least a few patches in size after the largest
            reduction. How they are divided among folders does not matter.
        recipe: How to cut.
        scale: Upsampling factor to train for.

    Raises:
        InvalidArgumentError: The folder holds no image, or all are too small for a patch or a strip; or a
            patch is larger than a collage.
    """
    size = recipe.patch
    if (recipe.collages or recipe.drawings) and size * scale > COLLAGE_SIDE:
        raise InvalidArgumentError(
            f"recipe: patch must be at most {COLLAGE_SIDE // scale} at scale {scale} with collages or "
            f"drawings, which are {COLLAGE_SIDE} pixels a side; received {size}."
        )
    folders = [folder] if isinstance(folder, Path) else folder
    parts: list[Rgb] = []
    holdout: list[tuple[Luma, Luma]] = []
    for _, photograph in photographs(*folders):
        for reduction in recipe.reductions:
            image = bicubic_resize(photograph, Fraction(1, reduction))
            split = round(image.shape[1] * (1.0 - recipe.holdout))
            strip = image[:, split:]
            if min(strip.shape[:2]) >= _LEAST_SCORED * scale:
                small, large = degrade(strip, scale)
                if recipe.jpeg_versions and len(holdout) % 2:
                    small = hurt_by_jpeg(small, np.random.default_rng((1, len(holdout))))
                square = _most_detailed_square(luma(small), luma(large), scale)
                if np.ptp(square[1]) > 0:  # the PSNR of flat squares has no limit
                    holdout.append(square)
            if min(image.shape[0], split) >= size * scale:
                parts.append(image[:, :split])
    if not parts:
        raise InvalidArgumentError(
            f"data must hold photographs of at least {size * scale * min(recipe.reductions)} pixels a side "
            f"(patches of {size} at scale {scale} after a reduction by {min(recipe.reductions)}); "
            f"{_names(folders)} gave no patch."
        )
    if not holdout:
        raise InvalidArgumentError(
            f"data must hold photographs whose right {recipe.holdout:.0%}, held out for validation, is at "
            f"least {_LEAST_SCORED * scale * min(recipe.reductions)} pixels a side and not flat; "
            f"{_names(folders)} gave none."
        )
    images, places = _most_detailed_patches(parts, recipe, scale)
    first_made = len(places)
    for made in (collages(parts, recipe.collages), drawings(recipe.drawings)):
        more_images, more_places = _most_detailed_patches(made, recipe, scale)
        more_places[:, 0] += len(images)
        images += more_images
        places = np.concatenate([places, more_places])
    return PatchSet(
        images,
        places,
        size,
        scale,
        tuple(holdout),
        made=len(places) - first_made,
    )


def _names(folders: Sequence[Path]) -> str:
    return ", ".join(repr(str(folder)) for folder in folders)


def _most_detailed_patches(
    sources: Iterable[Rgb], recipe: DataRecipe, scale: int
) -> tuple[tuple[tuple[Half, Half], ...], npt.NDArray[np.int32]]:
    """The images and places of a :class:`PatchSet`, for pictures that all hold a patch."""
    size, stride = recipe.patch, max(1, recipe.stride // scale)
    images, places, details = [], [], []
    for index, source in enumerate(sources):
        low, large = degrade(source, scale)
        rng = np.random.default_rng(index)
        versions = [low, *(hurt_by_jpeg(low, rng) for _ in range(recipe.jpeg_versions))]
        lows, high = np.stack([luma(version) for version in versions]), luma(large)
        images.append((lows.astype(np.float16), high.astype(np.float16, order="C")))
        for top in range(0, low.shape[0] - size + 1, stride):
            for left in range(0, low.shape[1] - size + 1, stride):
                places.append((index, top, left))
                details.append(detail(_square(high, top * scale, left * scale, size * scale)))
    kept = np.sort(np.argsort(details)[::-1][: max(1, round(len(details) * recipe.keep))])
    return tuple(images), np.array(places, np.int32).reshape(-1, 3)[kept]


def _most_detailed_square(low: Luma, high: Luma, scale: int) -> tuple[Luma, Luma]:
    size = min(low.shape)
    starts = range(0, max(low.shape) - size + 1, max(1, size // 2))
    tall = low.shape[0] >= low.shape[1]

    def cut(image: Luma, start: int, factor: int) -> Luma:
        part = slice(start * factor, (start + size) * factor)
        across = slice(0, size * factor)
        return image[part, across] if tall else image[across, part]

    best = max(starts, key=lambda start: detail(cut(high, start, scale)))
    return cut(low, best, 1), cut(high, best, scale)
