"""TLS, sockets, health, limits, compression, CORS, metrics, logs: what surrounds the requests."""

from __future__ import annotations

import gzip
import http.client
import io
import json
import socket
import threading
from pathlib import Path

import grpc
import numpy as np
import prometheus_client.parser
import pytest
import tensorflow as tf
import trustme
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from serving_waits import wait_for
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tfdeconv.errors import InvalidRequestError, ServingError
from tfdeconv.serving import Server
from tfdeconv.serving.grpc.server import channel_arguments
from tfdeconv.serving.models import image_size
from tfdeconv.serving.rest import request_body
from tfdeconv.serving.rest.api import RestApi
from tfdeconv.serving.telemetry.metrics import Metrics


def request():
    message = predict_pb2.PredictRequest()
    message.model_spec.name = "toy"
    message.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([[1]])))
    return message


def ask(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return list(stub.Predict(request(), timeout=60).outputs["y"].float_val)


class TestTls:
    @pytest.fixture(scope="class")
    @staticmethod
    def authority():
        return trustme.CA()

    def write(self, path: Path, authority, *, verify=False, **changes):
        certificate = authority.issue_cert("localhost")
        fields = {
            "server_key": certificate.private_key_pem.bytes().decode(),
            "server_cert": certificate.cert_chain_pems[0].bytes().decode(),
            "custom_ca": authority.cert_pem.bytes().decode(),
            **changes,
        }
        text = "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())
        path.write_text(text + f"client_verify: {str(verify).lower()}\n")
        return path

    def test_server_certificate(self, authority, toy_folder, tmp_path):
        """A client that trusts the authority is answered; one without TLS is not."""
        file = self.write(tmp_path / "ssl.config", authority)
        with Server(
            model_base_path=toy_folder, model_name="toy", ssl_config_file=file, rest_port=None
        ) as server:
            address = f"localhost:{server.grpc_port}"
            trusted = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
            with grpc.secure_channel(address, trusted) as channel:
                assert ask(channel) == [3]
            with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError):
                ask(channel)

    def test_client_certificate(self, authority, toy_folder, tmp_path):
        """With client_verify, only a client with a certificate of the authority is answered."""
        file = self.write(tmp_path / "ssl.config", authority, verify=True)
        client = authority.issue_cert("client")
        root = authority.cert_pem.bytes()
        with Server(
            model_base_path=toy_folder, model_name="toy", ssl_config_file=file, rest_port=None
        ) as server:
            address = f"localhost:{server.grpc_port}"
            known = grpc.ssl_channel_credentials(
                root, client.private_key_pem.bytes(), client.cert_chain_pems[0].bytes()
            )
            with grpc.secure_channel(address, known) as channel:
                assert ask(channel) == [3]
            anonymous = grpc.ssl_channel_credentials(root)
            with grpc.secure_channel(address, anonymous) as channel, pytest.raises(grpc.RpcError):
                ask(channel)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"server_key": ""}, "needs server_key and server_cert"),
            ({"server_cert": "nonsense"}, "server_cert in .* is not a PEM certificate"),
            ({"server_key": "nonsense"}, "server_key in .* is not a PEM private key"),
            ({"custom_ca": "", "verify": True}, "client_verify but no custom_ca"),
        ],
    )
    def test_bad_files(self, authority, toy_folder, tmp_path, changes, message):
        """What is wrong with the file is said before a model loads."""
        file = self.write(tmp_path / "ssl.config", authority, **changes)
        with (
            pytest.raises(InvalidRequestError, match=message),
            Server(model_base_path=toy_folder, ssl_config_file=file, rest_port=None),
        ):
            pass


