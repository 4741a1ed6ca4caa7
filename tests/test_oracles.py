"""The oracles are right: they agree with one another and with results worked out by hand."""

import ast
from pathlib import Path

import numpy as np
import oracles
import pytest

CASES = [
    # sizes, kernel, strides, dilation, groups, leads, output sizes
    ((4,), (3,), (2,), (1,), 1, (0,), (9,)),
    ((4,), (3,), (2,), (3,), 2, (2,), (13,)),
    ((3,), (1,), (4,), (1,), 1, (0,), (12,)),
    ((3, 2), (3, 4), (2, 3), (1, 1), 1, (1, 0), (6, 7)),
    ((2, 3), (2, 3), (3, 1), (2, 2), 2, (0, 2), (7, 5)),
    ((2, 2, 2), (2, 3, 1), (2, 1, 2), (1, 2, 1), 2, (1, 1, 0), (3, 4, 5)),
]


@pytest.mark.parametrize(("sizes", "kernel_size", "strides", "dilation", "groups", "leads", "outputs"), CASES)
def test_three_views_of_a_transposed_convolution_are_equal(
    sizes, kernel_size, strides, dilation, groups, leads, outputs
):
    """Scatter-and-add, zero insertion + convolution, and the transposed matrix give one result."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, *sizes, 4))
    kernel = rng.normal(size=(*kernel_size, 3, 4))
    problem = {"strides": strides, "dilation": dilation, "groups": groups, "leads": leads, "sizes": outputs}
    expected = oracles.by_scatter(x, kernel, **problem)
    np.testing.assert_allclose(oracles.by_zero_insertion(x, kernel, **problem), expected, atol=1e-12)
    np.testing.assert_allclose(oracles.by_matrix(x, kernel, **problem), expected, atol=1e-12)


@pytest.mark.parametrize(("sizes", "kernel_size", "strides", "dilation", "groups", "leads", "outputs"), CASES)
def test_gradients_are_the_adjoints(sizes, kernel_size, strides, dilation, groups, leads, outputs):
    """<y(x, k), dy> equals <x, input_gradient> and <k, kernel_gradient>: y is linear in both."""
    rng = np.random.default_rng(1)
    x, kernel = rng.normal(size=(2, *sizes, 4)), rng.normal(size=(*kernel_size, 3, 4))
    dy = rng.normal(size=(2, *outputs, 3 * groups))
    where = {"strides": strides, "dilation": dilation, "groups": groups, "leads": leads}
    product = (oracles.by_scatter(x, kernel, sizes=outputs, **where) * dy).sum()
    dx = oracles.input_gradient(dy, kernel, sizes, **where)
    dk = oracles.kernel_gradient(x, dy, kernel.shape, **where)
    np.testing.assert_allclose([(x * dx).sum(), (kernel * dk).sum()], [product, product], rtol=1e-12)


def test_by_hand():
    """Two samples, three taps, stride 2: 1*w, then 2*w two samples later."""
    x, kernel = np.array([1.0, 2.0]).reshape(1, 2, 1), np.array([1.0, 10.0, 100.0]).reshape(3, 1, 1)
    y = oracles.by_scatter(x, kernel, strides=(2,), dilation=(1,), groups=1, leads=(0,), sizes=(5,))
    np.testing.assert_array_equal(y.ravel(), [1, 10, 102, 20, 200])


def test_unpooling_by_hand():
    """Overlapping windows that share a maximum: "last" keeps it once, "sum" adds it up."""
    x = np.array([0.0, 9.0, 1.0]).reshape(1, 1, 3, 1)
    pooled, switches = oracles.max_pool(x, (1, 2), (1, 1), "valid")
    np.testing.assert_array_equal(switches.ravel(), [1, 1])
    np.testing.assert_array_equal(oracles.max_unpool(pooled, switches, (1, 3)).ravel(), [0, 9, 0])
    np.testing.assert_array_equal(oracles.max_unpool(pooled, switches, (1, 3), "sum").ravel(), [0, 18, 0])


def test_linear_by_hand():
    """Factor 2 between 0 and 4: quarter steps inside, the edge repeated or faded."""
    x = np.array([0.0, 4.0]).reshape(1, 2, 1)
    np.testing.assert_allclose(oracles.linear(x, (2,), "edge").ravel(), [0, 1, 3, 4])
    np.testing.assert_allclose(oracles.linear(x, (2,), "zero").ravel(), [0, 1, 3, 3])


def test_the_oracles_import_nothing_of_the_package():
    """An oracle that shares code with what it judges proves nothing."""
    tree = ast.parse(Path(oracles.__file__).read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module])
    }
    assert imported == {"__future__", "itertools", "numpy"}
