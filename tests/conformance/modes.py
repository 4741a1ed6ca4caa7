"""The ways in which a layer can run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

Outputs: TypeAlias = list[list[tf.Tensor]]
Run: TypeAlias = Callable[[Sequence[Any], Sequence[Sequence[tf.Tensor]]], Outputs]


def call(layer: Any, inputs: Sequence[Any]) -> list[Any]:
    """Return the layer's outputs as a list."""
    outputs = layer(inputs[0] if len(inputs) == 1 else list(inputs))
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


def unknown_sizes(layer: Any, x: tf.Tensor) -> list[int | None]:
    """Return x's shape with only the channels known."""
    channel_axis = 1 if layer.data_format == "channels_first" else x.shape.rank - 1
    return [size if axis == channel_axis else None for axis, size in enumerate(x.shape)]


def eager(layers: Sequence[Any], inputs: Sequence[Sequence[tf.Tensor]]) -> Outputs:
    """Op by op."""
    return [call(layer, xs) for layer, xs in zip(layers, inputs, strict=True)]


def eager_model(layers: Sequence[Any], inputs: Sequence[Sequence[tf.Tensor]]) -> Outputs:
    """Op by op in a functional model that was built with unknown sizes."""
    outputs = []
    for layer, xs in zip(layers, inputs, strict=True):
        symbolic = [keras.Input(batch_shape=unknown_sizes(layer, x), dtype=x.dtype.name) for x in xs]
        y = keras.Model(symbolic, call(layer, symbolic))(list(xs))
        outputs.append(list(y) if isinstance(y, list | tuple) else [y])
    return outputs


def compiled(*, dynamic: bool, xla: bool) -> Run:
    """All layers in one ``tf.function``, with all sizes known or (``dynamic``) only the channels."""

    def run(layers: Sequence[Any], inputs: Sequence[Sequence[tf.Tensor]]) -> Outputs:
        function = tf.function(lambda xs: eager(layers, xs), jit_compile=xla)
        specs = [
            [tf.TensorSpec(unknown_sizes(layer, x) if dynamic else x.shape, x.dtype) for x in xs]
            for layer, xs in zip(layers, inputs, strict=True)
        ]
        concrete = function.get_concrete_function(specs)
        results = concrete(*tf.nest.flatten(inputs))
        for result, symbolic in zip(tf.nest.flatten(results), concrete.outputs, strict=True):
            known = symbolic.shape.as_list()
            assert dynamic or None not in known, f"static sizes lost: {known}"
            assert symbolic.shape.is_compatible_with(result.shape), (known, result.shape)
            assert sum(size is not None for size in known) >= 1, "the channels are known"
        return results

    return run


MODES: dict[str, Run] = {
    "eager": eager,
    "eager, unknown sizes": eager_model,
    "graph": compiled(dynamic=False, xla=False),
    "graph, unknown sizes": compiled(dynamic=True, xla=False),
    "XLA": compiled(dynamic=False, xla=True),
    "XLA, unknown sizes": compiled(dynamic=True, xla=True),
}
