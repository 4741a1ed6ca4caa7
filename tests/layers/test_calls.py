"""Sizes asked for at the call, symbolic shapes, mixed precision, and what the layers refuse."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance.cases import CASES
from conformance.modes import call

import tfdeconv as td
from tfdeconv.errors import InvalidArgumentError

L = td.layers


def symbolic(*shape):
    return keras.Input(shape)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_like_follows_the_reference(data_format):
    """U-Net's skip connections: 7 -> 4 -> 7 needs 7, not 8; also where sizes are known at run time only."""
    first = data_format == "channels_first"
    down = keras.layers.MaxPooling2D(2, padding="same", data_format=data_format)
    up = L.Conv2DTranspose(5, 3, strides=2, padding="same", data_format=data_format)
    x = keras.Input((3, None, None) if first else (None, None, 3))
    model = keras.Model(x, up(down(x), like=x))
    assert model.output_shape == ((None, 5, None, None) if first else (None, None, None, 5))
    for sizes in ((7, 9), (8, 5)):
        shape = (2, 3, *sizes) if first else (2, *sizes, 3)
        got = model(np.zeros(shape, "float32")).shape
        assert tuple(got) == ((2, 5, *sizes) if first else (2, *sizes, 5))


def test_output_shape_forms():
    """An int, a tuple, a tensor; symbolic shapes hold what is known."""
    layer = L.Conv2DTranspose(2, 3, strides=2, padding="same")
    x = np.zeros([1, 4, 4, 1], "float32")
    assert layer(x, output_shape=7).shape == (1, 7, 7, 2)
    assert layer(x, output_shape=(7, 8)).shape == (1, 7, 8, 2)
    assert layer(x, output_shape=tf.constant([8, 7])).shape == (1, 8, 7, 2)
    assert layer(symbolic(4, None, 1), output_shape=(7, 8)).shape == (None, 7, 8, 2)
    assert layer(symbolic(4, None, 1)).shape == (None, 8, None, 2)


@pytest.mark.parametrize(
    "sizes", [np.int64(7), np.array([7, 8]), (np.int64(7), np.int32(8)), tf.constant([7, 8]), tf.constant(7)]
)
def test_sizes_from_numpy_and_constants_are_known(sizes):
    """Whatever integers hold the sizes, they are the static sizes of a functional model, too."""
    layer = L.Conv2DTranspose(2, 3, strides=2, padding="same")
    wanted = layer(np.zeros([1, 4, 4, 1], "float32"), output_shape=sizes).shape
    assert layer(symbolic(4, 4, 1), output_shape=sizes).shape == (None, *wanted[1:])
    assert layer(symbolic(None, 4, 1), output_shape=sizes).shape == (None, *wanted[1:])


@pytest.mark.parametrize(
    "data", [np.zeros([1, 4, 4, 1], "float32"), symbolic(4, 4, 1)], ids=["eager", "symbolic"]
)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_shape": (7, 7, 2)}, "output_shape must be one value or 2"),
        ({"output_shape": (7,)}, "output_shape must be one value or 2"),
        ({"output_shape": "7"}, "output_shape must be an int; received '7'"),
        ({"output_shape": (7.0, 7.0)}, "output_shape must be an int; received 7.0"),
        ({"output_shape": (None, 7)}, "output_shape must be an int; received None"),
        ({"like": np.zeros([1, 7, 7])}, r"like must be a tensor of rank 4.*received shape \(1, 7, 7\)"),
        ({"like": 7}, "like must be a tensor of rank 4.*received 7"),
    ],
)
def test_requested_sizes_are_refused_alike(data, options, message):
    """A wrong output_shape or like is refused at the symbolic call, not first by the model."""
    with pytest.raises(InvalidArgumentError, match=message):
        L.Conv2DTranspose(2, 3, strides=2, padding="same")(data, **options)


@pytest.mark.parametrize("wanted", [6, 9])
def test_illegal_size_is_refused_with_its_range(wanted):
    """Static: at the (symbolic) call, with the range."""
    layer = L.Conv2DTranspose(2, 3, strides=2, padding="same")
    message = rf"must lie in \[7, 8\].*received {wanted}"
    for x in (np.zeros([1, 4, 4, 1], "float32"), symbolic(4, 4, 1)):
        with pytest.raises(InvalidArgumentError, match=message):
            layer(x, output_shape=wanted)


