"""The output shape of layers that enlarge by an integer factor."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def enlarged_shape(
    input_shape: Sequence[int | None],
    factor: Sequence[int],
    data_format: str,
    *,
    channels: Callable[[int], int] | None = None,
) -> tuple[int | None, ...]:
    """Return the shape with every spatial size times its factor; None stays None.

    Args:
        input_shape: Batch, spatial sizes and channels, as ``data_format`` orders them.
        factor: One for each spatial axis.
        data_format: "channels_last" or "channels_first".
        channels: Channels of the input to channels of the output; None: they stay.

    Example:
        >>> enlarged_shape((None, 5, None, 8), (2, 3), "channels_last", channels=lambda count: count // 6)
        (None, 10, None, 1)
    """
    channels_first = data_format == "channels_first"
    shape = list(input_shape)
    for axis, times in enumerate(factor, start=2 if channels_first else 1):
        size = shape[axis]
        shape[axis] = None if size is None else size * times
    channel_axis = 1 if channels_first else -1
    count = shape[channel_axis]
    if channels is not None and count is not None:
        shape[channel_axis] = channels(count)
    return tuple(shape)
