"""What the ops refuse, and that each message says how to mend it."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import tensorflow as tf

import tfdeconv as td
from tfdeconv.errors import InvalidArgumentError, TfdeconvError
from tfdeconv.ops.keras_backend import check_backend

X, KERNEL = tf.zeros([1, 7, 7, 4]), tf.zeros([3, 3, 2, 4])


@pytest.mark.parametrize(
    ("x", "kernel", "options", "message"),
    [
        (X, KERNEL[..., 0], {}, "x must have rank 3 for a kernel of shape"),
        (X, KERNEL[0, 0], {}, "kernel must be .* with 1, 2 or 3 spatial axes"),
        (X, KERNEL[..., :3], {}, "as many channels as the kernel's last axis, 3; received 4"),
        (X, tf.cast(KERNEL, tf.float64), {}, "share one dtype; received float32 and float64"),
        (tf.zeros([1, 7, 7, 4], tf.int32), KERNEL, {}, "floating-point tensor; received int32"),
        (X, KERNEL, {"groups": 3}, "groups must divide the 4 channels of x; received groups=3"),
        (X, KERNEL, {"groups": 0}, "groups must be at least 1; received 0"),
        (X, KERNEL, {"groups": "2"}, "groups must be an int; received '2'"),
        (X, KERNEL, {"groups": 2.0}, "groups must be an int; received 2.0"),
        (X, KERNEL, {"lowering": ["auto"]}, "lowering must be 'auto' or one of .* received .'auto'."),
        (X, KERNEL, {"strides": tf.constant(2.0)}, "strides must be an int; received <tf.Tensor"),
        (X, KERNEL, {"strides": tf.constant(2)}, None),
        (None, KERNEL, {}, "x must be a tensor, an array or .* received NoneType"),
        (X, None, {}, "kernel must be a tensor, an array or .* received NoneType"),
        ([[[1.0], [2.0, 3.0]]], KERNEL, {}, "nested lists of equal lengths; received list"),
        (X, KERNEL, {"strides": 0}, "strides must be at least 1; received 0"),
        (X, KERNEL, {"strides": (1, 2, 3)}, "strides must be one value or 2"),
        (X, KERNEL, {"lowering": "fastest"}, "lowering must be 'auto' or one of 'gradient'"),
        (X, KERNEL, {"data_format": "NHWC"}, "'channels_first' or 'channels_last'; received 'nhwc'"),
        (X, KERNEL, {"strides": 2, "padding": "same", "output_shape": 15}, r"must lie in \[13, 14\]"),
        (X, KERNEL, {"output_shape": tf.constant([9.0, 9.0])}, "must hold 2 integers"),
        (X, KERNEL, {"output_shape": "9"}, "output_shape must be an int; received '9'"),
        (X, KERNEL, {"output_shape": [tf.constant(9), 9.5]}, "output_shape must be an int; received 9.5"),
        (X, KERNEL, {"output_shape": [tf.constant(9.0), 9]}, "integer scalars; received .* float32"),
        (X, KERNEL, {"output_shape": tf.constant(9)}, None),
        (X, KERNEL, {"output_shape": np.int64(9)}, None),
        (X, KERNEL, {"output_shape": 9, "output_padding": 0}, "exclude each other"),
        (X, KERNEL, {"padding": (1, 2)}, None),
        (X, KERNEL, {"padding": (1, 2, 3)}, "pairs go inside one more pair of brackets"),
    ],
)
def test_conv_transpose_refuses(x, kernel, options, message):
    """Every rule of conv_transpose's arguments; None marks what is legal."""
    if message is None:
        td.ops.conv_transpose(x, kernel, **options)
        return
    with pytest.raises(InvalidArgumentError, match=message):
        td.ops.conv_transpose(x, kernel, **options)


