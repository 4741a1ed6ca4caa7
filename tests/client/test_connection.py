"""How a client connects: URLs, TLS, headers, compression, connections that are used again."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import trustme
from client.fakes.fake_grpc import grpc_server
from client.fakes.fake_model import MODEL, Failures
from client.fakes.fake_rest import rest_server
from client.fakes.raw_server import raw_server
from cryptography.hazmat.primitives import serialization

from tfdeconv import errors
from tfdeconv.client import TLS, RetryPolicy, connect, connect_async
from tfdeconv.client.endpoint import parse

IMAGE = np.zeros((1, 64, 64, 3), np.float32)
ONCE = RetryPolicy(attempts=1)


@pytest.mark.parametrize(
    ("url", "protocol", "address", "secure"),
    [
        ("grpc://host", "grpc", "host:8500", False),
        ("grpc://host:1", "grpc", "host:1", False),
        ("grpcs://host", "grpc", "host:8500", True),
        ("grpc://[::1]:7", "grpc", "[::1]:7", False),
        ("unix:/run/tf.sock", "grpc", "unix:/run/tf.sock", False),
        ("http://host", "rest", "http://host:8501", False),
        ("https://host", "rest", "https://host:443", True),
        ("https://host/ai/", "rest", "https://host:443/ai", True),
    ],
)
def test_urls(url: str, protocol: str, address: str, secure: bool) -> None:
    """Scheme, default port, path."""
    endpoint = parse(url)
    assert (endpoint.protocol, endpoint.address, endpoint.secure) == (protocol, address, secure)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("localhost:8500", r"url must be grpc://host:8500, .*; received 'localhost:8500'\."),
        ("", r"url must be grpc://host:8500, .*; received ''\."),
        ("unix:", r"url must be .*; received 'unix:'\."),
        ("ftp://host", r"url must be .*; received 'ftp://host'\."),
        ("grpc://", r"url must be .*; received 'grpc://'\."),
        (None, r"url must be .*; received a NoneType\."),
        ("grpc://host:http", "has a port that is not a number from 0 to 65535"),
        ("grpc://host:70000", "has a port that is not a number from 0 to 65535"),
        ("http://[::1", "has a host that is neither a name nor an address"),
        ("grpc://[host]:1", "has a host that is neither a name nor an address"),
        ("http://my..host:1", "has a host that is neither a name nor an address"),
        ("http://ho\0st", "cannot be used: Invalid non-printable ASCII character"),
        ("grpc://host:1/path", "A gRPC url has no path"),
        ("http://me:secret@host", "no user, query or fragment"),
        ("http://host/?a=1", "no user, query or fragment"),
    ],
)
def test_urls_that_are_none(url: str, message: str) -> None:
    """The forms there are, or the part that is wrong."""
    with pytest.raises(errors.InvalidArgumentError, match=message):
        connect(url)
    with pytest.raises(errors.InvalidArgumentError, match=message):
        connect_async(url)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: connect("grpc://h", tls=TLS()), r"tls applies to grpcs:// and https:// only; received the"),
        (lambda: connect("grpc://h", compression="zip"), "must be 'gzip' or None; received 'zip'"),
        (lambda: connect("grpc://h", headers={"a": 1}), "headers must map text to text; received 'a': 1"),
        (lambda: connect("grpc://h", headers={"a b": "c"}), "'a b' is not a header name: letters, digits"),
        (lambda: connect("grpc://h", headers={"a-Bin": "c"}), "'a-Bin' is not a header name: .* in -bin"),
        (
            lambda: connect("grpc://h", headers={"a": "\n"}),
            r"Header 'a' must be printable ASCII; received '\\n'",
        ),
        (lambda: connect("grpc://h", timeout=0), r"timeout must be positive, or math\.inf .*; received 0"),
        (lambda: TLS(ca="nowhere.pem"), r"ca must be a PEM file; there is none at nowhere\.pem"),
        (lambda: TLS(key=__file__), "certificate and key go together"),
        (lambda: connect("https://h", tls=TLS(ca=__file__)), "tls holds a file that is not usable PEM"),
        (lambda: RetryPolicy(attempts=0), r"attempts must be at least 1 \(no retry\); received 0"),
        (lambda: RetryPolicy(first_delay=-1), "delays must not be negative; received first_delay=-1"),
        (lambda: RetryPolicy(multiplier=0.5), r"multiplier must be at least 1; received 0\.5"),
    ],
)
def test_arguments_that_cannot_be(make: Callable[[], object], message: str) -> None:
    """Each names itself, the rule and what it got."""
    with pytest.raises(errors.InvalidArgumentError, match=message):
        make()


def test_delays_grow_with_jitter_up_to_a_limit() -> None:
    """Each between half and all of the limit of its turn."""
    policy = RetryPolicy(attempts=6, first_delay=1, multiplier=3, max_delay=5)
    draws = np.array([list(policy.delays()) for _ in range(200)])
    limits = [1, 3, 5, 5, 5]
    assert (draws <= limits).all()
    assert (draws >= np.array(limits) / 2).all()
    assert (draws.std(0) > 0.05).all()


def test_headers_go_with_every_request(fake_url: str, failures: Failures) -> None:
    """As gRPC metadata or HTTP headers, awaited or not."""
    headers = {"Authorization": "Bearer x", "x-tenant": "a"}
    with connect(fake_url, model=MODEL, headers=headers) as client:
        client.predict(IMAGE)

    async def main() -> None:
        async with connect_async(fake_url, model=MODEL, headers=headers) as client:
            await client.predict(IMAGE)

    asyncio.run(main())
    assert len(failures.seen) == 4
    for seen, _ in failures.seen:
        assert (seen["authorization"], seen["x-tenant"]) == ("Bearer x", "a")


def test_compression(fake_url: str, failures: Failures) -> None:
    """Answers are the same; requests say that they are packed."""
    with connect(fake_url, model=MODEL, compression="gzip") as client:
        assert client.predict(IMAGE)["upscaled"].shape == (1, 128, 128, 3)
    headers, size = failures.seen[-1]
    if fake_url.startswith("http"):
        assert headers["content-encoding"] == headers["accept-encoding"] == "gzip"
        assert size < IMAGE.nbytes / 10


def test_connections_are_used_again(fake_urls: dict[str, str], failures: Failures) -> None:
    """Many requests, one connection: the client's port does not change."""
    with connect(fake_urls["rest"], model=MODEL) as client:
        for _ in range(5):
            client.status()
    with connect(fake_urls["grpc"], model=MODEL) as client:
        for _ in range(5):
            client.status()
    peers = [headers["peer"] for headers, _ in failures.seen]
    assert len(set(peers[:5])) == len(set(peers[5:])) == 1


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A private certificate authority."""
    return trustme.CA()


@pytest.fixture(params=["grpc", "rest"])
def secure_url(
    request: pytest.FixtureRequest, authority: trustme.CA, tmp_path: Path, failures: Failures
) -> Iterator[str]:
    """URL of a server for localhost that also asks for the client's certificate."""
    issued = authority.issue_cert("localhost")
    pem = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(pem)
    key, chain = tmp_path / "server.key", tmp_path / "server.pem"
    issued.private_key_pem.write_to_path(key)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(chain, append=True)
    if request.param == "grpc":
        credentials = grpc.ssl_server_credentials(
            [(key.read_bytes(), chain.read_bytes())], pem.read_bytes(), require_client_auth=True
        )
        server = grpc_server(failures, credentials=credentials)
    else:
        tls = {
            "ssl_keyfile": key,
            "ssl_certfile": chain,
            "ssl_ca_certs": str(pem),
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
        }
        server = rest_server(failures, tls=tls)
    with server as url:
        yield url


