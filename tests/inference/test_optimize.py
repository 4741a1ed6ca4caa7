"""td.optimize: the same outputs from another model."""

from __future__ import annotations

import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from inference.models import BUDGET, assert_same_outputs, randomized, rewrites

import tfdeconv as td
from tfdeconv.errors import InvalidArgumentError, TfdeconvError
from tfdeconv.inference import PreparedConvTranspose
from tfdeconv.inference.fusible_convolution import fusible_convolution


def lowerings(model):
    return {layer.name: layer.lowering for layer in model.layers if hasattr(layer, "lowering")}


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: keras.layers.Conv1DTranspose(3, 4, 2, "same", activation="relu"), (9, 4)),
        (lambda: keras.layers.Conv2DTranspose(3, 5, 2, "same"), (6, 5, 4)),
        (lambda: keras.layers.Conv2DTranspose(2, 3, 2, "valid", output_padding=1), (6, 5, 4)),
        (lambda: keras.layers.Conv3DTranspose(2, 3, 2, "same", use_bias=False), (3, 4, 2, 4)),
        (lambda: td.layers.Conv1DTranspose(4, 5, 3, padding=((1, -2),), groups=2), (9, 4)),
        (lambda: td.layers.Conv2DTranspose(4, 3, 2, padding=1, output_padding=1, dilation_rate=2), (6, 5, 4)),
        (lambda: td.layers.Conv2DTranspose(4, 3, 2, data_format="channels_first"), (4, 6, 5)),
        (lambda: td.layers.DepthwiseConv2DTranspose(4, 2, "same", depth_multiplier=2), (6, 5, 4)),
        (lambda: td.layers.ResizeConv2D(3, 3, factor=2), (6, 5, 4)),
        (lambda: td.layers.ResizeConv2D(3, (4, 5), factor=(3, 2), padding="valid"), (6, 5, 4)),
        (lambda: td.layers.ResizeConv2D(3, 3, factor=2, interpolation="bilinear"), (6, 5, 4)),
    ],
)
def test_every_transposed_convolution_keeps_its_outputs(layer, shape):
    """Any window, group, dilation, rank and layout comes out as it was, at other sizes as well."""
    model = randomized(keras.Sequential([keras.Input([None if n != 4 else n for n in shape]), layer()]))
    result = td.optimize(model, shape, **BUDGET)
    assert result.report.max_error <= 1e-4
    assert_same_outputs(model, result.model, (2, *shape))
    assert_same_outputs(model, result.model, (1, *(n if n == 4 else n + 3 for n in shape)))
    assert result.model.output_shape == model.output_shape


@pytest.mark.parametrize("lowering", td.ops.LOWERINGS)
def test_every_lowering_can_be_stored(lowering):
    """A prepared kernel of each lowering gives the layer's outputs."""
    layer = td.layers.DepthwiseConv2DTranspose(5, 2, "same")
    model = randomized(keras.Sequential([keras.Input((None, None, 3)), layer]))
    prepared = PreparedConvTranspose.of(fusible_convolution(layer), lowering)
    x = np.random.default_rng(0).standard_normal([2, 4, 3, 3]).astype("float32")
    np.testing.assert_allclose(prepared(x), model(x), atol=1e-5)


@pytest.mark.parametrize("fused", ["as it is", "subpixel"])
def test_resize_convolution_becomes_one_transposed_convolution_where_that_is_faster(fused, monkeypatch):
    """The nearest resize and its convolution are one transposed convolution only where measured faster."""
    monkeypatch.setattr(
        importlib.import_module("tfdeconv.inference.optimize"),  # the name in the package is the function
        "milliseconds",
        lambda runs, seconds: {name: 1.0 if name == fused else 2.0 for name in runs},
    )
    model = randomized(keras.Sequential([keras.Input((6, 5, 4)), td.layers.ResizeConv2D(3, 3, factor=2)]))
    result = td.optimize(model, (6, 5, 4))
    kind = td.layers.ResizeConv2D if fused == "as it is" else PreparedConvTranspose
    assert isinstance(result.model.layers[1], kind)
    assert_same_outputs(model, result.model, (2, 6, 5, 4))


@pytest.mark.parametrize(
    ("slopes", "kind"),
    [
        ([0.0, 0.0], "ReLU"),
        ([0.25, 0.25], "LeakyReLU"),
        ([0.25, -0.5], "MaxPReLU"),
        ([0.25, 1.5], "PReLU"),
    ],
)
def test_prelu_is_replaced_by_what_equals_it(slopes, kind):
    """One slope for all: leaky ReLU, which fuses; slopes up to 1: a maximum; otherwise PReLU as it is."""
    model = keras.Sequential([keras.Input((None, None, 2)), keras.layers.PReLU(shared_axes=[1, 2])])
    model.set_weights([np.reshape(slopes, (1, 1, 2))])
    result = td.optimize(model, (4, 4, 2), **BUDGET)
    assert type(result.model.layers[1]).__name__ == kind
    x = np.array([-3.0, 0.0, 3.0, np.inf, -1.5, 1e-40] * 2, "float32").reshape(1, 2, 3, 2)
    np.testing.assert_array_equal(result.model(x), model(x))


