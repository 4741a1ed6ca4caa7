"""A picture of a photograph before and after enlarging."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfdeconv.extras import require
from tfdeconv.imaging.formats.eight_bit import eight_bit
from tfdeconv.imaging.photograph import Photograph

_PART = 96  # largest side of the part that is shown, in pixels before
_PANEL = 640  # side of the two pictures of the part, about
_OVERVIEW_HEIGHT = 720
_GAP, _LABEL, _FONT = 16, 36, 20
_PAPER, _INK, _MARK = (250, 250, 250), (40, 40, 40), (230, 60, 40)


def comparison(before: Photograph, after: Photograph) -> Photograph:
    """Return a picture: the photograph with a part marked, and that part before and after.

    The part is where the photograph has most detail. "Before" is enlarged with a bicubic filter, as
    viewers do; transparent areas are shown on white.

    Args:
        before: The photograph.
        after: The same, enlarged.

    Example:
        >>> small = Photograph(np.zeros([40, 60, 3], np.uint8))
        >>> comparison(small, small.with_pixels(np.zeros([80, 120, 3], np.uint8))).describe()
        '1328x1444 RGB, 8 bit'
    """
    pillow = require("PIL.Image", extra="image", feature="Drawing comparisons")
    drawing = require("PIL.ImageDraw", extra="image", feature="Drawing comparisons")
    height, width = before.pixels.shape[:2]
    scale = after.pixels.shape[1] / width
    side = max(1, min(_PART, height, width, int(_PANEL / scale)))
    top, left = detailed_part(before.pixels, side)
    part_before = pillow.fromarray(on_white(before.pixels[top : top + side, left : left + side]))
    edges = [round(edge * scale) for edge in (top, top + side, left, left + side)]
    part_after = pillow.fromarray(on_white(after.pixels[edges[0] : edges[1], edges[2] : edges[3]]))
    zoom = max(1, round(_PANEL / part_after.width))
    panel = (part_after.width * zoom, part_after.height * zoom)
    bicubic = pillow.Resampling.BICUBIC
    panels = [
        part.resize(panel, bicubic) for part in (part_before.resize(part_after.size, bicubic), part_after)
    ]

    room = 2 * panel[0] + _GAP
    shrink = min(room / width, _OVERVIEW_HEIGHT / height)
    overview = pillow.fromarray(on_white(before.pixels)).resize(
        (max(1, round(width * shrink)), max(1, round(height * shrink))), bicubic
    )
    labels_top = overview.height + 2 * _GAP
    sheet = pillow.new("RGB", (room + 2 * _GAP, labels_top + _LABEL + panel[1] + _GAP), _PAPER)
    corner = ((sheet.width - overview.width) // 2, _GAP)
    sheet.paste(overview, corner)
    draw = drawing.Draw(sheet)
    marked = [corner[0] + left * shrink, corner[1] + top * shrink]
    draw.rectangle([*marked, *(edge + side * shrink for edge in marked)], outline=_MARK, width=3)
    labels = (
        f"Before: {width} x {height}, bicubic",
        f"After: {after.pixels.shape[1]} x {after.pixels.shape[0]}",
    )
    for x, picture, label in zip((_GAP, 2 * _GAP + panel[0]), panels, labels, strict=True):
        draw.text((x, labels_top), label, fill=_INK, font_size=_FONT)
        sheet.paste(picture, (x, labels_top + _LABEL))
    colour = before.pixels.shape[-1] >= 3  # the profile of a grey picture does not fit this one
    return Photograph(
        np.asarray(sheet), icc_profile=before.icc_profile if colour else None, colour=before.colour
    )


def detailed_part(pixels: NDArray[Any], side: int) -> tuple[int, int]:
    """Return (top, left) of the square part in which neighbouring pixels differ most (mean square).

    Parts on a grid of half their side are tried.

    Example:
        >>> pixels = np.zeros([8, 20, 1], np.uint8)
        >>> pixels[5, 13] = 255
        >>> detailed_part(pixels, 4)
        (4, 10)
    """
    height, width = pixels.shape[:2]
    step = max(1, side // 2)
    tops, lefts = range(0, height - side + 1, step), range(0, width - side + 1, step)
    best, where = -1.0, (0, 0)
    for top in tops:
        band = on_white(pixels[top : top + side]).mean(axis=-1, dtype=np.float32)
        across = np.square(np.diff(band, axis=1, append=band[:, -1:])).sum(axis=0)
        down = np.square(np.diff(band, axis=0)).sum(axis=0)
        total = np.concatenate([[0], np.cumsum(across + down, dtype=np.float64)])
        for left in lefts:
            detail = total[left + side] - total[left]
            if detail > best:
                best, where = detail, (top, left)
    return where


def on_white(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the 8-bit RGB pixels that viewers show of a photograph's, transparent areas on white.

    Example:
        >>> on_white(np.array([[[0, 128]]], np.uint8)).tolist()
        [[[127, 127, 127]]]
    """
    pixels = eight_bit(pixels)
    channels = pixels.shape[-1]
    if channels in (2, 4):
        alpha = pixels[..., -1:].astype(np.float32) / 255
        colour = pixels[..., :-1] * alpha + 255 * (1 - alpha)
        pixels = np.rint(colour).astype(np.uint8)
    return pixels if pixels.shape[-1] == 3 else np.repeat(pixels, 3, axis=-1)
