"""Write the sizes of pictures into a page, so that it does not jump when they come."""

from __future__ import annotations

import io
import posixpath
import re

from mkdocs.structure.files import Files
from PIL import Image

IMAGE = re.compile(r'<img [^>]*src="([^"]+)"[^>]*>')
SVG = re.compile(rb'<svg [^>]*width="([\d.]+)pt" height="([\d.]+)pt"')


def with_sizes(html: str, uri: str, files: Files) -> str:
    """Return the page at ``uri`` with a width and a height in each picture of the site."""

    def sized(found: re.Match[str]) -> str:
        file = files.get_file_from_path(posixpath.normpath(posixpath.join(uri, "..", found[1])))
        if file is None or " height=" in found[0]:
            return found[0]
        width, height = _size(file.content_bytes)
        given = re.search(r' width="(\d+)"', found[0])
        if given:
            return found[0].replace("<img ", f'<img height="{round(int(given[1]) * height / width)}" ', 1)
        return found[0].replace("<img ", f'<img width="{round(width)}" height="{round(height)}" ', 1)

    return IMAGE.sub(sized, html)


def _size(content: bytes) -> tuple[float, float]:
    """Width and height in CSS pixels of an SVG file by Matplotlib, or of one that Pillow reads."""
    if points := SVG.search(content):
        return float(points[1]) * 4 / 3, float(points[2]) * 4 / 3
    with Image.open(io.BytesIO(content)) as image:
        return image.size
