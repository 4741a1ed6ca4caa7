"""A picture that compares versions of one photograph: side by side, with a magnified detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tfdeconv.errors import InvalidArgumentError

RGB: TypeAlias = NDArray[np.uint8]

_BACKGROUND, _INK, _FRAME = (
    (250, 250, 250),
    (30, 30, 30),
    (213, 94, 0),
)  # the frame: Okabe and Ito's vermilion
_MARGIN, _CAPTION = 16, 34


def comparison(panels: Sequence[tuple[str, RGB]], *, width: int = 480, detail: int = 80) -> Image.Image:
    """Draw pictures of one size side by side, each with the same magnified detail below it.

    The detail is taken where the last picture has most edges, and framed in the pictures above. It
    is enlarged by repeating pixels, so that what is seen is what was computed.

    Args:
        panels: (caption, uint8 RGB ``[height, width, 3]``) for each picture, all of one size.
        width: Width of each column in pixels at most; larger pictures are reduced to it, smaller ones
            enlarged by a whole factor.
        detail: Height and width of the detail in pixels of the pictures, at most their size.

    Returns:
        The drawing.

    Raises:
        InvalidArgumentError: The pictures differ in size, or there are none.

    Example:
        >>> grey = np.full([90, 120, 3], 128, np.uint8)
        >>> comparison([("before", grey), ("after", grey)], width=120).size
        (288, 276)
    """
    shapes = {picture.shape for _, picture in panels}
    if len(shapes) != 1:
        raise InvalidArgumentError(f"panels must hold pictures of one size; received {sorted(shapes)}.")
    ((rows, columns, _),) = shapes
    detail = min(detail, rows, columns)
    top, left = busiest_square(panels[-1][1], detail)
    width = columns * (width // columns) or width
    height = max(1, round(rows * width / columns))
    drawing = Image.new(
        "RGB",
        (len(panels) * (width + _MARGIN) + _MARGIN, _CAPTION + height + _MARGIN + width + _MARGIN),
        _BACKGROUND,
    )
    draw = ImageDraw.Draw(drawing)
    font = ImageFont.load_default(18)
    scale = width / columns
    for index, (caption, picture) in enumerate(panels):
        x = _MARGIN + index * (width + _MARGIN)
        draw.text((x, _CAPTION / 2), caption, fill=_INK, font=font, anchor="lm")
        image = Image.fromarray(picture)
        reduced = image.resize(
            (width, height), Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
        )
        drawing.paste(reduced, (x, _CAPTION))
        frame = [x + left * scale, _CAPTION + top * scale]
        draw.rectangle(
            [*frame, frame[0] + detail * scale, frame[1] + detail * scale], outline=_FRAME, width=2
        )
        square = image.crop((left, top, left + detail, top + detail))
        below = _CAPTION + height + _MARGIN
        drawing.paste(square.resize((width, width), Image.Resampling.NEAREST), (x, below))
        draw.rectangle([x, below, x + width - 1, below + width - 1], outline=_FRAME, width=2)
    return drawing


def busiest_square(picture: RGB, side: int) -> tuple[int, int]:
    """Return (top, left) of the square with the largest sum of absolute luma differences.

    Example:
        >>> picture = np.zeros([8, 8, 3], np.uint8)
        >>> picture[6, 5] = 255
        >>> top, left = busiest_square(picture, 4)
        >>> top <= 6 < top + 4 and left <= 5 < left + 4
        True
    """
    luma = picture.astype(np.float64).mean(axis=2)
    edges = np.zeros_like(luma)
    edges[1:] += np.abs(np.diff(luma, axis=0))
    edges[:, 1:] += np.abs(np.diff(luma, axis=1))
    table = np.pad(edges.cumsum(0).cumsum(1), ((1, 0), (1, 0)))  # summed-area table
    sums = table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]
    top, left = np.unravel_index(int(np.argmax(sums)), sums.shape)
    return int(top), int(left)
