"""What one connection may cost: heads, silence, a closed side, clients that give up, and odd paths."""

from __future__ import annotations

import gzip
import json
import select
import socket
import struct
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from serving_waits import wait_for

from tfdeconv.serving import Server
from tfdeconv.serving.rest import request_body

PREDICT = "/v1/models/toy:predict"
BODY = b'{"instances": [[1]]}'
SILENCE = 1  # second that the impatient server waits: no slow client takes it for nothing


def head(*lines, method="POST", path=PREDICT):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: a", *lines, "", ""]).encode()


def talk(server, *pieces, half_close=False):
    """Send bytes, and return all that comes back until the server closes, in 60 s at the most."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=60) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(1 << 16):
                answer += chunk
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has said all it wanted to
    return answer


@pytest.fixture(scope="module")
def impatient(toy_folder):
    """A server with short time-outs and a small head."""
    with Server(
        model_base_path=toy_folder,
        model_name="toy",
        grpc_port=None,
        max_rest_header_bytes=1000,
        rest_header_timeout_in_ms=SILENCE * 1000,
        rest_body_timeout_in_ms=SILENCE * 1000,
    ) as running:
        yield running


@pytest.mark.parametrize(
    "pieces",
    [
        [head("A: " + "x" * 2000)],
        [head(*(f"A{number}: x" for number in range(300)))],
        [f"GET /{'x' * 2000} HTTP/1.1\r\n\r\n".encode()],
        [b"GET / HTTP/1.1\r\nA: ", *([b"x" * 10_000] * 1000)],
        [b"GET /", *([b"x" * 10_000] * 1000)],
    ],
    ids=["one header", "many headers", "path", "endless header", "endless path"],
)
def test_head_is_bounded(impatient, pieces):
    """A head beyond the limit is answered with 431, however it comes; one below it is not."""
    answer = talk(impatient, *pieces)
    if answer:  # the answer may be lost where the client still sends
        assert answer.startswith(b"HTTP/1.1 431 ")
    assert len(pieces) > 1 or b'{"error":"The request\'s head is larger than 1000 bytes"}' in answer
    length = f"Content-Length: {len(BODY)}"
    assert b"200 OK" in talk(impatient, head("A: " + "x" * 800, length, "Connection: close") + BODY)


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"", b""), (b"GET /v1", b"408"), (head("Content-Length: 100") + b"{", b"408")],
    ids=["nothing", "half a head", "half a body"],
)
def test_silence_ends_a_connection(impatient, sent, status):
    """A client that stalls is told so, and its connection closed."""
    answer = talk(impatient, sent)
    assert answer[9:12] == status
    assert not status or answer.endswith(b'{"error":"The request took too long to arrive"}')


def test_a_body_that_drips_ends_a_connection(impatient):
    """A byte now and then is as good as silence."""
    answer = b"the server went on"
    with socket.create_connection(("127.0.0.1", impatient.rest_port), timeout=60) as connection:
        connection.sendall(head("Content-Length: 10000"))
        try:
            for _ in range(600):
                if select.select([connection], [], [], SILENCE / 10)[0]:
                    answer = connection.recv(1 << 16)
                    break
                connection.sendall(b" ")
        except (BrokenPipeError, ConnectionResetError):
            answer = b""  # it ended between a look and a byte
    assert not answer or answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "sent", [head("Content-Length: 2147483648"), head("Content-Length: 100", path="/other") + b"{"]
)
def test_a_request_has_one_answer(impatient, sent):
    """What is answered before its body has come, and then stalls, is not answered again when it is closed."""
    answer = talk(impatient, sent)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer[9:12] in (b"429", b"404")


def test_a_slow_answer_is_no_silence(impatient):
    """The time-outs are the request's; the answer, and the pause before the next request, have their own."""
    length = f"Content-Length: {len(BODY)}"
    with socket.create_connection(("127.0.0.1", impatient.rest_port), timeout=60) as connection:
        for _ in range(2):
            connection.sendall(head(length) + BODY)
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
            time.sleep(1.5 * SILENCE)


