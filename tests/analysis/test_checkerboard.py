"""Checkerboards of layers and models: causes, scores and remedies."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import tfdeconv as td
from tfdeconv import analysis, layers
from tfdeconv.analysis import Check, CheckerboardReport, LayerCheckerboard
from tfdeconv.analysis.checkerboards import fixes as fixes_module
from tfdeconv.errors import InvalidArgumentError

UPSAMPLING = [
    # layer, input shape, cause
    (layers.Conv2DTranspose(4, 3, strides=2, padding="same"), (8, 8, 3), "uneven overlap"),
    (layers.Conv2DTranspose(4, 4, strides=2, padding=1), (8, 8, 3), "unequal phase sums"),
    (layers.Conv2DTranspose(4, 4, strides=2, groups=2), (8, 8, 4), "unequal phase sums"),
    (layers.Conv2DTranspose(4, 3, strides=2, dilation_rate=2), (8, 8, 3), "uneven overlap"),
    (
        layers.Conv2DTranspose(3, 4, strides=2, kernel_initializer=td.initializers.Bilinear()),
        (8, 8, 3),
        "none",
    ),
    (
        layers.Conv2DTranspose(4, 4, 2, kernel_initializer=td.initializers.ICNR(2, layout="transposed")),
        (8, 8, 3),
        "none",
    ),
    (layers.Conv1DTranspose(4, 5, strides=3, activation="relu"), (8, 3), "uneven overlap"),
    (layers.Conv3DTranspose(2, 3, strides=2), (4, 4, 4, 2), "uneven overlap"),
    (layers.DepthwiseConv2DTranspose(3, strides=2), (8, 8, 3), "uneven overlap"),
    (layers.BilinearUpsampling2D(2), (8, 8, 3), "none"),
    (layers.BilinearUpsampling2D(3, trainable=True), (8, 8, 3), "none"),
    (layers.LinearUpsampling1D(2), (8, 3), "none"),
    (layers.TrilinearUpsampling3D(2), (4, 4, 4, 2), "none"),
    (layers.BilinearAdditiveUpsampling2D(2), (8, 8, 4), "none"),
    (layers.ResizeConv2D(4, 3), (8, 8, 3), "none"),
    (layers.ResizeConv2D(4, 3, interpolation="bilinear", activation="relu"), (8, 8, 3), "none"),
    (layers.SubpixelConv2D(4, 3), (8, 8, 3), "unequal phase sums"),
    (layers.SubpixelConv2D(4, 3, kernel_initializer=td.initializers.ICNR(2)), (8, 8, 3), "none"),
    (layers.PixelShuffle1D(2), (8, 2), "separate channels"),
    (layers.PixelShuffle2D(2), (8, 8, 4), "separate channels"),
    (layers.PixelShuffle3D(2), (4, 4, 4, 8), "separate channels"),
    (keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same"), (8, 8, 3), "uneven overlap"),
    (keras.layers.UpSampling2D(2, interpolation="bilinear"), (8, 8, 3), "none"),
]


@pytest.mark.parametrize(("layer", "shape", "cause"), UPSAMPLING, ids=lambda value: type(value).__name__)
def test_cause_and_remedies_of_every_layer(layer, shape, cause):
    """Each layer gets its cause; after every remedy the same check finds nothing."""
    (found,) = analysis.checkerboard(layer, shape)
    assert found.cause == cause
    assert (found.score > 1e-3) == (cause in ("uneven overlap", "unequal phase sums"))
    if found.score > 1e-3:
        assert found.check.constant_energy > 1e-4
        assert {fix.name for fix in found.fixes} >= {"resize-convolution", "ICNR", "bilinear-additive"}
    for fix in found.fixes:
        assert fix.after.score < 1e-6
        assert fix.after.constant_energy < 1e-9
        assert 0 < fix.change <= 1
    changes = [fix.change for fix in found.fixes]
    np.testing.assert_allclose(changes, sorted(changes), atol=2 * fixes_module.TOLERANCE)


def test_every_public_upsampling_layer_is_judged():
    """The table above holds every layer that upsamples; pooling, cropping and unpooling do not belong."""
    judged = {type(layer).__name__ for layer, _, _ in UPSAMPLING}
    others = {"CropLike", "MaxPooling2DWithSwitches", "MaxUnpooling2D"}
    assert set(layers.__all__) - others <= judged


def test_the_check_is_the_same_on_what_it_advises():
    """Training under EqualPhaseSums, as advised, gives a layer that passes."""
    layer = layers.Conv2DTranspose(2, 3, strides=2)
    (before,) = analysis.checkerboard(layer, (8, 8, 2))
    layer.kernel.assign(td.constraints.EqualPhaseSums(2)(layer.kernel))
    (after,) = analysis.checkerboard(layer, (8, 8, 2))
    assert before.score > 0.1
    assert after.score < 1e-6
    advised = next(fix for fix in before.fixes if fix.name == "equal phase sums")
    assert advised.after.natural_energy == pytest.approx(after.check.natural_energy, rel=1e-4)


def test_kernel_smaller_than_the_stride_has_no_constraint_to_advise():
    """Where some outputs get no tap, no constraint helps, and none is advised."""
    (found,) = analysis.checkerboard(layers.Conv1DTranspose(1, 2, strides=3), (8, 1))
    assert "equal phase sums" not in [fix.name for fix in found.fixes]


def build_model():
    """Transposed convolutions at three depths, one in a nested model, and a shuffled convolution."""
    keras.utils.set_random_seed(0)
    inner_input = keras.Input([None, None, 4])
    inner = keras.Model(
        inner_input, layers.Conv2DTranspose(4, 4, strides=2, padding=1, name="up")(inner_input), name="inner"
    )
    image = keras.Input([32, 32, 3])
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="elu")(image)
    x = keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="first")(x)
    x = inner(x)
    x = keras.layers.Conv2D(12, 3, padding="same")(x)
    x = layers.PixelShuffle2D(2, name="shuffle")(x)
    return keras.Model(image, x)


def test_model_is_judged_layer_by_layer_and_as_a_whole():
    """Nested layers have their path, a shuffle is judged with its convolution, the output is measured."""
    report = analysis.checkerboard(build_model())
    assert [layer.path for layer in report] == ["first", "inner/up", "shuffle"]
    assert report.layers[2].cause == "unequal phase sums"
    assert len(report) == 3
    assert report.worst.score == max(layer.score for layer in report)
    assert report.output is not None
    assert report.output.constant_energy > 1e-3


def test_clean_model_has_a_clean_output():
    """A model of clean layers returns natural images without a pattern."""
    image = keras.Input([32, 32, 3])
    x = layers.ResizeConv2D(4, 3)(image)
    model = keras.Model(image, layers.BilinearUpsampling2D(2, boundary="edge")(x))
    report = analysis.checkerboard(model)
    assert [layer.cause for layer in report] == ["none", "none"]
    assert report.output.constant_energy < 1e-9
    assert report.output.natural_energy < 1e-3


def test_model_of_equal_size_is_measured_at_its_upsampling():
    """Encoder-decoders return their input's size: the pattern is sought at the product of the strides."""
    image = keras.Input([32, 32, 1])
    x = keras.layers.Conv2D(2, 3, strides=2, padding="same", kernel_initializer="ones")(image)
    x = keras.layers.Conv2DTranspose(1, 3, strides=2, padding="same", kernel_initializer="ones")(x)
    assert analysis.checkerboard(keras.Model(image, x)).output.constant_energy > 0.05


