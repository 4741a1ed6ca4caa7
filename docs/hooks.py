"""Build hook of the site: adds pictures that the package draws, the explorer that it ships, and notebooks."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

import notebook_pages
from picture_sizes import with_sizes
from pictures import PICTURES

from tfdeconv.web.pages import FOLDER

EXPLORER = [
    FOLDER / "theme.css",
    FOLDER / "dom.js",
    *(path for path in sorted((FOLDER / "explorer").rglob("*")) if path.suffix in (".js", ".css")),
]

CODE = re.compile(r"<code[^>]*>.*?</code>", re.DOTALL)
TEXT = re.compile(r">[^<]+<")
DASHES = re.compile(r"(?<![\w-])--\w")

LOADING = re.compile(r'<script type="module" src="(\S*)web/explorer/element.js"></script>')
FROM_FILES = """
<script>if (location.protocol === "file:") document.head.append(
Object.assign(document.createElement("script"), { src: "%sweb/from-files.js" }));</script>"""


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Where a page loads the explorer's modules, load them in another way if it was opened as a file."""
    return LOADING.sub(lambda found: found[0] + FROM_FILES % found[1], markdown)


def on_page_content(html: str, page: Any, files: Files, **_: Any) -> str:
    """Say how large pictures are before they come; end no line between ``--`` and the name of a flag."""
    html = CODE.sub(lambda code: TEXT.sub(_dashes_together, code[0]), html)
    return with_sizes(html, page.file.dest_uri, files)


def _dashes_together(text: re.Match[str]) -> str:
    return DASHES.sub(r'<span class="dashes">\g<0></span>', text[0])


def on_files(files: Files, config: Any) -> Files:
    """Draw the pictures, copy the explorer, show the notebooks; nothing is written to the source tree."""
    for name, draw in PICTURES.items():
        files.append(File.generated(config, f"images/{name}", content=draw()))
    for path in EXPLORER:
        files.append(File.generated(config, f"web/{path.relative_to(FOLDER)}", content=path.read_bytes()))
    files.append(File.generated(config, "web/from-files.js", content=_from_files()))
    for path in notebook_pages.FOLDER.glob("*.ipynb"):
        text, pictures = notebook_pages.page(path)
        for name, content in {f"{path.stem}.md": text, **pictures}.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def _from_files() -> str:
    """The script that starts the explorer where the site's files were opened without a server."""
    texts = {str(path.relative_to(FOLDER)): path.read_text() for path in EXPLORER if path.suffix == ".js"}
    modules = json.dumps({"entry": "explorer/element.js", "texts": texts})
    loader = Path(__file__).parent / "javascripts" / "modules-from-files.js"
    return f"const MODULES = {modules};\n{loader.read_text()}"
