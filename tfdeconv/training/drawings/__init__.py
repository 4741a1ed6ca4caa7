"""Pictures that nobody photographed: pages of text, line art and maps, drawn by a program.

Screenshots, scans and diagrams are flat areas with hard edges and thin lines, of which photographs hold
few. Everything here is drawn from random numbers and the free fonts that come with Matplotlib.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tfdeconv.training.drawings.line_art import line_art
from tfdeconv.training.drawings.maps import map_sheet
from tfdeconv.training.drawings.paper import SIDE
from tfdeconv.training.drawings.text import text_page

Image = npt.NDArray[np.uint8]

DRAWING_SIDE = SIDE
"""Of every drawing, in pixels."""

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
