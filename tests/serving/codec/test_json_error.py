"""Errors of JSON documents, and values as errors quote them, recorded from RapidJSON 1.1.0.

TensorFlow Serving is built with that version. The rows were printed by a program of it with the parse flags,
the writer and the limit of ``json_tensor.cc``.
"""

from __future__ import annotations

import pytest

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.codec import json_document, json_quote

EMPTY, VALUE = "The document is empty.", "Invalid value."
NAME, COLON = "Missing a name for object member.", "Missing a colon after a name of object member."
OBJECT = "Missing a comma or '}' after an object member."
ARRAY = "Missing a comma or ']' after an array element."
QUOTE, ESCAPE = "Missing a closing quotation mark in string.", "Invalid escape character in string."
HEX = "Incorrect hex digit after \\u escape in string."
PAIR = "The surrogate pair in string is invalid."
FRACTION, EXPONENT = "Miss fraction part in number.", "Miss exponent in number."
BIG = "Number too big to be stored in double."
RECORDED = [
    (b" \n", EMPTY, 2),
    (b"\0", EMPTY, 0),
    (b",", EMPTY, 0),
    (b"nul", VALUE, 3),
    (b"[tru]", VALUE, 4),
    (b"[fals", VALUE, 5),
    (b"[Nan]", VALUE, 3),
    (b"[-Nan]", VALUE, 4),
    (b"[Infi]", VALUE, 5),
    (b"[Infinit]", VALUE, 8),
    (b"[-x]", VALUE, 2),
    (b"[+1]", VALUE, 1),
    (b"[.5]", VALUE, 1),
    (b"1.", FRACTION, 2),
    (b"[1.x]", FRACTION, 3),
    (b"[1e]", EXPONENT, 3),
    (b"[1e+]", EXPONENT, 4),
    (b"[01]", ARRAY, 2),
    (b"[1.5.5]", ARRAY, 4),
    (b"[1,]", VALUE, 3),
    (b"[1 2]", ARRAY, 3),
    (b"[1", ARRAY, 2),
    (b"[", VALUE, 1),
    (b"[,1]", VALUE, 1),
    (b"[1}", ARRAY, 2),
    (b"{'a': 1}", NAME, 1),
    (b'{"a"', COLON, 4),
    (b'{"a" 1}', COLON, 5),
    (b'{"a": }', VALUE, 6),
    (b'{"a": 1 "b"}', OBJECT, 8),
    (b'{"a": 1,}', NAME, 8),
    (b'{"a": 1', OBJECT, 7),
    (b"{1: 2}", NAME, 1),
    (b'{"a": [1}', ARRAY, 8),
    ('{"é": x}'.encode(), VALUE, 7),
    (b'["x', QUOTE, 3),
    (b'["x\\', ESCAPE, 3),
    (b'["\\x"]', ESCAPE, 2),
    (b'["\\u12g4"]', HEX, 2),
    (b'["\\u12', HEX, 2),
    (b'["\\u0041', QUOTE, 8),
    (b'["a\nb"]', ESCAPE, 3),
    (b'["a\0b"]', QUOTE, 3),
    (b'["\\ud800"]', PAIR, 2),
    (b'["\\ud800\\u"]', HEX, 2),
    (b'["\\ud800\\ud800"]', PAIR, 2),
    (b"[1 2, \\ud800]", ARRAY, 3),
    (b"[1e309]", BIG, 1),
    (b"[1.5, -1e400]", BIG, 6),
    (b"[1e%b]" % (b"1" * 5000), BIG, 1),
    (b"[1e-%b, 1e+0999]" % (b"1" * 5000), BIG, 5006),
    (b'["1e999", %b]' % (b"9" * 310), BIG, 10),
    (b'["[", 1 2]', ARRAY, 8),
    (b'["\\"{", 1 2]', ARRAY, 10),
]


@pytest.mark.parametrize(("body", "message", "offset"), RECORDED)
def test_error(body, message, offset):
    """The sentence, and the byte at which RapidJSON gives up."""
    with pytest.raises(InvalidRequestError) as caught:
        json_document.parse(body)
    assert str(caught.value) == f"JSON Parse error: {message} at offset: {offset}"


def test_error_behind_many_strings():
    """Brackets and quotes inside strings are none, across the blocks in which the text is looked at."""
    body = b'{"a": [%b 1 2' % (rb'"[\"{\\", ' * 50_000)
    with pytest.raises(InvalidRequestError, match=r"Missing a comma or '\]' after an array element\."):
        json_document.parse(body)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"[1e-6, 1e-7, 1.5e20, 1e21, 0, -0.0]", "[0.000001, 1e-7, 150000000000000000000.0, 1e21, 0, -0.0]"),
        (b"[18446744073709551615, -9223372036854775808]", "[18446744073709551615, -9223372036854775808]"),
        (b"[1, NaN, 2]", "[1, "),
        (rb'"\u001f\n/\u007f\\u001f"', '"\\u001F\\n/\x7f\\\\u001f"'),
        (b'{"a": 1, "a": {"b": []}}', '{\n    "a": 1,\n    "a": {\n        "b": []\n    }\n}'),
        (b"[%b0]" % (b"0," * 200), "[0" + ", 0" * 85),
        (b'["%b", 1]' % (b"x" * 253), '["' + "x" * 253 + '"'),
        (b'["%b", 1]' % (b"x" * 252), '["' + "x" * 252 + '", 1'),
    ],
)
def test_quoted_value(body, text):
    """As RapidJSON's writer prints it up to the limit of 256 bytes, behind which no token begins."""
    value = json_document.parse(b'{"a": %b}' % body)["a"]
    assert json_quote.to_text(value) == text
