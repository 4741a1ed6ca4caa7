"""FSRCNN starts as bilinear interpolation, and its RGB wrapper keeps colour and position."""

import numpy as np
import pytest
import tensorflow as tf

import tfdeconv as td
from tfdeconv.errors import InvalidArgumentError

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (5, 8), (16, 9)])
def test_untrained_fsrcnn_is_exactly_bilinear(scale, size):
    """With a zero deconvolution the output is tf.image.resize's bilinear picture, borders included."""
    luma = RNG.random((2, *size, 1)).astype("float32")
    expected = tf.image.resize(luma, (size[0] * scale, size[1] * scale), "bilinear")
    np.testing.assert_allclose(td.zoo.FSRCNN(scale)(luma), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_untrained_rgb_upscaler_is_bilinear_in_every_channel(scale):
    """Luma and chroma are both interpolated, so colour does not change and nothing shifts."""
    rgb = RNG.random((1, 6, 7, 3)).astype("float32")
    expected = tf.image.resize(rgb, (6 * scale, 7 * scale), "bilinear")
    model = td.zoo.RGBUpscaler(td.zoo.FSRCNN(scale), scale)
    np.testing.assert_allclose(model(rgb), expected, atol=1e-5)


def test_the_rgb_upscaler_changes_luma_alone():
    """YCbCr as scikit-image computes it: chroma is the interpolated one, luma the network's."""
    from skimage.color import rgb2ycbcr

    luma_model = td.zoo.FSRCNN(2)
    kernel = luma_model.get_layer("deconvolution").kernel
    kernel.assign(RNG.normal(0, 0.002, kernel.shape))
    rgb = RNG.uniform(0.4, 0.6, (1, 8, 8, 3)).astype("float32")  # far from clipping
    upscaled = rgb2ycbcr(td.zoo.RGBUpscaler(luma_model, 2)(rgb)[0].numpy())
    bilinear = rgb2ycbcr(tf.image.resize(rgb, (16, 16), "bilinear")[0].numpy())
    np.testing.assert_allclose(upscaled[..., 1:], bilinear[..., 1:], atol=1e-3)
    luma = rgb2ycbcr(rgb[0])[None, ..., :1].astype("float32") / 255
    np.testing.assert_allclose(upscaled[..., :1] / 255, luma_model(luma)[0], atol=1e-5)
    assert np.abs(upscaled[..., 0] - bilinear[..., 0]).max() > 1


def test_the_rgb_upscaler_clips():
    """The output is a picture: nothing below 0 or above 1."""
    luma_model = td.zoo.FSRCNN(2)
    luma_model.get_layer("deconvolution").bias.assign([3.0])
    assert td.zoo.RGBUpscaler(luma_model, 2)(np.zeros((1, 2, 2, 3), "float32")).numpy().max() == 1.0


@pytest.mark.parametrize("scale", [1, 5, 2.5, "2"])
def test_other_scales_are_refused(scale):
    """The network exists for x2, x3 and x4."""
    with pytest.raises(InvalidArgumentError, match=r"scale must be 2, 3 or 4; received"):
        td.zoo.FSRCNN(scale)


def test_the_rgb_upscaler_refuses_a_colour_network():
    """It gives luma to the network, so the network must take and return one channel."""
    rgb_model = td.zoo.RGBUpscaler(td.zoo.FSRCNN(2), 2)
    with pytest.raises(InvalidArgumentError, match="luma_model must map one channel to one channel"):
        td.zoo.RGBUpscaler(rgb_model, 2)


def test_fsrcnn_survives_keras_save_and_load(tmp_path):
    """A .keras file gives the same model back."""
    model = td.zoo.RGBUpscaler(td.zoo.FSRCNN(3), 3)
    model.save(tmp_path / "model.keras")
    import keras

    again = keras.saving.load_model(tmp_path / "model.keras")
    rgb = RNG.random((1, 5, 6, 3)).astype("float32")
    np.testing.assert_array_equal(again(rgb), model(rgb))
