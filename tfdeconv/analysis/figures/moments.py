"""The order of an animation: which input stamps, and which output sample is made, one at a time."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tfdeconv.analysis.arithmetic.configuration import Configuration


class Moment(NamedTuple):
    """How far the views are: inputs that have stamped the kernel, and output samples that are made.

    Both count row by row. Every output that is made has all its stamps, so that the views agree on it.
    """

    stamped: int
    made: int


def moments(config: Configuration) -> list[Moment]:
    """Return the moments of an animation, each one stamp or one output later than the last.

    An input stamps as late as possible: just before the first output that it contributes to. Inputs
    of which the window shows nothing stamp in their turn, too.

    Args:
        config: From :func:`tfdeconv.analysis.configuration`.

    Example:
        >>> from tfdeconv import analysis
        >>> config = analysis.configuration(2, 3, strides=2, padding="same")
        >>> [(moment.stamped, moment.made) for moment in moments(config)]
        [(1, 0), (1, 1), (1, 2), (2, 2), (2, 3), (2, 4)]
    """
    inputs, outputs = math.prod(config.input_size), math.prod(config.output_size)
    reached = [axis.selector().max(axis=-1) for axis in config.axes]  # outputs x inputs
    found: list[Moment] = []
    stamped = 0
    for made, output in enumerate(np.ndindex(config.output_size)):
        sources = [np.flatnonzero(reach[at]) for reach, at in zip(reached, output, strict=True)]
        if all(map(len, sources)):
            last = np.ravel_multi_index([indices[-1] for indices in sources], config.input_size)
            found += [Moment(stamp + 1, made) for stamp in range(stamped, int(last) + 1)]
            stamped = max(stamped, int(last) + 1)
        found.append(Moment(stamped, made + 1))
    return found + [Moment(stamp + 1, outputs) for stamp in range(stamped, inputs)]
