"""Classify and regress: feature dictionaries over both protocols."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tfdeconv import errors
from tfdeconv.client import Classification, Client
from tfdeconv.client.values.examples import read_example


def test_classify(client: Client) -> None:
    """Labels are text, scores those of float32."""
    examples = [
        {"age": 3, "weight": 0.1, "name": "ann"},
        {"age": [4], "weight": np.float32(2), "name": b"bob"},
    ]
    assert client.classify(examples, signature="classify") == [
        [Classification("ann", 3), Classification("other", float(np.float32(0.1)))],
        [Classification("bob", 4), Classification("other", 2)],
    ]


def test_regress(client: Client) -> None:
    """One float32 per example."""
    values = client.regress([{"age": 3, "weight": 0.5}, {"age": 2, "weight": 2.0}], signature="regress")
    assert_array_equal(values, np.array([1.5, 4], np.float32), strict=True)


def test_context_is_shared(client: Client) -> None:
    """Its features are those of every example that lacks them."""
    values = client.regress([{"age": 3}, {"age": 2}], context={"weight": 2.0}, signature="regress")
    assert_array_equal(values, np.array([6, 4], np.float32), strict=True)


@pytest.mark.parametrize(
    ("value", "kind", "values"),
    [
        (3, "int64_list", [3]),
        (True, "int64_list", [1]),
        ([1, 2], "int64_list", [1, 2]),
        (np.arange(3, dtype=np.uint8), "int64_list", [0, 1, 2]),
        (1.5, "float_list", [1.5]),
        ([1, 2.5], "float_list", [1.0, 2.5]),
        ("é", "bytes_list", ["é".encode()]),
        ([b"a\0", "b"], "bytes_list", [b"a\0", b"b"]),
    ],
)
def test_kinds_of_features(value: object, kind: str, values: list[object]) -> None:
    """Whole numbers and truths, floats, text."""
    assert read_example({"f": value}) == {"f": (kind, values)}


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([], "examples must hold at least one example; received none"),
        ({"age": 3}, "examples must be a list of dicts, one per example; received a dict"),
        (["ann"], "An example must be a dict from feature names to values; received a str"),
        (
            [{"f": [1, "a"]}],
            r"Feature 'f' must hold integers, floats, or strings, of one kind; received \[1, 'a'\]",
        ),
        ([{"f": None}], "Feature 'f' must hold .*; received None"),
        ([{"f": [[1], [2, 3]]}], "Feature 'f' must hold .*; received"),
    ],
)
def test_examples_that_are_none(client: Client, examples: object, message: str) -> None:
    """Told before anything is sent."""
    for method in (client.classify, client.regress):
        with pytest.raises(errors.InvalidRequestError, match=message):
            method(examples)
