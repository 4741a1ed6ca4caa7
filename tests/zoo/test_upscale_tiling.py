"""Tiles cover a picture exactly once, see enough of it, and are all of one size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.zoo.pictures.tiling import tiles

contexts = st.integers(0, 12)


@given(size=st.integers(1, 300), context=contexts, room=st.integers(1, 60))
def test_what_tiles_keep_covers_an_axis_once_and_in_order(size, context, room):
    """Every sample is kept by exactly one tile, and no tile keeps nothing."""
    kept = []
    for tile in tiles(1, size, tile=2 * context + room, context=context):
        assert tile.columns.keep_start < tile.columns.keep_stop
        kept.extend(range(tile.columns.keep_start, tile.columns.keep_stop))
    assert kept == list(range(size))


@given(size=st.integers(1, 300), context=contexts, room=st.integers(1, 60))
def test_tiles_see_the_context_of_what_they_keep(size, context, room):
    """The context is inside the tile, or beyond the picture's border."""
    for tile in tiles(size, 1, tile=2 * context + room, context=context):
        rows = tile.rows
        assert rows.start <= max(0, rows.keep_start - context)
        assert rows.stop >= min(size, rows.keep_stop + context)


@given(size=st.integers(1, 300), context=contexts, room=st.integers(1, 60))
def test_tiles_lie_in_the_picture_and_have_one_size(size, context, room):
    """One shape is one compilation and one batch; it never exceeds the size asked for."""
    largest = 2 * context + room
    lengths = set()
    for tile in tiles(size, 7, tile=largest, context=context):
        assert 0 <= tile.rows.start < tile.rows.stop <= size
        lengths.add(tile.rows.stop - tile.rows.start)
    assert len(lengths) == 1
    assert lengths.pop() <= largest


@given(size=st.integers(1, 300), context=contexts, room=st.integers(1, 60))
def test_there_are_no_more_tiles_than_needed(size, context, room):
    """Border tiles keep their outer context too, so n tiles reach n * room + 2 * context samples."""
    count = len(tiles(1, size, tile=2 * context + room, context=context))
    assert count == 1 or (count - 1) * room + 2 * context < size


def test_tiles_go_row_by_row():
    """Results can be written in the order of the file."""
    corners = [(tile.rows.keep_start, tile.columns.keep_start) for tile in tiles(20, 30, tile=12, context=1)]
    assert corners == sorted(corners)
    assert len(corners) == 2 * 3


def test_a_tile_that_is_all_context_is_refused():
    """The message names the least size that works."""
    with pytest.raises(InvalidArgumentError, match=r"tile must be above 16, .* received 16\. 256 is"):
        tiles(100, 100, tile=16, context=8)
