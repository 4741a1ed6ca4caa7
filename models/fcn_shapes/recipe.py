"""What the scripts of this folder share: the recipe, the scenes, and where the weights lie."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from shapes_scenes import Scenes, Texture, draw_scenes

from tfdeconv.extras import require
from tfdeconv.training.photographs import photograph_paths, read_rgb

HERE = Path(__file__).parent
RECIPE: dict[str, Any] = tomllib.loads((HERE / "recipe.toml").read_text())


def weights_path(folder: Path, stride: int, upsampling: str) -> Path:
    """Return the file with the weights of one network."""
    return folder / f"fcn-shapes-{stride}s-{upsampling}.npz"


def validation_and_training(folder: Path) -> tuple[Scenes, Scenes]:
    """Return the scenes for validation, over the right parts of the photographs, and for training."""
    options = RECIPE["data"]
    image_module = require("PIL.Image", extra="train", feature="Reading photographs")
    left: list[Texture] = []
    right: list[Texture] = []
    for path in photograph_paths(folder):
        image = image_module.fromarray(read_rgb(path))
        width = options["texture_width"]
        size = (width, round(width * image.height / image.width))
        pixels = np.asarray(image.resize(size, image_module.Resampling.BOX))
        cut = round(width * (1 - options["holdout"]))
        left.append(pixels[:, :cut])
        right.append(pixels[:, cut:])
    size = options["size"]
    return (
        draw_scenes(right, options["validation"], size=size, seed=2),
        draw_scenes(left, options["train"], size=size, seed=1),
    )
