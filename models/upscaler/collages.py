"""Draw three of the collages that training sees: ``python collages.py PHOTOS``."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click
import numpy as np
from PIL import Image

from tfdeconv.imaging import bicubic_resize
from tfdeconv.training.collage import collages
from tfdeconv.training.photographs import photographs

SIDE = 320  # of the part that is shown
GAP = 12
REDUCTION = Fraction(1, 4)
TRAINED_ON = 0.85  # left part of each photograph


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), default=Path(__file__).with_name("collages.jpg"))
def main(folder: Path, output: Path) -> None:
    """Write the picture for the photographs of FOLDER."""
    reduced = [bicubic_resize(photograph, REDUCTION) for _, photograph in photographs(folder)]
    parts = [image[:, : round(image.shape[1] * TRAINED_ON)] for image in reduced]
    sheet = np.full((SIDE, 3 * SIDE + 2 * GAP, 3), 255, np.uint8)
    for index, collage in enumerate(collages(parts, 3)):
        left = index * (SIDE + GAP)
        sheet[:, left : left + SIDE] = collage[:SIDE, :SIDE]
    Image.fromarray(sheet).save(output, quality=90)


if __name__ == "__main__":
    main()