class Doubler(keras.layers.Layer):
    """A layer that td.optimize does not know, and that does not say how it was made."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return self.factor * inputs


def test_unknown_and_derived_layers_are_left_alone():
    """Layers of other classes, subclasses of known ones included, are in the new model as they were."""

    @keras.saving.register_keras_serializable("tests")
    class Flipped(td.layers.Conv2DTranspose):
        def call(self, inputs):
            return super().call(tf.reverse(inputs, [1]))

    model = randomized(
        keras.Sequential([keras.Input((6, 5, 4)), Doubler(2.0), Flipped(3, 3, 2), keras.layers.Dropout(0.5)])
    )
    result = td.optimize(model, (6, 5, 4), **BUDGET)
    assert [type(layer) for layer in result.model.layers[1:]] == [Doubler, Flipped, keras.layers.Dropout]
    assert result.report.layers == ()
    assert str(result.report).startswith("Nothing to rewrite.")
    assert_same_outputs(model, result.model, (2, 6, 5, 4))


def test_calls_with_an_output_shape_are_left_alone():
    """The crops of a layer that is told its output size depend on the call."""
    image, skip = keras.Input((6, 5, 4)), keras.Input((13, 11, 1))
    output = td.layers.Conv2DTranspose(2, 3, 2, name="up")(image, like=skip)
    model = keras.Model([image, skip], output)
    result = td.optimize(model, [(6, 5, 4), (13, 11, 1)], **BUDGET)
    assert isinstance(result.model.get_layer("up"), td.layers.Conv2DTranspose)


def test_nested_and_shared_models():
    """Models inside models are rewritten too, and a layer called twice stays one layer."""
    block = keras.Sequential(
        [keras.Input((None, None, 4)), td.layers.Conv2DTranspose(4, 3, 2, "same", name="up")], name="block"
    )
    image = keras.Input((None, None, 4))
    shared = keras.layers.Conv2DTranspose(4, 2, 2, name="shared")
    x = keras.ops.add(block(block(image)), shared(shared(image)))
    model = randomized(keras.Model(image, keras.layers.BatchNormalization()(x)))
    result = td.optimize(model, (5, 4, 4), **BUDGET)
    assert set(rewrites(result)) == {"block/up", "shared"}
    assert isinstance(result.model.get_layer("block").get_layer("up"), PreparedConvTranspose)
    assert_same_outputs(model, result.model, (2, 3, 6, 4))


def test_the_report_says_why_the_fastest_was_not_taken(monkeypatch):
    """Differences within the noise go to the simpler form, which the table explains only where it happens."""
    model = randomized(keras.Sequential([keras.Input((6, 5, 4)), keras.layers.Conv2DTranspose(3, 3, 2)]))
    for gradient, explained in ((1.02, True), (1.0, False)):
        monkeypatch.setattr(
            importlib.import_module("tfdeconv.inference.optimize"),
            "milliseconds",
            lambda runs, seconds, slow=gradient: {name: slow if name == "gradient" else 1.0 for name in runs},
        )
        report = td.optimize(model, (6, 5, 4)).report
        assert [layer.lowering for layer in report.layers] == ["gradient"]
        assert ("Within 10% of the fastest" in str(report)) == explained


def test_the_new_model_shares_no_weights_and_leaves_the_old_one_as_it_was():
    """Training the old model afterwards changes nothing in the new one."""
    model = randomized(
        keras.Sequential(
            [keras.Input((4, 4, 2)), keras.layers.Conv2D(2, 3), keras.layers.Conv2DTranspose(2, 3)]
        )
    )
    before = [np.array(weight) for weight in model.get_weights()]
    result = td.optimize(model, (4, 4, 2), **BUDGET)
    for weight, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    x = np.ones([1, 4, 4, 2], "float32")
    y = np.array(result.model(x))
    model.set_weights([0 * value for value in before])
    np.testing.assert_array_equal(result.model(x), y)
    assert result.model.trainable_weights == []


def test_the_choice_is_saved(tmp_path):
    """A saved model comes back with its lowerings and its outputs, without measuring again."""
    model = randomized(td.zoo.FSRCNN(2, d=8, s=4, m=1))
    result = td.optimize(model, (9, 8, 1), **BUDGET)
    result.model.save(tmp_path / "fast.keras")
    loaded = keras.saving.load_model(tmp_path / "fast.keras")
    assert lowerings(loaded) == lowerings(result.model) != {}
    x = np.random.default_rng(0).uniform(size=[1, 7, 6, 1]).astype("float32")
    np.testing.assert_array_equal(loaded(x), result.model(x))


def test_gpu_without_a_gpu_goes_by_the_rule():
    """Nothing can be measured for a GPU that is not there: cuDNN's kernel but for few filters."""
    if tf.config.get_visible_devices("GPU"):
        pytest.skip("a GPU is visible")
    model = randomized(
        keras.Sequential(
            [
                keras.Input((9, 8, 8)),
                td.layers.ResizeConv2D(32, 3, factor=2, name="resize"),
                keras.layers.Conv2DTranspose(1, 9, 2, "same", name="last"),
            ]
        )
    )
    result = td.optimize(model, (9, 8, 8), device="gpu", **BUDGET)
    assert lowerings(result.model) == {"resize": "gradient", "last": "subpixel"}


