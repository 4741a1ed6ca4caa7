"""Train FCN-32s, 16s and 8s on procedural scenes, as recipe.toml says: python train.py --data DIR."""

from __future__ import annotations

import time
from pathlib import Path

import click
import keras
import numpy as np
from recipe import HERE, RECIPE, validation_and_training, weights_path
from shapes_network import shapes_fcn
from shapes_scenes import Scenes

from tfdeconv.zoo.upscalers.pretrained import named_weights


def train(model: keras.Model, scenes: Scenes, steps: int, batch: int, learning_rate: float) -> None:
    """Train ``model`` for ``steps`` of Adam."""
    warmup = steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(schedule), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    epochs = steps * batch // len(scenes.images)
    model.fit(scenes.images, scenes.labels, batch_size=batch, epochs=epochs, verbose=2)


def save_halved(model: keras.Model, path: Path) -> None:
    """Write the weights in half precision; the score is measured with these."""
    halved = {name: weight.numpy().astype(np.float16) for name, weight in named_weights(model).items()}
    np.savez_compressed(path, **halved)


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of photographs.")
@click.option("--out", type=click.Path(path_type=Path), default=HERE, help="Folder for the weights.")
def main(data: Path, out: Path) -> None:
    """Train every network of recipe.toml on scenes over the photographs in DATA."""
    _, training = validation_and_training(data)
    out.mkdir(parents=True, exist_ok=True)
    for upsampling in RECIPE["upsampling"]:
        for stride in RECIPE["strides"]:
            keras.utils.set_random_seed(RECIPE["seed"])
            model = shapes_fcn(stride, upsampling)
            start = time.perf_counter()
            train(model, training, **RECIPE["training"])
            path = weights_path(out, stride, upsampling)
            save_halved(model, path)
            click.echo(f"{path.name}: {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
