"""Every public layer gives its oracle's numbers in every lowering, mode and float type."""

from __future__ import annotations

import functools
import os
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance.cases import CASES, Case, quarters
from conformance.modes import MODES, eager

import tfdeconv as td

WITHOUT_ONEDNN = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"
TOLERANCE = {"float32": 1e-5, "float64": 1e-12, "mixed_float16": 4e-3, "mixed_bfloat16": 3e-2}
LOWERINGS = ["auto", *td.ops.LOWERINGS]


@functools.cache
def applicable(lowering: str) -> tuple[Case, ...]:
    """The cases that ``lowering`` computes; it refuses the others with LoweringNotApplicable."""
    cases = []
    for case in CASES:
        if not case.has_lowering:
            if lowering == "auto":
                cases.append(case)
            continue
        inputs = prepared(case, case.make_inputs(np.random.default_rng(0)), "float32")
        try:
            eager([case.make("float32", lowering)], [inputs])
        except td.errors.LoweringNotApplicable:
            continue
        cases.append(case)
    return tuple(cases)


def chosen(lowering: str, policy: str, mode: str) -> tuple[Case, ...]:
    """The cases of one test: all of them op by op; what is traced or compiled shares them out.

    Tracing and compiling is what costs, so there each of the four float types takes every fourth case.
    Without oneDNN the types share the eager cases, too, and XLA, which does not use oneDNN's kernels,
    takes every eighth. So each case runs in each lowering and mode, and each mode in each type.
    """
    cases = applicable(lowering)
    if mode == "eager":
        step = 2 if WITHOUT_ONEDNN else 1
    else:
        step = 8 if WITHOUT_ONEDNN and mode.startswith("XLA") else 4
    return cases[list(TOLERANCE).index(policy) % step :: step] or cases[:1]


def prepared(case: Case, inputs: list[Any], dtype: str) -> list[tf.Tensor]:
    """The inputs as tensors in the layout and, where they are numbers, the type of the case."""
    tensors = []
    for n, x in enumerate(inputs):
        x = np.moveaxis(x, -1, 1) if case.channels_first else x
        tensors.append(tf.constant(x, "int64" if n in case.integers else dtype))
    return tensors


def with_weights(
    case: Case, policy: str, lowering: str, rng: np.random.Generator
) -> tuple[Any, dict[str, Any]]:
    """A built layer and its weights by name, in float64."""
    layer = case.make(keras.dtype_policies.get(policy), lowering)
    dtype = layer.compute_dtype
    eager([layer], [prepared(case, case.make_inputs(np.random.default_rng(1)), dtype)])
    if not case.keeps_initial_weights:
        layer.set_weights([quarters(rng, weight.shape) for weight in layer.weights])
    return layer, {weight.name: weight.numpy().astype("float64") for weight in layer.weights}


def check(case: Case, got: list[tf.Tensor], expected: list[Any], dtype: str, tolerance: float) -> None:
    for y, wanted in zip(got, expected, strict=True):
        wanted = np.moveaxis(wanted, -1, 1) if case.channels_first else wanted
        assert tuple(y.shape) == wanted.shape, case
        if wanted.dtype == np.int64:
            np.testing.assert_array_equal(y.numpy(), wanted, err_msg=str(case))
            continue
        assert y.dtype == dtype, case
        scale = np.abs(wanted).max(initial=1.0)
        np.testing.assert_allclose(
            y.numpy().astype("float64"), wanted, rtol=0, atol=tolerance * scale, err_msg=str(case)
        )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", TOLERANCE)
@pytest.mark.parametrize("lowering", LOWERINGS)
def test_every_layer_gives_the_numbers_of_its_oracle(lowering: str, policy: str, mode: str) -> None:
    """One batch of two and one empty batch, against NumPy loops in float64."""
    rng = np.random.default_rng(2)
    cases = chosen(lowering, policy, mode)
    layers, inputs, expected = [], [], []
    for case in cases:
        layer, weights = with_weights(case, policy, lowering, rng)
        x = case.make_inputs(rng)
        layers.append(layer)
        inputs.append(prepared(case, x, layer.compute_dtype))
        expected.append(case.expected(x, weights))
    for count in (2,) if mode == "XLA" else (2, 0):  # XLA compiles for the size at hand in any case
        results = MODES[mode](layers, [[x[:count] for x in xs] for xs in inputs])
        for case, got, wanted in zip(cases, results, expected, strict=True):
            check(case, got, [y[:count] for y in wanted], layers[0].compute_dtype, TOLERANCE[policy])


def test_lowerings_refuse_few_cases() -> None:
    """The general lowerings compute every case, and each special one at least one."""
    counts = {lowering: len(applicable(lowering)) for lowering in LOWERINGS}
    transposed = sum(case.has_lowering for case in CASES)
    assert counts["auto"] == len(CASES)
    assert counts["gradient"] == transposed
    assert all(count > 0 for count in counts.values()), counts


def test_every_public_layer_is_in_the_registry() -> None:
    """A layer without a case would go through no mode at all."""
    assert {case.layer for case in CASES} == set(td.layers.__all__)


def test_check_can_fail() -> None:
    """The comparison notices one wrong sample, one wrong type and one wrong switch."""
    case = CASES[0]
    right = np.zeros([1, 2])
    for wrong in ([[0.0, 1e-3]], [[np.nan, 0.0]]):
        with pytest.raises(AssertionError):
            check(case, [tf.constant(wrong, "float64")], [right], "float64", 1e-12)
    with pytest.raises(AssertionError):
        check(case, [tf.zeros([1, 2], "float32")], [right], "float64", 1e-12)
    with pytest.raises(AssertionError):
        check(case, [tf.ones([1, 2], "int64")], [right.astype("int64")], "float64", 1e-12)
