"""Fully convolutional networks: sizes, alignment, upsampling kinds, backbones and errors."""

import keras
import numpy as np
import pytest
from keras import layers
from shapes_network import shapes_backbone, shapes_fcn

from tfdeconv import alignment, zoo
from tfdeconv.errors import AlignmentError, InvalidArgumentError
from tfdeconv.zoo.segmentation.backbone import Resolutions, backbone_model, pyramid


def pooled_backbone(blocks=5, sizes=(None, None)):
    """One convolution and pooling by 2 for each block: samples lie between those of the picture."""
    image = x = keras.Input([*sizes, 3])
    for block in range(1, blocks + 1):
        x = layers.Conv2D(4, 3, padding="same", name=f"conv{block}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{block}")(x)
    return keras.Model(image, x, name="pooled")


def strided_backbone(blocks=5):
    """Strided convolutions with centred kernels, as in ResNet: samples lie on those of the picture."""
    image = x = keras.Input([None, None, 3])
    for block in range(1, blocks + 1):
        x = layers.ZeroPadding2D(1)(x)
        x = layers.Conv2D(4, 3, strides=2, name=f"conv{block}", activation="relu")(x)
    return keras.Model(image, x, name="strided")


UPSAMPLING = ("bilinear", "learned", "additive", "subpixel")
SIZES = [(64, 96), (65, 33), (1, 1), (31, 100)]


@pytest.mark.parametrize("upsampling", UPSAMPLING)
@pytest.mark.parametrize("stride", [32, 16, 8])
def test_output_has_the_size_of_the_picture(stride, upsampling):
    """Scores cover every picture pixel for pixel, whatever its size."""
    model = zoo.FCN(pooled_backbone(), 5, stride, upsampling)
    for size in SIZES:
        scores = model(np.zeros([1, *size, 3], "float32"))
        assert scores.shape == (1, *size, 5)
        assert model.compute_output_shape((1, *size, 3)) == (1, *size, 5)


@pytest.mark.parametrize("upsampling", ["bilinear", "learned"])
@pytest.mark.parametrize("backbone", [pooled_backbone, strided_backbone])
@pytest.mark.parametrize("stride", [32, 8])
def test_scores_lie_where_their_pixels_are(backbone, upsampling, stride):
    """The coordinate map from the picture to its scores is the identity."""
    model = zoo.FCN(backbone(), 2, stride, upsampling)
    rows, columns = alignment.trace(model.output)[model.input]
    assert (str(rows), str(columns)) == ("1 * x", "1 * x")


def test_a_ramp_comes_back_as_a_ramp():
    """The whole strided network with averaging kernels returns each pixel's own coordinate."""
    model = zoo.FCN(strided_backbone(), 1, 32)
    for layer in model.get_layer("strided_features").layers:
        if isinstance(layer, layers.Conv2D):
            channels = layer.kernel.shape[2]
            layer.set_weights([np.full(layer.kernel.shape, 1 / 9 / channels), np.zeros(4)])
    model.get_layer("score").set_weights([np.full([1, 1, 4, 1], 0.25), np.zeros(1)])
    ramp = np.broadcast_to(np.arange(320.0).reshape(1, -1, 1, 1), (1, 320, 320, 3))
    answer = np.array(model(ramp.astype("float32")))[0, 120:200, 120:200, 0]
    np.testing.assert_allclose(answer, np.broadcast_to(np.arange(120.0, 200.0)[:, None], (80, 80)), atol=1e-3)


@pytest.mark.parametrize("backbone", [pooled_backbone, strided_backbone])
def test_learned_upsampling_starts_as_bilinear(backbone):
    """Fixed and learned networks with the same other weights answer alike before training."""
    fixed, learned = (zoo.FCN(backbone(), 3, 8, kind) for kind in ("bilinear", "learned"))
    given = {weight.path: weight.numpy() for weight in fixed.weights}
    for weight in learned.weights:
        if weight.path in given:
            weight.assign(given[weight.path])
    x = np.random.default_rng(0).normal(size=(1, 70, 90, 3)).astype("float32")
    np.testing.assert_allclose(fixed(x), learned(x), rtol=1e-4, atol=1e-5)
    upsampling = [weight.path for weight in learned.trainable_weights if weight.path.startswith("upscore")]
    assert len(upsampling) == 3
    assert not any(weight.path.startswith("upscore") for weight in fixed.trainable_weights)


