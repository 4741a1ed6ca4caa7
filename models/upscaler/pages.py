"""Write drawn pages to score on, none of which training saw: ``python pages.py FOLDER``."""

from __future__ import annotations

from pathlib import Path

import click
from PIL import Image

from tfdeconv.training.drawings.pages import KINDS, drawings

SEED = 1  # training has 0


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--count", default=12, show_default=True, help="Of pages: text, line art and maps in turns.")
def main(folder: Path, count: int) -> None:
    """Write the pages to FOLDER as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, page in enumerate(drawings(count, seed=SEED)):
        Image.fromarray(page).save(folder / f"{KINDS[index % len(KINDS)].__name__}_{index:02}.png")


if __name__ == "__main__":
    main()
