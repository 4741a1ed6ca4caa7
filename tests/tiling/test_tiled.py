"""``td.tiled``: the result of the whole for every model and size, or a refusal that says why."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import tfdeconv as td
from tfdeconv.errors import InvalidArgumentError

pytestmark = pytest.mark.filterwarnings("ignore:.*input_shape.*undefined:UserWarning")


def stack(*chain: Any, rank: int = 2, channels: int = 3) -> keras.Model:
    """A Sequential model for every size."""
    return keras.Sequential([keras.Input([*(None,) * rank, channels]), *chain])


def sliced(key: Any) -> keras.Model:
    """A convolution and a slice of what it returns."""
    x = keras.Input([None, None, 3])
    return keras.Model(x, layers.Conv2D(2, 3)(x)[key])


def valid_unet() -> keras.Model:
    """A U-Net of VALID convolutions with crops made for sizes that are 4 above a multiple of 4."""
    x = keras.Input([None, None, 3])
    fine = layers.Conv2D(4, 3, activation="relu")(x)
    half = layers.Conv2D(4, 3, activation="relu")(layers.MaxPooling2D(2)(fine))
    quarter = layers.Conv2D(6, 3, activation="relu")(layers.MaxPooling2D(2)(half))
    up = layers.Conv2DTranspose(4, 2, strides=2)(quarter)
    up = layers.Concatenate()([up, td.layers.CropLike(offset=2)([half, up])])
    up = layers.Conv2DTranspose(4, 2, strides=2)(layers.Conv2D(4, 3)(up))
    up = layers.Concatenate()([up, td.layers.CropLike(offset=8)([fine, up])])
    return keras.Model(x, layers.Conv2D(2, 3)(up))


def same_unet() -> keras.Model:
    """A U-Net with SAME padding whose crops fit every size."""
    x = keras.Input([None, None, 3])
    fine = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    half = layers.Conv2D(4, 3, padding="same", activation="relu")(
        layers.MaxPooling2D(2, padding="same")(fine)
    )
    quarter = layers.Conv2D(6, 3, padding="same")(layers.MaxPooling2D(2, padding="same")(half))
    up = td.layers.CropLike(offset=0)([layers.Conv2DTranspose(4, 2, strides=2)(quarter), half])
    up = layers.Conv2D(4, 3, padding="same")(layers.Concatenate()([up, half]))
    up = td.layers.CropLike(offset=0)([layers.UpSampling2D(2)(up), fine])
    return keras.Model(
        x, layers.Conv2D(2, 3, padding="same", activation="softmax")(layers.Concatenate()([up, fine]))
    )


def tiny_backbone() -> keras.Model:
    """Strides, pooling, residual sums and explicit padding like the large ones."""
    x = keras.Input([None, None, 3])
    y = layers.ZeroPadding2D(3)(x)
    y = layers.Conv2D(4, 7, strides=2, use_bias=False)(y)
    y = layers.BatchNormalization()(y)
    y = layers.MaxPooling2D(3, strides=2, padding="same")(y)
    y = layers.Add()([layers.SeparableConv2D(4, 3, padding="same")(y), y])
    y = layers.DepthwiseConv2D(3, strides=2, padding="same")(y)
    y = layers.Conv2D(8, 3, dilation_rate=2, padding="same", activation="relu6")(y)
    return keras.Model(x, y)


MODELS: dict[str, Callable[[], keras.Model]] = {
    "same stride 2": lambda: stack(
        layers.Conv2D(3, 3, strides=2, padding="same"), layers.Conv2D(2, 3, padding="same")
    ),
    "k4 s2": lambda: stack(*[layers.Conv2DTranspose(3, 4, strides=2, padding="same") for _ in range(3)]),
    "k5 s2": lambda: stack(*[td.layers.Conv2DTranspose(3, 5, strides=2, padding="same") for _ in range(2)]),
    "autoencoder": lambda: stack(
        *[layers.Conv2D(4, 5, strides=2, padding="same", activation="elu") for _ in range(3)],
        *[layers.Conv2DTranspose(4, 5, strides=2, padding="same", activation="elu") for _ in range(3)],
    ),
    "dilated": lambda: stack(*[layers.Conv2D(3, 3, dilation_rate=d, padding="same") for d in (1, 2, 5)]),
    "rational": lambda: stack(layers.UpSampling2D(2), layers.AveragePooling2D(3, padding="same")),
    "interpolations": lambda: stack(
        layers.UpSampling2D(2, interpolation="bicubic"),
        td.layers.BilinearUpsampling2D(2, boundary="edge"),
        td.layers.ResizeConv2D(3, 3, 2, interpolation="bilinear"),
        td.layers.SubpixelConv2D(2, 3, 2),
    ),
    "U-Net, same": same_unet,
    "FCN of stride 4": lambda: td.zoo.FCN(tiny_backbone(), 2, 4),
    "U-Net on a backbone": lambda: td.zoo.UNetDecoder(tiny_backbone(), 2, filters=(6, 4, 4)),
    "FSRCNN in colour": lambda: td.zoo.RGBUpscaler(td.zoo.FSRCNN(3), 3),
}


def random_weights(model: keras.Model) -> keras.Model:
    """Biases and moving averages that are not zero, so that borders show."""
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if variable.dtype == "float32":
            variable.assign(np.asarray(variable) + rng.uniform(0, 0.2, variable.shape))
    return model


def assert_same(tiled: Any, model: keras.Model, *inputs: np.ndarray) -> None:
    """The whole's result within 1e-5 of its largest value."""
    given = inputs[0] if len(inputs) == 1 else list(inputs)
    for found, expected in zip(
        keras.tree.flatten(tiled(given)), keras.tree.flatten(model(given, training=False)), strict=True
    ):
        expected = np.asarray(expected)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-5 * max(1, np.abs(expected).max()), rtol=0)