def test_an_answer_that_nobody_takes_ends_a_connection(impatient):
    """Its memory is not the client's to keep."""
    body = gzip.compress(b'{"instances": [[%s]]}' % b",".join([b"1"] * 4_000_000), 1)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", impatient.rest_port))
        connection.sendall(head("Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)
        ended = select.poll()
        ended.register(connection, 0)  # an error or the end, not bytes to read
        assert ended.poll(60_000)


LENGTH = f"Content-Length: {len(BODY)}"


@pytest.mark.parametrize(
    "bad",
    [
        b"nonsense\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"zz\r\n",
        head("A: " + "x" * 2000),
        b"GET /v1",
    ],
    ids=["no HTTP", "bad chunk", "large head", "half a head"],
)
def test_requests_before_a_bad_one_are_answered(impatient, bad, caplog):
    """Each in its turn; the bad one ends the connection. Nothing is written into it once it is closed."""
    answer = talk(impatient, (head(LENGTH) + BODY) * 3 + bad)
    assert answer.count(b'{"predictions":[[3.0]]}') == 3
    assert answer.count(b"HTTP/1.1 200 ") == 3
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


def test_a_client_that_leaves_several_requests_behind(server, caplog):
    """Those that wait behind the first do not hide from it that nobody is there."""
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=20) as connection:
        connection.sendall((head(LENGTH) + BODY) * 3)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
    for _ in range(3):
        assert b" 200 OK" in talk(server, head(LENGTH, "Connection: close") + BODY)
    assert not [record for record in caplog.records if record.exc_info]


def test_client_may_close_its_side(server):
    """Requests that are complete are answered after a half-close; one that is cut off is not."""
    length = f"Content-Length: {len(BODY)}"
    answer = talk(server, head(length) + BODY, head(length) + BODY, half_close=True)
    assert answer.count(b'{"predictions":[[3.0]]}') == 2
    assert talk(server, head("Content-Length: 100") + BODY, half_close=True) == b""


@pytest.mark.parametrize("path", ["%ff%00", "a%0Ab", "%", "%zz", "a\xe9b"])
def test_odd_paths_are_answered_in_json(server, path):
    """Whatever stands in a path, the answer is JSON."""
    answer = talk(server, head("Connection: close", method="GET", path=f"/v1/models/{path}"))
    status, content = answer[9:12], json.loads(answer.partition(b"\r\n\r\n")[2])
    assert status in (b"400", b"404")
    assert content["error"]
    assert b"application/json" in answer


def test_gzip_of_several_members():
    """All members of a gzip body count (RFC 1952), with padding behind; a broken one voids all."""
    parts = [gzip.compress(part) for part in (b'{"instances": ', b"", b"[[1]]}")]
    assert request_body.unpack(b"".join(parts), 100) == b'{"instances": [[1]]}'
    assert request_body.unpack(b"".join(parts) + bytes(100_000), 100) == b'{"instances": [[1]]}'
    for broken in (b"x", parts[0][:-1]):
        assert request_body.unpack(b"".join(parts) + broken, 1000) == b""
    assert request_body.unpack(gzip.compress(b"x" * 60) * 2, 100) == b""


def test_gzip_of_very_many_members():
    """Each costs time whatever it holds: beyond 16,384 of them the body counts as broken."""
    empty, last = gzip.compress(b""), gzip.compress(b"{}")
    assert request_body.unpack(empty * 16_384 + last, 100) == b"{}"
    assert request_body.unpack(empty * 16_385 + last, 100) == b""


ONE_CORE = "intra_op_parallelism_threads: 1"  # the work takes a while also where there are many


class Sleepy(tf.Module):
    """A signature that takes a while, in one op that nothing can interrupt."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def slow(self, x):
        size = tf.cast(x[0], tf.int32)
        product = tf.linalg.matmul(tf.ones([size, size]), tf.ones([size, size]))
        return {"y": x + product[0, 0]}


def test_clients_that_give_up_leave_no_work(tmp_path):
    """Of many cancelled requests only those that run are finished; the others never start."""
    module = Sleepy()
    tf.saved_model.save(module, str(tmp_path / "1"), module.slow)
    with Server(
        model_base_path=tmp_path,
        model_name="m",
        grpc_port=None,
        rest_api_num_threads=1,
        session_config=ONE_CORE,
    ) as server:
        body = json.dumps({"instances": [3000.0]}).encode()
        request = head(f"Content-Length: {len(body)}", path="/v1/models/m:predict") + body
        connections = []
        for _ in range(20):
            connections.append(socket.create_connection(("127.0.0.1", server.rest_port), timeout=60))
            connections[-1].sendall(request)
        runs = server.runtime.telemetry.metrics.runtime_latency
        wait_for(lambda: bool(runs.collect().samples))
        for connection in connections:
            connection.close()
        time.sleep(0.8)  # by then they have been asked twice whether they are still there
        small = json.dumps({"instances": [1.0]}).encode()
        small_head = head(f"Content-Length: {len(small)}", "Connection: close", path="/v1/models/m:predict")
        assert b"200 OK" in talk(server, small_head + small)
        (count,) = [s.value for s in runs.collect().samples if s.name.endswith("_count")]
        assert count < 10


def test_timed_out_work_stops(toy_folder):
    """A request whose time is up is answered with 504, and its work ends between two steps."""
    array = np.zeros((1, 3_000_000), np.int64)
    body = json.dumps({"instances": array.tolist()}).encode()
    with Server(
        model_base_path=toy_folder, model_name="toy", grpc_port=None, rest_api_timeout_in_ms=20
    ) as server:
        answer = talk(server, head(f"Content-Length: {len(body)}", "Connection: close") + body)
        assert answer.startswith(b"HTTP/1.1 504 ")
        counted = server.runtime.telemetry.metrics.request_count
        wait_for(lambda: bool(counted.collect().samples))
        (sample,) = counted.collect().samples
        assert sample.labels["status"] == "CANCELLED"


def test_stop_is_in_time(tmp_path):
    """Work that cannot be interrupted outlasts neither edge's grace: the answer is UNAVAILABLE."""
    module = Sleepy()
    tf.saved_model.save(module, str(tmp_path / "1"), module.slow)
    server = Server(model_base_path=tmp_path, model_name="m", grpc_port=None, session_config=ONE_CORE)
    server.start()
    body = json.dumps({"instances": [7000.0]}).encode()
    request = head(f"Content-Length: {len(body)}", path="/v1/models/m:predict") + body
    answers = []
    thread = threading.Thread(target=lambda: answers.append(talk(server, request)))
    thread.start()
    (servable,) = server.runtime.repository._available["m"].values()
    wait_for(lambda: servable._leases > 0)
    assert server.stop(grace=0.5) is False
    assert servable._leases, "it waited for the work"
    thread.join()
    assert answers[0].startswith(b"HTTP/1.1 503 ")
