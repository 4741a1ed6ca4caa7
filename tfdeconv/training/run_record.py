"""What a run was started with, so that nothing else goes on with it."""

from __future__ import annotations

import dataclasses
import json
import zlib
from pathlib import Path
from typing import Any

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.training.patches import PatchSet
from tfdeconv.training.recipe import Recipe


def check_same_run(directory: Path, recipe: Recipe, scale: int, patches: PatchSet, *, started: bool) -> None:
    """Record in ``run.json`` what decides a run's result; raise where a started run had other settings.

    Args:
        directory: Of the run.
        recipe: Without the settings of other scales.
        scale: Upsampling factor.
        patches: Compared by a checksum.
        started: Whether the run has a checkpoint to go on from.

    Raises:
        InvalidArgumentError: The run that goes on was started with another recipe or other photographs.
    """
    path = directory / "run.json"
    settings = dataclasses.asdict(recipe)
    del settings["scales"]
    settings |= dataclasses.asdict(recipe.for_scale(scale))
    settings["data"] = dataclasses.asdict(recipe.data_for(scale))
    settings["photographs"] = _checksum(patches)
    current: dict[str, Any] = json.loads(json.dumps(settings))  # tuples become lists, as in the file
    if started and path.is_file():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        changed = sorted(name for name in current if current[name] != earlier.get(name))
        if changed:
            raise InvalidArgumentError(
                f"{str(directory)!r} holds a run with other settings: {', '.join(changed)}. Its recipe is in "
                f"{path.name} there. Take it up with that, or choose another --output."
            )
    else:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(current, indent=2) + "\n", encoding="utf-8")


def _checksum(patches: PatchSet) -> int:
    checksum = zlib.crc32(patches.places.data)
    for low, high in patches.images:
        checksum = zlib.crc32(high.data, zlib.crc32(low.data, checksum))
    return checksum
