"""Draw the model card's picture of several kinds of pictures: ``python kinds.py PHOTOS``.

PHOTOS holds the photographs named below. Each is reduced by 3, against traces of JPEG, and its part lies
in the strip that no training patch touches. Luma at x2, with the PSNR of the part.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from tfdeconv.imaging import bicubic_resize, degrade, psnr
from tfdeconv.imaging.luma import luma
from tfdeconv.training.drawings.line_art import line_art
from tfdeconv.training.drawings.text import text_page
from tfdeconv.training.jpeg import through_jpeg
from tfdeconv.training.photographs import read_rgb
from tfdeconv.zoo import load_upscaler

SCALE = 2
SIDE = 112  # of the part, a multiple of the scale
ZOOM = 2
GAP, LABEL = 12, 24
REDUCTION = Fraction(1, 3)


class Row(NamedTuple):
    """One kind of picture: a name, RGB pixels, the part's left and top, and the JPEG quality or None."""

    name: str
    pixels: npt.NDArray[np.uint8]
    left: int
    top: int
    jpeg: int | None


def rows(photographs: Path) -> Iterator[Row]:
    """Yield the rows of the picture; its drawings are none that training saw."""

    def photograph(name: str) -> npt.NDArray[np.uint8]:
        return bicubic_resize(read_rgb(photographs / name), REDUCTION)

    temple, text = photograph("beacon-street-sunset.jpg"), text_page(np.random.default_rng(77))
    yield Row("photograph", temple, 1152, 192, None)
    yield Row("texture", photograph("the-spices-of-life.jpg"), 1152, 544, None)
    yield Row("night", photograph("singaporean-cityscape.jpg"), 1088, 336, None)
    yield Row("text", text, 40, 60, None)
    yield Row("line art", line_art(np.random.default_rng(78)), 200, 200, None)
    yield Row("JPEG 40", temple, 1152, 192, 40)
    yield Row("JPEG 40", text, 40, 60, 40)


def contenders(row: Row) -> dict[str, Any]:
    """Return functions from luma to enlarged luma by name."""

    def network(**choice: Any) -> Any:
        model = load_upscaler(SCALE, **choice)
        return lambda low: model(low[None, :, :, None])[0, :, :, 0].numpy()

    shown = {"bicubic": lambda low: bicubic_resize(low, SCALE), "fast": network()}
    if row.jpeg is None:
        return shown | {"fine": network(quality="fine")}
    return shown | {"fast, jpeg": network(source="jpeg")}


@click.command()
@click.argument("photographs", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), default=Path(__file__).with_name("kinds.png"))
def main(photographs: Path, output: Path) -> None:
    """Write the picture."""
    cell, found = SIDE * ZOOM, list(rows(photographs))
    size = 4 * cell + 5 * GAP, len(found) * (cell + LABEL) + GAP
    sheet = Image.new("L", size, 250)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for index, row in enumerate(found):
        low, high = degrade(row.pixels, SCALE)
        seen = luma(low if row.jpeg is None else through_jpeg(low, row.jpeg))
        original = luma(high)
        panels = {row.name: original} | {name: run(seen) for name, run in contenders(row).items()}
        for column, (name, whole) in enumerate(panels.items()):
            part, truth = (
                picture[row.top : row.top + SIDE, row.left : row.left + SIDE] for picture in (whole, original)
            )
            score = f": {psnr(truth, part, 0):.2f} dB" if column else ""
            x, y = GAP + column * (cell + GAP), index * (cell + LABEL)
            draw.text((x, y + 5), name + score, fill=40, font=font)
            sheet.paste(_enlarged(part), (x, y + LABEL))
    sheet.save(output, optimize=True)


def _enlarged(part: npt.NDArray[np.float32]) -> Image.Image:
    full_range = np.clip((part * 255 - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
    return Image.fromarray(full_range).resize((SIDE * ZOOM, SIDE * ZOOM), Image.Resampling.NEAREST)


if __name__ == "__main__":
    main()