def test_output_shape_and_like_exclude_each_other():
    """Two answers to one question."""
    x = np.zeros([1, 4, 4, 1], "float32")
    for data in (x, symbolic(4, 4, 1)):
        with pytest.raises(InvalidArgumentError, match="exclude each other"):
            L.Conv2DTranspose(2, 3)(data, output_shape=6, like=data)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.Conv2DTranspose(4, 4, padding="same", strides=2, output_padding=0), "at least 1"),
        (lambda: L.Conv2DTranspose(4, 4, strides=2, output_padding=2), "below strides = 2"),
        (
            lambda: L.Conv2DTranspose(4, 4, padding=1, strides=2, output_padding=2),
            "max.strides, dilation_rate. = 2",
        ),
        (
            lambda: L.Conv2DTranspose(3, 4, groups=2),
            "filters must be a multiple of groups; received filters=3",
        ),
        (lambda: L.Conv2DTranspose("a", 4), "filters must be an int; received 'a'"),
        (lambda: L.Conv2DTranspose(4, 4, groups=None), "groups must be an int; received None"),
        (lambda: L.ResizeConv2D(4, 3, padding=1), "'same' or 'valid'; received 1"),
        (lambda: L.MaxUnpooling2D()(np.zeros([1, 2, 2, 1])), r"\[x, switches\]; received one tensor"),
        (lambda: L.Conv2DTranspose(2, 4)(keras.Input((4, 4, 1), dtype="uint8")), "received uint8"),
        (lambda: L.Conv2DTranspose((2, 2), 4), r"filters must be an int; received \(2, 2\)"),
        (lambda: L.Conv2DTranspose(4, 4, lowering=["auto"]), "lowering must be 'auto' or one of"),
        (lambda: L.DepthwiseConv2DTranspose(4, groups=2), "takes no groups: .* Use Conv2DTranspose"),
        (lambda: L.DepthwiseConv2DTranspose(4, filters=2), "takes no filters: .* Use Conv2DTranspose"),
        (lambda: L.SubpixelConv2D(4, 5, padding="valid")(symbolic(4, 4, 1)), "= 5 samples; received 4"),
        (lambda: L.ResizeConv2D(4, 5, padding="valid")(symbolic(2, 2, 1)), "= 5 samples; received 4"),
        (lambda: L.MaxPooling2DWithSwitches(5)(symbolic(4, 4, 1)), "= 5 samples; received 4"),
        (lambda: L.MaxPooling2DWithSwitches(2)(symbolic(4, 4)), "batch axis, 2 spatial axes"),
        (lambda: L.MaxPooling2DWithSwitches(2)(keras.Input((4, 4, 1), dtype="int32")), "received int32"),
        (lambda: L.MaxUnpooling2D(2)([symbolic(4, 4, 1)] * 2), "switches must be integers"),
        (
            lambda: L.MaxUnpooling2D(2)([symbolic(4, 4, 1), keras.Input((4, 3, 1), dtype="int64")]),
            "switches must be integers of x's shape",
        ),
        (lambda: L.CropLike(None), "offset must be an int; received None"),
        (lambda: L.CropLike(1.5), "offset must be an int; received 1.5"),
        (lambda: L.CropLike((1, "a")), "offset must be an int; received 'a'"),
        (lambda: L.CropLike(-1), "offset must be at least 0; received -1"),
        (
            lambda: L.CropLike(0)([symbolic(4, 4, 1), symbolic(4, 4)]),
            r"same number of axes.*received shapes \(None, 4, 4, 1\) and \(None, 4, 4\)",
        ),
        (lambda: L.CropLike(0)([np.zeros([1, 4, 4]), np.zeros([1, 4])]), "same number of axes"),
        (lambda: L.CropLike(0)([symbolic(4), symbolic(4)]), "1, 2 or 3 spatial axes"),
        (lambda: L.CropLike(0)([keras.Input((5, 5, 1))] * 3), r"\[tensor, reference\]; received 3 tensors"),
        (lambda: L.PixelShuffle2D(2, data_format=3), "'channels_last'; received 3"),
        (lambda: L.Conv2DTranspose(4, 4, lowering="best"), "lowering must be 'auto' or one of"),
        (lambda: L.Conv2DTranspose(4, 4, groups=2)(np.zeros([1, 4, 4, 3])), "groups must divide the 3 input"),
        (lambda: L.Conv2DTranspose(4, 4)(keras.Input((4, 4, None))), "known number of channels"),
        (lambda: L.DepthwiseConv2DTranspose(4, depth_multiplier=0), "depth_multiplier must be at least 1"),
        (lambda: L.DepthwiseConv2DTranspose(4)(keras.Input((4, 4, None))), "known number of channels"),
        (lambda: L.ResizeConv2D(4, 3)(keras.Input((4, 4, None))), "known number of channels"),
        (lambda: L.ResizeConv2D(0, 3), "filters must be at least 1"),
        (lambda: L.ResizeConv2D(4, 3, interpolation="area"), "'nearest' or 'bilinear'"),
        (lambda: L.SubpixelConv2D(4, 3, order="abc"), "order must be 'dcr'"),
        (lambda: L.SubpixelConv2D(4, 3, padding="causal"), "'same' or 'valid'"),
        (lambda: L.PixelShuffle2D(2)(keras.Input((4, 4, 6))), "= 4 channels; received 6"),
        (lambda: L.BilinearUpsampling2D(2, boundary="mirror"), "'zero' or 'edge'"),
        (lambda: L.BilinearAdditiveUpsampling2D(2, boundary="mirror"), "'zero' or 'edge'"),
        (lambda: L.BilinearAdditiveUpsampling2D(2)(keras.Input((4, 4, 6))), "reduction must divide the 6"),
        (lambda: L.MaxUnpooling2D(duplicates="mean"), "'last' or 'sum'"),
        (lambda: L.CropLike(offset="center"), "offset must be 'auto', an int"),
        (
            lambda: L.CropLike(offset=3)([keras.Input((5, 5, 1)), keras.Input((3, 3, 1))]),
            "must not pass the 5",
        ),
        (lambda: L.CropLike()([np.zeros([1, 5, 5, 1]), np.zeros([1, 3, 3, 1])]), "needs a functional graph"),
    ],
)
def test_refuses(make, message):
    """As early as the fault can be seen: construction, then build or symbolic call."""
    with pytest.raises(InvalidArgumentError, match=message):
        make()


