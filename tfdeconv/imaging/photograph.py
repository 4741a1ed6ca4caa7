"""A photograph in memory: upright pixels, and what its file said about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
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
        xmp: An XMP packet (RDF in UTF-8); None for none. Its orientation says "upright".
        iptc: IPTC-IIM records, as Photoshop keeps them; None for none.
        colour: What PNG's chunks ``cICP``, ``sRGB``, ``gAMA``, ``cHRM``, ``mDCV`` and ``cLLI`` say about
            the numbers: name -> content. Of AVIF and HEIC files, ``cICP``.
        text: Comments: keyword of PNG's text chunks -> text. The comment of a JPEG or GIF file is
            ``"Comment"``.
        jpeg_quality: What quality these pixels were saved with, if as JPEG, on the scale of the Independent
            JPEG Group; None otherwise.
        notes: What a person should know who will have this photograph instead of the file: what the file
            lacked, and what of it is not here. Each is the rest of a sentence that begins with its name.

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
    xmp: bytes | None = None
    iptc: bytes | None = None
    colour: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    text: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    jpeg_quality: float | None = None
    notes: tuple[str, ...] = ()

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
        return replace(self, pixels=pixels, jpeg_quality=None)

    def describe(self) -> str:
        """Return size, colours and depth in words."""
        height, width, channels = self.pixels.shape
        return f"{width}x{height} {COLOUR_NAMES[channels]}, {self.pixels.dtype.itemsize * 8} bit"
