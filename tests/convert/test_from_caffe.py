"""Caffe's Deconvolution and Crop against loops over Caffe's own definitions."""

from types import SimpleNamespace

import numpy as np
import pytest

from tfdeconv import convert
from tfdeconv.convert.caffe_layers import bilinear_filler
from tfdeconv.errors import ConversionError

RNG = np.random.default_rng(5)


def _deconvolve(x, weight, bias, stride, pad, groups):
    """Caffe's deconvolution as a loop: every input stamps its kernel, then ``pad`` is cut off all around."""
    channels, height, width = x.shape
    _, per_group, kernel_h, kernel_w = weight.shape
    full = np.zeros((per_group * groups, (height - 1) * stride + kernel_h, (width - 1) * stride + kernel_w))
    for c in range(channels):
        group = c // (channels // groups)
        for j in range(per_group):
            for row in range(height):
                for column in range(width):
                    top, left = row * stride, column * stride
                    full[group * per_group + j, top : top + kernel_h, left : left + kernel_w] += (
                        x[c, row, column] * weight[c, j]
                    )
    return full[:, pad : full.shape[1] - pad, pad : full.shape[2] - pad] + bias[:, None, None]


def _fill(size):
    """BilinearFiller of filler.hpp, line by line."""
    factor = int(np.ceil(size / 2))
    centre = (2 * factor - 1 - factor % 2) / (2.0 * factor)
    kernel = np.zeros((size, size))
    for i in range(size * size):
        x, y = i % size, (i // size) % size
        kernel[y, x] = (1 - abs(x / factor - centre)) * (1 - abs(y / factor - centre))
    return kernel


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("kernel", "stride", "pad"), [(4, 2, 1), (3, 1, 0), (5, 3, 2)])
def test_trained_deconvolution(kernel, stride, pad, groups):
    """Arrays, group, stride and pad give Caffe's output."""
    weight, bias = RNG.normal(size=(4, 6 // groups, kernel, kernel)), RNG.normal(size=6)
    parameters = {
        "type": "Deconvolution",
        "name": "up",
        "convolution_param": {
            "num_output": 6,
            "kernel_size": [kernel],
            "stride": [stride],
            "pad": [pad],
            "group": groups,
        },
    }
    layer = convert.from_caffe(parameters, [weight, bias.reshape(1, 1, 1, 6)])
    x = RNG.normal(size=(4, 3, 5))
    answer = np.array(layer(np.moveaxis(x, 0, -1)[None]))[0]
    expected = _deconvolve(x, weight, bias, stride, pad, groups)
    np.testing.assert_allclose(np.moveaxis(answer, -1, 0), expected, atol=1e-10)
    assert layer.name == "up"


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 7, 16, 63, 64])
def test_bilinear_filler(size):
    """The filler is Caffe's for every size, the asymmetric ones included, in every slice."""
    weight = bilinear_filler([3, 2, size, size])
    np.testing.assert_allclose(weight, np.broadcast_to(_fill(size), weight.shape), atol=1e-7)


def test_layer_from_its_filler():
    """Without arrays the bilinear filler makes them: FCN's per-class upsampling."""
    parameters = SimpleNamespace(  # what a protobuf message looks like
        type="Deconvolution",
        name="upscore",
        convolution_param=SimpleNamespace(
            num_output=3,
            group=3,
            kernel_size=[4],
            stride=[2],
            bias_term=False,
            weight_filler=SimpleNamespace(type="bilinear"),
        ),
    )
    layer = convert.from_caffe(parameters, channels=3)
    x = RNG.normal(size=(3, 4, 5))
    expected = _deconvolve(x, np.broadcast_to(_fill(4), (3, 1, 4, 4)), np.zeros(3), 2, 0, 3)
    answer = np.array(layer(np.moveaxis(x, 0, -1)[None].astype("float32")))[0]
    np.testing.assert_allclose(np.moveaxis(answer, -1, 0), expected, atol=1e-5)


def test_unequal_axes():
    """kernel_h and kernel_w, stride_h and stride_w, pad_h and pad_w are read."""
    parameters = {
        "num_output": 2,
        "kernel_h": 3,
        "kernel_w": 4,
        "stride_h": 1,
        "stride_w": 2,
        "pad_h": 0,
        "pad_w": 1,
    }
    layer = convert.from_caffe(
        {"type": "Deconvolution", "convolution_param": parameters}, [np.zeros([1, 2, 3, 4]), np.zeros(2)]
    )
    assert (layer.kernel_size, layer.strides, layer.padding) == ((3, 4), (1, 2), (0, 1))


@pytest.mark.parametrize(("offset", "expected"), [([], (0, 0)), ([2], (2, 2)), ([1, 3], (1, 3))])
def test_crop(offset, expected):
    """Crop cuts the reference's size at the offsets; none means 0, one serves both axes."""
    layer = convert.from_caffe({"type": "Crop", "crop_param": {"axis": 2, "offset": offset}})
    x = RNG.normal(size=(1, 8, 9, 2))
    row, column = expected
    answer = layer([x, np.zeros([1, 4, 5, 3])])
    np.testing.assert_array_equal(answer, x[:, row : row + 4, column : column + 5])


def _deconvolution(**parameters):
    return {"type": "Deconvolution", "convolution_param": {"num_output": 2, "kernel_size": 4, **parameters}}


@pytest.mark.parametrize(
    ("parameters", "options", "reason"),
    [
        ({"type": "Pooling"}, {}, r"type must be 'Deconvolution' or 'Crop'; received 'Pooling'"),
        ({"type": "Crop", "crop_param": {"axis": 1}}, {}, r"axis 2\); received axis=1"),
        ({"type": "Crop", "crop_param": {"offset": [1, 2, 3]}}, {}, r"received \[1, 2, 3\]"),
        (_deconvolution(), {"channels": 2}, r"weight_filler must be 'bilinear'; received 'constant'"),
        (_deconvolution(weight_filler={"type": "bilinear"}), {}, r"channels must be given"),
        (_deconvolution(group=3), {}, r"num_output must be a multiple of group = 3; received 2"),
        (
            _deconvolution(),
            {"blobs": [np.zeros([2, 2, 3, 3]), np.zeros(2)]},
            r"must be \[channels, 2, 4, 4\]",
        ),
        (
            _deconvolution(kernel_size=[3, 4], weight_filler={"type": "bilinear"}),
            {"channels": 2},
            r"square kernel; received 3 x 4",
        ),
    ],
)
def test_what_cannot_be_converted_is_refused(parameters, options, reason):
    """Wrong or missing parameters are named."""
    with pytest.raises(ConversionError, match=reason):
        convert.from_caffe(parameters, **options)


def test_text_of_a_layer_is_refused():
    """The fields are read from a message or mapping, not from prototxt text."""
    with pytest.raises(ConversionError, match=r"must be a LayerParameter or a mapping .*received str"):
        convert.from_caffe("layer { type: 'Deconvolution' }")