def test_padding_is_no_upsampling():
    """Layers that add a border, a fixed one or one up to a multiple, are not judged."""

    class PadToMultiple(keras.layers.Layer):
        def call(self, x):
            return keras.ops.pad(x, [(0, 0), (0, -x.shape[1] % 4), (0, 0)])

        def compute_output_shape(self, shape):
            return (shape[0], -(-shape[1] // 4) * 4, shape[2])

    model = keras.Sequential([keras.Input([8, 1]), keras.layers.ZeroPadding1D(4), PadToMultiple()])
    assert len(analysis.checkerboard(model)) == 0


def test_unpooling_is_told_apart():
    """Unpooling is not linear in what it is given: no score, and the reason."""
    image = keras.Input([8, 8, 3])
    pooled = layers.MaxPooling2DWithSwitches(2)(image)
    (found,) = analysis.checkerboard(keras.Model(image, layers.MaxUnpooling2D(2)(pooled)))
    assert found.cause == "not linear"
    assert found.check is None


def test_composite_layers_of_others_are_walked_into():
    """A custom layer that holds a transposed convolution is judged by its parts."""

    class Block(keras.layers.Layer):
        def __init__(self):
            super().__init__(name="block")
            self.up = keras.layers.Conv1DTranspose(2, 3, strides=2, name="up")

        def call(self, x):
            return keras.ops.relu(self.up(x))

    model = keras.Sequential([keras.Input([8, 2]), Block()])
    assert [layer.path for layer in analysis.checkerboard(model)] == ["block/up"]


def test_tracing_leaves_the_model_as_it_was():
    """No layer keeps anything of the search."""
    model = build_model()
    before = [set(vars(layer)) for layer in model.layers]
    analysis.checkerboard(model)
    assert [set(vars(layer)) for layer in model.layers] == before


def test_saved_models_are_judged_like_the_keras_model(tmp_path):
    """A SavedModel's graph gives the same scores, from its operations and constants."""
    model = build_model()
    expected = analysis.checkerboard(model)
    td.export_saved_model(model, tmp_path / "model")
    found = analysis.checkerboard(tmp_path / "model")
    assert [layer.score for layer in found] == pytest.approx([layer.score for layer in expected], abs=1e-6)
    assert [layer.cause for layer in found] == [layer.cause for layer in expected]
    assert found.output.natural_energy == pytest.approx(expected.output.natural_energy, rel=1e-3)
    model.save(tmp_path / "model.keras")
    again = analysis.checkerboard(str(tmp_path / "model.keras"))
    assert [layer.score for layer in again] == [layer.score for layer in expected]


def test_saved_models_of_any_inputs_are_judged(tmp_path):
    """A vector or several images as inputs: all layers are found, the whole output is not measured."""
    code = keras.Input([8], name="code")
    x = keras.layers.Reshape([4, 4, 2])(keras.layers.Dense(32)(code))
    x = layers.Conv2DTranspose(2, 4, strides=2, padding="same", lowering="subpixel", name="sub")(x)
    x = keras.layers.Conv2DTranspose(1, 3, strides=2, activation="tanh", name="own")(x)
    first, second = keras.Input([8, 8, 1], name="first"), keras.Input([16, 16, 1], name="second")
    joined = keras.layers.Add()([layers.ResizeConv2D(1, 3, name="resize")(first), second])
    for name, model in (("code", keras.Model(code, x)), ("two", keras.Model([first, second], joined))):
        td.export_saved_model(model, tmp_path / name)
        expected, found = analysis.checkerboard(model), analysis.checkerboard(tmp_path / name)
        assert [layer.score for layer in found] == pytest.approx(
            [layer.score for layer in expected], abs=1e-5
        )
        assert found.output is None


def test_groups_of_a_saved_model_are_one_layer(tmp_path):
    """A grouped transposed convolution is computed group by group and reported once."""
    model = keras.Sequential([keras.Input([8, 8, 4]), layers.Conv2DTranspose(4, 3, strides=2, groups=2)])
    (expected,) = analysis.checkerboard(model)
    td.export_saved_model(model, tmp_path / "model")
    (found,) = analysis.checkerboard(tmp_path / "model")
    assert found.score == pytest.approx(expected.score, abs=1e-6)


@pytest.mark.parametrize("lowering", sorted(td.ops.LOWERINGS))
def test_lowerings_of_a_saved_model_are_seen_through(tmp_path, lowering):
    """However a transposed convolution was exported, its graph gives the kernel's score."""
    image = keras.Input([8, 8, 4])
    groups = 4 if lowering == "depthwise" else 1
    layer = layers.Conv2DTranspose(
        4, 4, strides=2, padding=1, groups=groups, activation="relu", lowering=lowering, name="up"
    )
    try:
        x = layer(image)
    except td.errors.LoweringNotApplicable:
        pytest.skip("this lowering is for other kernels")
    model = keras.Model(image, keras.layers.Conv2D(1, 1, activation="tanh")(x))
    (expected,) = analysis.checkerboard(model)
    td.export_saved_model(model, tmp_path / "model")
    (found,) = analysis.checkerboard(tmp_path / "model")
    assert found.score == pytest.approx(expected.score, abs=1e-5)
    assert found.strides == (2, 2)


@pytest.mark.parametrize(
    ("name", "message"), [("nothing", "does not exist"), ("file.txt", "is neither"), ("empty", "is neither")]
)
def test_paths_without_a_model_are_refused(tmp_path, name, message):
    """A path that holds no model is named, with what was expected."""
    (tmp_path / "file.txt").write_text("no model")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidArgumentError, match=rf"a \.keras file or a SavedModel folder; .*{message}"):
        analysis.checkerboard(tmp_path / name)


def test_what_is_no_model_is_refused():
    """Objects that are neither layer nor path are named."""
    with pytest.raises(InvalidArgumentError, match="must be a Keras layer or model; received int"):
        analysis.checkerboard(5)


def test_layer_without_known_input_is_refused():
    """A layer that was never called needs an input shape."""
    with pytest.raises(InvalidArgumentError, match=r"input_shape must be given for 'up'"):
        analysis.checkerboard(layers.Conv2DTranspose(1, 3, name="up"))


@pytest.mark.parametrize("noise", [-3e-8, 0.0, 3e-8])
def test_equally_close_remedies_keep_one_order(noise, monkeypatch):
    """Rounding, which differs between processors, does not decide what is advised first."""
    exact = fixes_module.EqualPhaseSums.__call__
    monkeypatch.setattr(fixes_module.EqualPhaseSums, "__call__", lambda *a: (1 + noise) * exact(*a))
    names = [fix.name for fix in fixes_module.fixes(np.ones([3, 1, 1]), (2,), (1,))]
    assert names == ["resize-convolution", "equal phase sums", "ICNR", "bilinear-additive"]


@pytest.mark.parametrize("noise", [-3e-8, 0.0, 3e-8])
def test_equally_bad_layers_keep_one_order(noise):
    """Of layers whose scores rounding alone tells apart the first is the worst."""
    layers = [
        LayerCheckerboard(name, "kind", (2,), (3,), Check(score, 0.0, 0.0), "uneven overlap", ())
        for name, score in [("fine", 0.0), ("one", 0.3), ("two", 0.3 + noise)]
    ]
    assert CheckerboardReport(tuple(layers), None).worst.path == "one"
    assert CheckerboardReport((), None).worst is None
