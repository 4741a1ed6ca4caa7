"""Coordinate maps of single layers against a measurement.

A ramp whose samples hold their own coordinates goes through the layer, with averaging or
interpolating weights. In the interior, output sample y then holds the input coordinate that it
stands for, whatever the layer's conventions are.
"""

from fractions import Fraction

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from tfdeconv import alignment, initializers
from tfdeconv import layers as td_layers
from tfdeconv.alignment import CoordinateMap
from tfdeconv.geometry import same_padding_before


def _mean(shape, dtype=None):
    """Averages over the kernel's window."""
    return np.full(shape, 1 / np.prod(shape[:-2]), "float32")


BILINEAR = initializers.Bilinear()

CASES = {
    "valid convolution": lambda: layers.Conv2D(1, (3, 4), (2, 1), kernel_initializer=_mean),
    "same convolution": lambda: layers.Conv2D(1, (3, 4), 2, padding="same", kernel_initializer=_mean),
    "same convolution of 1 tap": lambda: layers.Conv2D(1, 1, 3, padding="same", kernel_initializer=_mean),
    "dilated convolution": lambda: layers.Conv2D(1, 3, dilation_rate=(2, 3), kernel_initializer=_mean),
    "dilated same": lambda: layers.Conv2D(1, 2, dilation_rate=3, padding="same", kernel_initializer=_mean),
    "depthwise convolution": lambda: layers.DepthwiseConv2D(5, 3, "same", depthwise_initializer=_mean),
    "separable convolution": lambda: layers.SeparableConv2D(
        1, 3, 2, "same", depthwise_initializer=_mean, pointwise_initializer="ones"
    ),
    "valid pooling": lambda: layers.AveragePooling2D((2, 3)),
    "same pooling": lambda: layers.AveragePooling2D((3, 2), (2, 3), padding="same"),
    "maximum pooling of 1": lambda: layers.MaxPooling2D(1, 3),
    "keras transposed, valid": lambda: layers.Conv2DTranspose(1, 5, 3, kernel_initializer=BILINEAR),
    "keras transposed, same": lambda: layers.Conv2DTranspose(1, 4, 2, "same", kernel_initializer=BILINEAR),
    "keras transposed, output padding": lambda: layers.Conv2DTranspose(
        1, 5, 3, "same", output_padding=2, kernel_initializer=BILINEAR
    ),
    "transposed, valid": lambda: td_layers.Conv2DTranspose(1, (4, 8), (2, 4), kernel_initializer=BILINEAR),
    "transposed, same": lambda: td_layers.Conv2DTranspose(
        1, (3, 5), (2, 3), "same", kernel_initializer=BILINEAR
    ),
    "transposed, torch padding": lambda: td_layers.Conv2DTranspose(
        1, 3, 2, padding=1, output_padding=1, kernel_initializer=BILINEAR
    ),
    "transposed, pairs": lambda: td_layers.Conv2DTranspose(
        1, 4, 2, padding=((3, 1), (0, -2)), kernel_initializer=BILINEAR
    ),
    "linear upsampling": lambda: td_layers.BilinearUpsampling2D((2, 3)),
    "linear upsampling, edge": lambda: td_layers.BilinearUpsampling2D(4, boundary="edge"),
    "learned linear upsampling": lambda: td_layers.BilinearUpsampling2D(3, trainable=True),
    "depthwise transposed": lambda: td_layers.DepthwiseConv2DTranspose(
        5, 3, kernel_initializer=initializers.Bilinear(groups=1)
    ),
    "resize, then convolution": lambda: td_layers.ResizeConv2D(
        1, 3, (2, 3), interpolation="bilinear", kernel_initializer=_mean
    ),
    "keras bilinear": lambda: layers.UpSampling2D((2, 4), interpolation="bilinear"),
    "resizing": lambda: layers.Resizing(36, 20),
    "padding": lambda: layers.ZeroPadding2D(((3, 1), (0, 2))),
    "cropping": lambda: layers.Cropping2D(((3, 1), (0, 2))),
    "slicing": lambda: lambda x: x[:, 3:-1, -9:],
    "pointwise operator": lambda: lambda x: x * 1.0,
    "normalisation": lambda: layers.BatchNormalization(epsilon=0),
}
SIZES = (24, 17)


