"""IPv6 and all addresses: what the server listens on, and what it says of an address that is not its own."""

from __future__ import annotations

import errno
import socket

import pytest

from tfdeconv.client import RetryPolicy, connect
from tfdeconv.errors import InvalidArgumentError, ServingError
from tfdeconv.serving import Server
from tfdeconv.serving.addresses import bound_socket


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")


def doubled(url: str) -> list[list[float]]:
    with connect(url, model="toy", retry=RetryPolicy(attempts=1), timeout=60) as client:
        return client.predict({"x": [[1.0]]})["y"].tolist()


@needs_ipv6
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_ipv6_loopback(toy_folder, host):
    """Both protocols answer at ::1, written with brackets or without."""
    with Server(model_base_path=toy_folder, model_name="toy", host=host) as server:
        for url in (server.grpc_url, server.rest_url):
            assert "://[::1]:" in url
            assert doubled(url) == [[3]]


@needs_ipv6
@pytest.mark.parametrize("host", ["::", "[::]", "0.0.0.0"])
def test_all_addresses(toy_folder, host):
    """All addresses are those of IPv6 and IPv4, over both protocols, by either name."""
    with Server(model_base_path=toy_folder, model_name="toy", host=host) as server:
        for host in ("[::1]", "127.0.0.1"):
            assert doubled(f"grpc://{host}:{server.grpc_port}") == [[3]]
            assert doubled(f"http://{host}:{server.rest_port}") == [[3]]


@needs_ipv6
@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_port_taken_for_all_addresses(toy_folder, protocol):
    """A port that another server holds at "::" is taken at 0.0.0.0 as well."""
    with Server(model_base_path=toy_folder, model_name="toy", host="::") as first:
        ports = {"grpc_port": None, "rest_port": None}
        ports[f"{protocol}_port"] = getattr(first, f"{protocol}_port")
        with (
            pytest.raises(ServingError, match=r"Address already in use\. Choose another port, or 0"),
            Server(model_base_path=toy_folder, host="0.0.0.0", **ports),
        ):
            pass


@pytest.mark.parametrize("stage", ["socket", "bind"])
@pytest.mark.parametrize("host", ["::", "0.0.0.0"])
def test_all_addresses_of_a_machine_without_ipv6(monkeypatch, host, stage):
    """They are those of IPv4, whether the family is unknown or has no address."""

    class OldSocket(socket.socket):
        def __init__(self, family=-1, *rest, **named):
            if family == socket.AF_INET6 and stage == "socket":
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *rest, **named)

        def bind(self, address):
            if self.family == socket.AF_INET6:
                raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
            super().bind(address)

    monkeypatch.setattr(socket, "socket", OldSocket)
    with bound_socket("REST", host, 0) as found:
        assert found.getsockname()[0] == "0.0.0.0"


@pytest.mark.parametrize("port", [0, 8500])
@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.7"])
def test_addresses_of_other_machines(host, port):
    """Another port would not help: the message says which addresses there are, before models load."""
    with pytest.raises(
        ServingError, match=rf"Cannot listen for gRPC on {host}:{port}: .*host must be an addr"
    ):
        bound_socket("gRPC", host, port)


def test_no_address(toy_folder):
    """An empty host would be all addresses for one protocol and none for the other."""
    with pytest.raises(
        InvalidArgumentError, match=r"host must not be empty; 0\.0\.0\.0 or :: listens on all"
    ):
        Server(model_base_path=toy_folder, host="")