def test_static_shapes_of_a_functional_model():
    """What is known stays known: sizes with an unknown batch, channels with unknown sizes."""
    x = symbolic(8, None, 4)
    assert L.Conv2DTranspose(6, 3, strides=2, padding=1)(x).shape == (None, 15, None, 6)
    assert L.DepthwiseConv2DTranspose(4, strides=2, padding="same", depth_multiplier=3)(x).shape == (
        None, 16, None, 12,
    )  # fmt: skip
    assert L.BilinearUpsampling2D(3)(x).shape == (None, 24, None, 4)
    assert L.ResizeConv2D(6, 3, padding="valid")(x).shape == (None, 14, None, 6)
    assert L.SubpixelConv2D(6, 3, factor=(2, 3), padding="valid")(x).shape == (None, 12, None, 6)
    assert L.PixelShuffle2D(2)(x).shape == (None, 16, None, 1)
    pooled, switches = L.MaxPooling2DWithSwitches(3, strides=2, padding="same")(x)
    assert pooled.shape == switches.shape == (None, 4, None, 4)
    assert switches.dtype == "int64"
    assert L.MaxUnpooling2D(3, strides=2, padding="same")([pooled, switches]).shape == (None, 8, None, 4)
    assert L.MaxUnpooling2D(3, strides=2)([pooled, switches], like=x).shape == (None, 8, None, 4)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.layer}, {case.name}")
def test_compute_output_shape(case):
    """Every layer tells its output's shape without being called, as the call then gives it."""
    layer = case.make("float32", "auto")
    rng = np.random.default_rng(0)
    inputs = [np.moveaxis(x, -1, 1) if case.channels_first else x for x in case.make_inputs(rng)]
    shapes = [x.shape for x in inputs]
    told = layer.compute_output_shape(shapes[0] if len(shapes) == 1 else shapes)
    given = call(layer, [x if n in case.integers else x.astype("float32") for n, x in enumerate(inputs)])
    assert [tuple(y.shape) for y in given] == (list(told) if len(given) == 2 else [told])


def test_pooling_and_unpooling_in_a_model():
    """SegNet's pair around a convolution that keeps the size, with sizes that do not divide."""
    x = symbolic(None, None, 2)
    pooled, switches = L.MaxPooling2DWithSwitches(2)(x)
    model = keras.Model(x, L.MaxUnpooling2D(2)([pooled, switches], like=x))
    data = np.random.default_rng(0).normal(size=(3, 5, 7, 2)).astype("float32")
    restored = model(data).numpy()
    assert restored.shape == data.shape
    np.testing.assert_array_equal(restored[restored != 0], data[restored != 0])
    assert (restored != 0).sum() == 3 * 2 * 3 * 2


