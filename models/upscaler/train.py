"""Train a network of this folder at all three scales: ``python train.py slim --data PHOTOS``."""

from __future__ import annotations

from pathlib import Path

import click

from tfdeconv.cli.train import command as train

RECIPES = {"fsrcnn": "recipe.toml", "slim": "slim.toml"}


@click.command()
@click.argument("architecture", type=click.Choice(sorted(RECIPES)))
@click.option("--data", required=True, help="Folder of photographs.")
@click.option("--output", default="build/train", show_default=True, help="Where the runs' files go.")
def main(architecture: str, data: str, output: str) -> None:
    """Train ARCHITECTURE at x2, then x3 and x4 from x2's weights; a stopped run goes on where it was."""
    recipe = Path(__file__).with_name(RECIPES[architecture])
    for scale in (2, 3, 4):
        options = {"--scale": scale, "--data": data, "--recipe": recipe, "--output": output}
        words = [str(word) for option in options.items() for word in option]
        train.main([architecture, *words], standalone_mode=False)


if __name__ == "__main__":
    main()
