"""Clients of gRPC that begin a call and do not go on, and how many calls are answered at a time."""

from __future__ import annotations

import queue
import socket
import threading
import time

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from serving_requests import ask

from tfdeconv.serving import Server
from tfdeconv.serving.grpc.answer import GrpcAnswer
from tfdeconv.serving.grpc.server import GrpcServer
from tfdeconv.wire import services

DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
ACK, END_HEADERS = 1, 4


def frame(kind, flags, stream, content):
    """A frame of HTTP/2 (RFC 9113, section 4.1)."""
    return b"".join(
        [len(content).to_bytes(3, "big"), bytes([kind, flags]), stream.to_bytes(4, "big"), content]
    )


def literal(name, value):
    """A header without compression (RFC 7541, section 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def read(connection, size):
    content = b""
    while len(content) < size:
        content += connection.recv(size - len(content)) or pytest.fail("the server closed the connection")
    return content


def begin(connection, calls):
    """Begin calls of Predict whose messages stop after a byte; return once the server has seen them."""
    head = b"".join(
        literal(name, value)
        for name, value in {
            ":method": "POST",
            ":scheme": "http",
            ":path": services.path("Predict"),
            ":authority": "a",
            "te": "trailers",
            "content-type": "application/grpc",
        }.items()
    )
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b""))
    for stream in range(1, 2 * calls, 2):
        connection.sendall(
            frame(HEADERS, END_HEADERS, stream, head)
            + frame(DATA, 0, stream, b"\0" + (100).to_bytes(4, "big") + b"x")
        )
    connection.sendall(frame(PING, 0, 0, b"are done"))
    kind = flags = None
    while (kind, flags) != (PING, ACK):
        start = read(connection, 9)
        kind, flags = start[3], start[4]
        read(connection, int.from_bytes(start[:3], "big"))


@pytest.fixture(scope="module")
def narrow(toy_folder):
    """A server that answers one call at a time."""
    with Server(model_base_path=toy_folder, model_name="toy", rest_port=None, grpc_max_threads=1) as running:
        yield running


def test_messages_that_do_not_arrive(narrow):
    """Calls whose messages are still on their way hold nobody up."""
    with socket.create_connection(("127.0.0.1", narrow.grpc_port), timeout=60) as connection:
        begin(connection, calls=5)
        with grpc.insecure_channel(f"127.0.0.1:{narrow.grpc_port}") as channel:
            assert ask(channel) == [3]


def test_streams_that_stay_open(narrow):
    """Nor do clients that look at the services and keep their stream."""
    with grpc.insecure_channel(f"127.0.0.1:{narrow.grpc_port}") as channel:
        requests = [queue.SimpleQueue() for _ in range(5)]
        streams = [
            reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter(one.get, None))
            for one in requests
        ]
        for one, stream in zip(requests, streams, strict=True):
            one.put(reflection_pb2.ServerReflectionRequest(list_services=""))
            assert next(stream).list_services_response.service
        assert ask(channel) == [3]
        for one in requests:
            one.put(None)
        assert [list(stream) for stream in streams] == [[]] * 5


def test_so_many_calls_are_answered_at_a_time():
    """As many as max_threads, however many have arrived; the others wait and are answered too."""

    class Api:
        def __init__(self):
            self.lock, self.running, self.most = threading.Lock(), 0, 0

        def answer(self, method, message, context):
            with self.lock:
                self.running += 1
                self.most = max(self.most, self.running)
            time.sleep(0.01)
            with self.lock:
                self.running -= 1
            return GrpcAnswer("OK", "", message)

    api = Api()
    server = GrpcServer(api, max_threads=2)
    port = server.listen("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary(services.path("Predict"))
            futures = [call.future(b"%d" % number, timeout=60) for number in range(20)]
            assert [future.result() for future in futures] == [b"%d" % number for number in range(20)]
    finally:
        server.stop(None)
    assert api.most <= 2
