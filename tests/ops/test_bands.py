"""Large inputs are computed in bands: the same numbers, and nothing large is kept between the steps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from tfdeconv import ops
from tfdeconv.ops.lowerings.polyphase import bands


def graph_of(shape, kernel_shape, jit_compile=False, **options):
    """The concrete function, the input and the answer of the gradient lowering."""
    x = tf.random.stateless_uniform(shape, [1, 2])
    kernel = tf.random.stateless_uniform(kernel_shape, [3, 4])

    def call(x, lowering="two_pass"):
        return ops.conv_transpose(x, kernel, lowering=lowering, **options)

    graph = tf.function(call, jit_compile=jit_compile, autograph=False)
    return graph.get_concrete_function(tf.TensorSpec(shape)), x, call(x, "gradient")


def concatenated(concrete):
    """How many parts each concatenation joins."""
    return [len(op.inputs) - 1 for op in concrete.graph.get_operations() if op.type == "ConcatV2"]


@pytest.mark.parametrize(("batch", "jit_compile"), [(1, False), (3, False), (2, True)])
@pytest.mark.parametrize(
    ("sizes", "kernel_size", "options"),
    [
        ((40, 6), (9, 9), {"strides": 2, "padding": "same"}),
        ((37, 5), (9, 5), {"strides": (3, 2), "padding": "valid"}),
        ((41, 5), (5, 4), {"strides": 2, "padding": ((3, -4), (0, 2))}),
        ((40, 5), (3, 3), {"strides": 2, "padding": ((11, 9), (1, 0))}),
        ((40, 5), (4, 3), {"strides": 2, "padding": "same", "groups": 2}),
        ((40, 5), (3, 3), {"strides": 2, "dilation_rate": 3}),
        ((30, 3, 4), (4, 3, 3), {"strides": 2, "padding": "same"}),
    ],
    ids=str,
)
def test_bands_change_no_number(batch, sizes, kernel_size, options, jit_compile, monkeypatch):
    """Any window, group, dilation and rank, of one image and of several, gives the numbers of the whole."""
    monkeypatch.setattr(bands, "MOST_VALUES", 400)
    concrete, x, wanted = graph_of((batch, *sizes, 4), (*kernel_size, 1, 4), jit_compile, **options)
    assert max(concatenated(concrete)) > batch
    np.testing.assert_allclose(concrete(x), wanted, rtol=1e-5, atol=1e-5)


def test_a_large_picture_keeps_one_band_between_the_steps():
    """Of four megapixels, no tensor but the output and the input has more values than a band may keep."""
    side = 1000
    graph = tf.function(
        lambda x: ops.conv_transpose(
            x, tf.zeros([9, 9, 1, 56]), strides=2, padding="same", lowering="two_pass"
        ),
        autograph=False,
    )
    concrete = graph.get_concrete_function(tf.TensorSpec([1, side, side, 56]))
    output = 4 * side**2
    sizes = [
        math.prod(tensor.shape)
        for op in concrete.graph.get_operations()
        for tensor in op.outputs
        if tensor.shape.is_fully_defined()
    ]
    between = [size for size in sizes if size not in (output, 56 * side**2)]
    assert max(between) <= bands.MOST_VALUES * 56 / 18 * 1.1  # a band's input, of 56 channels beside 18
    assert concatenated(concrete) == [5]


def test_small_and_unknown_sizes_are_computed_at_once():
    """Bands cost ops: where the input is small there are none, and unknown sizes cannot be cut beforehand."""
    for shape in ([1, 64, 64, 4], [1, None, None, 4], [None, 2000, 2000, 4]):
        graph = tf.function(
            lambda x: ops.conv_transpose(x, tf.zeros([9, 9, 1, 4]), strides=2, lowering="two_pass"),
            autograph=False,
        )
        assert not concatenated(graph.get_concrete_function(tf.TensorSpec(shape)))


def test_many_images_are_not_cut_into_more_bands_than_a_graph_should_hold(monkeypatch):
    """However large the input, the graph holds at most ``MOST_BANDS`` copies of the steps."""
    monkeypatch.setattr(bands, "MOST_VALUES", 16)
    monkeypatch.setattr(bands, "MOST_BANDS", 8)
    concrete, x, wanted = graph_of((2, 60, 3, 4), (3, 3, 1, 4), strides=2, padding="same")
    assert concatenated(concrete) == [8]
    np.testing.assert_allclose(concrete(x), wanted, rtol=1e-5, atol=1e-5)