def test_skips_start_as_the_coarser_network():
    """Skip scores start at zero, so an untrained 8s answers as upsampled coarse scores."""
    model = zoo.FCN(pooled_backbone(), 3, 8)
    for layer in ("score_skip_1", "score_skip_2"):
        assert not np.any(model.get_layer(layer).get_weights()[0])


def test_head_of_the_paper():
    """head_filters adds fc6 (7 x 7) and fc7 (1 x 1) as convolutions."""
    model = zoo.FCN(pooled_backbone(), 3, 32, head_filters=6)
    assert model.get_layer("fc6").kernel_size == (7, 7)
    assert model.get_layer("fc7").kernel_size == (1, 1)


def test_backbone_by_name_skips_as_the_paper():
    """VGG16 by name skips from pool4 and pool3."""
    model = zoo.FCN("VGG16", 21, 8)
    extractor = model.get_layer("vgg16_features")
    made_by = [tensor._keras_history.operation.name for tensor in extractor.outputs]
    assert made_by == ["block5_pool", "block4_pool", "block3_pool"]
    assert model.compute_output_shape((2, 45, 77, 3)) == (2, 45, 77, 21)


@pytest.mark.parametrize("input_shape", [(None, None, 3), (64, 96, 3)])
def test_other_backbones_by_name(input_shape):
    """Skips are found by resolution; strided "same" layers are resolved for padded free sizes, too."""
    model = zoo.FCN("MobileNet", 4, 8, input_shape=input_shape)
    rows, _ = alignment.trace(model.output)[model.input]
    assert str(rows) == "1 * x"
    for size in ((64, 96), (70, 33)) if None in input_shape else ((64, 96),):
        assert model(np.zeros([1, *size, 3], "float32")).shape == (1, *size, 4)


def test_offsets_of_free_sizes_are_those_of_fixed_ones():
    """What is found for any padded size is what the layers do at a given one."""
    free, fixed = (zoo.FCN("MobileNet", 2, 16, input_shape=shape) for shape in ((None, None, 3), (96, 96, 3)))
    for name in ("crop_1", "scores"):
        offsets = [model.get_layer(name).coordinate_map((None, None)) for model in (free, fixed)]
        assert offsets[0] == offsets[1]


def test_padded_backbone_of_the_paper():
    """A first convolution padded by 100 makes the skips reach further; they are cropped instead."""
    image = x = keras.Input([None, None, 3])
    x = layers.Conv2D(4, 3)(layers.ZeroPadding2D(100)(x))
    for block in range(1, 6):
        x = layers.MaxPooling2D(2, padding="same", name=f"pool{block}")(x)
    x = layers.Conv2D(4, 7)(x)
    model = zoo.FCN(keras.Model(image, x), 3, 8, skip_layers=("pool4", "pool3"))
    assert model(np.zeros([1, 50, 70, 3], "float32")).shape == (1, 50, 70, 3)


def test_chosen_skip_layers():
    """skip_layers are taken as named, deepest first."""
    tensors = pyramid(pooled_backbone(), [2, 2], ["conv5", "conv4"]).features
    assert [tensor.shape[-1] for tensor in tensors] == [4, 4, 4]
    found = pyramid(pooled_backbone(), [2])
    assert found.factors == [2, 16]


def test_model_saves_and_loads(tmp_path):
    """A saved network answers alike after loading, offsets included."""
    model = shapes_fcn(8, "learned")
    x = np.random.default_rng(0).random([1, 50, 60, 3], np.float32)
    expected = np.array(model(x))
    model.save(tmp_path / "fcn.keras")
    loaded = keras.saving.load_model(tmp_path / "fcn.keras")
    np.testing.assert_allclose(loaded(x), expected, rtol=1e-5, atol=1e-6)


