"""Models that go to ONNX and come back compute the same."""

import keras
import numpy as np
import pytest

import tfdeconv as td
from tfdeconv import layers

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SEEDED = keras.initializers.RandomNormal(seed=1)
WEIGHTS = {"kernel_initializer": SEEDED, "bias_initializer": keras.initializers.RandomNormal(seed=2)}

LAYERS = {
    1: [
        lambda: layers.Conv1DTranspose(3, 5, 3, "same", dilation_rate=2, **WEIGHTS),
        lambda: layers.Conv1DTranspose(4, 4, 2, padding=1, output_padding=1, groups=2, **WEIGHTS),
        lambda: layers.LinearUpsampling1D(3, boundary="edge"),
    ],
    2: [
        lambda: layers.Conv2DTranspose(3, (3, 4), (2, 3), "same", **WEIGHTS),
        lambda: layers.Conv2DTranspose(3, 3, 2, padding=1, output_padding=1, dilation_rate=(1, 2), **WEIGHTS),
        lambda: layers.Conv2DTranspose(6, 4, (1, 3), padding=((0, 3), (2, -1)), groups=2, **WEIGHTS),
        lambda: layers.DepthwiseConv2DTranspose(4, (2, 3), "same", depth_multiplier=2, **WEIGHTS),
        lambda: layers.BilinearUpsampling2D((2, 4), boundary="edge"),
        lambda: layers.BilinearUpsampling2D(3),
        lambda: layers.PixelShuffle2D((4, 1), order="crd"),
    ],
    3: [
        lambda: layers.Conv3DTranspose(2, 3, (2, 1, 3), "same", **WEIGHTS),
        lambda: layers.Conv3DTranspose(4, 2, 2, "valid", groups=2, dilation_rate=(1, 2, 1), **WEIGHTS),
        lambda: layers.TrilinearUpsampling3D(2),
    ],
}


def backbone():
    """Three poolings of a few filters, as VGG has them."""
    image = x = keras.Input([None, None, 3])
    for stage in range(3):
        x = keras.layers.Conv2D(4 + stage, 3, padding="same", activation="relu", name=f"conv{stage}")(x)
        x = keras.layers.MaxPooling2D(name=f"pool{stage}")(x)
    return keras.Model(image, x, name="backbone")


MODELS = {
    "slim x2": lambda: td.zoo.load_upscaler(2),
    "fsrcnn x2 rgb": lambda: td.zoo.RGBUpscaler(td.zoo.FSRCNN(2, weights="cc0-photos"), 2),
    "fcn 4s": lambda: td.zoo.FCN(backbone(), 3, 4, "learned"),
    "unet": lambda: td.zoo.UNetDecoder(backbone(), 2, filters=(6, 5, 4)),
    "dcgan": lambda: td.zoo.DCGANGenerator(16, width=8),
}


def check_round_trip(model, path, data_format="channels_last"):
    """Export, read back, and compare at two sizes, neither a multiple of the other nor of a stride."""
    td.export_portable(model, path)
    back = td.convert.from_onnx(path, data_format=data_format)
    for base in (7, 10):
        shape = [n + base if size is None else size for n, size in enumerate(model.input_shape[1:])]
        x = np.random.default_rng(base).normal(size=[2, *shape]).astype("float32")
        expected, answers = keras.tree.flatten(model(x)), keras.tree.flatten(back(x))
        assert len(answers) == len(expected)
        for answer, wanted in zip(answers, expected, strict=True):
            answer, wanted = np.asarray(answer), np.asarray(wanted)
            assert answer.shape == wanted.shape
            np.testing.assert_allclose(answer, wanted, rtol=0, atol=1e-5 * max(1.0, np.abs(wanted).max()))


@pytest.mark.parametrize("rank", LAYERS)
def test_layers_come_back(tmp_path, rank):
    """Groups, dilation, strides that differ, output padding, any size: the same numbers."""
    image = keras.Input([None] * rank + [4], name="x")
    model = keras.Model(image, [make()(image) for make in LAYERS[rank]])
    check_round_trip(model, tmp_path / "model.onnx")


@pytest.mark.parametrize("name", MODELS)
def test_models_come_back(tmp_path, name):
    """Upscalers, segmentation that pads its picture, and a generator: the same numbers."""
    keras.utils.set_random_seed(3)
    check_round_trip(MODELS[name](), tmp_path / "model.onnx")


def test_sizes_asked_for_come_back(tmp_path):
    """like= becomes a crop to the sizes of the same tensor."""
    image = keras.Input([None, None, 3], name="image")
    features = keras.layers.Conv2D(4, 4, 2)(image)
    up = layers.Conv2DTranspose(2, 4, 2, "valid", **WEIGHTS)(features, like=image)
    features = keras.layers.Conv2D(4, 4, 2)(keras.layers.ZeroPadding2D(1)(image))
    depthwise = layers.DepthwiseConv2DTranspose(4, 2, padding=1, **WEIGHTS)(features, like=image)
    check_round_trip(keras.Model(image, [up, depthwise]), tmp_path / "model.onnx")


@pytest.mark.parametrize("order", ["dcr", "crd"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_pixel_shuffles_come_back_as_layers(tmp_path, rank, order):
    """Channels first, and factors that differ: one layer, in that order."""
    shuffle = getattr(layers, f"PixelShuffle{rank}D")((2, 3, 1)[:rank], order, data_format="channels_first")
    image = keras.Input([12] + [None] * rank)
    path = tmp_path / "model.onnx"
    check_round_trip(keras.Model(image, shuffle(image)), path, "channels_first")
    back = td.convert.from_onnx(path, data_format="channels_first")
    (found,) = [layer for layer in back.layers if not isinstance(layer, keras.layers.InputLayer)]
    assert (type(found), found.factor, found.order) == (type(shuffle), shuffle.factor, order)
