"""U-Net decoders and the DCGAN generator."""

import keras
import numpy as np
import pytest
from keras import layers

from tfdeconv import alignment, zoo
from tfdeconv.errors import AlignmentError, InvalidArgumentError


def pooled_backbone():
    image = x = keras.Input([None, None, 3])
    for block in range(1, 4):
        x = layers.Conv2D(4, 3, padding="same", name=f"conv{block}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{block}")(x)
    return keras.Model(image, x, name="pooled")


def strided_backbone():
    image = x = keras.Input([None, None, 3])
    for _ in range(3):
        x = layers.Conv2D(4, 3, strides=2, activation="relu")(layers.ZeroPadding2D(1)(x))
    return keras.Model(image, x, name="strided")


FILTERS = (8, 6, 4)


@pytest.mark.parametrize("size", [(32, 48), (33, 17), (1, 9)])
@pytest.mark.parametrize("upsampling", ["transposed", "subpixel", "resize"])
def test_unet_covers_the_picture(upsampling, size):
    """Scores have the picture's size, whatever it is."""
    model = zoo.UNetDecoder(pooled_backbone(), 5, filters=FILTERS, upsampling=upsampling)
    assert model(np.zeros([2, *size, 3], "float32")).shape == (2, *size, 5)


@pytest.mark.parametrize("backbone", [pooled_backbone, strided_backbone])
def test_unet_scores_lie_where_their_pixels_are(backbone):
    """All skips and upsamplings agree: the map from the picture to its scores is the identity."""
    model = zoo.UNetDecoder(backbone(), 2, filters=FILTERS)
    rows, columns = alignment.trace(model.output)[model.input]
    assert (str(rows), str(columns)) == ("1 * x", "1 * x")
    assert model.get_layer("up_1").kernel_size == ((4, 4) if backbone is pooled_backbone else (3, 3))


def test_unet_joins_the_layers_before_each_pooling():
    """The skips are the last layers of each resolution, or those that were named."""
    model = zoo.UNetDecoder(pooled_backbone(), 2, filters=FILTERS)
    outputs = model.get_layer("pooled_features").outputs
    assert [tensor._keras_history.operation.name for tensor in outputs] == [
        "pool3",
        "conv3",
        "conv2",
        "conv1",
    ]
    named = zoo.UNetDecoder(pooled_backbone(), 2, filters=FILTERS, skip_layers=["pool2", "pool1", "conv1"])
    outputs = named.get_layer("pooled_features").outputs
    assert [tensor._keras_history.operation.name for tensor in outputs] == [
        "pool3",
        "pool2",
        "pool1",
        "conv1",
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "reason"),
    [
        (
            {"filters": (8, 4)},
            InvalidArgumentError,
            r"filters must hold 3 numbers.*stride 8; received \(8, 4\)",
        ),
        ({"upsampling": "bicubic"}, InvalidArgumentError, r"upsampling must be one of 'transposed'"),
        (
            {"backbone": strided_backbone(), "upsampling": "resize"},
            AlignmentError,
            r"upsampling='resize' cannot lie .* Use upsampling='transposed'",
        ),
    ],
)
def test_unet_refuses_what_does_not_fit(arguments, error, reason):
    """Each rule is named with what was received and the fix."""
    with pytest.raises(error, match=reason):
        zoo.UNetDecoder(**{"backbone": pooled_backbone(), "num_classes": 2, "filters": FILTERS, **arguments})


@pytest.mark.parametrize(("size", "doublings"), [(8, 1), (32, 3)])
def test_dcgan_generator(size, doublings):
    """Noise becomes pictures in [-1, 1]; channels halve while sizes double."""
    model = zoo.DCGANGenerator(size, channels=1, latent_dim=7, width=4)
    pictures = model.predict(np.random.default_rng(0).normal(size=(3, 7)), verbose=0)
    assert pictures.shape == (3, size, size, 1)
    assert np.abs(pictures).max() <= 1
    assert model.get_layer("start").output.shape == (None, 4, 4, 4 << (doublings - 1))


def test_dcgan_generator_can_learn():
    """A few steps bring one noise vector closer to a target picture."""
    keras.utils.set_random_seed(0)
    model = zoo.DCGANGenerator(8, latent_dim=5, width=8)
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    noise = np.random.default_rng(0).normal(size=(4, 5))
    target = np.linspace(-0.8, 0.8, 8).reshape(1, 8, 1, 1) * np.ones([4, 8, 8, 3])
    losses = model.fit(noise, target, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"image_size": 48}, r"image_size must be 8, 16, 32.*received 48"),
        ({"image_size": 4}, r"received 4"),
        ({"kernel_size": 1}, r"kernel_size must be at least the stride, 2; received 1"),
    ],
)
def test_dcgan_generator_refuses_what_does_not_fit(arguments, reason):
    """Sizes that no doubling reaches and kernels with holes are refused."""
    with pytest.raises(InvalidArgumentError, match=reason):
        zoo.DCGANGenerator(**arguments)
