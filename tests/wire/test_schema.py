"""Messages declared as text."""

import pytest

from tfdeconv.wire import schema


def test_maps_and_repeated_fields() -> None:
    """They travel as protocol buffers write them."""
    built = schema.build(
        "message Table { map<string, int64> rows = 1; repeated Table parts = 2; }", package="example"
    ).messages
    table = built.Table(rows={"a": 3}, parts=[built.Table()])
    assert built.Table.FromString(table.SerializeToString()).rows == {"a": 3}
    assert table.SerializeToString() == b"\x0a\x05\x0a\x01a\x10\x03\x12\x00"
    assert built.Table.DESCRIPTOR.full_name == "example.Table"


@pytest.mark.parametrize(
    "text",
    [
        "enum Colour { RED = 0; }",
        "message A { oneof b { int64 c = 1; } }",
        "message A { optional int64 b = 1; }",
        "message A { int64 b = 1 }",
    ],
)
def test_nothing_is_passed_over(text: str) -> None:
    """What the builder does not understand is refused."""
    with pytest.raises(ValueError, match="not in the part of proto3"):
        schema.build(text, package="example")