def pictures(sizes: Sequence[int], channels: int = 3, batch: int = 1) -> np.ndarray:
    """Random pictures."""
    return np.random.default_rng(1).random((batch, *sizes, channels), np.float32)


@pytest.mark.parametrize("name", MODELS)
def test_tiles_equal_the_whole_for_random_odd_sizes(name: str) -> None:
    """Whatever the sizes' phases to the strides, and the tile's, the result is that of the whole."""
    model = random_weights(MODELS[name]())
    rng = random.Random(name)
    smallest = td.tiled(model)
    least = 2 * max(smallest.halo) + 2 * max(smallest.stride)
    for _ in range(3):
        tile = least + rng.randrange(30)
        sizes = tile + rng.randrange(1, 2 * tile), rng.randrange(max(8, tile // 2), 2 * tile)
        tiled = td.tiled(model, tile=tile, batch=rng.randrange(1, 4))
        assert tiled.exact
        assert_same(tiled, model, pictures(sizes))


def test_valid_unet_for_the_sizes_that_it_takes() -> None:
    """VALID shrinks the output; the context is on one side of an output's index."""
    model = random_weights(valid_unet())
    tiled = td.tiled(model, tile=60)
    assert_same(tiled, model, pictures((100, 136)))


def test_sequences_volumes_and_batches() -> None:
    """1-D and 3-D, a causal convolution, and more pictures than one."""
    sequence = random_weights(
        stack(
            layers.Conv1D(3, 3, padding="causal", dilation_rate=2),
            layers.Conv1DTranspose(2, 3, strides=2),
            rank=1,
        )
    )
    assert_same(td.tiled(sequence, tile=20, batch=4), sequence, pictures((101,), batch=3))
    volume = random_weights(
        stack(layers.Conv3D(2, 3, strides=2, padding="same"), layers.UpSampling3D(2), rank=3)
    )
    assert_same(td.tiled(volume, tile=(9, 12, 10)), volume, pictures((17, 12, 21)))


def test_channels_first() -> None:
    """Spatial axes behind the channels."""
    x = keras.Input([3, None, None])
    y = layers.MaxPooling2D(2, data_format="channels_first")(x)
    y = td.layers.Conv2DTranspose(2, 4, strides=2, padding="same", data_format="channels_first")(y)
    model = random_weights(keras.Model(x, y))
    picture = np.moveaxis(pictures((33, 50)), -1, 1)
    assert_same(td.tiled(model, tile=16), model, picture)


def test_several_inputs_and_outputs() -> None:
    """Grids of other resolutions, a vector that is the same everywhere, and a dictionary of outputs."""
    fine, coarse, vector = keras.Input([None, None, 3]), keras.Input([None, None, 2]), keras.Input([4])
    half = layers.Conv2D(5, 3, strides=2, padding="same")(fine)
    joined = layers.Concatenate()([half, layers.Conv2D(2, 3, padding="same")(coarse)])
    scaled = layers.Reshape([1, 1, 7])(layers.Dense(7)(vector)) * joined
    outputs = {"up": layers.Conv2DTranspose(2, 4, strides=4, padding="same")(scaled), "half": scaled}
    model = random_weights(keras.Model([fine, coarse, vector], outputs))
    tiled = td.tiled(model, tile=24)
    assert [tiled.scales[name][0] for name in ("up", "half")] == [2, 0.5]
    rng = np.random.default_rng(2)
    assert_same(
        tiled, model, pictures((61, 50)), pictures((31, 25), channels=2), rng.random((1, 4)).astype("float32")
    )


def squeeze_and_excite() -> keras.Model:
    """A block that pools globally, inside a submodel."""
    x = keras.Input([None, None, 4])
    scale = layers.Dense(4, activation="sigmoid")(
        layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    )
    block = keras.Model(x, layers.Multiply()([x, scale]), name="block")
    image = keras.Input([None, None, 3])
    y = layers.Conv2D(4, 3, strides=2, padding="same")(image)
    return keras.Model(image, layers.UpSampling2D(2)(block(y)))


class Centred(td.layers.Conv2DTranspose):
    """What its base depends on says nothing about it."""

    def call(self, inputs: Any) -> Any:
        outputs = super().call(inputs)
        return outputs - keras.ops.mean(outputs, axis=(1, 2), keepdims=True)


class Partial(layers.Conv2D):
    """Keras leaves this method to be overridden."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        outputs = super().convolution_op(inputs, kernel)
        return outputs - keras.ops.mean(outputs, axis=(1, 2), keepdims=True)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (squeeze_and_excite, r"layer block/squeeze \(GlobalAveragePooling2D\) pools over the whole"),
        (lambda: stack(layers.GroupNormalization(1)), "mean and variance of the whole"),
        (
            lambda: keras.Sequential([keras.Input([8, 8, 2]), layers.LayerNormalization(axis=[1, 2])]),
            "normalises over axis",
        ),
        (lambda: stack(layers.Softmax(axis=1)), "normalises over axis 1"),
        (lambda: keras.Sequential([keras.Input([8, 8, 2]), layers.PReLU()]), "slope of its own"),
        (lambda: keras.Sequential([keras.Input([8, 8, 2]), layers.Flatten(), layers.Dense(2)]), "rearranges"),
        (lambda: stack(layers.Resizing(32, 32)), "fixed size"),
        (
            lambda: stack(layers.Conv2D(2, 1, activation=lambda x: x - keras.ops.mean(x))),
            "looks at other places",
        ),
        (
            lambda: stack(layers.Conv2D(2, 1, activation=layers.GroupNormalization(1, name="norm"))),
            "has the activation 'norm', which normalises by",
        ),
        (
            lambda: stack(layers.Conv2D(2, 1, activation=layers.MaxPooling2D(2, name="pool"))),
            "has the activation 'pool', which moves",
        ),
        (lambda: stack(Centred(2, 3)), r"\(Centred\) has a call.*its base ConvTranspose"),
        (lambda: stack(Partial(2, 3)), r"\(Partial\) has a call, convolution_op"),
        (
            lambda: stack(
                layers.Conv2D(4, 1), layers.MaxPooling2D((9, 1), 1, "same", data_format="channels_first")
            ),
            r'\(MaxPooling2D\) has data_format="channels_first", another layer of the graph "channels_last"',
        ),
        (lambda: stack(layers.Lambda(lambda x: x[:, ::-1], output_shape=(None, None, 3))), "Lambda"),
        (lambda: sliced((slice(1),)), "must keep the axes, and all of the batch"),
        (lambda: td.zoo.DCGANGenerator(16, width=8), "no exact tiles"),
    ],
)
def test_global_mixing_is_refused_by_name(model: Callable[[], keras.Model], message: str) -> None:
    """The layer and what to do."""
    with pytest.raises(InvalidArgumentError, match=message):
        td.tiled(model())


def test_slices_in_numbers_of_numpy() -> None:
    """A border that was computed with NumPy is cut as one of ints is."""
    model = sliced((slice(None), slice(np.int64(2), None), slice(np.int32(-1))))
    x = pictures([23, 29])
    assert_same(td.tiled(model, tile=16), model, x)


def test_halo_of_ones_own_is_approximate_and_says_so() -> None:
    """A global layer is passed over, with a warning; strides still meet their phase."""
    model = random_weights(squeeze_and_excite())
    with pytest.warns(UserWarning, match="approximate: layer block/squeeze"):
        tiled = td.tiled(model, tile=32, halo=8)
    assert not tiled.exact
    assert tiled.stride == (2, 2)
    picture = pictures((65, 70))
    difference = np.abs(tiled(picture) - np.asarray(model(picture))).max()
    assert 1e-4 < difference < 0.2
    with pytest.warns(UserWarning, match="outputs depend on 4x4"):
        td.tiled(stack(layers.Conv2D(2, 5)), halo=0)


def test_what_cannot_run_is_refused() -> None:
    """Tiles below the context, shapes that the model does not take, and what is no functional model."""
    model = stack(layers.Conv2D(2, 9, padding="same"))
    with pytest.raises(InvalidArgumentError, match="tile must be at least 9"):
        td.tiled(model, tile=8)(pictures((20, 20)))
    with pytest.raises(InvalidArgumentError, match=r"must have shape .* received \(1, 20, 20, 4\)"):
        td.tiled(model)(pictures((20, 20), channels=4))
    fixed = keras.Sequential([keras.Input([None, 20, 3]), layers.Conv2D(2, 3)])
    assert_same(td.tiled(fixed, tile=(9, 20)), fixed, pictures((30, 20)))
    with pytest.raises(
        InvalidArgumentError, match=r"sizes \(None, 20\) .* tiles of 19x19. Make it with keras.I"
    ):
        td.tiled(fixed, tile=19)
    with pytest.raises(InvalidArgumentError, match="refuses inputs of shape"):
        td.tiled(valid_unet())(pictures((3, 40)))
    with pytest.raises(InvalidArgumentError, match="functional or Sequential"):
        td.tiled(layers.Conv2D(2, 3))


def test_a_small_picture_is_one_tile() -> None:
    """Nothing is cut that fits, whatever the context."""
    model = random_weights(stack(layers.Conv2D(2, 31, padding="same")))
    assert_same(td.tiled(model, tile=20), model, pictures((20, 7)))