def test_training_reduces_the_loss():
    """Gradients reach the first layer through every upsampling."""
    model = shapes_fcn(8, "learned")
    model.compile(keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(0)
    x = rng.random([2, 64, 64, 3], np.float32)
    y = (x.mean(-1) > 0.5).astype("int32")
    before = model.get_layer("shapes_features").get_layer("conv1_1").get_weights()[0]
    losses = model.fit(x, y, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert np.any(model.get_layer("shapes_features").get_layer("conv1_1").get_weights()[0] != before)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"num_classes": 0}, r"num_classes must be at least 1; received 0"),
        ({"upsampling": "nearest"}, r"upsampling must be one of 'bilinear', .*; received 'nearest'"),
        ({"stride": 24}, r"stride must be the backbone's stride 32 divided by a power of 2; received 24"),
        ({"stride": 0}, r"received 0"),
        ({"stride": 8, "skip_layers": ["pool4"]}, r"skip_layers must name 2 layers, deepest first"),
        ({"stride": 16, "skip_layers": ["pool9"]}, r"must be layers of 'pooled'; received \['pool9'\]"),
        ({"stride": 16, "skip_layers": ["pool3"]}, r"must each have 2 times the resolution .* has 4 times"),
        ({"backbone": "VGG61"}, r"backbone must be a keras.Model or one of .*ResNet50.*; received 'VGG61'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, reason):
    """Each argument's rule is named with what was received."""
    with pytest.raises(InvalidArgumentError, match=reason):
        zoo.FCN(**{"backbone": pooled_backbone(), "num_classes": 2, **arguments})


def test_classifier_as_backbone_is_refused():
    """A model that ends in a vector is no backbone."""
    image = keras.Input([32, 32, 3])
    with pytest.raises(InvalidArgumentError, match=r"Leave its classifier off"):
        zoo.FCN(keras.Model(image, layers.GlobalAveragePooling2D()(image)), 2)


def test_upsampling_that_cannot_lie_on_the_samples_is_refused():
    """Sub-pixel and additive upsampling put samples between the coarse ones only."""
    for upsampling in ("subpixel", "additive"):
        with pytest.raises(AlignmentError, match=rf"upsampling='{upsampling}' by 32 cannot lie .*'bilinear'"):
            zoo.FCN(strided_backbone(), 2, 32, upsampling)


def test_backbone_without_the_resolution_is_refused():
    """A backbone that loses resolution by 4 at once has no skip between."""
    image = keras.Input([None, None, 3])
    with pytest.raises(InvalidArgumentError, match=r"has no layer of 2 times the resolution"):
        zoo.FCN(keras.Model(image, layers.MaxPooling2D(4)(image), name="steep"), 2, 2)


def test_stride_of_a_backbone_that_is_no_power_of_2():
    """A stride of 12 halves to 6 and 3, and to nothing else."""
    image = keras.Input([None, None, 3])
    x = layers.MaxPooling2D(2)(layers.MaxPooling2D(2)(layers.MaxPooling2D(3)(image)))
    backbone = keras.Model(image, x)
    assert zoo.FCN(backbone, 2, 3)(np.zeros([1, 25, 13, 3])).shape == (1, 25, 13, 2)
    with pytest.raises(InvalidArgumentError, match=r"stride 12 divided by a power of 2; received 1"):
        zoo.FCN(backbone, 2, 1)


def test_unequal_axes_are_refused():
    """A backbone that shrinks height and width differently is refused with both factors."""
    image = keras.Input([64, 64, 3])
    with pytest.raises(InvalidArgumentError, match=r"differ by 2 and 4"):
        zoo.FCN(keras.Model(image, layers.MaxPooling2D((2, 4))(image)), 2, 2)


def test_backbones_of_the_example():
    """The example's backbone has stride 32 and is taken as it is."""
    model = shapes_backbone()
    assert backbone_model(model) is model
    assert Resolutions(model).between(model.output, model.input) == 32
