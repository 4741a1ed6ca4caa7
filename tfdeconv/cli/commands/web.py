"""``tfdeconv web``: the page for pictures, in front of any server of TensorFlow Serving's REST API."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import click

from tfdeconv.errors import InvalidArgumentError
from tfdeconv.web.serve_pages import serve_pages

_ORIGIN = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?")


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  tfdeconv web
  tfdeconv web --server http://gpu-box:8501 --port 8080""",
)
@click.option(
    "--server",
    default="http://localhost:8501",
    show_default=True,
    metavar="URL",
    help="Where the models are served: scheme, host and port of the REST API.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=0,
    show_default="any free one",
    help="Port of the page, on this machine alone.",
)
def command(server: str, port: int) -> None:
    """Show a page in the browser that sends pictures to a model server.

    The page runs on this machine; the server must allow requests from other origins:
    --rest_api_enable_cors_support of `tfdeconv serve` and of TensorFlow Serving. `tfdeconv serve --web`
    shows the same page on the REST port itself and needs neither.
    """
    origin = server.rstrip("/")
    if not _ORIGIN.fullmatch(origin):
        raise InvalidArgumentError(
            f"--server must be scheme, host and port such as http://localhost:8501; received {server!r}."
        )
    serve_pages(
        port=port, home="/upscaler/", fragment=urlencode({"server": origin}, safe=":/"), connect=[origin]
    )