@pytest.mark.parametrize("make", [connect, connect_async])
@pytest.mark.parametrize("scheme", ["grpcs", "https"])
def test_files_that_do_not_fit(
    authority: trustme.CA, tmp_path: Path, scheme: str, make: Callable[..., object]
) -> None:
    """Are told when the client is made, for either protocol, and without asking for a passphrase."""
    certificate, key, other, locked = (tmp_path / name for name in ("cert", "key", "other", "locked"))
    identity = authority.issue_cert("client")
    certificate.write_bytes(identity.cert_chain_pems[0].bytes())
    key.write_bytes(identity.private_key_pem.bytes())
    other.write_bytes(authority.issue_cert("client").private_key_pem.bytes())
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    for files in (
        {"ca": key},
        {"certificate": certificate, "key": other},
        {"certificate": key, "key": certificate},
        {"certificate": certificate, "key": locked},
    ):
        with pytest.raises(errors.InvalidArgumentError, match="tls holds a file that is not usable PEM"):
            make(f"{scheme}://127.0.0.1:1", tls=TLS(**files))


def test_mutual_tls(secure_url: str, authority: trustme.CA, tmp_path: Path) -> None:
    """With the authority and a certificate of ours the server is reached; without either it is not."""
    ca, certificate, key = (tmp_path / name for name in ("ca.pem", "client.pem", "client.key"))
    authority.cert_pem.write_to_path(ca)
    issued = authority.issue_cert("client@example.org")
    issued.private_key_pem.write_to_path(key)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(certificate, append=True)

    with connect(secure_url, model=MODEL, tls=TLS(ca=ca, certificate=certificate, key=key)) as client:
        assert client.predict(IMAGE)["upscaled"].shape == (1, 128, 128, 3)

    async def main() -> None:
        tls = TLS(ca=ca, certificate=certificate, key=key)
        async with connect_async(secure_url, model=MODEL, tls=tls) as client:
            assert (await client.status())[0].version == 3

    asyncio.run(main())
    for tls in (TLS(ca=ca), TLS(certificate=certificate, key=key), None):
        with (
            contextlib.closing(connect(secure_url, model=MODEL, tls=tls, retry=ONCE, timeout=60)) as client,
            pytest.raises(errors.UnavailableError, match="cannot be reached"),
        ):
            client.status()


def test_a_unix_socket(failures: Failures, tmp_path: Path) -> None:
    """GRPC goes over it."""
    with grpc_server(failures, socket=tmp_path / "s") as url, connect(url, model=MODEL) as client:
        assert url.startswith("unix:")
        assert client.status()[0].version == 3


@pytest.mark.parametrize("start", [grpc_server, rest_server], ids=["grpc", "rest"])
def test_a_server_that_comes_back(start: Callable[..., Any]) -> None:
    """The client connects again by itself, within its usual retries."""
    with contextlib.ExitStack() as stack:
        with start(Failures()) as url:
            client = stack.enter_context(connect(url, model=MODEL))
            assert client.status()
        with pytest.raises(errors.UnavailableError, match="cannot be reached"):
            client.status()
        with start(Failures(), port=int(url.rsplit(":")[-1])):
            assert client.wait_until_ready(timeout=60).version == 3
            assert client.status()


def test_a_path_in_front() -> None:
    """What a proxy wants stands before TensorFlow Serving's own path, whose escapes are kept."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n" + b'{"model_version_status": []}'
    seen: list[bytes] = []
    with raw_server([answer], seen) as url, connect(f"{url}/ai/", model="a/b") as client:
        assert client.status() == []
    assert seen[0].startswith(b"GET /ai/v1/models/a%2Fb HTTP/1.1\r\n")
