"""A small server of the pages on this machine alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from tfdeconv.errors import ServingError
from tfdeconv.web.pages import find_page

HOST = "127.0.0.1"


class PageServer:
    """Serves the pages on the loopback interface; a context manager.

    Args:
        port: TCP port, 0 for any free one.
        home: Where ``/`` leads to.
        connect: Origins that the pages may talk to.

    Attributes:
        port: The port that it listens on.

    Raises:
        ServingError: The port is in use, or no port number.

    Example:
        >>> from urllib.request import urlopen
        >>> with PageServer() as server, urlopen(server.url) as page:
        ...     b"upsampling-explorer" in page.read()
        True
    """

    def __init__(self, *, port: int = 0, home: str = "/explorer/", connect: Sequence[str] = ()) -> None:
        handler = type("Handler", (_Handler,), {"home": home, "connect": tuple(connect)})
        try:
            self._server = ThreadingHTTPServer((HOST, port), handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ServingError(
                f"Cannot serve pages on {HOST}:{port}: {reason}. Choose another port, or 0 for any free one."
            ) from None
        self.port = int(self._server.server_address[1])
        self._home = home
        self._thread = threading.Thread(target=self._server.serve_forever, name="tfdeconv-pages", daemon=True)

    @property
    def url(self) -> str:
        """The address of the home page."""
        return f"http://{HOST}:{self.port}{self._home}"

    def __enter__(self) -> PageServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    home = "/"
    connect: tuple[str, ...] = ()
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a file, or lead to the home page."""
        page = find_page(self.path, connect=self.connect)
        if self.path == "/":
            self._respond(HTTPStatus.FOUND, b"", {"Location": self.home})
        elif page is None:
            self._respond(HTTPStatus.NOT_FOUND, b"There is no such page.\n", {"Content-Type": "text/plain"})
        else:
            self._respond(HTTPStatus.OK, page.content, page.headers)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks up

    def _respond(self, status: HTTPStatus, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the terminal to the address."""