def test_a_size_known_at_run_time_only_is_checked_there():
    """The graph refuses an illegal size when it runs, with the legal range."""

    @tf.function(input_signature=[tf.TensorSpec([2], tf.int32)], autograph=False)
    def upsample(sizes):
        return td.ops.conv_transpose(X, KERNEL, strides=2, padding="same", output_shape=sizes)

    assert upsample([13, 14]).shape == (1, 13, 14, 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="output_shape must lie in"):
        upsample([13, 15])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: td.ops.linear_upsample(X, 0), "factor must be at least 1"),
        (lambda: td.ops.linear_upsample(X, 2, boundary="wrap"), "'zero' or 'edge'; received 'wrap'"),
        (lambda: td.ops.linear_upsample(X[0, 0], 2), "1, 2 or 3 spatial axes"),
        (lambda: td.ops.nearest_upsample(X, (2, 2, 2)), "factor must be one value or 2"),
        (lambda: td.ops.pixel_shuffle(X, 3), r"multiple of prod\(factor\) = 9 channels; received 4"),
        (lambda: td.ops.pixel_shuffle(X, 2, order="rcd"), "order must be 'dcr' .* received 'rcd'"),
        (
            lambda: td.ops.bilinear_additive_upsample(X, 2, reduction=3),
            "divide the 4 channels of x; received 3",
        ),
        (lambda: td.ops.resize_conv(X, KERNEL, factor=2), "kernel's third axis, 2; received 4"),
        (lambda: td.ops.resize_conv(X, KERNEL, factor=2, interpolation="cubic"), "'nearest' or 'bilinear'"),
        (
            lambda: td.ops.subpixel_conv(X[:, :2], tf.zeros([3, 3, 4, 4]), factor=2, padding="valid"),
            "received 2",
        ),
        (
            lambda: td.ops.subpixel_conv(X, tf.zeros([3, 3, 4, 4]), factor=2, padding="full"),
            "'same' or 'valid'",
        ),
        (
            lambda: td.ops.subpixel_conv(X, tf.zeros([3, 3, 4]), factor=2),
            r"\[height, width, channels, filters\]",
        ),
        (lambda: td.ops.crop(X, offset=1, size=7), "must not pass the 7 samples of spatial axis 0"),
        (lambda: td.ops.crop(X, offset=0, size=8), "must not pass the 7 samples.*: none, x is too small"),
        (lambda: td.ops.crop(X, offset=0, size=tf.constant([-1, 7])), "size must be at least 0; received -1"),
        (
            lambda: td.ops.crop(X, offset=0, size=[tf.constant(2), None]),
            "size must be an int; received None",
        ),
        (
            lambda: td.ops.max_unpool(X, tf.zeros(X.shape, tf.int32), output_shape=tf.constant([-2, 7])),
            "output_shape must be at least 0; received -2",
        ),
        (lambda: td.ops.linear_upsample(None, 2), "x must be a tensor, an array or .* received NoneType"),
        (
            lambda: td.ops.subpixel_conv(X, tf.zeros([3, 3, 4, 4]), factor=2, bias=[0.0]),
            r"bias must hold one number for each of the kernel's 4 filters; received shape \(1,\)",
        ),
        (lambda: td.ops.depthwise_conv_transpose(X, 1.0), "with 1, 2 or 3 spatial axes; received shape"),
        (lambda: td.ops.crop(X, offset=-1, size=7), "offset must be at least 0; received -1"),
        (lambda: td.ops.depthwise_conv_transpose(X, KERNEL, groups=4), "takes no groups"),
    ],
)
def test_the_other_ops_refuse(call, message):
    """One wrong argument each."""
    with pytest.raises(InvalidArgumentError, match=message):
        call()


@pytest.mark.parametrize("name", [name for name in td.ops.__all__ if name.islower()])
def test_options_are_keyword_only(name):
    """After the tensors and the one obvious number (factor, pool_size), everything has its name."""
    function = getattr(td.ops, name)
    positional = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    assert positional[0] == "x"
    assert positional[1:] in ([], ["kernel"], ["factor"], ["pool_size"], ["switches"])


@pytest.mark.parametrize("name", ["crop", "pixel_shuffle", "nearest_upsample"])
@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool"])
def test_ops_that_only_move_values_take_any_type(name, dtype):
    """Label maps and masks can be cropped, repeated and rearranged."""
    x = tf.cast(tf.reshape(tf.range(16), [1, 2, 2, 4]), dtype)
    options = {"crop": {"offset": 0, "size": 1}}.get(name, {"factor": 2})
    y = getattr(td.ops, name)(x, **options)
    assert y.dtype == x.dtype
    assert y[0, 0, 0, 0] == x[0, 0, 0, 0]


def test_unknown_channels():
    """Ops without a kernel take an unknown number of channels."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, None])], autograph=False)
    def every(x):
        return (
            td.ops.pixel_shuffle(x, 2, order="crd"),
            td.ops.bilinear_additive_upsample(x, 2),
            td.ops.nearest_upsample(x, 2),
            td.ops.linear_upsample(x, 2),
            td.ops.max_pool_with_switches(x, 2).switches,
            td.ops.crop(x, offset=1, size=2),
        )

    shapes = [tuple(y.shape) for y in every(tf.zeros([2, 4, 6, 8]))]
    assert shapes == [(2, 8, 12, 2), (2, 8, 12, 2), (2, 8, 12, 8), (2, 8, 12, 8), (2, 2, 3, 8), (2, 2, 2, 8)]


def test_another_backend_of_keras_is_refused(monkeypatch):
    """Layers would compute under PyTorch or JAX too, but nothing in front of them would be trained."""
    monkeypatch.setattr("keras.config.backend", lambda: "torch")
    with pytest.raises(TfdeconvError, match=r"Keras runs on 'torch' here\. Set KERAS_BACKEND=tensorflow"):
        check_backend()
