"""Batch normalization in every position."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from inference.models import BUDGET, assert_same_outputs, randomized, rewrites

import tfdeconv as td


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("use_bias", [True, False])
def test_batch_normalization_disappears_into_convolutions(use_bias, groups):
    """Convolution and transposed convolution take over the scale and shift of what follows them."""
    model = randomized(
        keras.Sequential(
            [
                keras.Input((None, None, 4)),
                keras.layers.Conv2D(6, 3, padding="same", use_bias=use_bias, groups=groups),
                keras.layers.BatchNormalization(name="first"),
                keras.layers.ReLU(),
                td.layers.Conv2DTranspose(4, 3, 2, use_bias=use_bias, groups=groups),
                keras.layers.BatchNormalization(name="second", scale=False),
                keras.layers.Conv2D(2, 1, data_format="channels_last", use_bias=use_bias),
                keras.layers.BatchNormalization(name="third", axis=-1, center=False),
            ]
        )
    )
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in result.model.layers)
    for name in ("first", "second", "third"):
        assert sum(f"absorbs {name}" in what for what in rewrites(result).values()) == 1
    assert_same_outputs(model, result.model, (2, 7, 4, 4))


def test_batch_normalization_stays_where_it_is_not_a_scale_of_the_filters():
    """Behind an activation, on another axis, or where something else reads the convolution, it stays."""
    image = keras.Input((6, 5, 4))
    active = keras.layers.Conv2D(4, 3, activation="relu")(image)
    active = keras.layers.BatchNormalization()(active)
    rows = keras.layers.BatchNormalization(axis=1)(keras.layers.Conv2D(4, 3)(image))
    read = keras.layers.Conv2D(4, 3)(image)
    twice = keras.layers.Add()([read, keras.layers.BatchNormalization()(read)])
    output = keras.layers.Conv2D(4, 3)(image)
    model = randomized(
        keras.Model(image, [active, rows, twice, output, keras.layers.BatchNormalization()(output)])
    )
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in result.model.layers) == 4
    x = np.random.default_rng(0).standard_normal([2, 6, 5, 4]).astype("float32")
    for got, wanted in zip(result.model(x), model(x), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("layer", [keras.layers.Conv2D, keras.layers.Conv2DTranspose])
def test_batch_normalization_stays_in_half_precision(layer, policy):
    """A folded kernel rounds differently, which half precision shows: the outputs stay what they were."""
    model = randomized(
        keras.Sequential(
            [
                keras.Input((6, 5, 4)),
                layer(6, 3, dtype=policy),
                keras.layers.BatchNormalization(dtype=policy),
            ]
        )
    )
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert isinstance(result.model.layers[-1], keras.layers.BatchNormalization)
    assert result.report.max_error == 0


def test_batch_normalization_of_another_type_stays():
    """It decides the type of the output, which folding would take from the convolution."""
    model = randomized(
        keras.Sequential(
            [
                keras.Input((6, 5, 4), dtype="float64"),
                keras.layers.Conv2D(6, 3, dtype="float64"),
                keras.layers.BatchNormalization(dtype="float32"),
            ]
        )
    )
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert result.model.outputs[0].dtype == "float32"


@pytest.mark.parametrize("training", [None, False, True])
@pytest.mark.parametrize("layer", [keras.layers.Conv2D, keras.layers.Conv2DTranspose])
def test_batch_normalization_by_the_batch_itself_stays(layer, training):
    """Called with ``training=True`` it uses the statistics of the batch, which no kernel holds."""
    image = keras.Input((6, 5, 4))
    model = randomized(
        keras.Model(image, keras.layers.BatchNormalization()(layer(3, 3)(image), training=training))
    )
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    stayed = isinstance(result.model.layers[-1], keras.layers.BatchNormalization)
    assert stayed == (training is True)
    assert_same_outputs(model, result.model, (2, 6, 5, 4))


def test_a_model_called_in_training_mode_stays():
    """Batch normalization inside uses the statistics of the batch, as where it is called so itself."""
    inner = keras.Sequential([keras.Input((6, 5, 4)), keras.layers.Conv2DTranspose(3, 3)])
    inner.add(keras.layers.BatchNormalization())
    image = keras.Input((6, 5, 4))
    model = randomized(keras.Model(image, inner(image, training=True)))
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert_same_outputs(model, result.model, (2, 6, 5, 4))


def test_a_convolution_with_an_operation_of_its_own_stays():
    """Standardised weights would take the scale of a folded normalization away again."""

    @keras.saving.register_keras_serializable("tests")
    class Standardised(keras.layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel / keras.ops.max(keras.ops.absolute(kernel)))

    layers = [keras.Input((6, 5, 4)), Standardised(3, 3), keras.layers.BatchNormalization()]
    model = randomized(keras.Sequential(layers))
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert isinstance(result.model.layers[-1], keras.layers.BatchNormalization)
    assert_same_outputs(model, result.model, (2, 6, 5, 4))


@pytest.mark.parametrize("filters", [3, 4])
def test_batch_normalization_behind_a_layer_that_is_left_alone_stays(filters):
    """A transposed convolution that is told its output size keeps its class, and its normalization."""
    image, skip = keras.Input((6, 5, 4)), keras.Input((13, 11, 1))
    output = td.layers.Conv2DTranspose(filters, 3, 2, name="up")(image, like=skip)
    model = randomized(keras.Model([image, skip], keras.layers.BatchNormalization(name="norm")(output)))
    result = td.optimize(model, [(6, 5, 4), (13, 11, 1)], **BUDGET)
    assert {"up", "norm"} <= {layer.name for layer in result.model.layers}
    assert result.report.max_error == 0


@pytest.mark.parametrize("layer", [keras.layers.Conv2D, keras.layers.Conv2DTranspose])
def test_an_output_keeps_its_name(layer):
    """What serves the model asks for its outputs by name: a folded layer takes the name it speaks for."""
    image = keras.Input((6, 5, 4))
    hidden = keras.layers.BatchNormalization(name="inner")(layer(4, 3, name="first")(image))
    output = keras.layers.BatchNormalization(name="scores")(layer(4, 3, name="last")(hidden))
    result = td.optimize(randomized(keras.Model(image, output)), (6, 5, 4), **BUDGET)
    assert [layer.name for layer in result.model.layers[1:]] == ["first", "scores"]
    assert result.model.output_names == ["scores"]
    assert set(rewrites(result)) == {"first", "last"}


def test_a_low_rank_adaptation_is_folded_as_well():
    """``enable_lora`` adds to the kernel; the folded kernel has the sum."""
    model = randomized(
        keras.Sequential(
            [keras.Input((6, 5, 4)), keras.layers.Conv2D(3, 3), keras.layers.BatchNormalization()]
        )
    )
    model.layers[0].enable_lora(2)
    randomized(model)
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert len(result.model.layers[-1].weights) == 2
    assert_same_outputs(model, result.model, (2, 6, 5, 4))
