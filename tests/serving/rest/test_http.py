"""What surrounds requests over REST: upgrades, compression, CORS, health, limits, the end of the server."""

from __future__ import annotations

import gzip
import json
import socket
import threading

import pytest
from serving_requests import PREDICT, http_call

from tfdeconv.serving import Server
from tfdeconv.serving.rest import request_body
from tfdeconv.serving.rest.api import RestApi


def raw_http(server, *pieces):
    """Send bytes as they are, one piece after the other, and return all that comes back."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        while chunk := connection.recv(1 << 16):
            answer += chunk
    return answer


class TestRest:
    @pytest.mark.parametrize("piece", [1, 7, 10_000])
    @pytest.mark.parametrize("offer", ["h2c", "websocket"])
    def test_offer_of_another_protocol_is_ignored(self, server, offer, piece):
        """A request that offers to upgrade (Java's client does, body included) is answered over HTTP/1.1."""
        body = b'{"instances": [[1]]}'
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
        upgrade = (
            f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {offer}\r\nHTTP2-Settings: AAMAAABkAAQAoAAA\r\n"
        )
        plain = "Connection: close\r\n"
        data = f"{head}{upgrade}\r\n".encode() + body + f"{head}{plain}\r\n".encode() + body
        answer = raw_http(server, *(data[start : start + piece] for start in range(0, len(data), piece)))
        assert answer.count(b"HTTP/1.1 200 OK") == answer.count(b'{"predictions":[[3.0]]}') == 2

    def test_upgrade_without_a_body_and_connect(self, server):
        """The offer is ignored on a GET as well; CONNECT is an error."""
        headers = b"Host: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n"
        assert b"AVAILABLE" in raw_http(server, b"GET /v1/models/toy HTTP/1.1\r\n" + headers)
        assert raw_http(server, b"CONNECT a:80 HTTP/1.1\r\n" + headers).startswith(b"HTTP/1.1 400 ")

    def test_gzip_request(self, server):
        """A gzip body is unpacked; one that is broken reads as an empty document."""
        body = gzip.compress(b'{"instances": [[1]]}')
        headers = {"Content-Encoding": "gzip"}
        assert http_call(server, "POST", PREDICT, body, headers)[2] == b'{"predictions":[[3.0]]}'
        for broken in (b"no gzip", body[:-4]):
            status, _, answer = http_call(server, "POST", PREDICT, broken, headers)
            assert (status, json.loads(answer)) == (400, {"error": "JSON Parse error: The document is empty"})

    def test_gzip_bomb_stays_packed(self):
        """Unpacking stops at the limit; what is beyond it is never in memory."""
        bomb = gzip.compress(b" " * 10_000_000)
        assert request_body.unpack(bomb, 1000) == b""

    def test_content_type_is_not_looked_at(self, server):
        """Any content type, or none, is the same."""
        for headers in ({}, {"Content-Type": "image/png"}):
            assert http_call(server, "POST", PREDICT, b'{"instances": [[1]]}', headers)[0] == 200

    def test_options_without_cors(self, server):
        """OPTIONS answers by the Origin header, with no body and no CORS headers."""
        status, headers, body = http_call(server, "OPTIONS", PREDICT, headers={"Origin": "https://a.example"})
        assert (status, body) == (200, b"")
        assert not any(name.lower().startswith("access-control") for name in headers)
        assert http_call(server, "OPTIONS", PREDICT)[0] == 400

    def test_cors_headers_under_the_flag(self, toy_folder):
        """With the flag every answer has them."""
        with Server(
            model_base_path=toy_folder, model_name="toy", rest_api_enable_cors_support=True, grpc_port=None
        ) as server:
            for method, path in (("OPTIONS", PREDICT), ("GET", "/v1/models/toy")):
                _, headers, _ = http_call(server, method, path, headers={"Origin": "http://a"})
                lower = {name.lower(): value for name, value in headers.items()}
                assert lower["access-control-allow-origin"] == "*"
                assert lower["access-control-allow-methods"] == "POST, GET"
                assert lower["access-control-allow-headers"] == "Content-Type"

    def test_health_paths(self, server):
        """/healthz lives, /readyz has every model, /modelz lists them."""
        assert http_call(server, "GET", "/healthz")[::2] == (200, b"ok\n")
        status, _, body = http_call(server, "GET", "/readyz")
        assert (status, json.loads(body)) == (200, {"ready": True, "missing": []})
        models = json.loads(http_call(server, "GET", "/modelz")[2])["models"]
        assert models == [
            {"name": "toy", "labels": {}, "versions": [{"version": 2, "state": "AVAILABLE", "error": ""}]}
        ]

    def test_body_limit_and_timeout(self, toy_folder):
        """A request that is too large, or takes too long, gets its own error."""
        with Server(
            model_base_path=toy_folder,
            model_name="toy",
            max_rest_body_bytes=100,
            rest_api_timeout_in_ms=1,
            grpc_port=None,
        ) as server:
            status, _, body = http_call(server, "POST", PREDICT, b" " * 101)
            assert (status, json.loads(body)["error"]) == (
                429,
                "The request is larger than 100 bytes, this server's limit",
            )
            image = json.dumps({"signature_name": "blur", "inputs": [[[[0, 0, 0]]]]}).encode()
            assert http_call(server, "POST", PREDICT, image)[0] in (200, 504)

    def test_stop_does_not_wait_for_a_request_that_never_ends(self, toy_folder, caplog):
        """Half a request is answered with UNAVAILABLE when the time is up, without a traceback in the log."""
        server = Server(model_base_path=toy_folder, model_name="toy", grpc_port=None)
        server.start()
        with socket.create_connection(("127.0.0.1", server.rest_port), timeout=60) as connection:
            head = f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n"
            connection.sendall(f"{head}Expect: 100-continue\r\n\r\n{{".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 100 ")  # it reads the body by now
            server.stop(grace=0.1)
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert answer.endswith(b'{"error":"The server is stopping"}')
        assert not any(record.exc_info for record in caplog.records)

    def test_timeout(self, toy_folder, monkeypatch):
        """A request that outlives the limit is answered with DEADLINE_EXCEEDED."""
        release = threading.Event()
        monkeypatch.setattr(
            RestApi, "answer", lambda *parts: (200, b"{}") if release.wait(60) else (500, b"")
        )
        with Server(
            model_base_path=toy_folder, model_name="toy", rest_api_timeout_in_ms=50, grpc_port=None
        ) as server:
            status, _, body = http_call(server, "POST", PREDICT, b"{}")
            release.set()
            assert (status, json.loads(body)["error"]) == (504, "Timed out waiting for notification")
