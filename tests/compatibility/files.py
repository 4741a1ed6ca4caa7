"""Models whose files later versions must read; `python files.py FOLDER` writes them with this one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tfdeconv as td


def every_layer() -> keras.Model:
    """Each public layer once, with initializer and constraint, in one graph of free size."""
    x = keras.Input((None, None, 4), name="x")
    pooled, switches = td.layers.MaxPooling2DWithSwitches(2)(x)
    up = td.layers.Conv2DTranspose(
        4,
        4,
        strides=2,
        padding="same",
        kernel_initializer=td.initializers.Bilinear(),
        kernel_constraint=td.constraints.EqualPhaseSums(2),
    )(pooled, like=x)
    torch_like = td.layers.Conv2DTranspose(
        4, 3, strides=2, padding=1, output_padding=1, dilation_rate=1, groups=2, lowering="zero_insertion"
    )(pooled)
    depthwise = td.layers.DepthwiseConv2DTranspose(4, strides=2, padding=1)(pooled)
    unpooled = td.layers.MaxUnpooling2D(2)([pooled, switches], like=x)
    maps = [
        torch_like,
        depthwise,
        td.layers.BilinearUpsampling2D(2, boundary="edge")(pooled),
        td.layers.BilinearAdditiveUpsampling2D(2)(pooled),
        td.layers.ResizeConv2D(4, 3, 2)(pooled),
        td.layers.SubpixelConv2D(
            4, 3, 2, kernel_initializer=td.initializers.ICNR(2, keras.initializers.GlorotUniform(seed=1))
        )(pooled),
        td.layers.PixelShuffle2D(2)(keras.layers.Conv2D(16, 1)(pooled)),
    ]
    cropped = td.layers.CropLike(0)([maps[0], maps[1]])
    return keras.Model(x, [up, unpooled, cropped, *maps])


def other_ranks() -> keras.Model:
    """The layers of one and three axes."""
    line, volume = keras.Input((None, 2), name="line"), keras.Input((3, None, 4, 2), name="volume")
    return keras.Model(
        [line, volume],
        [
            td.layers.Conv1DTranspose(3, 5, strides=3, padding="same")(line),
            td.layers.LinearUpsampling1D(2)(line),
            td.layers.Conv3DTranspose(2, 3, strides=(1, 2, 2), padding="valid", output_padding=(0, 1, 1))(
                volume
            ),
            td.layers.TrilinearUpsampling3D(2)(volume),
        ],
    )


def optimized() -> keras.Model:
    """What td.optimize makes of PReLU, batch normalization and transposed convolutions."""
    x = keras.Input((6, 7, 4))
    y = keras.layers.Conv2D(4, 3, padding="same")(x)
    y = keras.layers.PReLU(shared_axes=[1, 2])(y)
    y = td.layers.Conv2DTranspose(2, 9, strides=2, padding="same", use_bias=False)(y)
    y = keras.layers.BatchNormalization()(y)
    return td.optimize(keras.Model(x, y), (6, 7, 4)).model


def upscaler() -> keras.Model:
    """The shipped network with colours around it."""
    return td.zoo.load_upscaler(2)


def segmenter() -> keras.Model:
    """A U-Net decoder on a backbone, whose sizes are padded to its stride."""
    x = keras.Input((None, None, 3))
    a = keras.layers.Conv2D(4, 3, padding="same", name="a")(x)
    b = keras.layers.Conv2D(6, 3, strides=2, padding="same", name="b")(a)
    c = keras.layers.Conv2D(8, 3, strides=2, padding="same", name="c")(b)
    return td.zoo.UNetDecoder(keras.Model(x, c), 3, filters=(6, 4))


MODELS = {f.__name__: f for f in (every_layer, other_ranks, optimized, upscaler, segmenter)}


def example_inputs(model: keras.Model) -> list[Any]:
    """One picture, line or volume for each input."""
    rng = np.random.default_rng(5)
    free = iter((8, 10, 6, 12))
    return [
        rng.random([1, *(next(free) if n is None else n for n in t.shape[1:])], np.float32)
        for t in model.inputs
    ]


def write(folder: Path) -> None:
    """Write each model as .keras, its example inputs and outputs, and one SavedModel."""
    folder.mkdir(parents=True)
    for name, make in MODELS.items():
        keras.utils.set_random_seed(3)
        model = make()
        inputs = example_inputs(model)
        outputs = model(inputs if len(inputs) > 1 else inputs[0])
        arrays = {f"y{n}": np.asarray(y) for n, y in enumerate(tf.nest.flatten(outputs))}
        model.save(folder / f"{name}.keras")
        np.savez_compressed(folder / f"{name}.npz", **arrays, **{f"x{n}": x for n, x in enumerate(inputs)})
    keras.utils.set_random_seed(3)
    td.export_saved_model(upscaler(), folder / "saved_model")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
