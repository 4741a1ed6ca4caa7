"""Boxes of every length that ISO/IEC 14496-12 has."""

import struct

from tfdeconv.imaging.formats.boxes import boxes

FIRST = struct.pack(">I4s", 12, b"free") + b"abcd"


def test_a_length_of_64_bits() -> None:
    """Follows the name where the length is 1."""
    large = struct.pack(">I4sQ", 1, b"free", 20) + b"abcd"
    assert list(boxes(large + FIRST)) == [(b"free", b"abcd")] * 2


def test_a_last_box_without_a_length() -> None:
    """Goes on to the end where the length is 0."""
    assert list(boxes(FIRST + struct.pack(">I4s", 0, b"uuid") + b"to the end")) == [
        (b"free", b"abcd"),
        (b"uuid", b"to the end"),
    ]


def test_a_length_that_cannot_be() -> None:
    """Ends the boxes, whether it passes the end or does not hold its own head."""
    for length in (7, 13):
        assert list(boxes(FIRST + struct.pack(">I4s", length, b"free") + b"abcd")) == [(b"free", b"abcd")]
