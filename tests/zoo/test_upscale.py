"""Upscaling by tiles: the same pixels as at once, for every kind of picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import tfdeconv as td
from tfdeconv.errors import InvalidArgumentError
from tfdeconv.zoo import LocalNetwork
from tfdeconv.zoo.pictures.upscaling import output_size, passes

RNG = np.random.default_rng(5)


def random_network(scale):
    """A network that changes every pixel by what lies anywhere in its receptive field."""
    model = td.zoo.FSRCNN(scale, d=8, s=4, m=2)
    kernel = model.get_layer("deconvolution").kernel
    kernel.assign(RNG.normal(0, 0.1, kernel.shape))
    return LocalNetwork(model, scale)


NETWORKS = {scale: random_network(scale) for scale in (2, 3, 4)}


class Recorder:
    """Passes batches to a network and remembers their shapes."""

    def __init__(self, network):
        self.network = network
        self.scale = network.scale
        self.context, self.stride = network.context, network.stride
        self.shapes = []

    def run(self, batches):
        def seen():
            for batch in batches:
                self.shapes.append(batch.shape)
                yield batch

        return self.network.run(seen())


def picture(height, width, channels):
    pixels = RNG.random((height, width, channels), np.float32)
    if channels in (2, 4):  # opaque, invisible and in between
        pixels[..., -1] = np.clip(3 * RNG.random((height, width), np.float32) - 1, 0, 1)
        pixels[: height // 3, ..., -1] = 0
        pixels[-height // 3 :, ..., -1] = 1
    return pixels


@settings(max_examples=40)
@given(
    scale=st.sampled_from([2, 3, 4]),
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    channels=st.integers(1, 4),
    room=st.integers(1, 50),
)
def test_tiles_give_the_picture_that_is_upscaled_at_once(scale, height, width, channels, room):
    """Whatever the size of the tiles, floats agree within 1e-5: there are no seams."""
    network = NETWORKS[scale]
    pixels = picture(height, width, channels)
    context = network.context * (2 if channels in (2, 4) else 1) + 1
    whole = td.zoo.upscale(pixels, scale, network=network, tile=1000)
    tiled = td.zoo.upscale(pixels, scale, network=network, tile=2 * context + room)
    assert whole.shape == (height * scale, width * scale, channels)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


@settings(max_examples=20)
@given(
    factor=st.floats(1.05, 8), height=st.integers(2, 40), width=st.integers(2, 40), channels=st.integers(1, 4)
)
def test_tiles_of_a_free_scale_have_no_seams_either(factor, height, width, channels):
    """The last reduction sees beyond its tile, so it agrees with that of the whole picture."""
    pixels = picture(height, width, channels)
    whole = td.zoo.upscale(pixels, factor, network=NETWORKS[3], tile=1000)
    tiled = td.zoo.upscale(pixels, factor, network=NETWORKS[3], tile=51)
    assert whole.shape == (output_size(height, factor), output_size(width, factor), channels)
    np.testing.assert_allclose(tiled, whole, atol=2e-5)


def test_too_little_context_shows_as_seams():
    """The comparison above can fail: with a pixel less than the receptive radius it does."""
    network = random_network(2)
    pixels = picture(60, 60, 3)
    whole = td.zoo.upscale(pixels, 2, network=network, tile=1000)
    network.context -= 3
    tiled = td.zoo.upscale(pixels, 2, network=network, tile=25)
    assert np.abs(tiled - whole).max() > 1e-5


def test_a_whole_picture_is_what_the_rgb_model_makes_of_it():
    """Nothing but the network touches a colour picture of floats."""
    model = td.zoo.load_upscaler(2)
    pixels = picture(20, 30, 3)
    expected = td.zoo.RGBUpscaler(model, 2)(pixels[np.newaxis])[0]
    np.testing.assert_allclose(td.zoo.upscale(pixels, 2), expected, atol=1e-6)


def test_grey_is_the_luma_network_alone():
    """Grey in [0, 1] is luma in [16 / 255, 235 / 255], there and back."""
    model = td.zoo.load_upscaler(2)
    grey = picture(20, 30, 1)
    luma = model(grey[np.newaxis] * 219 / 255 + 16 / 255)[0].numpy()
    expected = np.clip((luma - 16 / 255) * 255 / 219, 0, 1)
    np.testing.assert_allclose(td.zoo.upscale(grey, 2), expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_integers_are_the_floats_rounded(dtype, channels):
    """uint8 and uint16 span [0, 1]; the result has the same type, nearest level."""
    top = np.iinfo(dtype).max
    pixels = np.rint(picture(17, 22, channels) * top).astype(dtype)
    exact = td.zoo.upscale(pixels.astype(np.float32) / top, 2, network=NETWORKS[2])
    result = td.zoo.upscale(pixels, 2, network=NETWORKS[2])
    assert result.dtype == dtype
    np.testing.assert_allclose(result, exact * top, atol=0.51 if dtype is np.uint8 else 0.6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_keep_their_type(dtype):
    """The result has the type of the picture."""
    assert td.zoo.upscale(np.ones([4, 4], dtype), 2, network=NETWORKS[2]).dtype == dtype


def test_axes_are_kept():
    """[height, width] in, [height, width] out."""
    grey = picture(9, 8, 1)
    flat = td.zoo.upscale(grey[..., 0], 3, network=NETWORKS[3])
    assert flat.shape == (27, 24)
    np.testing.assert_array_equal(flat, td.zoo.upscale(grey, 3, network=NETWORKS[3])[..., 0])


def test_the_argument_is_not_changed():
    """Also where colours bleed under the transparency."""
    pixels = picture(30, 30, 4)
    before = pixels.copy()
    td.zoo.upscale(pixels, 2, network=NETWORKS[2])
    np.testing.assert_array_equal(pixels, before)


def test_the_default_network_beats_bicubic():
    """A photograph, halved and enlarged again, comes closer to the original than by Pillow's bicubic."""
    from tfdeconv.cli.commands.demo import PHOTO

    with Image.open(PHOTO) as image:
        original = image.convert("RGB")
    small = original.resize((original.width // 2, original.height // 2), Image.Resampling.BICUBIC)
    ours = td.zoo.upscale(np.asarray(small), 2)
    bicubic = np.asarray(small.resize(original.size, Image.Resampling.BICUBIC))
    errors = [np.square(np.asarray(original, np.float64) - other).mean() for other in (ours, bicubic)]
    assert errors[0] < 0.8 * errors[1]


def test_a_free_scale_is_the_larger_picture_reduced():
    """1.5 is 2, reduced with Pillow's bicubic filter."""
    pixels = picture(20, 30, 1)
    double = td.zoo.upscale(pixels, 2, network=NETWORKS[2])[..., 0]
    expected = Image.fromarray(double).resize((45, 30), Image.Resampling.BICUBIC)
    result = td.zoo.upscale(pixels, 1.5, network=NETWORKS[2])[..., 0]
    np.testing.assert_allclose(result, np.clip(np.asarray(expected), 0, 1), atol=1e-5)


def test_large_scales_take_two_passes():
    """6 is 3, then 2 of that."""
    pixels = picture(5, 6, 3)
    first = td.zoo.upscale(pixels, 3)
    np.testing.assert_allclose(td.zoo.upscale(pixels, 6), td.zoo.upscale(first, 2), atol=1e-5)


@pytest.mark.parametrize(
    ("scale", "expected"),
    [(1.01, (2,)), (2, (2,)), (2.01, (3,)), (4, (4,)), (4.5, (3, 2)), (6, (3, 2)), (7, (4, 2)), (16, (4, 4))],
)
def test_passes_are_few_and_reach_just_far_enough(scale, expected):
    """One pass up to 4, else two whose product is the least that suffices."""
    assert passes(scale, (2, 3, 4)) == expected


def test_only_the_first_pass_repairs():
    """6 from JPEG is 3 with the weights for it, then 2 of that with those for clean pictures."""
    pixels = picture(9, 8, 3)
    first = td.zoo.upscale(pixels, 3, source="jpeg")
    assert np.abs(first - td.zoo.upscale(pixels, 3)).max() > 1e-3
    expected = td.zoo.upscale(first, 2)
    np.testing.assert_allclose(td.zoo.upscale(pixels, 6, source="jpeg"), expected, atol=1e-5)


def test_quality_chooses_the_network():
    """The pixels are those of the network that load_upscaler gives."""
    pixels = picture(9, 8, 3)
    fine = td.zoo.LocalNetwork(td.zoo.load_upscaler(2, quality="fine"), 2)
    result = td.zoo.upscale(pixels, 2, quality="fine")
    np.testing.assert_allclose(result, td.zoo.upscale(pixels, 2, network=fine), atol=1e-6)
    assert np.abs(result - td.zoo.upscale(pixels, 2)).max() > 1e-3


def test_a_quality_that_there_is_not_is_refused():
    """In words, before any work."""
    with pytest.raises(InvalidArgumentError, match="quality must be 'fast' or 'fine'; received 'slow'"):
        td.zoo.upscale(np.zeros([4, 4], np.uint8), 2, quality="slow")


@pytest.mark.parametrize("scale", [1, 0.5, 0, -2, 16.5, float("nan"), float("inf")])
def test_scales_out_of_reach_are_refused(scale):
    """The message names the range and the value."""
    with pytest.raises(InvalidArgumentError, match=f"above 1 and at most 16; received {scale:g}"):
        td.zoo.upscale(np.zeros([4, 4], np.uint8), scale)


@given(size=st.integers(1, 10_000), scale=st.floats(1.001, 16))
def test_sizes_are_rounded(size, scale):
    """The side nearest to the exact one, and never smaller than before."""
    assert abs(output_size(size, scale) - size * scale) <= 0.5
    assert output_size(size, scale) >= size


@pytest.mark.parametrize("shape", [(4,), (4, 4, 5), (4, 4, 0), (0, 4, 3), (1, 4, 4, 3)])
def test_arrays_that_are_no_pictures_are_refused(shape):
    """The message names the shape."""
    with pytest.raises(InvalidArgumentError, match=r"image must be \[height, width\].*received shape"):
        td.zoo.upscale(np.zeros(shape, np.uint8), 2)


@pytest.mark.parametrize("dtype", [bool, np.int32, np.complex64, object])
def test_types_without_a_range_are_refused(dtype):
    """Only uint8, uint16 and floats say what white is."""
    with pytest.raises(InvalidArgumentError, match="image must be uint8, uint16 or floats"):
        td.zoo.upscale(np.zeros([4, 4], dtype), 2)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_named(value):
    """Dividing by the largest value, the advice for other ranges, would not help."""
    image = np.zeros((4, 5, 3))
    image[1, 2, 0] = value
    with pytest.raises(
        InvalidArgumentError, match="image must hold finite numbers; 1 of 60 are NaN or infinite"
    ):
        td.zoo.upscale(image, 2)


@pytest.mark.parametrize("value", [255.0, -1.0])
def test_floats_of_another_range_are_refused(value):
    """0 to 255 is the usual mistake."""
    with pytest.raises(InvalidArgumentError, match=r"must lie in \[0, 1\]"):
        td.zoo.upscale(np.full([4, 4], value), 2)


@pytest.mark.parametrize("channels", [3, 4])
def test_what_the_network_sees_is_set_by_tile_alone(channels):
    """A large picture reaches the network in pieces of at most ``tile``, all alike: so is its memory."""
    recorder = Recorder(NETWORKS[2])
    td.zoo.upscale(picture(150, 260, channels), 2, network=recorder, tile=64)
    assert all(max(shape[1:3]) <= 64 for shape in recorder.shapes)
    assert len({shape[1:] for shape in recorder.shapes}) == 1


def test_flat_alpha_costs_nothing():
    """An opaque picture with an alpha channel takes one picture a tile, not two."""
    pixels = picture(40, 40, 4)
    pixels[..., -1] = 1
    recorder = Recorder(NETWORKS[2])
    result = td.zoo.upscale(pixels, 2, network=recorder)
    assert [shape[0] for shape in recorder.shapes] == [1]
    np.testing.assert_array_equal(result[..., -1], 1)


@pytest.mark.parametrize("scale", [2, 1.5, 6])
def test_progress_counts_every_pixel_of_every_pass(scale):
    """The counts rise to the total, which is the pixels of all passes."""
    calls = []
    pixels = picture(40, 50, 3)
    td.zoo.upscale(pixels, scale, tile=32, progress=lambda done, total: calls.append((done, total)))
    counts = [done for done, _ in calls]
    assert counts == sorted(set(counts))
    assert calls[-1][0] == calls[-1][1]
    assert {total for _, total in calls} == {{2: 8000, 1.5: 4500, 6: 72_000 + 18_000}[scale]}
