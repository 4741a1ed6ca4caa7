"""Build hook of the site: adds pictures that the package draws, the explorer that it ships, and notebooks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

import notebook_pages
from pictures import PICTURES

from tfdeconv.web.pages import FOLDER

EXPLORER = [
    FOLDER / "theme.css",
    FOLDER / "dom.js",
    *(path for path in sorted((FOLDER / "explorer").rglob("*")) if path.suffix in (".js", ".css")),
]


def on_files(files: Files, config: Any) -> Files:
    """Draw the pictures, copy the explorer, show the notebooks; nothing is written to the source tree."""
    for name, draw in PICTURES.items():
        files.append(File.generated(config, f"images/{name}", content=draw()))
    for path in EXPLORER:
        files.append(File.generated(config, f"web/{path.relative_to(FOLDER)}", content=path.read_bytes()))
    for path in notebook_pages.FOLDER.glob("*.ipynb"):
        text, pictures = notebook_pages.page(path)
        for name, content in {f"{path.stem}.md": text, **pictures}.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files
