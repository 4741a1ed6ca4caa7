"""TLS as an operator meets it: certificates that are wrong, expired or another's, on either side."""

from __future__ import annotations

import asyncio
import datetime
import json
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from tfdeconv.client import TLS, RetryPolicy, connect, connect_async
from tfdeconv.errors import InvalidRequestError, UnavailableError
from tfdeconv.serving import Server
from tfdeconv.serving.config import tls

ONCE = RetryPolicy(attempts=1)
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
NO_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


class Authority:
    """A certificate authority that writes files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = trustme.CA()
        self.ca = folder / f"{id(self)}.pem"
        self.root.cert_pem.write_to_path(self.ca)

    def client(self, name: str, **dates) -> dict[str, Path]:
        """Return the files of a client's certificate."""
        issued = self.root.issue_cert(name, **dates)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        issued.cert_chain_pems[0].write_to_path(certificate)
        issued.private_key_pem.write_to_path(key)
        return {"certificate": certificate, "key": key}

    def config(self, name: str = "localhost", *, verify: bool = False, dates=None, **changes) -> Path:
        """Return an SSLConfig file of a server's certificate."""
        issued = self.root.issue_cert(name, **(dates or {}))
        fields = {
            "server_key": issued.private_key_pem.bytes().decode(),
            "server_cert": issued.cert_chain_pems[0].bytes().decode(),
            "custom_ca": self.root.cert_pem.bytes().decode(),
            **changes,
        }
        path = self.folder / "ssl.config"
        lines = [f"{name}: {json.dumps(value)}" for name, value in fields.items()]
        path.write_text("\n".join([*lines, f"client_verify: {str(verify).lower()}"]))
        return path


@pytest.fixture
def authority(tmp_path) -> Authority:
    """The authority that the server trusts."""
    return Authority(tmp_path)


def doubled(url: str, **files) -> list[list[float]]:
    with connect(url, model="toy", retry=ONCE, timeout=60, tls=TLS(**files)) as client:
        return client.predict({"x": [[1.0]]})["y"].tolist()


def test_clients_of_mutual_tls(authority, toy_folder, tmp_path):
    """A certificate of the authority is let in; none, another authority's or an expired one is not."""
    other = Authority(tmp_path)
    known, stranger = authority.client("known"), other.client("stranger")
    expired = authority.client("expired", not_after=PAST)
    file = authority.config(verify=True)
    with Server(model_base_path=toy_folder, model_name="toy", ssl_config_file=file, rest_port=None) as server:
        url = f"grpcs://localhost:{server.grpc_port}"
        assert doubled(url, ca=authority.ca, **known) == [[3]]

        async def awaited():
            files = TLS(ca=authority.ca, **known)
            async with connect_async(url, model="toy", tls=files) as client:
                return (await client.predict({"x": [[1.0]]}))["y"].tolist()

        assert asyncio.run(awaited()) == [[3]]
        for files in ({}, stranger, expired):
            with pytest.raises(UnavailableError, match=r"does each side trust the other's certificate\?$"):
                doubled(url, ca=authority.ca, **files)
        with pytest.raises(UnavailableError, match="cannot be reached"):
            doubled(url, ca=other.ca, **known)
        assert doubled(url, ca=authority.ca, **known) == [[3]]


@pytest.mark.parametrize(
    "wrong", [{"name": "elsewhere.example"}, {"dates": {"not_after": PAST}}], ids=["name", "expired"]
)
def test_certificates_that_no_client_accepts(authority, toy_folder, wrong):
    """The server starts, as TensorFlow Serving does; clients refuse its certificate."""
    file = authority.config(**wrong)
    with (
        Server(model_base_path=toy_folder, model_name="toy", ssl_config_file=file, rest_port=None) as server,
        pytest.raises(UnavailableError, match="trust the other's certificate"),
    ):
        doubled(f"grpcs://localhost:{server.grpc_port}", ca=authority.ca)


def test_urls_tell_which_port_is_encrypted(authority, toy_folder):
    """TLS is gRPC's alone, as in TensorFlow Serving: REST answers without it."""
    options = {"model_base_path": toy_folder, "model_name": "toy", "host": "127.0.0.1"}
    with Server(**options, ssl_config_file=authority.config("127.0.0.1")) as server:
        assert server.grpc_url.startswith("grpcs://127.0.0.1:")
        assert doubled(server.grpc_url, ca=authority.ca) == [[3]]
        assert server.rest_url.startswith("http://")
        with connect(server.rest_url, model="toy") as client:
            assert client.predict({"x": [[1.0]]})["y"].tolist() == [[3]]
        with pytest.raises(UnavailableError, match="does it speak REST over TLS there"):
            doubled(server.rest_url.replace("http:", "https:"), ca=authority.ca)


def test_keys_that_do_not_fit_are_told_before_a_model_loads(authority):
    """What is wrong is named: not "the address is in use", and not after the models have loaded."""
    other = authority.root.issue_cert("localhost").private_key_pem.bytes()
    key = serialization.load_pem_private_key(other, None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked = key.private_bytes(*form, serialization.BestAvailableEncryption(b"secret"))
    for changes, message in (
        ({"server_key": other.decode()}, "server_key in .* is broken, or is not the key of server_cert"),
        (
            {"server_key": other.decode()[:200] + "\n-----END PRIVATE KEY-----\n"},
            "server_key in .* is broken",
        ),
        ({"server_key": locked.decode()}, "server_key in .* is encrypted.* openssl pkey"),
        ({"server_cert": NO_CERTIFICATE}, "server_cert in .* is not a PEM certificate"),
        ({"custom_ca": NO_CERTIFICATE, "verify": True}, "custom_ca in .* is not a PEM certificate"),
    ):
        with pytest.raises(InvalidRequestError, match=message):
            tls.credentials(authority.config(**changes))
