"""Layers and models follow ``keras.config.set_image_data_format`` where they are given no ``data_format``.

Keras 3.15 adds the bias of its own channels-first convolutions along the width where that equals the number
of filters; layers and models of this package add theirs along the channels, at just those shapes, too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance.cases import CASES, Case
from conformance.models import MODELS, ModelCase
from conformance.modes import call, compiled, eager_model
from conformance.test_conformance import check, prepared, with_weights

import tfdeconv as td


@pytest.fixture
def channels_first() -> Iterator[None]:
    """Keras set to channels first, as it was afterwards."""
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format(before)


class GlobalCase(Case):
    """A case whose layout is Keras's setting."""

    @property
    def channels_first(self) -> bool:
        return keras.config.image_data_format() == "channels_first"


def following(case: Case) -> Case:
    """The case without a layout of its own."""
    config = {name: value for name, value in case.config.items() if name != "data_format"}
    values = {field.name: getattr(case, field.name) for field in dataclasses.fields(case)}
    return GlobalCase(**{**values, "config": config})


@pytest.mark.parametrize("case", [*map(following, CASES)], ids=lambda case: f"{case.layer}, {case.name}")
def test_every_layer_follows_the_setting(case: Case, channels_first: None) -> None:
    """The oracle's numbers with channels on axis 1, op by op, and the layout stays in the saved config."""
    rng = np.random.default_rng(6)
    layer, weights = with_weights(case, "float32", "auto", rng)
    inputs = case.make_inputs(rng)
    first = prepared(case, inputs, "float32")
    expected = case.expected(inputs, weights)
    assert layer.data_format == "channels_first"
    check(case, call(layer, first), expected, "float32", 1e-5)

    keras.config.set_image_data_format("channels_last")
    again = type(layer).from_config(layer.get_config())
    assert again.data_format == "channels_first"
    keras.config.set_image_data_format("channels_first")
    call(again, first)
    again.set_weights(layer.get_weights())
    check(case, call(again, first), expected, "float32", 1e-5)
    shapes = [x.shape for x in first]
    symbolic = layer.compute_output_shape(shapes[0] if len(shapes) == 1 else shapes)
    outputs = symbolic if isinstance(symbolic[0], tuple) else [symbolic]
    assert [tuple(y) for y in outputs] == [tuple(y.shape) for y in call(layer, first)]


@pytest.mark.parametrize("run", [eager_model, compiled(dynamic=True, xla=False)], ids=["model", "graph"])
def test_models_and_graphs_follow_the_setting(run, channels_first: None) -> None:
    """A model and a graph of free sizes that hold every layer."""
    rng = np.random.default_rng(7)
    cases = [following(case) for case in CASES]
    layers, inputs, expected = [], [], []
    for case in cases:
        layer, weights = with_weights(case, "float32", "auto", rng)
        x = case.make_inputs(rng)
        layers.append(layer)
        inputs.append(prepared(case, x, "float32"))
        expected.append(case.expected(x, weights))
    for case, got, wanted in zip(cases, run(layers, inputs), expected, strict=True):
        check(case, got, wanted, "float32", 1e-5)


@pytest.mark.parametrize("name", ["Conv2DTranspose", "ResizeConv2D", "SubpixelConv2D"])
def test_the_bias_goes_along_the_channels_where_the_width_is_the_filters(name, channels_first: None) -> None:
    """Filters 4, output width 4: where Keras's own layers add the bias along the width."""
    options = {"strides": 2, "padding": "same"} if name == "Conv2DTranspose" else {}
    layer = getattr(td.layers, name)(4, 3, **options)
    layer.build((None, 2, None, None))
    for weight in layer.weights:
        weight.assign(tf.zeros(weight.shape))
    bias = np.arange(1.0, 1 + layer.bias.shape[0])
    layer.bias.assign(bias)
    y = layer(tf.zeros([1, 2, 2, 2])).numpy()
    assert y.shape == (1, 4, 4, 4)
    phases = np.broadcast_to(bias[:, np.newaxis, np.newaxis], [1, len(bias), 2, 2])
    wanted = td.ops.pixel_shuffle(phases, 2) if name == "SubpixelConv2D" else phases.repeat(2, 2).repeat(2, 3)
    np.testing.assert_array_equal(y, wanted)


def test_every_model_of_the_zoo_is_in_the_registry() -> None:
    """A model without a case would follow no setting at all."""
    models = {name for name in td.zoo.__all__ if name[0].isupper() and not name.endswith("Network")}
    assert models <= {case.name.split()[0] for case in MODELS}


@pytest.mark.parametrize("case", MODELS, ids=lambda case: case.name)
def test_every_model_computes_channels_first_what_it_does_channels_last(
    case: ModelCase, channels_first: None
) -> None:
    """The same weights give the same numbers, with channels on axis 1, and again after from_config."""
    first = case.make()
    keras.config.set_image_data_format("channels_last")
    last = case.make()
    rng = np.random.default_rng(0)
    weights = [rng.normal(0.0, 0.3, weight.shape) for weight in last.get_weights()]
    weights = [np.abs(w) if "variance" in v.name else w for w, v in zip(weights, last.weights, strict=True)]
    last.set_weights(weights)
    if case.widths is None:
        # the projection's units are the samples of the first map, in another order
        units = np.arange(weights[0].shape[1]).reshape(4, 4, -1).transpose(2, 0, 1).ravel()
        weights[0] = weights[0][:, units]
    weights = [
        w.reshape(v.shape) if v.name == "alpha" else w for w, v in zip(weights, first.weights, strict=True)
    ]
    first.set_weights(weights)
    again = type(first).from_config(first.get_config())
    again.set_weights(weights)
    assert first.output_shape[1] == last.output_shape[-1]
    for width in case.widths or [None]:
        shape = (2, 6) if width is None else (2, 9, width, last.input_shape[-1])
        x = rng.random(shape).astype("float32")
        expected = np.array(last(x))
        for model in (first, again):
            answer = np.array(model(x if width is None else np.moveaxis(x, -1, 1)))
            np.testing.assert_allclose(
                np.moveaxis(answer, 1, -1), expected, rtol=0, atol=1e-3 * np.abs(expected).max()
            )


def test_models_convolve_channels_first_in_every_type(channels_first: None) -> None:
    """TensorFlow's own channels-first convolutions on the CPU know few types; the zoo's take all."""
    for policy in ("float64", "mixed_float16", "mixed_bfloat16"):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            model = td.zoo.FSRCNN(2, d=4, s=3, m=1)
            assert model(np.zeros([1, 1, 4, 4])).dtype == model.compute_dtype
        finally:
            keras.config.set_dtype_policy(before)
