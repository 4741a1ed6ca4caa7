"""Files, URLs and pipes as arguments of a command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tfdeconv.imaging.storage import Place, Stream, place

_EMPTY = "a name cannot be empty; for the current folder, write a dot."
# Else an unset variable of the shell would mean that folder, as it does to pathlib.


class _PlaceType(click.ParamType[Place]):
    """A file, a URL of an object store, or - for standard input or output."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        if not isinstance(value, str):
            return value  # a default
        if not value:
            self.fail(_EMPTY, param, ctx)
        found = place(value)
        if not isinstance(found, Stream) and "\0" in value:
            self.fail("a name cannot hold the character 0.", param, ctx)
        return found


PLACE = _PlaceType()


class _PathType(click.Path):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail(_EMPTY, param, ctx)
        return super().convert(value, param, ctx)


PATH = _PathType(path_type=Path, readable=False)
"""A file or folder of this machine. What is wrong with one is told by what opens it: no mistake of usage."""
