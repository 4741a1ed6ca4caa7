"""Versions of one photograph side by side, each with the same detail magnified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.imaging.comparison import detailed_part

RGB: TypeAlias = NDArray[np.uint8]

_BACKGROUND, _INK, _FRAME = (
    (250, 250, 250),
    (30, 30, 30),
    (213, 94, 0),
)  # the frame: Okabe and Ito's vermilion
_MARGIN, _CAPTION = 16, 34


def side_by_side(panels: Sequence[tuple[str, RGB]], *, width: int = 480, detail: int = 80) -> Image.Image:
    """Draw pictures of one size side by side, each with the same magnified detail below it.

    The detail is taken where the last picture has most detail, and framed in the pictures above. It
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
        >>> side_by_side([("before", grey), ("after", grey)], width=120).size
        (288, 276)
    """
    shapes = {picture.shape for _, picture in panels}
    if len(shapes) != 1:
        raise InvalidArgumentError(f"panels must hold pictures of one size; received {sorted(shapes)}.")
    ((rows, columns, _),) = shapes
    detail = min(detail, rows, columns)
    top, left = detailed_part(panels[-1][1], detail)
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
