"""Find the files of the pages, and the headers that keep a browser from loading anything else."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

FOLDER = Path(__file__).parent
"""The pages' files, as they are served and as the documentation copies them."""

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
"""What is served. Browsers refuse modules of another type, so the system's own table is not asked."""


@dataclass(frozen=True)
class Page:
    """One file as a response.

    Attributes:
        content: The bytes.
        headers: Content type, caching and security.
    """

    content: bytes
    headers: dict[str, str]


def find_page(path: str, *, connect: Sequence[str] = ()) -> Page | None:
    """Return the file at the path of a URL; None where there is none.

    Args:
        path: As a browser asks for it, ``/explorer/``: a folder stands for its ``index.html``.
        connect: Origins besides the pages' own that their scripts may talk to.

    Example:
        >>> find_page("/explorer/geometry.js").headers["Content-Type"]
        'text/javascript; charset=utf-8'
        >>> find_page("/../pyproject.toml") is None
        True
    """
    relative = unquote(path.partition("?")[0])
    name = posixpath.normpath(posixpath.join("/", relative)).lstrip("/")
    if relative.endswith("/"):
        name = posixpath.join(name, "index.html")
    if "\0" in name or "\\" in name or Path(name).suffix not in TYPES:
        return None
    file = FOLDER / name
    if not file.is_file():
        return None
    return Page(file.read_bytes(), {"Content-Type": TYPES[file.suffix], **security_headers(connect)})


def security_headers(connect: Sequence[str] = ()) -> dict[str, str]:
    """Return headers under which a page runs its own files only, in no frame, and keeps nothing.

    Example:
        >>> "connect-src 'self' http://localhost:8501" in security_headers(["http://localhost:8501"])[
        ...     "Content-Security-Policy"
        ... ]
        True
    """
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob: data:",
        "connect-src": " ".join(["'self'", *connect]),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
