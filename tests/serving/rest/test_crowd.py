"""Many clients at once: bodies too large together, a restart, batches of mixed shapes; and browsers."""

from __future__ import annotations

import asyncio
import http.client
import json
import math
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import prometheus_client.parser
import pytest

from tfdeconv.client import RetryPolicy, connect, connect_async
from tfdeconv.errors import UnavailableError
from tfdeconv.serving import Server

PATIENT = RetryPolicy(attempts=600, first_delay=0.05, max_delay=0.2)
PREDICT = "/v1/models/toy:predict"


def http_call(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=120)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


class TestLargeBodies:
    def test_sixty_four_at_once(self, toy_folder):
        """What is held together stays below the limit; others get UNAVAILABLE, and a retry answers all."""
        x = np.random.default_rng(0).random((1, 100_000), np.float32)
        body = json.dumps({"instances": x.tolist()}).encode()
        with Server(
            model_base_path=toy_folder,
            model_name="toy",
            grpc_port=None,
            rest_api_num_threads=2,
            max_rest_buffered_bytes=4 * len(body),
        ) as server:
            start = threading.Barrier(64)

            def post(_):
                start.wait()
                status, _, answer = http_call(server, "POST", PREDICT, body)
                return status, json.loads(answer)

            with ThreadPoolExecutor(64) as pool:
                answers = list(pool.map(post, range(64)))
            refused = [answer for status, answer in answers if status == 503]
            good = [answer for status, answer in answers if status == 200]
            assert len(refused) + len(good) == 64
            assert refused
            assert good
            assert all("hold" in answer["error"] and "its limit" in answer["error"] for answer in refused)
            assert all(np.array_equal(np.float32(answer["predictions"]), 3 * x) for answer in good)
            with (
                connect(server.rest_url, model="toy", retry=PATIENT, timeout=120) as client,
                ThreadPoolExecutor(16) as pool,
            ):
                for answer in pool.map(lambda _: client.predict({"x": x})["y"], range(16)):
                    np.testing.assert_array_equal(answer, 3 * x)
            # All of it is free again: one body as large as the limit is taken.
            document = b'{"instances":[[1]]}'
            assert http_call(server, "POST", PREDICT, document.ljust(4 * len(body)))[0] == 200

    def test_given_back_when_a_client_goes_away(self, toy_folder):
        """A body whose client hangs up in the middle of it holds nothing any longer."""
        with Server(
            model_base_path=toy_folder, model_name="toy", grpc_port=None, max_rest_buffered_bytes=3000
        ) as server:
            head = f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n".encode()
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", server.rest_port)) as connection:
                    connection.sendall(head + b" " * 2000)
            document = b'{"instances":[[1]]}'.ljust(3000)
            deadline = time.monotonic() + 60
            while (status := http_call(server, "POST", PREDICT, document)[0]) == 503:
                assert time.monotonic() < deadline
            assert status == 200


def test_restart_under_load(toy_folder):
    """Clients that retry notice no restart on the same ports, over both protocols, awaited or not."""
    server = Server(model_base_path=toy_folder, model_name="toy")
    server.start()
    ports = {"grpc_port": server.grpc_port, "rest_port": server.rest_port}
    urls = [server.grpc_url, server.rest_url]
    ended, answered = threading.Event(), []

    def blocking(url):
        with connect(url, model="toy", retry=PATIENT, timeout=120) as client:
            while not ended.is_set():
                assert client.predict({"x": [[2.0]]})["y"].tolist() == [[6]]
                answered.append(url)

    async def awaiting(url):
        async with connect_async(url, model="toy", retry=PATIENT, timeout=120) as client:
            while not ended.is_set():
                assert (await client.predict({"x": [[2.0]]}))["y"].tolist() == [[6]]
                answered.append(url)

    with ThreadPoolExecutor(8) as pool:
        work = [pool.submit(blocking, url) for url in urls * 2]
        work += [pool.submit(asyncio.run, awaiting(url)) for url in urls]
        try:
            for _ in range(2):
                before = len(answered)
                while len(answered) < before + 20:
                    ended.wait(0.01)
                server.stop()
                server = Server(model_base_path=toy_folder, model_name="toy", **ports)
                server.start()
            before = len(answered)
            while len(answered) < before + 20:
                ended.wait(0.01)
        finally:
            ended.set()
        for job in work:
            job.result(120)
    server.stop()


@pytest.mark.parametrize("pad", [True, False])
def test_batches_of_mixed_shapes(toy_folder, tmp_path, pad):
    """Everybody gets their own rows, padded to the widest of the batch, or is told to ask for padding."""
    file = tmp_path / "batching.config"
    file.write_text(
        "max_batch_size { value: 8 } batch_timeout_micros { value: 2000 } allowed_batch_sizes: 4 "
        f"allowed_batch_sizes: 8 pad_variable_length_inputs: {str(pad).lower()}"
    )
    rng = np.random.default_rng(0)
    with Server(
        model_base_path=toy_folder, model_name="toy", enable_batching=True, batching_parameters_file=file
    ) as server:
        clients = [connect(url, model="toy") for url in (server.grpc_url, server.rest_url)]

        def ask(number):
            x = rng.random((1 + number % 3, (4, 5, 7)[number % 3]), np.float32)
            try:
                y = clients[number % 2].predict({"x": x})["y"]
            except Exception as error:
                return str(error)
            np.testing.assert_allclose(y[:, : x.shape[1]], 3 * x, rtol=1e-6)
            # The filler is the request's first value, as in TensorFlow Serving.
            np.testing.assert_allclose(y[:, x.shape[1] :], 3 * x[0, 0], rtol=1e-6)
            return ""

        with ThreadPoolExecutor(12) as pool:
            failures = set(pool.map(ask, range(120)))
        for client in clients:
            client.close()
    if pad:
        assert failures == {""}
    else:
        assert all(not text or "Set pad_variable_length_inputs to true" in text for text in failures)


