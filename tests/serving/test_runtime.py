"""The parts of the server by themselves: models without a transport, protocols without a socket."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
import uvicorn
from serving_waits import Toys, wait_for
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

import tfdeconv
from tfdeconv.errors import ServingError
from tfdeconv.serving import GrpcApi, ModelSpec, RestApi, Runtime, ServerOptions, rest_app
from tfdeconv.serving.grpc.server import ServicerCall
from tfdeconv.wire import services


class Call:
    """A call in progress, as whoever receives calls provides it."""

    def __init__(self, remaining=None):
        self.remaining = remaining
        self.cancel = threading.Event()
        self.callbacks = []

    def time_remaining(self):
        return self.remaining

    def on_cancel(self, callback):
        self.callbacks.append(callback)


@contextlib.contextmanager
def served(app):
    """A client of an application that uvicorn runs as it runs any, lifespan included."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        running = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_config=None))
        thread = threading.Thread(target=running.run, args=([listener],))
        thread.start()
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=url, timeout=60) as client:
                yield client
        finally:
            running.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def runtime(toy_folder):
    """The toy model, loaded once, without a port."""
    with Runtime(ServerOptions(model_base_path=toy_folder, model_name="toy")) as running:
        yield running


@pytest.fixture(scope="module")
def api(runtime):
    return GrpcApi(runtime)


def requests():
    """One request for each method, and some that fail."""
    predict = predict_pb2.PredictRequest()
    predict.model_spec.name = "toy"
    predict.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([[1, 2]])))
    example = tf.train.Example()
    example.features.feature["x"].float_list.value.append(0.25)
    classify, regress = classification_pb2.ClassificationRequest(), regression_pb2.RegressionRequest()
    for message, signature in ((classify, "classify"), (regress, "regress")):
        message.model_spec.name, message.model_spec.signature_name = "toy", signature
        message.input.example_list.examples.add().MergeFromString(example.SerializeToString())
    multi = inference_pb2.MultiInferenceRequest(input=classify.input)
    multi.tasks.add(model_spec=classify.model_spec, method_name="tensorflow/serving/classify")
    metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    status = get_model_status_pb2.GetModelStatusRequest()
    metadata.model_spec.name = status.model_spec.name = "toy"
    unknown = predict_pb2.PredictRequest()
    unknown.model_spec.name = "x" * 2000
    return [
        ("Predict", predict.SerializeToString()),
        ("Predict", b""),
        ("Predict", b"\xff"),
        ("Predict", unknown.SerializeToString()),
        ("Classify", classify.SerializeToString()),
        ("Regress", regress.SerializeToString()),
        ("MultiInference", multi.SerializeToString()),
        ("GetModelMetadata", metadata.SerializeToString(deterministic=True)),
        ("GetModelStatus", status.SerializeToString()),
        ("HandleReloadConfigRequest", b""),
    ]


class TestRuntime:
    def test_answers_on_arrays(self, runtime):
        """No message, no document, no port."""
        spec, outputs = runtime.plane.predict(ModelSpec("toy", version=2), {"x": np.float32([[1]])})
        assert (spec.version, outputs["y"].tolist()) == (2, [[3]])

    def test_needs_no_transport(self):
        """Neither it nor the two protocols import a server; the REST API does not import Starlette either."""
        parts = "tfdeconv.serving.runtime, tfdeconv.serving.grpc.api, tfdeconv.serving.rest.api"
        code = f"import sys, {parts}; print({{'grpc', 'uvicorn', 'starlette'}} & set(sys.modules))"
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert result.stdout.strip() == "set()"

    def test_follows_the_folder_and_the_configuration_file(self, tmp_path, toy_folder):
        """New versions and models appear without a server, until the polling stops."""
        file, folder = tmp_path / "models.config", tmp_path / "one"
        folder.mkdir()
        Toys.copy(toy_folder / "1", folder, 1)
        entry = 'config {{ name: "{}" base_path: "{}" model_platform: "tensorflow" }}'
        text = "model_config_list {{ {} }}"
        file.write_text(text.format(entry.format("one", folder)))
        options = ServerOptions(
            model_config_file=file,
            model_config_file_poll_wait_seconds=0.02,
            file_system_poll_wait_seconds=0.02,
        )
        with Runtime(options) as runtime:
            Toys.copy(toy_folder / "2", folder, 2)
            wait_for(lambda: "AVAILABLE" in [s.state.name for s in runtime.repository.statuses("one")[:1]])
            both = entry.format("one", folder) + entry.format("two", toy_folder)
            file.write_text(text.format(both))
            wait_for(lambda: runtime.repository.names() == ["one", "two"])
            runtime.stop_polling()
        assert not [thread for thread in threading.enumerate() if thread.name == "tfdeconv-config"]

    def test_a_start_that_fails_leaves_nothing(self, tmp_path):
        """The error is the server's, and no thread goes on."""
        options = ServerOptions(model_base_path=tmp_path, start_timeout=0.05)
        before = threading.active_count()
        with pytest.raises(ServingError, match="default"), Runtime(options):
            pass
        wait_for(lambda: threading.active_count() <= before)


