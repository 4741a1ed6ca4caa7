"""Alpha goes through the network by itself, without fringes and without haze."""

from fractions import Fraction

import numpy as np
import pytest

import tfdeconv as td
from tfdeconv.zoo import LocalNetwork
from tfdeconv.zoo.pictures.transparency import bleed, limit_to_neighbours

RNG = np.random.default_rng(6)


def cut_out(hidden):
    """An orange disc on nothing, with an arbitrary colour stored under the nothing."""
    y, x = np.mgrid[:60, :60] - 29.5
    alpha = np.clip(20 - np.hypot(x, y) + 0.5, 0, 1)
    pixels = np.empty((60, 60, 4), np.float32)
    pixels[..., :3] = np.where(alpha[..., np.newaxis] > 0, [0.9, 0.5, 0.1], hidden)
    pixels[..., 3] = alpha
    return pixels


@pytest.mark.parametrize("hidden", [[0, 0, 0], [1, 1, 1], [0, 0, 1]])
def test_no_colour_creeps_in_from_invisible_pixels(hidden):
    """Where anything can be seen, the disc keeps its colour whatever is stored around it."""
    result = td.zoo.upscale(cut_out(hidden), 2)
    visible = result[result[..., 3] > 0][:, :3]
    assert np.abs(visible - [0.9, 0.5, 0.1]).max() < 0.02


def test_the_fringe_is_there_without_bleeding():
    """The test above can fail: the network alone draws a dark rim."""
    pixels = cut_out([0, 0, 0])
    colour = td.zoo.upscale(pixels[..., :3], 2)
    visible = colour[td.zoo.upscale(pixels, 2)[..., 3] > 0]
    assert np.abs(visible - [0.9, 0.5, 0.1]).max() > 0.1


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_flat_alpha_stays_exactly_flat(scale):
    """A network that is off by a little everywhere neither clouds the opaque nor lifts the invisible."""
    model = td.zoo.FSRCNN(scale, d=4, s=4, m=1)
    kernel = model.get_layer("deconvolution").kernel
    kernel.assign(RNG.normal(0, 0.05, kernel.shape))
    pixels = np.full((40, 50, 4), 200, np.uint8)
    pixels[:, :20, 3], pixels[:, 20:, 3] = 0, 255
    alpha = td.zoo.upscale(pixels, scale, network=LocalNetwork(model, scale))[..., 3]
    assert (alpha[:, : 19 * scale] == 0).all()
    assert (alpha[:, 21 * scale :] == 255).all()


def test_alpha_is_enlarged_by_the_network():
    """Inside the range of its neighbours, alpha is what the network makes of it as a grey picture."""
    pixels = cut_out([0, 0, 0])
    result = td.zoo.upscale(pixels, 2)[..., 3]
    grey = td.zoo.upscale(pixels[..., 3], 2)
    inside = (result > 0.02) & (result < 0.98)
    assert inside.sum() > 100
    assert np.median(np.abs(result - grey)[inside]) < 1e-5


def test_grey_with_alpha_is_the_same_as_colour_with_alpha():
    """Two channels are treated as four equal ones would be."""
    pixels = cut_out([0, 0, 0])
    grey = np.stack([pixels[..., 0], pixels[..., 3]], axis=-1)
    colour = np.concatenate([np.repeat(grey[..., :1], 3, axis=-1), grey[..., 1:]], axis=-1)
    np.testing.assert_allclose(
        td.zoo.upscale(grey, 2)[..., [0, 0, 0, 1]], td.zoo.upscale(colour, 2), atol=1e-5
    )


def test_bleeding_fills_rings_with_the_mean_of_known_neighbours():
    """Ring by ring: means of what the ring before left, over the eight neighbours."""
    colour = np.zeros((1, 6, 1), np.float32)
    colour[0, :2, 0] = 0.2, 0.6
    alpha = np.array([[1, 1, 0, 0, 0, 0]], np.float32)
    filled = bleed(colour, alpha, reach=3)[0, :, 0]
    np.testing.assert_allclose(filled, [0.2, 0.6, 0.6, 0.6, 0.6, 0], atol=1e-7)
    square = np.zeros((3, 3, 1), np.float32)
    square[0, 0], square[2, 2] = 0.2, 0.4
    visible = (square[..., 0] > 0).astype(np.float32)
    assert bleed(square, visible, reach=1)[1, 1, 0] == pytest.approx(0.3)


def test_bleeding_leaves_visible_pixels_alone():
    """Nearly invisible ones too."""
    colour = RNG.random((20, 30, 3), np.float32)
    alpha = np.where(RNG.random((20, 30)) < 0.5, 0, 0.01).astype(np.float32)
    filled = bleed(colour, alpha, reach=2)
    np.testing.assert_array_equal(filled[alpha > 0], colour[alpha > 0])


@pytest.mark.parametrize("scale", [2, 3, 4, 5])
def test_limits_are_those_of_the_inputs_around_each_pixel(scale):
    """Against a loop: inputs less than one input pixel away, or exactly one beside a pixel on the grid."""
    alpha = RNG.random((5, 7), np.float32)
    upscaled = RNG.uniform(-0.5, 1.5, (5 * scale, 7 * scale)).astype(np.float32)
    limited = limit_to_neighbours(upscaled, alpha, scale)
    for y, x in np.ndindex(upscaled.shape):
        near = [
            alpha[row, column]
            for row, column in np.ndindex(alpha.shape)
            if is_near(y, row, scale, 5) and is_near(x, column, scale, 7)
        ]
        assert limited[y, x] == min(max(upscaled[y, x], min(near)), max(near))


def is_near(output, sample, scale, size):
    position = Fraction(2 * output + 1 - scale, 2 * scale)
    distance = abs(position - sample)
    beyond = position < 0 or position > size - 1  # outside all samples: the outermost one alone
    if beyond:
        return distance < 1
    return distance < 1 or (distance == 1 and position.denominator == 1)


def test_no_halo_runs_along_an_edge():
    """One input pixel beside a slanted opaque edge nothing is left of the network's overshoot."""
    y, x = np.mgrid[:60, :60]
    pixels = np.full((60, 60, 4), 200, np.uint8)
    distance = (x - 0.4 * y - 18) / np.hypot(1, 0.4)
    pixels[..., 3] = np.rint(np.clip(distance + 0.5, 0, 1) * 255)
    result = td.zoo.upscale(pixels, 3)[..., 3]
    y, x = (np.mgrid[:180, :180] - 1) / 3
    outside = (x - 0.4 * y - 18) / np.hypot(1, 0.4) < -1.85
    assert (result[outside] == 0).all()