def test_half_precision_is_left_alone():
    """Other forms round partial sums once more; a half-precision layer keeps the one it has."""
    layer = td.layers.Conv2DTranspose(1, 9, 2, "same", dtype="float16")
    result = td.optimize(keras.Sequential([keras.Input((9, 8, 8)), layer]), (9, 8, 8), **BUDGET)
    assert type(result.model.layers[-1]) is td.layers.Conv2DTranspose


def test_a_wrong_rewrite_is_caught(monkeypatch):
    """The outputs are compared: a rewrite that changes them is refused with both numbers."""
    monkeypatch.setattr(
        "tfdeconv.inference.folding.scale_and_shift", lambda layer: (np.full(2, 2.0), np.zeros(2))
    )
    model = randomized(
        keras.Sequential(
            [keras.Input((4, 4, 2)), keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization()]
        )
    )
    with pytest.raises(TfdeconvError, match=r"outputs differ by up to .* from the original's"):
        td.optimize(model, (4, 4, 2), **BUDGET)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (4, 4)}, r"must fit the model's input \(4, None, 2\) without the batch"),
        ({"input_shape": (5, 4, 2)}, r"must fit the model's input"),
        ({"input_shape": [(4, 4, 2), (4, 4, 2)]}, r"one shape for each of the 1 inputs"),
        ({"input_shape": (4, 4, 2), "device": "tpu"}, r"device must be 'cpu', 'gpu' or None; received 'tpu'"),
        ({"input_shape": (4, None, 2)}, r"fully known sizes, such as \(4, 64, 2\); received \(4, None, 2\)"),
        ({"input_shape": (4, 0, 2)}, r"fully known sizes.*received \(4, 0, 2\)"),
        ({"input_shape": (4.0, 4, 2)}, r"fully known sizes.*received \(4.0, 4, 2\)"),
        ({"input_shape": 64}, r"one shape for each of the 1 inputs of the model; received 64"),
        ({"input_shape": "4x4x2"}, r"one shape for each of the 1 inputs of the model; received '4x4x2'"),
        ({"input_shape": (4, 4, 2), "batch": 0}, r"batch must be at least 1; received 0"),
        ({"input_shape": (4, 4, 2), "batch": 1.5}, r"batch must be an int; received 1.5"),
        ({"input_shape": (4, 4, 2), "budget_s": -1}, r"budget_s must be a number of seconds.*received -1"),
        ({"input_shape": (4, 4, 2), "budget_s": float("nan")}, r"budget_s must be .*received nan"),
        ({"input_shape": (4, 4, 2), "budget_s": float("inf")}, r"budget_s must be .*received inf"),
        ({"input_shape": (4, 4, 2), "budget_s": "3"}, r"budget_s must be .*received '3'"),
    ],
)
def test_arguments_are_checked(arguments, message):
    """A wrong argument is named with the rule and what was received."""
    model = keras.Sequential([keras.Input((4, None, 2)), keras.layers.Conv2DTranspose(2, 3)])
    with pytest.raises(InvalidArgumentError, match=message):
        td.optimize(model, **arguments)


def test_a_model_that_draws_random_numbers_is_refused():
    """Its outputs cannot be compared."""
    image = keras.Input((6, 5, 4))
    model = keras.Model(image, keras.layers.Dropout(0.5)(image, training=True))
    with pytest.raises(InvalidArgumentError, match="must return the same for the same inputs"):
        td.optimize(model, (6, 5, 4), **BUDGET)


def test_inputs_without_numbers_are_refused():
    """No text can be made up that a model would understand."""
    image, text = keras.Input((4, 4, 2)), keras.Input((), dtype="string", name="caption")
    model = keras.Model([image, text], [keras.layers.Conv2DTranspose(2, 3)(image), text])
    with pytest.raises(InvalidArgumentError, match="must take numbers; its input 'caption' takes string"):
        td.optimize(model, [(4, 4, 2), ()], **BUDGET)


def test_models_that_are_no_graph_are_refused():
    """A subclassed model and an unbuilt Sequential have no layers to walk."""
    for model in (keras.Sequential([keras.layers.Dense(1)]), type("Own", (keras.Model,), {})()):
        with pytest.raises(InvalidArgumentError, match="built Sequential or functional"):
            td.optimize(model, (4,))
