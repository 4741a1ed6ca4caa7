"""Another configuration while the server runs: by request, and by the file that it polls."""

from __future__ import annotations

import threading

import grpc
import pytest
from serving_requests import predict_request
from serving_waits import Toys, states, wait_for
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2

from tfdeconv.serving import Server
from tfdeconv.serving.repository import configured_models
from tfdeconv.serving.repository.model_config import ModelConfig


class TestReload:
    def config(self, folder, **labels):
        request = model_management_pb2.ReloadConfigRequest()
        entry = request.config.model_config_list.config.add(
            name="toy", base_path=str(folder), model_platform="tensorflow"
        )
        entry.model_version_policy.all.SetInParent()
        for label, version in labels.items():
            entry.version_labels[label] = version
        return request

    def test_reload_replaces_the_list_and_sets_labels(self, toy_folder, connect):
        """HandleReloadConfigRequest loads what is new, and labels answer at once."""
        with Server(model_base_path=toy_folder, model_name="old", rest_port=None) as server:
            stubs = connect(server)
            answer = stubs.model.HandleReloadConfigRequest(self.config(toy_folder, stable=1))
            assert answer.status.error_code == 0
            assert stubs.prediction.Predict(predict_request(label="stable")).model_spec.version.value == 1
            assert stubs.prediction.Predict(predict_request()).model_spec.version.value == 2
            request = predict_request()
            request.model_spec.name = "old"
            with pytest.raises(grpc.RpcError) as caught:
                stubs.prediction.Predict(request)
            assert caught.value.details() == "Servable not found for request: Latest(old)"
            with pytest.raises(grpc.RpcError) as caught:
                stubs.model.HandleReloadConfigRequest(self.config(toy_folder, stable=9))
            assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION

    def test_server_stops_although_a_reload_waits(self, tmp_path, toy_folder, connect):
        """A reload without a deadline waits for a model without versions, but not beyond the server's end."""
        server = Server(model_base_path=toy_folder, model_name="old", rest_port=None)
        server.start()
        waiting = connect(server).model.HandleReloadConfigRequest.future(self.config(tmp_path))
        wait_for(lambda: server.runtime.repository.names() == ["toy"])
        stopping = threading.Thread(target=server.stop, args=(0.1,), daemon=True)
        stopping.start()
        stopping.join(60)
        assert not stopping.is_alive()
        assert isinstance(waiting.exception(), grpc.RpcError)

    def test_reload_ends_with_its_client(self, tmp_path, toy_folder, connect):
        """A client that gives up frees the server for the next configuration."""
        with Server(model_base_path=toy_folder, model_name="old", rest_port=None) as server:
            stub = connect(server).model
            waiting = stub.HandleReloadConfigRequest.future(self.config(tmp_path))
            wait_for(lambda: server.runtime.repository.names() == ["toy"])
            waiting.cancel()
            answer = stub.HandleReloadConfigRequest(self.config(toy_folder), timeout=60)
            assert answer.status.error_code == 0

    def test_version_and_its_label_in_one_edit(self, tmp_path, toy_folder, connect):
        """A label on a version that the same edit adds is refused at first, and set once it has loaded."""
        file = tmp_path / "models.config"

        def write(policy, label):
            file.write_text(
                f'model_config_list {{ config {{ name: "toy" base_path: "{toy_folder}" '
                f'model_platform: "tensorflow" model_version_policy {{ specific {{ {policy} }} }} '
                f'version_labels {{ key: "stable" value: {label} }} }} }}'
            )

        def stable():
            return stub.Predict(predict_request(label="stable")).model_spec.version.value

        write("versions: 1", 1)
        with Server(
            model_config_file=file, model_config_file_poll_wait_seconds=0.02, rest_port=None
        ) as server:
            stub = connect(server).prediction
            assert stable() == 1
            write("versions: 1 versions: 2", 2)
            wait_for(lambda: stable() == 2)

    def test_config_file_is_polled(self, tmp_path, toy_folder, connect):
        """A changed file takes effect; a broken one is reported and ignored."""
        file = tmp_path / "models.config"

        def write(name):
            file.write_text(
                f'model_config_list {{ config {{ name: "{name}" base_path: "{toy_folder}" '
                'model_platform: "tensorflow" } }'
            )

        def found(name):
            request = get_model_status_pb2.GetModelStatusRequest()
            request.model_spec.name = name
            try:
                return stubs.model.GetModelStatus(request).model_version_status[0].state == 30
            except grpc.RpcError:
                return False

        write("one")
        with Server(
            model_config_file=file, model_config_file_poll_wait_seconds=0.02, rest_port=None
        ) as server:
            stubs = connect(server)
            assert found("one")
            file.write_text("model_config_list {")
            write("two")
            wait_for(lambda: found("two"))

    def write(self, file, **folders):
        entries = [
            f'config {{ name: "{name}" base_path: "{folder}" model_platform: "tensorflow" }}'
            for name, folder in folders.items()
        ]
        file.write_text(f"model_config_list {{ {' '.join(entries)} }}")

    def test_mistake_in_the_config_file_can_be_mended(self, tmp_path, toy_folder):
        """A new model whose folder is wrong is reported, and the next edit of the file still takes effect."""
        file = tmp_path / "models.config"
        self.write(file, one=toy_folder)
        with Server(
            model_config_file=file, model_config_file_poll_wait_seconds=0.02, rest_port=None
        ) as server:
            repository = server.runtime.repository
            self.write(file, one=toy_folder, two=tmp_path / "typo")
            wait_for(lambda: repository.names() == ["one", "two"])
            self.write(file, one=toy_folder, two=toy_folder)
            wait_for(lambda: states(repository, "two") == {2: "AVAILABLE"})

    def test_config_file_that_changes_during_the_start(self, tmp_path, toy_folder):
        """An edit while the first models are still loading is not lost."""
        file, late = tmp_path / "models.config", tmp_path / "late"
        late.mkdir()
        self.write(file, one=late)
        server = Server(
            model_config_file=file,
            model_config_file_poll_wait_seconds=0.02,
            file_system_poll_wait_seconds=0.02,
            rest_port=None,
        )
        starting = threading.Thread(target=server.start)
        starting.start()
        try:
            wait_for(lambda: server.runtime is not None and server.runtime.repository.names() == ["one"])
            self.write(file, one=late, two=toy_folder)
            Toys.copy(toy_folder / "1", late, 1)
            starting.join()
            wait_for(lambda: states(server.runtime.repository, "two") == {2: "AVAILABLE"})
        finally:
            server.stop()

    def test_the_file_that_was_applied_does_not_undo_a_later_reload(self, tmp_path, toy_folder, monkeypatch):
        """The same text is no news: the last configuration that was accepted stays until the file changes."""
        file, looks = tmp_path / "models.config", []
        look = configured_models._digest
        monkeypatch.setattr(configured_models, "_digest", lambda options: looks.append(1) or look(options))
        self.write(file, one=toy_folder)
        with Server(
            model_config_file=file, model_config_file_poll_wait_seconds=0.2, rest_port=None
        ) as server:
            repository = server.runtime.repository
            repository.configure([ModelConfig("two", str(toy_folder))])
            seen = len(looks)
            wait_for(lambda: len(looks) > seen + 2)
            assert repository.names() == ["two"]
            self.write(file, one=toy_folder, three=toy_folder)
            wait_for(lambda: repository.names() == ["one", "three"])

    def test_empty_config_file_changes_nothing(self, tmp_path, toy_folder, caplog):
        """A file caught between truncation and writing does not unload what serves."""
        caplog.set_level("INFO", "tfdeconv.serving")
        file = tmp_path / "models.config"
        self.write(file, one=toy_folder)
        with Server(
            model_config_file=file, model_config_file_poll_wait_seconds=0.02, rest_port=None
        ) as server:
            file.write_text("")
            wait_for(lambda: "is empty: nothing changes" in caplog.text)
            assert server.runtime.repository.names() == ["one"]
            assert states(server.runtime.repository, "one") == {2: "AVAILABLE"}
