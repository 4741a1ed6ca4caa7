"""Models in an object store, and what stands for them when they are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

VARIABLES = {
    "saved_model.pb": b"... VarHandleOp ...",
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00002": b"first",
    "variables/variables.data-00001-of-00002": b"second",
}


class Model:
    """Stands for a loaded SavedModel: what its folder held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.signatures: dict[str, Any] = {}
        self.files = {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}

    def close(self) -> None:
        assert self.path.is_dir(), "the copy was removed before the model was closed"


def put(store: Any, version: int, objects: dict[str, bytes], base: str = "/models/m") -> None:
    store.pipe({f"{base}/{version}/{name}": content for name, content in objects.items()})


def copies(tmp_path: Path) -> list[Path]:
    """The copies of versions on this machine."""
    return [path for path in (tmp_path / "cache").glob("*/*") if path.is_dir()]
