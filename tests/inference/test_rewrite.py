"""Graphs of layers: how they are called, copied and compared."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from inference.models import BUDGET, assert_same_outputs, randomized, rewrites

import tfdeconv as td
from tfdeconv.errors import TfdeconvError
from tfdeconv.inference import MaxPReLU


def test_calls_by_keyword():
    """Whether the input of a layer or of a nested model is passed by position or by name is all one."""
    block = keras.Sequential(
        [keras.Input((None, None, 4)), keras.layers.Conv2DTranspose(4, 3, name="inner")], name="block"
    )
    image = keras.Input((6, 5, 4))
    x = keras.layers.Conv2DTranspose(4, 3, name="up")(inputs=block(training=False, inputs=image))
    model = randomized(keras.Model(image, x))
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert set(rewrites(result)) == {"block/inner", "up"}
    assert_same_outputs(model, result.model, (2, 6, 5, 4))


def test_a_nested_model_with_its_own_call_is_left_alone():
    """Whatever it calls its input, and however it is called."""

    @keras.saving.register_keras_serializable("tests")
    class Own(keras.Model):
        def call(self, picture):
            return 2 * picture

    image = keras.Input((6, 5, 4))
    model = randomized(keras.Model(image, keras.layers.Conv2DTranspose(2, 3)(Own()(picture=image))))
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert_same_outputs(model, result.model, (2, 6, 5, 4))


def test_adapted_layers_keep_what_they_learned():
    """Statistics that ``adapt`` found are in the copy, in what it computes as well as in its weights."""
    normalization = keras.layers.Normalization()
    normalization.adapt(3 + 5 * np.random.default_rng(0).standard_normal([4, 6, 5, 4]))
    model = keras.Sequential([keras.Input((6, 5, 4)), normalization, keras.layers.Conv2DTranspose(2, 3)])
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert result.model.layers[1] is not normalization
    assert_same_outputs(model, result.model, (2, 6, 5, 4))


@pytest.mark.parametrize(
    ("activation", "fused"),
    [(keras.layers.LeakyReLU(0.3), True), (keras.layers.PReLU(shared_axes=[1, 2]), False)],
    ids=["LeakyReLU", "PReLU"],
)
def test_layers_as_activations(activation, fused):
    """A layer without weights may be an activation of the new layer; one with weights stays in its own."""
    model = keras.Sequential(
        [keras.Input((6, 5, 4)), keras.layers.Conv2DTranspose(2, 3, activation=activation)]
    )
    model(np.zeros([1, 6, 5, 4]))  # makes the weights of the activation
    result = td.optimize(randomized(model), (6, 5, 4), **BUDGET)
    assert (len(result.report.layers) == 1) == fused
    assert_same_outputs(model, result.model, (2, 6, 5, 4))


def test_an_activation_that_was_never_called():
    """Keras makes the weights of an activation at its first call, which may be td.optimize's."""
    activation = keras.layers.PReLU(shared_axes=[1, 2], alpha_initializer="random_uniform")
    model = keras.Sequential(
        [keras.Input((6, 5, 4)), keras.layers.Conv2DTranspose(2, 3, activation=activation)]
    )
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert not {id(weight) for weight in model.weights} & {id(weight) for weight in result.model.weights}
    assert_same_outputs(model, result.model, (2, 6, 5, 4))


def test_masks_pass_where_they_passed():
    """The maximum that stands for a PReLU hands masks on without a warning."""
    layers = [keras.Input((3, 2)), keras.layers.Masking(), keras.layers.PReLU(shared_axes=[1])]
    model = randomized(keras.Sequential([*layers, keras.layers.GlobalAveragePooling1D()]))
    model.layers[1].set_weights([np.array([[0.25, -0.5]])])
    result = td.optimize(model, (3, 2), **BUDGET)
    assert isinstance(result.model.layers[2], MaxPReLU)
    x = np.array([[[4.0, -4.0], [8.0, -8.0], [0.0, 0.0]]], "float32")
    np.testing.assert_allclose(result.model(x), [[6.0, 3.0]])


