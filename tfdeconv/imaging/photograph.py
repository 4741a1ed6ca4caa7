"""A photograph in memory: upright pixels, and what its file said about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.errors import ImageError

COLOUR_NAMES = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGB with alpha"}


@dataclass(frozen=True, eq=False)
class Photograph:
    """Pixels and the metadata that belongs to them.

    Attributes:
        pixels: ``[height, width, channels]``, uint8 or uint16; 1 channel is grey, 2 grey and alpha, 3
            RGB, 4 RGB and alpha (not premultiplied). The picture is upright: an orientation tag of the
            file has been applied.
        icc_profile: The ICC profile that says what the numbers mean; None for none.
        exif: An EXIF block (a TIFF structure, without the ``Exif`` prefix of JPEG); None for none. Its
            orientation says "upright".
        dpi: Horizontal and vertical pixels per inch; None where the file did not say.

    Raises:
        ImageError: ``pixels`` has another shape or type.

    Example:
        >>> photograph = Photograph(np.zeros([2, 3, 4], np.uint16))
        >>> photograph.describe()
        '3x2 RGB with alpha, 16 bit'
    """

    pixels: NDArray[Any]
    icc_profile: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[-1] not in COLOUR_NAMES or not self.pixels.size:
            raise ImageError(
                "pixels must be [height, width, channels] with 1 to 4 channels and at least one pixel; "
                f"received shape {list(self.pixels.shape)}."
            )
        if self.pixels.dtype not in (np.uint8, np.uint16):
            raise ImageError(f"pixels must be uint8 or uint16; received {self.pixels.dtype}.")

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.pixels.shape[-1] in (2, 4)

    def with_pixels(self, pixels: NDArray[Any]) -> Photograph:
        """Return other pixels with this photograph's metadata."""
        return replace(self, pixels=pixels)

    def describe(self) -> str:
        """Return size, colours and depth in words."""
        height, width, channels = self.pixels.shape
        return f"{width}x{height} {COLOUR_NAMES[channels]}, {self.pixels.dtype.itemsize * 8} bit"
