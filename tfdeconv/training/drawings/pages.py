"""Pages of text, line art and maps, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tfdeconv.training.drawings.line_art import line_art
from tfdeconv.training.drawings.maps import map_sheet
from tfdeconv.training.drawings.paper import Image
from tfdeconv.training.drawings.text import text_page

KINDS = (text_page, line_art, map_sheet)
"""Functions from a random generator to a drawing; they take turns."""


def drawings(count: int, *, seed: int = 0) -> Iterator[Image]:
    """Yield pages of text, line art and maps, in turns; the same ones for the same arguments.

    Args:
        count: How many.
        seed: Of words, shapes, places and colours.

    Yields:
        ``[512, 512, 3]`` uint8.

    Raises:
        MissingExtraError: Pillow or Matplotlib, for its fonts, is not installed.

    Example:
        >>> next(drawings(1)).shape
        (512, 512, 3)
    """
    rng = np.random.default_rng(seed)
    for index in range(count):
        yield KINDS[index % len(KINDS)](rng)
