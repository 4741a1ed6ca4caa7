"""JSON documents as RapidJSON reads them, and what it says of those that it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.codec import json_document


class TestJsonDocument:
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "JSON Parse error: The document is empty"),
            (b"x", "JSON Parse error: Invalid value. at offset: 0"),
            (b'{"a" 1}', "JSON Parse error: Missing a colon after a name of object member. at offset: 5"),
            (b'{"a": 1 "b"}', "Missing a comma or '}' after an object member. at offset: 8"),
            (b'{"a": [1 2]}', "Missing a comma or ']' after an array element. at offset: 9"),
            (b'{"a": "x', "Missing a closing quotation mark in string."),
            (b"{1: 2}", "Missing a name for object member. at offset: 1"),
            ('{"ü": x}'.encode(), "Invalid value. at offset: 7"),
            (b"[" * 100_000, "JSON Parse error: "),
            (b'{"a": ' + b"[" * 2000, "JSON Parse error: "),
            (b"[1]", "Is not object"),
            (b'{"a": "\\ud800"}', "The surrogate pair in string is invalid."),
            (b'{"a": "\\ud800\\n"}', "The surrogate pair in string is invalid."),
            (b'{"a": "\\udc00"}', "The surrogate pair in string is invalid. at offset: 7"),
            (b"\xff\xfe", "JSON Parse error: "),
            (b"\xef\xbb\xbf", "JSON Parse error: The document is empty. at offset: 3"),
            (b'\xef\xbb\xbf{"a" 1}', "Missing a colon after a name of object member. at offset: 8"),
        ],
    )
    def test_errors(self, body, message):
        """RapidJSON's words, with offsets in bytes."""
        with pytest.raises(InvalidRequestError) as caught:
            json_document.parse(body)
        assert message in str(caught.value)

    @pytest.mark.parametrize("size", [1, 50_000])
    def test_a_byte_order_mark_is_passed_over(self, size):
        """As RapidJSON's EncodedInputStream does: some editors and shells of Windows write it."""
        numbers = ", ".join(["1"] * size)
        assert json_document.parse(f'\ufeff{{"a": [{numbers}]}}'.encode()) == {"a": [1] * size}

    def test_pairs_are_read_in_lenient_documents_too(self):
        """A whole pair is one character; an escaped backslash starts no escape."""
        document = json_document.parse(b'{"a": "\\ud83d\\ude00\\\\ud800"} trailing')
        assert document == {"a": "\U0001f600\\ud800"}

    def test_lenient_reading(self):
        """NaN and Infinity are numbers, and what follows the document is ignored."""
        document = json_document.parse(b' {"a": [NaN, -Infinity]} {"more": 1}')
        assert np.isnan(document["a"][0])
        assert document["a"][1] == -np.inf

    def test_inf(self):
        """RapidJSON reads Inf and -NaN as well, outside strings; offsets of errors are those of the text."""
        document = json_document.parse(b'{"Inf": [Inf, -Inf, -NaN, Infinity, "Inf"]}')
        assert repr(document["Inf"]) == "[inf, -inf, nan, inf, 'Inf']"
        with pytest.raises(InvalidRequestError, match=r"Missing a comma or '\]' .* at offset: 11$"):
            json_document.parse(b'{"a": [Inf 1]}')

    def test_first_of_repeated_names(self):
        """A look-up in RapidJSON finds the first member of a name, on every level."""
        body = b'{"inputs": {"x": 1, "x": 2, "s": "y\\":"}, "inputs": 3, "a": [{"b": 1, "b": 2}]}'
        document = json_document.parse(body)
        assert document == {"inputs": {"x": 1, "s": 'y":'}, "a": [{"b": 1}]}

    def test_error_far_from_its_bracket(self):
        """Which container is open is found without a look at each character before."""
        body = b'{"a": [%b 1' % (b"[1, 2], " * 200_000)
        with pytest.raises(InvalidRequestError, match="Missing a comma or ']' after an array element"):
            json_document.parse(body + b" 1")

    @pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"9" * 400 + b".0"])
    def test_number_beyond_a_double(self, number):
        """It is an error; an infinity has to be asked for by name."""
        with pytest.raises(InvalidRequestError, match="Parse error: Number too big to be stored in double"):
            json_document.parse(b'{"instances": [' + number + b"]}")
        assert json_document.parse(b'{"a": [1e308, NaN]}')["a"][0] == 1e308
