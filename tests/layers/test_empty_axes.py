"""An axis without samples: transposed convolutions return zeros and the bias, as Keras's layers do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdeconv as td

WINDOWS = [
    {"strides": 2},
    {"strides": 2, "padding": "same"},
    {"strides": 4},
    {"strides": 2, "output_padding": 1},
    {"strides": 1, "padding": "same"},
]


@pytest.mark.parametrize("options", WINDOWS, ids=str)
@pytest.mark.parametrize("lowering", ["auto", *td.ops.LOWERINGS])
def test_shape_and_bias_are_those_of_keras(options, lowering):
    """Eagerly and symbolically, with known sizes, and with a gradient of zero."""
    x = tf.zeros([2, 0, 5, 4])
    theirs = keras.layers.Conv2DTranspose(3, 3, bias_initializer="ones", **options)
    layer = td.layers.Conv2DTranspose(3, 3, bias_initializer="ones", lowering=lowering, **options)
    if lowering == "depthwise":
        with pytest.raises(td.errors.LoweringNotApplicable):
            layer(tf.zeros([1, 2, 5, 4]))
        return
    expected = theirs(x)
    with tf.GradientTape() as tape:
        answer = layer(x)
        total = tf.reduce_sum(answer)
    np.testing.assert_array_equal(answer[:, :, 0], expected[:, :, 0])
    assert answer.shape == expected.shape == (2, *layer(keras.Input([0, 5, 4])).shape[1:])
    assert not np.any(tape.gradient(total, layer.kernel))


def test_other_transposed_convolutions():
    """Depthwise, sequences and volumes follow the same rule."""
    assert td.layers.DepthwiseConv2DTranspose(3, strides=2)(tf.zeros([1, 0, 5, 4])).shape == (1, 1, 11, 4)
    assert td.layers.Conv1DTranspose(3, 4, strides=2)(tf.zeros([1, 0, 2])).shape == (1, 2, 3)
    assert td.layers.Conv3DTranspose(2, 2, strides=2)(tf.zeros([1, 3, 0, 2, 2])).shape == (1, 6, 0, 4, 2)


def test_quantisation_and_lora_are_what_keras_offers_for_transposed_convolutions():
    """Neither exists in Keras for this kind of layer; the day it does, this test fails."""
    for layer in (keras.layers.Conv2DTranspose(3, 3), td.layers.Conv2DTranspose(3, 3)):
        layer.build((None, 5, 5, 4))
        assert not hasattr(layer, "enable_lora")
        with pytest.raises(NotImplementedError):
            layer.quantize("int8")
