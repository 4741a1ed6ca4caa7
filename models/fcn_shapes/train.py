"""Train, score and draw FCN-32s, 16s and 8s on procedural scenes, as recipe.toml says."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np

from tfdeconv.training.photographs import photograph_paths, read_rgb
from tfdeconv.zoo.fcn_scenes import CLASSES, Scenes, Texture, draw_scenes
from tfdeconv.zoo.fcn_scores import SegmentationScores, confusion_matrix, segmentation_scores
from tfdeconv.zoo.fcn_shapes import shapes_fcn
from tfdeconv.zoo.pretrained import save_weights

HERE = Path(__file__).parent


def textures(folder: Path, width: int, holdout: float) -> tuple[list[Texture], list[Texture]]:
    """Return the left parts of all photographs for training and the right parts for validation."""
    from PIL import Image

    train, validation = [], []
    for path in photograph_paths(folder):
        image = Image.fromarray(read_rgb(path))
        pixels = np.asarray(
            image.resize((width, round(width * image.height / image.width)), Image.Resampling.BOX)
        )
        cut = round(width * (1 - holdout))
        train.append(pixels[:, :cut])
        validation.append(pixels[:, cut:])
    return train, validation


def train(model: keras.Model, scenes: Scenes, steps: int, batch: int, learning_rate: float) -> float:
    """Train ``model`` and return the seconds that it took."""
    warmup = steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(schedule), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    started = time.perf_counter()
    epochs = steps * batch // len(scenes.images)
    model.fit(scenes.images, scenes.labels, batch_size=batch, epochs=epochs, verbose=2)
    return time.perf_counter() - started


def score(model: keras.Model, scenes: Scenes) -> SegmentationScores:
    """Return pixel accuracy and mean IU of ``model`` over all pixels of ``scenes``."""
    predictions = model.predict(scenes.images, batch_size=8, verbose=0).argmax(-1)
    return segmentation_scores(confusion_matrix(scenes.labels, predictions, len(CLASSES)))


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of photographs.")
@click.option("--out", type=click.Path(path_type=Path), default=HERE, help="Where weights and scores go.")
def main(data: Path, out: Path) -> None:
    """Train every network of recipe.toml on scenes over the photographs in DATA."""
    recipe: dict[str, Any] = tomllib.loads((HERE / "recipe.toml").read_text())
    options = recipe["data"]
    parts = textures(data, options["texture_width"], options["holdout"])
    training, validation = (
        draw_scenes(part, options[name], size=options["size"], seed=seed)
        for part, name, seed in zip(parts, ("train", "validation"), (1, 2), strict=True)
    )
    out.mkdir(parents=True, exist_ok=True)
    results = []
    for upsampling in recipe["upsampling"]:
        for stride in recipe["strides"]:
            keras.utils.set_random_seed(recipe["seed"])
            model = shapes_fcn(stride, upsampling)
            seconds = train(model, training, **recipe["training"])
            scores = score(model, validation)
            save_weights(model, out / f"fcn-shapes-{stride}s-{upsampling}.npz")
            results.append(
                {
                    "stride": stride,
                    "upsampling": upsampling,
                    "parameters": model.count_params(),
                    "mean_iu": round(scores.mean_iu, 4),
                    "pixel_accuracy": round(scores.pixel_accuracy, 4),
                    "seconds": round(seconds),
                }
            )
            click.echo(json.dumps(results[-1]))
            (out / "scores.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
