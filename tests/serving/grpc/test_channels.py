"""What surrounds requests over gRPC: TLS, sockets, health, reflection, arguments, the end of the server."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
import trustme
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from serving_requests import ask, predict_request
from serving_waits import wait_for
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving import Server
from tfdeconv.serving.grpc.server import channel_arguments


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
            tensor = stub.Predict(predict_request()).outputs["y"]
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
