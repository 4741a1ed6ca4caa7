"""Large regular arrays in JSON: the same values as by the parser, and no work for what is not regular."""

from __future__ import annotations

import json
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfdeconv.errors import CancelledError, InvalidRequestError, ResourceExhaustedError
from tfdeconv.serving import cancellation
from tfdeconv.serving.cancellation import Cancellation
from tfdeconv.serving.codec import json_dense, json_document, json_predict

FLOAT, INT32, STRING, INT64, BOOL = 1, 3, 7, 9, 10


def inputs(body, types=None):
    return json_predict.parse_request(body).inputs(types or {"x": FLOAT})


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (b"[[1, 2, 3],\n[4, 5, 6]]", (2, 3)),
        (b"[1]", (1,)),
        (b"[[[1,2]],[[3,4]]]", (2, 1, 2)),
        (b"[NaN, -Infinity]", (2,)),
        *(
            (text, None)
            for text in (b"[]", b"[[1],[]]", b"[[1,2]]]", b"[1],[2]", b"[1,]", b"[,1]", b"[[1]2]")
        ),
    ],
)
def test_shape(text, shape):
    """A regular array has a shape; an empty list, surplus brackets and missing values do not."""
    assert json_dense.regular_shape(text) == shape


@pytest.mark.parametrize(
    ("text", "element"),
    [(b"[[],[],1]", 2), (b"[1[2],3]", 1), (b"[1,2,[3]]", 2), (b"[[1,2],[3]]", 1), (b"[[1,[2]],[3]]", 0)],
)
def test_first_bad_element(text, element):
    """What is not regular says where."""
    with pytest.raises(json_dense.IrregularError, match=f"^{element}$"):
        json_dense.regular_shape(text)


@given(st.recursive(st.sampled_from([1, 2.5, True]), lambda inner: st.lists(inner, max_size=3), max_leaves=9))
def test_shape_is_that_of_the_nested_lists(value):
    """Whatever is found regular has the shape that NumPy finds."""
    text = json.dumps(value).encode()
    if isinstance(value, list):
        try:
            shape = json_dense.regular_shape(text)
        except json_dense.IrregularError:
            return
        if shape is not None:
            assert np.array(value).shape == shape


@pytest.mark.parametrize("form", ["rows", "named rows", "columns", "named columns", "one row"])
@pytest.mark.parametrize("dtype", [FLOAT, INT32, BOOL])
def test_large_arrays_in_every_place(form, dtype, rng):
    """The values of a large array are those of its text, in every form of a request."""
    kind = {FLOAT: np.float32, INT32: np.int32, BOOL: bool}[dtype]
    array = (rng.standard_normal((4, 50, 100)) * 3).astype(kind)
    plain = array.tolist()
    document = {
        "rows": {"instances": plain},
        "named rows": {"instances": [{"x": row} for row in plain]},
        "columns": {"inputs": plain},
        "named columns": {"inputs": {"x": plain}},
        "one row": {"instances": [{"x": plain}]},
    }[form]
    body = json.dumps(document).encode()
    assert len(body) > 1 << 16
    found = inputs(body, {"x": dtype})["x"]
    np.testing.assert_array_equal(found, array[None] if form == "one row" else array)
    assert found.dtype == array.dtype


def test_nan_and_text_that_looks_like_an_array():
    """Values that only the lenient parser reads, and brackets inside strings, stay what they are."""
    array = inputs(b'{"instances": [%b]}' % b", ".join([b"NaN, Inf, 1"] * 10_000))["x"]
    np.testing.assert_array_equal(array[:3], np.float32([np.nan, np.inf, 1]))
    text = "[" + "word, " * 20_000 + "]"
    assert inputs(json.dumps({"instances": [text]}).encode(), {"x": STRING})["x"][0] == text.encode()


def rows(text, *, count=20_000):
    return b'{"instances": [%b]}' % b", ".join([b"[1, 2]"] * count + [text])


@pytest.mark.parametrize(
    ("body", "dtype", "message"),
    [
        (
            rows(b"[1, true]"),
            FLOAT,
            "element: 20000 of .* Error: INVALID_ARGUMENT: JSON Value: true ",
        ),
        (rows(b"[1, 2.5]"), INT64, "element: 20000 of .* 2.5 Type: Number is not of expected type: int64"),
        (rows(b"[1, 2, 3]"), FLOAT, "element: 20000 of .* Expecting tensor size: 2 but got: 3"),
        (rows(b"[[1, 2]]"), FLOAT, r"element: 20000 of .* Expecting shape \[2\] but got: \[1,2\]"),
        (
            rows(b"[1 2, 3]"),
            FLOAT,
            "Parse error: Missing a comma or ']' after an array element. at offset: 160018",
        ),
        (rows(b"[01, 3]"), FLOAT, "JSON Parse error: Missing a comma or ']' after an array element."),
    ],
)
def test_errors_are_those_of_small_documents(body, dtype, message):
    """The row or the offset is the right one behind thousands of good rows."""
    with pytest.raises(InvalidRequestError, match=message):
        inputs(body, {"x": dtype})


BOMBS = {
    "empty rows": b"[]," * 5_000_000 + b"1",
    "opened and never closed": b"[" * 15_000_000,
    "objects": b"{}," * 5_000_000 + b"1",
    "named rows": b'{"x":1},' * 2_500_000 + b"1",
    "strings": b'"",' * 5_000_000 + b"1",
    "mixed": b"[1]," * 4_000_000 + b'"x"',
    "zero-size": b"[[]]," * 3_000_000 + b"[[]]",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_too_many_values_are_refused_before_they_are_parsed(bomb):
    """Seconds of work and gigabytes of objects, out of kilobytes of gzip, are told from the text."""
    body = b'{"instances":[%b]}' % BOMBS[bomb]
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(ResourceExhaustedError, match=r"takes at most 4000000 \(--max_json_values\)"):
        inputs(body)
    seconds, peak = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 15  # 26 s were measured
    assert peak < 10 * len(body)


def test_commas_in_texts_are_not_values():
    """A long text of many commas is one value."""
    body = json.dumps({"instances": ["a, b," * 1000]}).encode()
    assert json_document.parse(body * 1, max_values=10)["instances"][0].startswith("a, b")
    with pytest.raises(ResourceExhaustedError, match="element 20000 differs in shape from element 0"):
        json_document.parse(rows(b"[1]"), max_values=10)


def test_work_stops_when_nobody_waits():
    """A cancelled request is given up between two pieces of its array."""
    request = json_predict.parse_request(b'{"instances": [%b1]}' % (b"1," * 3_000_000))
    waiting = Cancellation()
    waiting.cancel()
    with cancellation.working_for(waiting), pytest.raises(CancelledError):
        request.inputs({"x": FLOAT})
