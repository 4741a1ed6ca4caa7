"""Models with random weights, and what to hold their optimized forms against."""

from __future__ import annotations

import numpy as np

BUDGET = {"budget_s": 0.02}


def randomized(model, seed=0):
    """``model`` with random weights; variances are positive."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        low = 0.5 if weight.name == "moving_variance" else -0.5
        weight.assign(rng.uniform(low, 0.9, weight.shape))
    return model


def assert_same_outputs(model, optimized, shape):
    x = np.random.default_rng(1).standard_normal(shape).astype("float32")
    np.testing.assert_allclose(optimized(x), model(x), rtol=1e-4, atol=1e-4)


def rewrites(result):
    return {layer.name: layer.rewrite for layer in result.report.layers}
