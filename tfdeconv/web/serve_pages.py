"""Serve the pages for the browser until Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence

import click

from tfdeconv.web.page_server import PageServer


def serve_pages(*, port: int, home: str, fragment: str = "", connect: Sequence[str] = ()) -> None:
    """Serve the pages on this machine alone, print where, and return when told to stop.

    Args:
        port: TCP port, 0 for any free one.
        home: The page that ``/`` leads to.
        fragment: What stands behind # in the address that is printed.
        connect: Origins that the pages may talk to.

    Raises:
        ServingError: The port is in use.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with PageServer(port=port, home=home, connect=connect) as server:
        click.echo(f"Open {server.url}{'#' if fragment else ''}{fragment}\nCtrl-C ends.")
        stopping.wait()