def test_crop_like_auto_uses_the_graph():
    """Padded by 3, convolved, upsampled: the offset follows from the coordinate maps and stays."""
    x = symbolic(32, 32, 1)
    padded = keras.layers.ZeroPadding2D(8)(x)
    coarse = keras.layers.Conv2D(1, 4, strides=2)(padded)
    fine = L.Conv2DTranspose(1, 4, strides=2)(coarse)
    cropped = L.CropLike(name="crop")([fine, x])
    model = keras.Model(x, cropped)
    assert model.output_shape == (None, 32, 32, 1)
    assert td.alignment.crop_offset(fine, x) == (8, 8)
    fixed = keras.Model(x, L.CropLike(offset=8)([fine, x]))
    data = np.random.default_rng(0).normal(size=(1, 32, 32, 1)).astype("float32")
    np.testing.assert_array_equal(model(data), fixed(data))
    again = keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(data), model(data))
    assert again.get_layer("crop").offset == "auto"


def test_a_shared_auto_crop_needs_one_offset():
    """One layer has one offset; two places that need different ones are told so."""
    x = symbolic(16, 16, 1)
    crop = L.CropLike()
    crop([keras.layers.ZeroPadding2D(2)(x), x])
    with pytest.raises(td.errors.AlignmentError, match=r"different offsets, \(2, 2\) and \(3, 3\)"):
        crop([keras.layers.ZeroPadding2D(3)(x), x])


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int64"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_a_shuffle_tells_the_type_that_it_returns(policy, dtype):
    """Numbers are cast as in any layer; labels and raw pixels keep their type, which the graph knows."""
    x = keras.Input((2, 3, 4), dtype=dtype)
    model = keras.Model(x, L.PixelShuffle2D(2, dtype=policy)(x))
    assert model(np.ones([1, 2, 3, 4], dtype)).dtype == model.output.dtype


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_weights_in_float32(policy):
    """Compute in half precision, store and train in single."""
    for layer in (L.Conv2DTranspose(2, 4, strides=2, dtype=policy), L.ResizeConv2D(2, 3, dtype=policy)):
        y = layer(np.ones([1, 4, 4, 3], "float32"))
        assert y.dtype == layer.compute_dtype == policy.removeprefix("mixed_")
        assert {weight.dtype for weight in layer.weights} == {"float32"}


@pytest.mark.parametrize("make", [
    lambda: L.Conv2DTranspose(2, 4, strides=2, padding="same"),
    lambda: L.DepthwiseConv2DTranspose(4, strides=2, padding="same"),
    lambda: L.BilinearUpsampling2D(2, trainable=True),
    lambda: L.ResizeConv2D(2, 3),
    lambda: L.SubpixelConv2D(2, 3),
])  # fmt: skip
def test_layers_learn(make):
    """A step of gradient descent lowers the loss, with an L2 regularizer's and the data's share."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4, 4, 2)), make()])
    model.compile(keras.optimizers.SGD(0.05), "mse", jit_compile=False)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4, 4, 2)), rng.normal(size=(8, *model.output_shape[1:]))
    losses = model.fit(x, y, epochs=5, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_regularizers_constraints_and_activity():
    """All of Keras's hooks are wired."""
    for make in (L.Conv2DTranspose, L.ResizeConv2D, L.SubpixelConv2D):
        layer = make(
            2, 3, kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2",
            bias_initializer="ones", kernel_constraint="non_neg",
        )  # fmt: skip
        layer(np.ones([1, 4, 4, 3], "float32"))
        assert len(layer.losses) == 3
        assert layer.kernel.constraint is not None


def test_bilinear_start_of_a_learned_layer():
    """A dense and a depthwise deconvolution with the bilinear initializer equal the fixed layer."""
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("float32")
    expected = L.BilinearUpsampling2D(3)(x)
    options = {"kernel_size": 5, "strides": 3, "padding": "same", "use_bias": False}
    dense = L.Conv2DTranspose(3, **options, kernel_initializer=td.initializers.Bilinear())
    depthwise = L.DepthwiseConv2DTranspose(
        **options, kernel_initializer=td.initializers.Bilinear(groups=3, slices="every")
    )
    np.testing.assert_allclose(dense(x), expected, atol=1e-6)
    np.testing.assert_allclose(depthwise(x), expected, atol=1e-6)


def test_resize_conv_is_one_transposed_convolution():
    """Nearest resize + convolution: a box of the factor convolved with the flipped kernel, in one op."""
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(1, 4, 1, 1)), rng.normal(size=(3, 1, 1, 1))
    combined = np.convolve(np.ones(2), kernel[::-1].ravel()).reshape(4, 1, 1, 1)
    lead = 3 - 1 - 1  # k - 1 - pad_before
    y = td.ops.conv_transpose(x, combined, strides=(2, 1), padding=[(lead, 1), 0])
    np.testing.assert_allclose(td.ops.resize_conv(x, kernel, factor=(2, 1)), y, atol=1e-12)