@pytest.mark.parametrize("case", CASES)
def test_map_is_where_a_ramp_ends_up(case):
    """Interior output y of a coordinate ramp is the inverse map of y, along each axis."""
    image = keras.Input([*SIZES, 1])
    output = CASES[case]()(image)
    maps = alignment.trace(output)[image]
    model = keras.Model(image, output)
    for axis, size in enumerate(SIZES):
        ramp = np.arange(size, dtype="float32").reshape([1, -1, 1, 1] if axis == 0 else [1, 1, -1, 1])
        answer = model.predict(np.broadcast_to(ramp, (1, *SIZES, 1)), verbose=0)[0, ..., 0]
        line = np.moveaxis(answer, axis, 0)
        line = line[:, line.shape[1] // 2]
        inverse = maps[axis].inverse()
        expected = np.array([float(inverse.scale * y + inverse.offset) for y in range(len(line))])
        interior = (expected > 4) & (expected < size - 5)
        assert interior.sum() >= 2
        np.testing.assert_allclose(line[interior], expected[interior], atol=1e-4)


def test_nearest_repeat_lies_around_its_source():
    """Nearest upsampling by f puts sample x in the middle of its f copies."""
    image = keras.Input([8, 1])
    (axis,) = alignment.trace(layers.UpSampling1D(3)(image))[image]
    copies = np.flatnonzero(np.repeat(np.arange(8), 3) == 5)
    assert axis.scale * 5 + axis.offset == Fraction(int(copies.sum()), len(copies))


@pytest.mark.parametrize(
    "layer",
    [
        lambda: td_layers.ResizeConv2D(1, 1, 3, kernel_initializer=_mean),
        lambda: td_layers.SubpixelConv2D(1, 1, 3, kernel_initializer=_mean),
        lambda: td_layers.SubpixelConv2D(1, 3, 3, padding="valid", kernel_initializer=_mean),
    ],
)
def test_repeated_samples_lie_around_their_source(layer):
    """Layers whose phases are equal give each sample f equal copies, centred on its place."""
    image = keras.Input([9, 9, 1])
    output = layer()(image)
    rows, _ = alignment.trace(output)[image]
    ramp = np.broadcast_to(np.arange(9.0).reshape(1, 9, 1, 1), (1, 9, 9, 1))
    line = keras.Model(image, output).predict(ramp, verbose=0)[0, :, 9, 0]
    copies = np.flatnonzero(np.isclose(line, 4))
    assert len(copies) == 3
    assert rows.scale * 4 + rows.offset == Fraction(int(copies.sum()), 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: td_layers.BilinearAdditiveUpsampling2D(3, reduction=1),
        lambda: td_layers.PixelShuffle2D(3),
        lambda: layers.UpSampling2D(3),
    ],
)
def test_resizing_layers_share_one_map(make):
    """All layers that give every sample f samples around it have the map of a half-pixel resize."""
    image = keras.Input([8, 8, 9])
    assert alignment.trace(make()(image))[image] == (CoordinateMap.resize(3),) * 2


def test_unpooling_undoes_the_map_of_its_pooling():
    """Pooled with switches and unpooled, samples lie where they were."""
    image = keras.Input([8, 12, 3])
    pooled = td_layers.MaxPooling2DWithSwitches((2, 3))(image)
    assert alignment.trace(pooled[0])[image] == alignment.trace(layers.MaxPooling2D((2, 3))(image))[image]
    unpooled = td_layers.MaxUnpooling2D((2, 3))(pooled, like=image)
    assert alignment.trace(unpooled)[image] == (CoordinateMap(),) * 2


def test_every_layer_of_ours_tells_its_map():
    """A layer of tfdeconv that is forgotten here would make graphs with it impossible to align."""
    missing = [name for name in td_layers.__all__ if not hasattr(getattr(td_layers, name), "coordinate_map")]
    assert missing == []


def test_causal_convolution_looks_back():
    """A causal convolution of k taps stands for coordinates (k - 1) / 2 before the output."""
    image = keras.Input([8, 1])
    (axis,) = alignment.trace(layers.Conv1D(1, 3, padding="causal")(image))[image]
    assert axis == CoordinateMap(Fraction(1), Fraction(1))


def test_three_axes_and_channels_first():
    """Volumes have three maps, and the layout decides which axes are spatial."""
    volume = keras.Input([2, 8, 9, 10])
    layer = layers.MaxPooling3D((1, 2, 3), padding="same", data_format="channels_first")
    maps = alignment.trace(layer(volume))[volume]
    assert [axis.scale for axis in maps] == [1, Fraction(1, 2), Fraction(1, 3)]
    assert [axis.offset for axis in maps] == [0, Fraction(-1, 4), Fraction(-1, 3) + Fraction(1, 3)]


MAPS = st.builds(CoordinateMap, st.fractions(1, 9, max_denominator=9), st.fractions(-9, 9, max_denominator=9))


@given(MAPS, MAPS, MAPS)
def test_maps_form_a_group(one, two, three):
    """Composition is associative, and the inverse undoes a map from both sides."""
    assert one.after(two).after(three) == one.after(two.after(three))
    assert one.after(one.inverse()) == one.inverse().after(one) == CoordinateMap()


@pytest.mark.parametrize("kernel", range(1, 8))
@pytest.mark.parametrize("stride", range(1, 5))
def test_same_padding_is_tensorflows(kernel, stride):
    """SAME's front padding reproduces the first output of a SAME convolution, for every size."""
    for size in range(1, 12):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)  # TensorFlow's documented rule
        assert same_padding_before(size, kernel, stride) == total // 2
    known = {same_padding_before(size, kernel, stride) for size in range(20, 40)}
    assert same_padding_before(None, kernel, stride) == (known.pop() if len(known) == 1 else None)
