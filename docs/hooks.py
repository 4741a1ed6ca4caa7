"""Build hook of the site: adds the pictures that the package draws."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

from pictures import PICTURES


def on_files(files: Files, config: Any) -> Files:
    """Draw every picture into the site; nothing is written to the source tree."""
    for name, draw in PICTURES.items():
        files.append(File.generated(config, f"images/{name}", content=draw()))
    return files