class TestGrpcApi:
    @pytest.mark.parametrize(("method", "message"), requests())
    def test_same_as_over_a_socket(self, api, server, method, message):
        """The embedded server adds nothing to an answer, and takes nothing away."""
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            call = channel.unary_unary(services.path(method))
            try:
                code, details, response = "OK", "", call(message, timeout=60)
            except grpc.RpcError as error:
                code, details, response = error.code().name, error.details(), b""
        answer = api.answer(method, message)
        assert (answer.code, answer.details) == (code, details)
        if method == "GetModelMetadata":  # the order of a map is free
            kind = get_model_metadata_pb2.GetModelMetadataResponse
            theirs, ours = kind.FromString(response), kind.FromString(answer.message)
            assert ours.model_spec == theirs.model_spec
            response, answer = (
                get_model_metadata_pb2.SignatureDefMap.FromString(one.metadata["signature_def"].value)
                for one in (theirs, ours)
            )
            assert answer == response
        else:
            assert answer.message == response

    def test_every_method_is_there(self, api):
        """Those of the two services, and no other."""
        for method in services.SERVICE_OF:
            assert api.answer(method, b"").code == "INVALID_ARGUMENT"
        assert api.answer("Teleport", b"").code == "UNIMPLEMENTED"

    @pytest.mark.parametrize("remaining", [0, -3.5])
    def test_too_late(self, api, remaining):
        """A call whose deadline has passed is not looked at."""
        assert api.answer("Predict", b"", Call(remaining)).code == "DEADLINE_EXCEEDED"

    def test_a_caller_who_gives_up(self, toy_folder, tmp_path):
        """A reload that waits for a model ends as soon as nobody wants its answer."""
        request = model_management_pb2.ReloadConfigRequest()
        request.config.model_config_list.config.add(
            name="late", base_path=str(tmp_path), model_platform="tensorflow"
        )
        with Runtime(ServerOptions(model_base_path=toy_folder, model_name="toy")) as runtime:
            api, call, answers = GrpcApi(runtime), Call(), []
            arguments = ("HandleReloadConfigRequest", request.SerializeToString(), call)
            waiting = threading.Thread(target=lambda: answers.append(api.answer(*arguments)))
            waiting.start()
            wait_for(lambda: call.callbacks)
            waiting.join(0.2)
            assert waiting.is_alive()
            for callback in call.callbacks:
                callback()
            waiting.join(60)
        assert [answer.code for answer in answers] == ["CANCELLED"]

    def test_its_deadline_ends_the_wait(self, toy_folder, tmp_path):
        """And with it a reload that waits for a model."""
        request = model_management_pb2.ReloadConfigRequest()
        request.config.model_config_list.config.add(
            name="late", base_path=str(tmp_path), model_platform="tensorflow"
        )
        with Runtime(ServerOptions(model_base_path=toy_folder, model_name="toy")) as runtime:
            answer = GrpcApi(runtime).answer(
                "HandleReloadConfigRequest", request.SerializeToString(), Call(0.05)
            )
        assert answer.code == "DEADLINE_EXCEEDED"


