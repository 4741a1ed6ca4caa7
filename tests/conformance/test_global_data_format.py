"""Every layer follows ``keras.config.set_image_data_format`` where it is given no ``data_format``.

The models of the zoo do so in ``tests/zoo/test_data_formats.py``. Keras 3.15 adds the bias of its own
channels-first convolutions along the width where that equals the number of filters; layers of this package
add theirs along the channels, which the last test holds at just that shape.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance.cases import CASES, Case
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
