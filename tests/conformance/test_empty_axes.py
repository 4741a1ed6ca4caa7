"""An axis without samples gives every layer what Keras's layers give: no samples, or those of the bias.

What ``keras.layers.Conv2DTranspose(3, 5, strides=2)`` returns for ``[2, 0, 4, channels]`` is its bias at
``[2, 3, 11, 3]``, in eager mode and in graphs; its convolutions, poolings and upsamplings return an axis
without samples. The empty batch is in ``test_conformance``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conformance.cases import CASES, Case
from conformance.modes import MODES, call
from conformance.test_conformance import LOWERINGS, applicable, check, prepared, with_weights

EVERYWHERE = ("eager", "graph, unknown sizes")
"""The modes of every lowering; the others, in which no further code of ours runs, take "auto" alone."""


def without_samples(case: Case, inputs: list[Any], axes: tuple[int, ...]) -> list[Any]:
    """The inputs with no sample along the spatial ``axes``; of CropLike's, the one that gives the size."""
    emptied = [1] if case.layer == "CropLike" else range(len(inputs))
    return [
        np.take(x, [], axis=1 + axes[0])
        if len(axes) == 1 and n in emptied
        else x[(slice(None), *(slice(0) if a in axes else slice(None) for a in range(x.ndim - 2)))]
        if n in emptied
        else x
        for n, x in enumerate(inputs)
    ]


def from_nothing(case: Case, inputs: list[Any], weights: dict[str, Any], axes: tuple[int, ...]) -> list[Any]:
    """What the oracle gives for zeros, with the sizes that were worked out by hand along ``axes``."""
    outputs = []
    for y in case.expected([np.zeros_like(x) for x in inputs], weights):
        for axis in axes:
            y = np.take(y, [0] * case.from_nothing[axis], axis=1 + axis)
        outputs.append(y)
    return outputs


def emptied_axes(case: Case) -> list[tuple[int, ...]]:
    """Each spatial axis of the case by itself, and all of them; those that have an output."""
    axes = [axis for axis, size in enumerate(case.from_nothing) if size is not None]
    return [*((axis,) for axis in axes), *([tuple(axes)] if len(axes) > 1 else [])]


@pytest.mark.parametrize(
    ("lowering", "mode"),
    [
        (lowering, mode)
        for lowering in LOWERINGS
        for mode in MODES
        if lowering == "auto" or mode in EVERYWHERE
    ],
)
def test_no_sample_along_an_axis(lowering: str, mode: str) -> None:
    """Every layer, every axis and all axes at once; where tracing costs, the cases take the axes in turn."""
    rng = np.random.default_rng(3)
    rows: list[tuple[Case, Any, list[Any], list[Any]]] = []
    for number, case in enumerate(applicable(lowering)):
        layer, weights = with_weights(case, "float32", lowering, rng)
        choices = emptied_axes(case)
        if mode != "eager" and choices:
            choices = [choices[(number + LOWERINGS.index(lowering)) % len(choices)]]
        for axes in choices:
            inputs = case.make_inputs(rng)
            empty = prepared(case, without_samples(case, inputs, axes), "float32")
            rows.append((case, layer, empty, from_nothing(case, inputs, weights, axes)))
    cases, layers, inputs, expected = zip(*rows, strict=True)
    results = MODES[mode](layers, inputs)
    for case, got, wanted in zip(cases, results, expected, strict=True):
        check(case, got, wanted, "float32", 0)


def test_gradients_of_no_sample() -> None:
    """The kernel's gradient is zero, the bias's counts its outputs, and the input's has the input's shape."""
    for case in CASES:
        layer, _ = with_weights(case, "float32", "auto", np.random.default_rng(4))
        for axes in emptied_axes(case)[-1:]:
            inputs = case.make_inputs(np.random.default_rng(5))
            x, *rest = prepared(case, without_samples(case, inputs, axes), "float32")
            weights = layer.trainable_weights
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = call(layer, [x, *rest])[0]
            for_x, *for_weights = tape.gradient(y, [x, *(weight.value for weight in weights)])
            assert for_x.shape == x.shape, case
            for weight, gradient in zip(weights, for_weights, strict=True):
                assert gradient.shape == weight.shape, case
                if weight.name == "kernel":
                    assert not np.any(gradient), case
                elif case.has_lowering:
                    np.testing.assert_allclose(
                        gradient, tf.size(y).numpy() / weight.shape[0], err_msg=case.name
                    )