class TestServicerCall:
    @pytest.mark.parametrize(("ended", "called"), [(False, 0), (True, 1)])
    def test_a_call_that_has_ended(self, ended, called):
        """Grpcio then calls nobody back: whoever waits for the end must not wait for ever."""
        context = SimpleNamespace(add_callback=lambda callback: not ended)
        calls = []
        ServicerCall(context).on_cancel(lambda: calls.append(1))
        assert len(calls) == called

    @pytest.mark.parametrize(("reported", "left"), [(None, None), (1e10, None), (2, 2.0), (-1, -1.0)])
    def test_time(self, reported, left):
        """No deadline is None, not three hundred years."""
        assert ServicerCall(SimpleNamespace(time_remaining=lambda: reported)).time_remaining() == left


class TestRest:
    PREDICT = ("POST", "/v1/models/toy:predict", b'{"instances": [[1, 2]]}')

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            PREDICT,
            ("POST", "/v1/models/toy:predict", b'{"signature_name": "no", "instances": [1]}'),
            ("POST", "/v1/models/toy/versions/9:predict", b"{}"),
            ("POST", "/v1/models/toy:predict", b"{"),
            ("GET", "/v1/models/toy", b""),
            ("GET", "/v1/models/toy/metadata", b""),
        ],
    )
    def test_the_api_is_the_servers(self, runtime, server, method, path, body):
        """Status and document are those that travel over the socket."""
        answer = httpx.request(method, server.rest_url + path, content=body or None, timeout=60)
        status, content = RestApi(runtime).answer(method, path, body)
        assert (status, json.loads(content)) == (answer.status_code, answer.json())

    def test_the_lease_ends_with_the_request(self, runtime):
        """However it ends: a version can be unloaded afterwards."""
        servable = runtime.repository.lease(ModelSpec("toy"))
        servable.release()
        for body in (b'{"instances": [[1]]}', b'{"instances": ["x"]}', b'{"signature_name": "no"}', b"{}"):
            RestApi(runtime).answer("POST", "/v1/models/toy:predict", body)
            assert servable._leases == 0

    def test_any_asgi_server_can_run_the_application(self, runtime):
        """With its lifespan: the threads end with it."""
        before = set(threading.enumerate())
        with served(rest_app(runtime)) as client:
            answer = client.request(self.PREDICT[0], self.PREDICT[1], content=self.PREDICT[2])
            assert (answer.status_code, answer.json()) == (200, {"predictions": [[3.0, 6.0]]})
            assert client.get("/readyz").json() == {"ready": True, "missing": []}
            assert client.get("/modelz").json()["models"][0]["name"] == "toy"
            assert client.get("/monitoring/prometheus/metrics").status_code == 404
        assert runtime.repository.names() == ["toy"], "the runtime is the caller's"
        wait_for(lambda: set(threading.enumerate()) <= before)

    def test_the_options_hold_without_the_embedded_server(self, toy_folder, tmp_path):
        """Limits, CORS and metrics belong to the application, not to the server in front of it."""
        monitoring = tmp_path / "monitoring.config"
        monitoring.write_text('prometheus_config { enable: true path: "/numbers" }')
        options = ServerOptions(
            model_base_path=toy_folder,
            model_name="toy",
            max_rest_body_bytes=10,
            rest_api_enable_cors_support=True,
            monitoring_config_file=monitoring,
        )
        with Runtime(options) as runtime, served(rest_app(runtime)) as client:
            answer = client.post(self.PREDICT[1], content=self.PREDICT[2])
            assert answer.status_code == 429
            assert answer.headers["access-control-allow-origin"] == "*"
            assert client.post(self.PREDICT[1], content=b"{}").status_code == 400
            assert ":tensorflow:serving:request_count" in client.get("/numbers").text


def test_the_public_names_are_there():
    """What stands in __all__ can be had, sorted."""
    names = tfdeconv.serving.__all__
    assert list(names) == sorted(names)
    assert all(getattr(tfdeconv.serving, name).__doc__ for name in names)
