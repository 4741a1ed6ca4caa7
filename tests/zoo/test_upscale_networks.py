"""Networks for tiles: how far they look, and the same pixels from a server as from this process."""

import keras
import numpy as np
import pytest

import tfdeconv as td
from tfdeconv.errors import FailedPreconditionError, InvalidArgumentError
from tfdeconv.tiling import Reach
from tfdeconv.zoo import KerasNetwork, LocalNetwork, ServedNetwork

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("build", [td.zoo.FSRCNN, td.zoo.Slim])
def test_pixels_beyond_the_radius_change_nothing(build, scale):
    """Trained or random, the network's output near a pixel depends on nothing farther away."""
    model = build(scale)
    model.set_weights([RNG.normal(0, 0.2, weight.shape) for weight in model.weights])
    radius = max(Reach(model).halo)
    size = 2 * radius + 5
    picture = RNG.random((1, size, size, 1), np.float32)
    changed = picture.copy()
    changed[:, 0] += 0.5
    rows = np.abs(model(picture) - model(changed)).max(axis=(0, 2, 3))
    assert (rows[(radius + 1) * scale :] == 0).all()


def test_the_radius_of_a_convolution_is_half_its_kernel():
    """Dilation counts; a pointwise model has none; and a chain adds up beyond the first probe."""
    image = keras.Input([None, None, 1])
    conv = keras.layers.Conv2D
    assert Reach(keras.Model(image, conv(1, 7, padding="same")(image))).halo == (3, 3)
    dilated = conv(1, 3, dilation_rate=4, padding="same")(image)
    assert Reach(keras.Model(image, dilated)).halo == (4, 4)
    assert Reach(keras.Model(image, keras.layers.ReLU()(image))).halo == (0, 0)
    chain = image
    for _ in range(4):
        chain = conv(1, 3, dilation_rate=10, padding="same")(chain)
    assert Reach(keras.Model(image, chain)).halo == (40, 40)


def test_weights_of_zero_do_not_hide_the_radius():
    """An untrained FSRCNN adds nothing to its bilinear residual, but it looks farther."""
    assert Reach(td.zoo.FSRCNN(2)).halo == (8, 8)


def test_any_keras_upscaler_enlarges_pictures_tile_by_tile():
    """A network of another's making, with a stride inside: the pixels of one large tile."""
    image = keras.Input([None, None, 3])
    half = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    model = keras.Model(image, keras.layers.Conv2DTranspose(3, 8, strides=4, padding="same")(half))
    network = KerasNetwork(model)
    assert (network.scale, network.stride) == (2, 2)
    pixels = RNG.random((70, 91, 3), np.float32)
    whole = np.clip(np.asarray(model(pixels[np.newaxis]))[0, :, :182], 0, 1)
    np.testing.assert_allclose(td.zoo.upscale(pixels, 2, network=network, tile=32), whole, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_networks_of_mixed_precision_enlarge_pictures(policy):
    """Their halves end at 65504, and Pillow resamples none."""
    image = keras.Input([None, None, 3])
    model = keras.Model(image, keras.layers.UpSampling2D(2, dtype=policy)(image))
    white = np.full((9, 12, 3), 65535, np.uint16)
    for scale in (2, 1.5):
        assert (td.zoo.upscale(white, scale, network=KerasNetwork(model)) == 65535).all()


def test_what_enlarges_no_pictures_is_refused():
    """Shapes, factors, and layers that mix globally, each in words."""
    image = keras.Input([None, None, 3])
    with pytest.raises(InvalidArgumentError, match="whole factor, 2 or more; this one has 1 and 1"):
        KerasNetwork(keras.Model(image, keras.layers.ReLU()(image)))
    with pytest.raises(InvalidArgumentError, match="any size to larger ones"):
        KerasNetwork(td.zoo.FSRCNN(2))
    mixed = keras.layers.UpSampling2D(2)(keras.layers.GroupNormalization(1)(image))
    with pytest.raises(InvalidArgumentError, match="no exact tiles: layer group_norm"):
        KerasNetwork(keras.Model(image, mixed))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of the x2 RGB model that tfdeconv ships."""
    base = tmp_path_factory.mktemp("models") / "upscaler"
    td.export_saved_model(td.zoo.RGBUpscaler(td.zoo.load_upscaler(2), 2), base)
    with td.serving.Server(model_base_path=base, model_name="upscaler", grpc_port=0, rest_port=0) as running:
        yield running


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint16), (3, np.uint8), (4, np.uint8)])
def test_a_server_gives_the_same_pixels(server, protocol, channels, dtype):
    """Over both protocols, grey, colour and alpha, several tiles in flight: bit for bit."""
    pixels = RNG.integers(0, np.iinfo(dtype).max, (70, 90, channels), dtype)
    url = server.grpc_url if protocol == "grpc" else server.rest_url
    with td.client.connect(url, model="upscaler") as client:
        served = td.zoo.upscale(pixels, 2, network=ServedNetwork(client), tile=60)
    np.testing.assert_array_equal(served, td.zoo.upscale(pixels, 2, tile=60))


def test_a_server_can_do_other_scales_than_its_own(server):
    """From x2 alone: 1.5 by reduction, 3 in two passes and reduced."""
    pixels = RNG.integers(0, 255, (30, 40, 3), np.uint8)
    with td.client.connect(server.grpc_url, model="upscaler") as client:
        network = ServedNetwork(client)
        assert network.scale == 2
        assert td.zoo.upscale(pixels, 1.5, network=network).shape == (45, 60, 3)
        assert td.zoo.upscale(pixels, 3, network=network).shape == (90, 120, 3)


class FakeClient:
    """Answers with a function of each batch, and counts how far requests are drawn ahead."""

    def __init__(self, answer):
        self.answer = answer

    def tile_rule(self):
        return None

    def predict_many(self, requests, *, concurrency):
        return map(self.answer, requests)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda batch: {"same": batch}, "whole factor, 2 or more; it maps 5x4 pixels to 5x4"),
        (lambda batch: {"wide": batch.repeat(2, axis=2)}, "it maps 5x4 pixels to 10x4"),
        (lambda batch: {"a": batch, "b": batch}, "one output; it has a, b"),
        (lambda batch: {"classes": np.zeros([1, 10])}, r"must return RGB .* it returned \[1, 10\]"),
        (lambda batch: {"luma": batch[..., :1]}, r"it returned \[1, 4, 5, 1\]"),
    ],
)
def test_a_served_model_that_is_no_upscaler_is_told_apart(answer, message):
    """Before any photograph is sent: the message says what the model does instead."""
    with pytest.raises(FailedPreconditionError, match=message):
        ServedNetwork(FakeClient(answer))


def test_a_served_network_takes_the_context_it_is_given():
    """Models of other kinds may look farther than ours."""
    network = ServedNetwork(FakeClient(lambda b: {"x": b.repeat(5, axis=1).repeat(5, axis=2)}), context=21)
    assert (network.scale, network.context) == (5, 21)


def test_batches_are_drawn_as_results_are_consumed():
    """A picture of any size needs the memory of a few tiles."""
    drawn = []

    def batches():
        for index in range(10):
            drawn.append(index)
            yield np.zeros((1, 4, 4, 3), np.float32)

    network = LocalNetwork(td.zoo.FSRCNN(2), 2)
    results = network.run(batches())
    next(results)
    assert drawn == [0]
