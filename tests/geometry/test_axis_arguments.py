"""One value, or one for each axis: plain ints, and everything else refused in words."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.geometry import axis_arguments


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ((1, 2, 3), "one value or 2"),
        (((1, 2), (3, 4, 5)), "pair for each axis"),
        ("both", "'same', 'valid'"),
        (b"same", "padding must be an int; received b'same'"),
    ],
)
def test_padding_per_axis_refuses(value: object, message: str) -> None:
    """Paddings are one value, one for each axis, or pairs."""
    with pytest.raises(InvalidArgumentError, match=message):
        axis_arguments.per_axis_padding(value, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: axis_arguments.at_least(1, "filters", (2,)), "filters must be an int; received (2,)."),
        (lambda: axis_arguments.int_or_ints("offset", None), "offset must be an int; received None."),
        (lambda: axis_arguments.int_or_ints("offset", (1, "a")), "offset must be an int; received 'a'."),
    ],
)
def test_what_is_no_int_is_refused(call: Callable[[], object], message: str) -> None:
    """By the argument's name."""
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        call()


def test_integers_of_numpy_are_ints() -> None:
    """Scalars, arrays without axes and arrays of NumPy become plain ints, which JSON can hold."""
    for value in (np.int64(2), np.array(2), np.array([2, 2])):
        found = axis_arguments.per_axis("strides", value, 2)
        assert found == (2, 2)
        assert {type(entry) for entry in found} == {int}
    assert type(axis_arguments.int_or_ints("factor", np.int64(3))) is int
    assert axis_arguments.int_or_ints("factor", np.array([3, 2])) == (3, 2)