class TestGrpc:
    def test_unix_socket_beside_tcp(self, toy_folder, tmp_path):
        """Both addresses answer; the socket alone is enough too."""
        path = tmp_path / "s"
        options = {"model_base_path": toy_folder, "model_name": "toy", "rest_port": None}
        with Server(grpc_socket_path=str(path), **options) as server:
            for address in (f"unix:{path}", f"127.0.0.1:{server.grpc_port}"):
                with grpc.insecure_channel(address) as channel:
                    assert ask(channel) == [3]
        with (
            Server(grpc_socket_path=str(path), grpc_port=None, **options),
            grpc.insecure_channel(f"unix:{path}") as channel,
        ):
            assert ask(channel) == [3]

    def test_health_service_is_behind_its_flag(self, toy_folder, server):
        """With the flag the services are serving and others unknown; without it there is no service."""
        with (
            Server(
                model_base_path=toy_folder, enable_grpc_healthcheck_service=True, rest_port=None
            ) as checked,
            grpc.insecure_channel(f"127.0.0.1:{checked.grpc_port}") as channel,
        ):
            stub = health_pb2_grpc.HealthStub(channel)
            for name in ("", "tensorflow.serving.PredictionService"):
                answer = stub.Check(health_pb2.HealthCheckRequest(service=name))
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
            with pytest.raises(grpc.RpcError) as caught:
                stub.Check(health_pb2.HealthCheckRequest(service="other"))
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            with pytest.raises(grpc.RpcError) as caught:
                health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED

    def test_health_lists_its_names(self, toy_folder):
        """``List`` answers, as grpcio's own servicer does not."""
        with (
            Server(
                model_base_path=toy_folder, enable_grpc_healthcheck_service=True, rest_port=None
            ) as checked,
            grpc.insecure_channel(f"127.0.0.1:{checked.grpc_port}") as channel,
        ):
            statuses = health_pb2_grpc.HealthStub(channel).List(health_pb2.HealthListRequest()).statuses
        assert {"", "tensorflow.serving.PredictionService"} <= set(statuses)
        assert {status.status for status in statuses.values()} == {health_pb2.HealthCheckResponse.SERVING}

    def test_reflection_describes_the_services(self, server):
        """A client without .proto files finds the services, their methods and their messages."""
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            found = ProtoReflectionDescriptorDatabase(channel)
            assert {"tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"} <= set(
                found.get_services()
            )
            pool = DescriptorPool(found)
            service = pool.FindServiceByName("tensorflow.serving.PredictionService")
            predict = service.methods_by_name["Predict"]
            assert "inputs" in predict.input_type.fields_by_name
            reload = pool.FindServiceByName("tensorflow.serving.ModelService")
            assert "HandleReloadConfigRequest" in reload.methods_by_name

    def test_channel_arguments_reach_grpc(self, toy_folder):
        """A limit given as an argument is the limit that holds."""
        with (
            Server(
                model_base_path=toy_folder,
                model_name="toy",
                grpc_channel_arguments="grpc.max_receive_message_length=10",
                rest_port=None,
            ) as server,
            grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
        ):
            with pytest.raises(grpc.RpcError) as caught:
                ask(channel)
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        with pytest.raises(InvalidRequestError, match="must be name=value pairs"):
            channel_arguments("grpc.x")

    def test_tensor_content_behind_its_flag(self, toy_folder):
        """The flag moves the numbers from the typed field to tensor_content."""
        with (
            Server(
                model_base_path=toy_folder,
                model_name="toy",
                enable_serialization_as_tensor_content=True,
                rest_port=None,
            ) as server,
            grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
        ):
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            tensor = stub.Predict(request()).outputs["y"]
            assert np.frombuffer(tensor.tensor_content, np.float32).tolist() == [3]
            assert not tensor.float_val

    def test_channel_stop_finishes_running_calls(self, toy_folder):
        """Calls that the server has accepted are answered although it stops."""
        server = Server(model_base_path=toy_folder, model_name="toy", rest_port=None)
        server.start()
        answers, started = [], threading.Event()
        image = predict_pb2.PredictRequest()
        image.model_spec.name, image.model_spec.signature_name = "toy", "blur"
        image.inputs["image"].CopyFrom(tf.make_tensor_proto(np.zeros((1, 512, 512, 3), np.float32)))

        def call():
            with grpc.insecure_channel(
                f"127.0.0.1:{server.grpc_port}", [("grpc.max_receive_message_length", -1)]
            ) as channel:
                stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
                future = stub.Predict.future(image, timeout=60)
                started.set()
                answers.append(future.result().model_spec.version.value)

        grpc_metrics = server.runtime.telemetry.metrics
        thread = threading.Thread(target=call)
        thread.start()
        wait_for(lambda: bool(grpc_metrics.runtime_latency.collect().samples))
        server.stop()
        thread.join()
        assert answers == [2]


