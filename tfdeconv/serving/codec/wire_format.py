"""The protocol buffer wire format, as far as large tensors need it.

The generated classes copy a packed ``repeated float`` element by element; a photograph has a million
of them. Reading and writing the few outer fields here leaves the numbers where they are, as one slice
of the message. Whatever is not the common layout goes to the generated classes instead.

Source: Protocol Buffers encoding, https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT = 0
FIXED64 = 1
LENGTH_DELIMITED = 2
FIXED32 = 5


class MalformedMessageError(ValueError):
    """The bytes are not a protocol buffer message."""


def read_varint(data: memoryview, position: int) -> tuple[int, int]:
    """Return the base-128 number at ``position`` and the position behind it.

    Args:
        data: The message.
        position: Index of the first byte.

    Raises:
        MalformedMessageError: The number is cut off or longer than 64 bits.

    Example:
        >>> read_varint(memoryview(bytes([0x96, 0x01])), 0)
        (150, 2)
    """
    value = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise MalformedMessageError("a number is cut off or too long")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
        shift += 7


def fields(data: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    r"""Yield ``(field number, wire type, value)`` of each field in order.

    Args:
        data: The message. Length-delimited and fixed-width values are slices of it, not copies.

    Raises:
        MalformedMessageError: The bytes end inside a field, or a wire type is unknown (groups included).

    Example:
        >>> [(number, bytes(value)) for number, _, value in fields(memoryview(b"\x12\x02hi"))]
        [(2, b'hi')]
    """
    position, end = 0, len(data)
    while position < end:
        key, position = read_varint(data, position)
        number, wire_type = key >> 3, key & 7
        if number == 0:
            raise MalformedMessageError("field number 0")
        if wire_type == VARINT:
            value, position = read_varint(data, position)
            yield number, wire_type, value
            continue
        if wire_type == LENGTH_DELIMITED:
            size, position = read_varint(data, position)
        elif wire_type == FIXED32:
            size = 4
        elif wire_type == FIXED64:
            size = 8
        else:
            raise MalformedMessageError(f"wire type {wire_type}")
        if size > end - position:
            raise MalformedMessageError("the message ends inside a field")
        yield number, wire_type, data[position : position + size]
        position += size


def varint(value: int) -> bytes:
    """Return ``value`` (0 to 2**64 - 1) in base 128, least significant group first.

    Example:
        >>> varint(150).hex()
        '9601'
    """
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def header(number: int, size: int) -> bytes:
    """Return the bytes before a length-delimited value of ``size`` bytes in field ``number``.

    Example:
        >>> header(5, 4).hex()
        '2a04'
    """
    return varint(number << 3 | LENGTH_DELIMITED) + varint(size)
