"""Draw the model card's picture: ``python picture.py PHOTOGRAPH --left X --top Y``.

The photograph is reduced by 4 first, against traces of JPEG. One row per scale: the original part, bicubic
interpolation and the shipped network, luma only, with the PSNR of the part.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from tfdeconv.imaging import bicubic_resize, degrade, psnr
from tfdeconv.imaging.luma import luma
from tfdeconv.training.photographs import read_rgb
from tfdeconv.zoo import load_upscaler

SIDE = 96  # of the part, a multiple of every scale
ZOOM = 3
GAP, LABEL = 12, 26


@click.command()
@click.argument("photograph", type=click.Path(path_type=Path))
@click.option("--left", type=int, required=True, help="Of the part, in the reduced photograph.")
@click.option("--top", type=int, required=True, help="Of the part, in the reduced photograph.")
@click.option("--output", type=click.Path(path_type=Path), default=Path(__file__).with_name("comparison.png"))
def main(photograph: Path, left: int, top: int, output: Path) -> None:
    """Write the picture for a square part of PHOTOGRAPH."""
    image = bicubic_resize(read_rgb(photograph), Fraction(1, 4))
    cell = SIDE * ZOOM
    sheet = Image.new("L", (3 * cell + 4 * GAP, 3 * (cell + LABEL) + GAP), 250)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for row, scale in enumerate((2, 3, 4)):
        low, high = (luma(part) for part in degrade(image, scale))
        network = load_upscaler(scale)(low[None, :, :, None])[0, :, :, 0].numpy()
        bicubic = bicubic_resize(low, scale)
        panels = [("Original", high), (f"Bicubic x{scale}", bicubic), (f"Slim x{scale}", network)]
        for column, (name, whole) in enumerate(panels):
            part, original = (picture[top : top + SIDE, left : left + SIDE] for picture in (whole, high))
            score = "" if column == 0 else f"  {psnr(original, part, 0):.2f} dB"
            x, y = GAP + column * (cell + GAP), row * (cell + LABEL)
            draw.text((x, y + 5), name + score, fill=40, font=font)
            sheet.paste(_enlarged(part), (x, y + LABEL))
    sheet.save(output, optimize=True)


def _enlarged(part: npt.NDArray[np.float32]) -> Image.Image:
    full_range = np.clip((part * 255 - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
    return Image.fromarray(full_range).resize((SIDE * ZOOM, SIDE * ZOOM), Image.Resampling.NEAREST)


if __name__ == "__main__":
    main()