def http_call(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


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


PREDICT = "/v1/models/toy:predict"


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


class TestMetrics:
    @pytest.fixture
    @staticmethod
    def monitored(toy_folder, tmp_path):
        """A server with metrics and an access log, and the log's path."""
        config, log = tmp_path / "monitoring.config", tmp_path / "access.log"
        config.write_text('prometheus_config { enable: true path: "/metrics" }')
        with Server(
            model_base_path=toy_folder,
            model_name="toy",
            monitoring_config_file=config,
            access_log_file=str(log),
        ) as server:
            yield server, log

    def test_page_has_tensorflow_servings_names(self, monitored):
        """Counters and histograms with its labels; REST is `predict`, gRPC `Predict`."""
        server, _ = monitored
        assert http_call(server, "POST", PREDICT, b'{"instances": [[1]]}')[0] == 200
        assert http_call(server, "POST", PREDICT, b"x")[0] == 400
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            ask(channel)
        status, headers, body = http_call(server, "GET", "/metrics")
        text = body.decode()
        assert status == 200
        assert {name.lower(): value for name, value in headers.items()}["content-type"].startswith(
            "text/plain"
        )
        for line in (
            "# TYPE :tensorflow:serving:request_count counter",
            ':tensorflow:serving:request_count{model_name="toy",status="OK"} 2',
            ':tensorflow:serving:request_count{model_name="toy",status="INVALID_ARGUMENT"} 1',
            ':tensorflow:serving:request_latency_count{model_name="toy",API="predict",entrypoint="REST"} 1',
            ':tensorflow:serving:request_latency_count{model_name="toy",API="Predict",entrypoint="GRPC"} 1',
            ':tensorflow:serving:runtime_latency_count{model_name="toy",API="Predict",runtime="TF1"} 2',
        ):
            assert line in text.splitlines()
        assert "HELP" not in text

    def test_path_must_be_a_path(self, toy_folder, tmp_path):
        """A path that no request can match is refused at the start."""
        config = tmp_path / "monitoring.config"
        config.write_text('prometheus_config { enable: true path: "metrics" }')
        with (
            pytest.raises(InvalidRequestError, match=r"must be a plain path that begins with '/'"),
            Server(model_base_path=toy_folder, monitoring_config_file=config),
        ):
            pass

    def test_page_parses_and_buckets_are_as_given(self):
        """Prometheus's own parser reads the page; 33 bounds of 10 * 1.8^k, and infinity."""
        metrics = Metrics()
        metrics.request_latency.observe(17, "m", "Predict", "GRPC")
        metrics.queuing_latency.observe(1)
        metrics.wrapped_run_count.add()
        families = {
            family.name: family
            for family in prometheus_client.parser.text_string_to_metric_families(metrics.text())
        }
        buckets = [
            sample
            for sample in families[":tensorflow:serving:request_latency"].samples
            if sample.name.endswith("_bucket")
        ]
        assert [sample.labels["le"] for sample in buckets[:3]] == ["10", "18", "32.4"]
        assert len(buckets) == 34
        assert buckets[-1].labels["le"] == "+Inf"
        assert [sample.value for sample in buckets[:3]] == [0, 1, 1]
        assert ":tensorflow:serving:batching_session:wrapped_run_count{} 1" in metrics.text()

    def test_names_from_requests_do_not_fill_the_memory(self):
        """Inventive clients add no more than a thousand cells."""
        metrics = Metrics()
        for number in range(1500):
            metrics.request_count.add(f"m{number}", "NOT_FOUND")
        assert len(metrics.request_count.collect().samples) == 1000

    def test_access_log_has_a_line_for_each_request(self, monitored):
        """Model, version, signature, latency and status, as JSON."""
        server, log = monitored
        http_call(server, "POST", PREDICT, b'{"instances": [[1]]}')
        http_call(server, "POST", "/v1/models/other:predict", b'{"instances": [[1]]}')
        good, bad = [json.loads(line) for line in log.read_text().splitlines()]
        assert good["latency_ms"] > 0
        assert {name: good[name] for name in ("protocol", "method", "model", "version", "status")} == {
            "protocol": "REST",
            "method": "predict",
            "model": "toy",
            "version": 2,
            "status": "OK",
        }
        assert good["signature"] == "serving_default"
        assert (bad["model"], bad["status"]) == ("other", "NOT_FOUND")

    def test_log_that_cannot_be_opened(self, toy_folder, tmp_path):
        """The error names the file."""
        with (
            pytest.raises(ServingError, match=r"Cannot open the access log .*/none/log: No such file"),
            Server(model_base_path=toy_folder, access_log_file=str(tmp_path / "none" / "log")),
        ):
            pass


class TestImageSize:
    @pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
    def test_header_tells_the_pixels(self, form):
        """The product of the sides, for each format that TensorFlow decodes."""
        image = pytest.importorskip("PIL.Image")
        buffer = io.BytesIO()
        image.new("RGB", (37, 21)).save(buffer, form)
        assert image_size.declared_pixels(buffer.getvalue()) == 37 * 21

    @pytest.mark.parametrize(
        ("bits", "pixels"),
        [
            # 8 rows, as wide as high; 16 rows and 24 columns in eights; 500 rows, 16:9; 1 and 2**30 in full
            ("1 00000 001", 64),
            ("1 00001 000 00010", 16 * 24),
            ("0 00 111110011 101", 500 * 888),
            ("0 11 " + "0" * 30 + " 000 11 " + "1" * 30, 1 << 30),
        ],
    )
    def test_jpeg_xl_header(self, bits, pixels):
        """Fields follow one another from the least significant bit on."""
        number = position = 0
        for field in bits.split():
            number |= int(field, 2) << position
            position += len(field)
        codestream = b"\xff\x0a" + number.to_bytes(12, "little")
        assert image_size.declared_pixels(codestream) == pixels
        container = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x16jxlc" + codestream
        assert image_size.declared_pixels(container) == pixels

    def test_lossless_and_extended_webp(self):
        """The three kinds of WebP chunks keep their sizes in three places."""
        image = pytest.importorskip("PIL.Image")
        for mode, options in (
            ("RGB", {"lossless": True}),
            ("RGBA", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
        ):
            buffer = io.BytesIO()
            image.new(mode, (37, 21)).save(buffer, "WEBP", **options)
            assert image_size.declared_pixels(buffer.getvalue()) == 37 * 21

    def test_other_bytes_have_no_size(self):
        """Text, and headers that are cut off, are left to the decoder."""
        for data in (b"", b"text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0" * 9, b"BM"):
            assert image_size.declared_pixels(data) is None

    def test_bomb_is_refused_over_grpc(self, toy_folder):
        """A PNG of a hundred bytes that declares gigapixels never reaches the decoder."""
        bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
        message = predict_pb2.PredictRequest()
        message.model_spec.name, message.model_spec.signature_name = "toy", "echo"
        message.inputs["text"].CopyFrom(tf.make_tensor_proto([bomb]))
        with (
            Server(model_base_path=toy_folder, model_name="toy", rest_port=None) as server,
            grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
        ):
            with pytest.raises(grpc.RpcError) as caught:
                prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(message)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "An image declares 3600000000 pixels" in caught.value.details()
