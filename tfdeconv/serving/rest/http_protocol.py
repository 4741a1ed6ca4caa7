"""HTTP/1.1 that stays HTTP/1.1, whatever else a client would rather speak.

Java's HTTP client offers HTTP/2 with the first request of every connection (``Upgrade: h2c``), its body
included. A server may ignore the offer (RFC 9110, section 7.8). httptools instead ends the message at its
header, and the body is lost.
"""

from __future__ import annotations

from array import array
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Http1Protocol(HttpToolsProtocol):
    """A connection on which a request that offers another protocol is answered like any other."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.parser: _Parser = _Parser(self)

    def on_headers_complete(self) -> None:
        """Start to answer, unless the parser is about to end the message here."""
        if not self.offers_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Tell the answer that it has the whole body."""
        if not self.offers_upgrade():
            super().on_message_complete()

    def offers_upgrade(self) -> bool:
        """Whether the message at hand has an ``Upgrade`` header; CONNECT, which has none, is an error."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def parse_again(self, rest: bytes) -> None:
        """Read the message at hand once more, without the offer; ``rest`` is what follows its header."""
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        # A new parser: the old one refuses more data where the message says `Connection: close`.
        self.parser = _Parser(self)
        self.parser.feed_data(b"\r\n".join([*lines, b"", rest]))


class _Parser(httptools.HttpRequestParser):
    def __init__(self, protocol: Http1Protocol) -> None:
        super().__init__(protocol)
        self._protocol = protocol

    def feed_data(self, data: bytes | bytearray | memoryview[int] | array[int]) -> None:
        """Parse; a message that ends at an offer is parsed again without it."""
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if not self._protocol.offers_upgrade():
                raise
            (read,) = upgrade.args
            self._protocol.parse_again(bytes(data[read:]))
