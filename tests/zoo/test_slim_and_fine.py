"""The luma networks that end in a chain: size, start and shapes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.zoo.upscalers.chain import NearIdentity
from tfdeconv.zoo.upscalers.fine import Fine
from tfdeconv.zoo.upscalers.slim import Slim

SCALES = (2, 3, 4)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("network", "most"), [(Slim, 13_500), (Fine, 50_000)])
def test_it_is_small(network, most, scale):
    """The deployed size has a bound at every scale."""
    assert network(scale).count_params() <= most


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [(1, 1), (5, 8), (16, 9)])
@pytest.mark.parametrize("network", [Slim, Fine])
def test_untrained_it_is_exactly_bilinear(network, scale, size):
    """Its last layer starts at zero, so the output is tf.image.resize's bilinear picture, also at borders."""
    luma = np.random.default_rng(0).random((2, *size, 1)).astype(np.float32)
    expected = tf.image.resize(luma, (size[0] * scale, size[1] * scale), "bilinear")
    np.testing.assert_allclose(network(scale)(luma), expected, atol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("network", [Slim, Fine])
def test_every_output_sample_is_made_from_equally_many_taps(network, scale):
    """The last kernel's size is a multiple of its stride: no checkerboard of overlap counts."""
    (kernel_size,) = set(network(scale).get_layer("upsample").kernel_size)
    assert kernel_size % scale == 0


@pytest.mark.parametrize("scale", SCALES)
def test_an_output_sees_no_further_than_the_receptive_radius(scale):
    """One changed input pixel changes outputs up to the radius away, and none beyond it."""
    model = Slim(scale)
    for weight in model.weights:
        weight.assign(np.full(weight.shape, 0.1, np.float32))
    luma = np.full((1, 1, 40, 1), 0.5, np.float32)
    changed = luma.copy()
    changed[0, 0, 20] += 0.1
    where = np.nonzero(np.abs(model(changed) - model(luma))[0, :, :, 0].max(0) > 1e-6)[0] // scale
    radius = 2 + 5 * 1 + 1  # of the 5x5 convolution, the five 3x3 ones and the last layer
    assert (where.min(), where.max()) == (20 - radius, 20 + radius)


def test_the_body_starts_near_the_identity():
    """Around an identity in the centre tap the standard deviation is half of 1 / sqrt(fan in)."""
    kernel = keras.ops.convert_to_numpy(NearIdentity(seed=0)((3, 3, 16, 16)))
    noise = kernel - np.pad(np.eye(16)[None, None], ((1, 1), (1, 1), (0, 0), (0, 0)))
    assert noise.std() == pytest.approx(0.5 / 12, rel=0.1)
    assert abs(noise.mean()) < 0.01


@pytest.mark.parametrize("network", [Slim, Fine])
def test_other_scales_are_refused(network):
    """Only scales with a tested kernel size exist."""
    with pytest.raises(InvalidArgumentError, match="scale must be 2, 3 or 4; received 5"):
        network(5)


def test_a_saved_model_loads(tmp_path):
    """The initializer is registered, so load_model needs no custom_objects."""
    path = tmp_path / "slim.keras"
    model = Slim(2)
    model.save(path)
    assert keras.saving.load_model(path).count_params() == model.count_params()
