"""Hold folders of training pictures against the list: ``python check_photographs.py PHOTOS --against SET``.

Says which files are missing, changed or not in the list, and which look like a picture that upscalers are
scored on. Likeness is judged by a difference hash of 64 bits, of each picture and of its mirror image, since
that survives scaling and recompression.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
from PIL import Image

from tfdeconv.training.photographs import photograph_paths

LIST = Path(__file__).with_name("photographs.toml")

ALIKE = 10
"""Bits of 64 in which two pictures that show the same differ at most."""

SETS = (1, 2, 3, 4)
"""Parts of the list, in the order in which they were found."""


def listed(sets: Sequence[int] = SETS) -> dict[str, str]:
    """Return the SHA-256 of every picture of some sets of the list, by its file name."""
    sources = tomllib.loads(LIST.read_text(encoding="utf-8"))["sources"]
    pictures = [picture for source in sources for picture in source["pictures"]]
    return {picture["file"]: picture["sha256"] for picture in pictures if picture["set"] in sets}


def difference_hash(image: Image.Image) -> int:
    """Return which of 8x8 places of a picture are darker than their right neighbours, as bits."""
    image.draft("L", (64, 64))  # JPEG is decoded at a fraction of its size
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    return int("".join("01"[bit] for bit in (grey[:, :-1] < grey[:, 1:]).ravel().astype(int)), 2)


def hashes(path: Path) -> tuple[int, int]:
    """Return the difference hash of a file and of its mirror image."""
    with Image.open(path) as image:
        first = difference_hash(image)
        return first, difference_hash(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


def look_alikes(paths: Sequence[Path], others: Sequence[Path]) -> Iterator[tuple[Path, Path, int]]:
    """Yield pairs that look alike, with the bits in which they differ."""
    known = [(other, hashes(other)[0]) for other in others]
    for path in paths:
        both = hashes(path)
        for other, one in known:
            distance = min((one ^ two).bit_count() for two in both)
            if distance <= ALIKE:
                yield path, other, distance


def faults(paths: Sequence[Path], sets: Sequence[int] = SETS) -> Iterator[str]:
    """Yield what distinguishes the files from those sets of the list."""
    expected = listed(sets)
    for path in paths:
        if path.name not in expected:
            yield f"{path} is not in the list."
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected[path.name]:
            yield f"{path} is not the file of the list: its SHA-256 differs."
    for name in sorted(set(expected) - {path.name for path in paths}):
        yield f"{name} is missing."


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--against", multiple=True, type=click.Path(path_type=Path), help="Folder of pictures that score."
)
@click.option("--set", "sets", multiple=True, type=click.IntRange(1, 3), help="Part of the list (all).")
def main(folders: Sequence[Path], against: Sequence[Path], sets: Sequence[int]) -> None:
    """Check the training pictures of FOLDERS."""
    paths = [path for folder in folders for path in photograph_paths(folder)]
    others = [path for folder in against for path in photograph_paths(folder)]
    found = list(faults(paths, sets or SETS))
    found += [
        f"{path} looks like {other} ({bits} of 64 bits differ)."
        for path, other, bits in look_alikes(paths, others)
    ]
    for line in found:
        click.echo(line)
    click.echo(f"{len(paths)} pictures, compared with {len(others)}: {len(found)} faults.")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
