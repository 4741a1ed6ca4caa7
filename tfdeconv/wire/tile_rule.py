"""What a client must know to send a picture through a served model tile by tile: ``tiles.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tfdeconv.errors import InvalidArgumentError

FILE = "tiles.json"
"""Name of the file in ``assets.extra/`` of a version folder."""

SIGNATURE = "tiles"
"""Name of the signature whose output of that name is the file's text."""

QUERY = "query"
"""Its input: any strings, each answered with the text. REST refuses requests without inputs."""


@dataclass(frozen=True)
class TileRule:
    """The numbers of a model's tiles, along each spatial axis.

    Attributes:
        halo: Samples around what is kept of a tile that its outputs depend on.
        stride: Multiple at which tiles start.
        tile: Longest side of a tile, its halo included.
        scale: Name of each input and output that has places -> its samples for each one of the first input.
        channels_first: Whether the spatial axes come behind the channels.
    """

    halo: tuple[int, ...]
    stride: tuple[int, ...]
    tile: tuple[int, ...]
    scale: Mapping[str, tuple[Fraction, ...]]
    channels_first: bool = False

    def to_json(self) -> str:
        """Return the text of the file.

        Example:
            >>> rule = TileRule((8,), (2,), (512,), {"x": (Fraction(1),), "y": (Fraction(1, 2),)})
            >>> json.loads(rule.to_json())["scale"]
            {'x': [1], 'y': ['1/2']}
        """
        document = {
            "halo": self.halo,
            "stride": self.stride,
            "tile": self.tile,
            "scale": {name: [_number(axis) for axis in axes] for name, axes in self.scale.items()},
            "data_format": "channels_first" if self.channels_first else "channels_last",
        }
        return json.dumps(document)

    @classmethod
    def from_json(cls, text: str | bytes) -> TileRule:
        """Return the rule of a file's text.

        Raises:
            InvalidArgumentError: The text is no such file.

        Example:
            >>> TileRule.from_json('{"halo": [8], "stride": [1], "tile": [64], "scale": {"x": [1]}}').halo
            (8,)
        """
        try:
            document = json.loads(text)
            rule = cls(
                _ints(document["halo"]),
                _ints(document["stride"]),
                _ints(document["tile"]),
                {name: tuple(map(Fraction, axes)) for name, axes in document["scale"].items()},
                document.get("data_format") == "channels_first",
            )
            if len({len(axes) for axes in (rule.halo, rule.stride, rule.tile, *rule.scale.values())}) != 1:
                raise ValueError("its lists differ in length")
        except (ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
            raise InvalidArgumentError(
                f"tiles must be what export_saved_model(..., tile=...) writes into assets.extra/{FILE}; this "
                f"text is not: {error}."
            ) from None
        return rule


def _number(value: Fraction) -> int | str:
    return int(value) if value.denominator == 1 else str(value)


def _ints(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