class Scale(keras.layers.Layer):
    """A layer with a weight that does not say how it was made."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return self.factor * self.scale * inputs


def test_a_layer_that_cannot_be_copied_keeps_being_trained():
    """It is in both models, and the old one may still be trained."""
    scale = Scale(tf.constant(2.0))
    model = randomized(keras.Sequential([keras.Input((6, 5, 4)), scale, keras.layers.Conv2DTranspose(2, 3)]))
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert result.model.layers[1] is scale
    assert scale.trainable
    assert len(model.trainable_weights) == 3
    assert_same_outputs(model, result.model, (2, 6, 5, 4))


def test_outputs_without_a_number_are_equal_where_both_have_none():
    """The logarithm of a negative number is none in both models; the others are compared."""
    image = keras.Input((6, 5, 4))
    model = randomized(keras.Model(image, keras.ops.log(keras.layers.Conv2DTranspose(3, 3)(image))))
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert result.report.max_error < 1e-4
    assert 0 < result.report.output_scale < 10


@pytest.mark.parametrize("wrong", [2.0, np.nan, np.inf])
def test_every_output_is_compared_at_its_own_scale(monkeypatch, wrong):
    """A wrong output is caught beside one that is a million times larger."""
    monkeypatch.setattr(
        "tfdeconv.inference.folding.scale_and_shift", lambda layer: (np.full(2, wrong), np.zeros(2))
    )
    image = keras.Input((4, 4, 2))
    large = 1e6 * keras.layers.Conv2D(2, 3)(image)
    small = keras.layers.BatchNormalization()(keras.layers.Conv2D(2, 3)(image))
    model = randomized(keras.Model(image, [large, small]))
    with pytest.raises(TfdeconvError, match=r"outputs differ by up to .* from the original's"):
        td.optimize(model, (4, 4, 2), **BUDGET)


def test_integer_inputs_are_not_all_zero(monkeypatch):
    """The outputs for a picture of zeros would hide a wrong kernel."""
    monkeypatch.setattr(
        "tfdeconv.inference.folding.scale_and_shift", lambda layer: (np.full(2, 2.0), np.zeros(2))
    )
    image = keras.Input((4, 4, 2), dtype="uint8")
    x = keras.layers.Conv2D(2, 3)(keras.layers.Rescaling(1 / 255)(image))
    model = randomized(keras.Model(image, keras.layers.BatchNormalization()(x)))
    model.layers[-1].set_weights([np.full(2, value) for value in (1.0, 0.0, 0.0, 1.0)])
    model.layers[-2].bias.assign([0.0, 0.0])
    with pytest.raises(TfdeconvError, match="outputs differ"):
        td.optimize(model, (4, 4, 2), **BUDGET)


def test_automatic_crops_stay_what_they_were(tmp_path):
    """Crop offsets are computed from the graph, the rewritten one as well, also after loading."""
    image = keras.Input((None, None, 3))
    net = keras.layers.Conv2D(8, 3, padding="same")(image)
    skip = keras.layers.MaxPooling2D(2)(keras.layers.PReLU(shared_axes=[1, 2])(net))
    deep = keras.layers.MaxPooling2D(2)(keras.layers.Conv2D(8, 3, padding="same")(skip))
    up = td.layers.Conv2DTranspose(8, (7, 5), 2, padding=((0, 1), 0))(deep)
    up = td.layers.ResizeConv2D(8, 3, factor=2, padding="valid")(up)
    up = keras.layers.PReLU(shared_axes=[1, 2])(up)
    model = randomized(keras.Model(image, td.layers.CropLike("auto")([up, net])))
    result = td.optimize(model, (16, 20, 3), **BUDGET)
    assert_same_outputs(model, result.model, (2, 24, 16, 3))
    result.model.save(tmp_path / "fast.keras")
    assert_same_outputs(model, keras.saving.load_model(tmp_path / "fast.keras"), (2, 24, 16, 3))
