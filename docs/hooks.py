"""Build hook of the site: adds the pictures that the package draws, and the explorer that it ships."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

from pictures import PICTURES

from tfdeconv.web.pages import FOLDER

EXPLORER = [
    FOLDER / "theme.css",
    FOLDER / "dom.js",
    *(path for path in sorted((FOLDER / "explorer").rglob("*")) if path.suffix in (".js", ".css")),
]


def on_files(files: Files, config: Any) -> Files:
    """Draw every picture into the site and copy the explorer; nothing is written to the source tree."""
    for name, draw in PICTURES.items():
        files.append(File.generated(config, f"images/{name}", content=draw()))
    for path in EXPLORER:
        files.append(File.generated(config, f"web/{path.relative_to(FOLDER)}", content=path.read_bytes()))
    return files