def test_full_queue_is_unavailable(toy_folder, tmp_path):
    """Requests beyond the queue are refused in TensorFlow Serving's words, and a retry answers them."""
    file = tmp_path / "batching.config"
    file.write_text(
        "max_batch_size { value: 1 } max_enqueued_batches { value: 1 } num_batch_threads { value: 1 }"
    )
    x = np.ones((1, 500_000), np.float32)
    with Server(
        model_base_path=toy_folder,
        model_name="toy",
        enable_batching=True,
        batching_parameters_file=file,
        grpc_max_threads=16,
        rest_port=None,
    ) as server:

        def answers(policy: RetryPolicy) -> set[str]:
            def ask(_):
                try:
                    np.testing.assert_array_equal(client.predict({"x": x})["y"], 3 * x)
                except UnavailableError as error:
                    return str(error)
                return ""

            with (
                connect(server.grpc_url, model="toy", retry=policy) as client,
                ThreadPoolExecutor(16) as pool,
            ):
                return set(pool.map(ask, range(48)))

        assert answers(RetryPolicy(attempts=1)) <= {
            "",
            "The batch scheduling queue to which this task was submitted is full; currently 1 batches "
            "enqueued and max_enqueued_batches is 1",
        }
        assert answers(PATIENT) == {""}


AWKWARD = "/v1/models/t%22o%5Cy:predict"


class TestBrowsers:
    @pytest.fixture(scope="class")
    @staticmethod
    def server(toy_folder, tmp_path_factory):
        """A server with CORS, metrics and small limits, whose model has an awkward name."""
        file = tmp_path_factory.mktemp("config") / "monitoring.config"
        file.write_text('prometheus_config { enable: true path: "/metrics" }')
        with Server(
            model_base_path=toy_folder,
            model_name='t"o\\y',
            rest_api_enable_cors_support=True,
            monitoring_config_file=file,
            max_rest_body_bytes=2000,
            max_rest_header_bytes=3000,
            rest_header_timeout_in_ms=1000,
        ) as running:
            yield running

    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            ("OPTIONS", AWKWARD, None, 200),
            ("POST", AWKWARD, b'{"instances": [[1]]}', 200),
            ("POST", AWKWARD, b"{", 400),
            ("POST", AWKWARD, b" " * 2001, 429),
            ("GET", "/v1/models/none", None, 404),
            ("GET", "/other", None, 404),
            ("GET", "/v1/models/" + "a" * 3000, None, 431),
            ("DELETE", "/v1/models/none", None, 400),
            *(("GET", path, None, 200) for path in ("/metrics", "/healthz", "/readyz", "/modelz")),
        ],
    )
    def test_every_answer_may_be_read(self, server, method, path, body, status):
        """Without the header on errors a page learns nothing but "network error"."""
        found, headers, _ = http_call(server, method, path, body, {"Origin": "https://a.example"})
        assert (found, headers.get("access-control-allow-origin")) == (status, "*")

    @pytest.mark.parametrize(("data", "status"), [(b"nonsense\r\n\r\n", b"400"), (b"GET / HT", b"408")])
    def test_refusals_below_the_api(self, server, data, status):
        """What is no HTTP, and what never ends, is answered with the headers as well."""
        with socket.create_connection(("127.0.0.1", server.rest_port), timeout=60) as connection:
            connection.sendall(data)
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert b"\r\nAccess-Control-Allow-Origin: *\r\n" in answer

    @pytest.mark.parametrize("accept", ["*/*", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"])
    def test_metrics_are_prometheus_text(self, server, accept):
        """Its own parser reads the page, labels come back as they were, and counters never fall."""
        seen: dict[object, float] = {}
        for _ in range(3):
            assert http_call(server, "POST", AWKWARD, b'{"instances": [[1]]}')[0] == 200
            assert http_call(server, "POST", "/v1/models/a%0Ab:predict", b'{"instances": [[1]]}')[0] == 404
            _, headers, page = http_call(server, "GET", "/metrics", headers={"Accept": accept})
            assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
            found = {}
            for family in prometheus_client.parser.text_string_to_metric_families(page.decode()):
                for sample in family.samples:
                    found[sample.name, frozenset(sample.labels.items())] = sample.value
            assert all(found[key] >= value for key, value in seen.items())
            assert all(math.isfinite(value) for value in found.values())
            seen = found
        names = {dict(labels).get("model_name") for name, labels in seen if ":request_count" in name}
        assert {'t"o\\y', "a\nb"} <= names
