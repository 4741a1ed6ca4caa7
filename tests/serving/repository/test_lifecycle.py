"""Versions come and go: policies, labels, polling, reload, retries, and no failed request meanwhile."""

from __future__ import annotations

import gc
import shutil
import threading
import weakref
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from serving_waits import Toys, wait_for
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2, predict_pb2

from tfdeconv.errors import (
    CancelledError,
    DeadlineExceededError,
    FailedPreconditionError,
    InternalError,
    InvalidRequestError,
    NotFoundError,
    ServingError,
)
from tfdeconv.serving import Server
from tfdeconv.serving.config import operator_protos
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.repository import configured_models, model_config
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.repository import ModelRepository
from tfdeconv.serving.repository.version_policy import All, Latest, Specific
from tfdeconv.wire.version_state import VersionState


class FakeModel:
    """Stands for a loaded SavedModel; remembers whether it was closed."""

    def __init__(self):
        self.signatures, self.signature_defs = {}, {}
        self.closed = threading.Event()

    def run(self, feeds, fetches):
        return []

    def close(self):
        self.closed.set()


class FakeLoader:
    """Makes FakeModels; versions listed in ``failing`` fail."""

    def __init__(self):
        self.failing: set[int] = set()
        self.calls: list[tuple[str, int]] = []
        self.models: dict[tuple[str, int], FakeModel] = {}
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, name, version, path):
        self.calls.append((name, version))
        assert self.gate.wait(60)
        if version in self.failing:
            raise InternalError(f"version {version} is broken")
        return self.models.setdefault((name, version), FakeModel())


@pytest.fixture
def loader():
    return FakeLoader()


@pytest.fixture
def repository(loader):
    found = ModelRepository(loader, poll_seconds=0, max_load_retries=0, retry_seconds=0)
    yield found
    loader.gate.set()
    found.close()


def folders(base: Path, *versions: int) -> str:
    for version in versions:
        (base / str(version)).mkdir(parents=True, exist_ok=True)
    return str(base)


def states(repository, name="m"):
    return {status.version: status.state.name for status in repository.statuses(name)}


class TestVersionPolicy:
    @pytest.mark.parametrize(
        ("policy", "chosen"),
        [(Latest(), {9}), (Latest(2), {2, 9}), (All(), {1, 2, 9}), (Specific((1, 3)), {1})],
    )
    def test_policies(self, policy, chosen):
        """Latest takes the newest ones, all takes all, specific what is there of its list."""
        assert policy.choose([9, 1, 2]) == chosen


class TestRepository:
    def test_loads_newest_and_finds_it(self, repository, tmp_path):
        """Without a version the newest is found, and others are not there."""
        repository.configure([ModelConfig("m", folders(tmp_path, 1, 2))], timeout=60)
        with repository.lease(ModelSpec("m")) as servable:
            assert servable.version == 2
        with pytest.raises(NotFoundError, match=r"Specific\(m, 1\)"):
            repository.lease(ModelSpec("m", version=1))
        assert states(repository) == {2: "AVAILABLE"}

    def test_new_version_is_available_before_the_old_one_goes(self, repository, loader, tmp_path):
        """While the new version loads, and if it fails, the old one serves."""
        base = folders(tmp_path, 1)
        repository.configure([ModelConfig("m", base)], timeout=60)
        loader.gate.clear()
        folders(tmp_path, 2)
        repository.poll()
        wait_for(lambda: ("m", 2) in loader.calls)
        assert states(repository) == {1: "AVAILABLE", 2: "LOADING"}
        loader.gate.set()
        wait_for(lambda: states(repository) == {1: "END", 2: "AVAILABLE"})
        assert loader.models["m", 1].closed.is_set()
        loader.failing.add(3)
        folders(tmp_path, 3)
        repository.poll()
        wait_for(lambda: states(repository)[3] == "END")
        assert states(repository)[2] == "AVAILABLE"
        assert str(repository.status("m", 3)[0].error) == "version 3 is broken"

    def test_a_version_replaced_in_place_heals(self, repository, loader, tmp_path):
        """A load that failed for good is tried again once the folder has changed and then lain still."""
        base = folders(tmp_path, 1)
        repository.configure([ModelConfig("m", base)], timeout=60)
        loader.failing.add(2)
        folders(tmp_path, 2)
        repository.poll()
        wait_for(lambda: states(repository).get(2) == "END")
        for _ in range(3):
            repository.poll()
        assert loader.calls.count(("m", 2)) == 1, "an unchanged folder is left alone"
        loader.failing.clear()
        (tmp_path / "2" / "saved_model.pb").write_bytes(b"whole now")
        repository.poll()  # changed
        assert states(repository)[2] == "END"
        repository.poll()  # and still
        wait_for(lambda: states(repository) == {1: "END", 2: "AVAILABLE"})
        assert repository.status("m", 2)[0].error is None

    def test_a_version_that_is_still_arriving_is_tried_again_at_once(self, loader, tmp_path):
        """The pause between two tries, a minute, ends when what was awaited has arrived; status says what."""
        repository = ModelRepository(loader, poll_seconds=0.05, max_load_retries=5, retry_seconds=600)
        try:
            repository.configure([ModelConfig("m", folders(tmp_path, 1))], timeout=60)
            loader.failing.add(2)
            folders(tmp_path, 2)
            wait_for(lambda: repository.statuses("m")[0].error is not None)
            assert states(repository) == {1: "AVAILABLE", 2: "LOADING"}
            assert str(repository.status("m", 2)[0].error) == "version 2 is broken"
            loader.failing.clear()
            (tmp_path / "2" / "saved_model.pb").write_bytes(b"whole now")
            wait_for(lambda: states(repository) == {1: "END", 2: "AVAILABLE"})
        finally:
            repository.close()

    def test_status_forgets_versions_that_ended_long_ago(self, repository, tmp_path):
        """A hundred switches leave the newest ten of what has ended."""
        repository.configure([ModelConfig("m", folders(tmp_path, 1))], timeout=60)
        for version in range(2, 31):
            folders(tmp_path, version)
            repository.poll()
            wait_for(lambda version=version: states(repository)[version] == "AVAILABLE")
            wait_for(lambda version=version: states(repository)[version - 1] == "END")
        assert list(states(repository)) == list(range(30, 19, -1))

    def test_a_base_path_that_is_not_there_is_named(self, repository, tmp_path):
        """A start that waits says for which folder, and why."""
        with pytest.raises(DeadlineExceededError, match=r"base path .*/nowhere: there is no such folder"):
            repository.configure([ModelConfig("m", str(tmp_path / "nowhere"))], timeout=0.1)

    def test_unload_waits_for_the_last_lease(self, repository, loader, tmp_path):
        """A version in use is not closed under its requests."""
        repository.configure([ModelConfig("m", folders(tmp_path, 1))], timeout=60)
        with repository.lease(ModelSpec("m")) as servable:
            folders(tmp_path, 2)
            repository.poll()
            wait_for(lambda: states(repository) == {1: "UNLOADING", 2: "AVAILABLE"})
            assert not servable.model.closed.is_set()
        assert loader.models["m", 1].closed.wait(60)

    def test_deleted_version_is_unloaded_and_missing_folder_is_not(self, repository, tmp_path):
        """An empty base path means no versions; a base path that cannot be read changes nothing."""
        base = tmp_path / "m"
        repository.configure([ModelConfig("m", folders(base, 1))], timeout=60)
        base.rename(tmp_path / "away")
        repository.poll()
        assert states(repository) == {1: "AVAILABLE"}
        (tmp_path / "away").rename(base)
        shutil.rmtree(base / "1")
        repository.poll()
        wait_for(lambda: states(repository) == {1: "END"})

    def test_version_that_comes_back_is_loaded_again(self, repository, loader, tmp_path):
        """Rollback: delete the bad version and the one before serves; it loads once more."""
        base = folders(tmp_path, 1)
        repository.configure([ModelConfig("m", base)], timeout=60)
        folders(tmp_path, 2)
        repository.poll()
        wait_for(lambda: states(repository) == {1: "END", 2: "AVAILABLE"})
        (tmp_path / "2").rmdir()
        repository.poll()
        wait_for(lambda: states(repository) == {1: "AVAILABLE", 2: "END"})
        assert loader.calls == [("m", 1), ("m", 2), ("m", 1)]

    def test_failure_is_told_until_the_version_loads(self, repository, loader, tmp_path):
        """A version that failed keeps its error after it is replaced, and loads if it is wanted again."""
        base = folders(tmp_path, 1)
        repository.configure([ModelConfig("m", base)], timeout=60)
        loader.failing.add(2)
        folders(tmp_path, 2)
        repository.poll()
        wait_for(lambda: states(repository)[2] == "END")
        folders(tmp_path, 3)
        repository.poll()
        wait_for(lambda: states(repository) == {1: "END", 2: "END", 3: "AVAILABLE"})
        assert str(repository.status("m", 2)[0].error) == "version 2 is broken"
        loader.failing.clear()
        (tmp_path / "3").rmdir()
        repository.poll()
        wait_for(lambda: states(repository) == {1: "END", 2: "AVAILABLE", 3: "END"})
        assert repository.status("m", 2)[0].error is None

    def test_version_that_appears_while_the_start_waits(self, loader, tmp_path):
        """An empty base path is looked at again while the start waits for it."""
        repository = ModelRepository(loader, poll_seconds=0.01)
        threading.Timer(0.1, folders, (tmp_path, 1)).start()
        try:
            repository.configure([ModelConfig("m", str(tmp_path))], timeout=60)
            assert states(repository) == {1: "AVAILABLE"}
        finally:
            repository.close()

    def test_start_can_be_given_up(self, repository, tmp_path):
        """Setting the event ends a wait that has no end of its own."""
        cancel = threading.Event()
        threading.Timer(0.1, cancel.set).start()
        with pytest.raises(CancelledError):
            repository.configure([ModelConfig("m", str(tmp_path))], cancel=cancel)

    def test_failed_load_is_retried(self, loader, tmp_path):
        """max_load_retries counts the tries after the first."""
        loader.failing.add(1)
        repository = ModelRepository(loader, poll_seconds=0, max_load_retries=2, retry_seconds=0)
        try:
            with pytest.raises(
                ServingError,
                match=r"^1 servable\(s\) did not become available: \{\{name: m version: 1\} due to error: "
                r"INTERNAL: version 1 is broken\}, \}$",
            ):
                repository.configure([ModelConfig("m", folders(tmp_path, 1))], timeout=60)
        finally:
            repository.close()
        assert loader.calls == [("m", 1)] * 3

    def test_labels_need_an_available_version(self, repository, tmp_path):
        """A label finds its version; one on an unloaded version is refused and the old one stays."""
        base = folders(tmp_path, 1, 2)
        repository.configure([ModelConfig("m", base, All(), {"stable": 1})], timeout=60)
        with repository.lease(ModelSpec("m", version_label="stable")) as servable:
            assert servable.version == 1
        with pytest.raises(
            FailedPreconditionError,
            match=r"^Request to assign label to version 9 of model m, which is not currently available for "
            r"inference$",
        ):
            repository.configure([ModelConfig("m", base, All(), {"stable": 9})], timeout=60)
        assert repository.labels("m") == {"stable": 1}

    def test_flag_allows_new_labels_on_unloaded_versions(self, loader, tmp_path):
        """The flag relaxes the rule for new labels, not for those that exist."""
        repository = ModelRepository(loader, poll_seconds=0, allow_unavailable_labels=True)
        base = folders(tmp_path, 1)
        try:
            repository.configure([ModelConfig("m", base, All(), {"next": 7})], timeout=60)
            with pytest.raises(NotFoundError, match=r"Specific\(m, 7\)"):
                repository.lease(ModelSpec("m", version_label="next"))
            with pytest.raises(FailedPreconditionError, match="label to version 8"):
                repository.configure([ModelConfig("m", base, All(), {"next": 8})], timeout=60)
        finally:
            repository.close()

    def test_removed_model_is_unloaded_and_its_states_are_kept(self, repository, tmp_path):
        """The new list replaces the old one; ended versions stay in the status."""
        one = ModelConfig("one", folders(tmp_path / "one", 1))
        two = ModelConfig("two", folders(tmp_path / "two", 1))
        repository.configure([one], timeout=60)
        repository.configure([two], timeout=60)
        wait_for(lambda: states(repository, "one") == {1: "END"})
        assert repository.names() == ["two"]
        assert repository.status("one")[0].state is VersionState.END


def test_an_unloaded_version_leaves_no_memory(toy_folder, tmp_path):
    """Its graph is freed at once, though it refers to itself and Python's collector may not run for long."""
    Toys.copy(toy_folder / "1", tmp_path, 1)
    with Server(model_base_path=tmp_path, model_name="toy", rest_port=None) as server:
        repository = server.runtime.repository
        with repository.lease(ModelSpec("toy")) as servable:
            graph = weakref.ref(servable.model.graph)
        del servable
        gc.disable()
        try:
            Toys.copy(toy_folder / "2", tmp_path, 2)
            repository.poll()
            wait_for(lambda: graph() is None)
        finally:
            gc.enable()


def test_a_half_copied_version_waits_while_the_old_one_serves(toy_folder, tmp_path):
    """The graph without its variables does not replace a good version; the variables heal it."""
    shutil.copytree(toy_folder / "1", tmp_path / "1")
    with Server(
        model_base_path=tmp_path, model_name="toy", file_system_poll_wait_seconds=0.05, rest_port=None
    ) as server:
        repository = server.runtime.repository
        (tmp_path / "2").mkdir()
        shutil.copy(toy_folder / "2" / "saved_model.pb", tmp_path / "2")
        wait_for(lambda: any(status.error for status in repository.statuses("toy")))
        newest, oldest = repository.statuses("toy")
        assert (newest.version, newest.state.name) == (2, "LOADING")
        assert "variables/variables.index is not there" in str(newest.error)
        assert oldest.state.name == "AVAILABLE"
        shutil.copytree(toy_folder / "2" / "variables", tmp_path / "2" / "variables")
        wait_for(lambda: states(repository, "toy") == {1: "END", 2: "AVAILABLE"})


class TestModelConfig:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('config { name: "a" base_path: "/a" }', "Illegal setting neither ModelServerConfig::model_type"),
            (
                'config { name: "a" base_path: "/a" model_platform: "caffe" }',
                "Model a requests unsupported platform caffe",
            ),
            (
                'config { name: "a" base_path: "a" model_platform: "tensorflow" }',
                r"Expected model a to have an absolute path or URI; got base_path\(\)=a",
            ),
            (
                'config { name: "a" base_path: "/a" model_platform: "tensorflow" } ' * 2,
                "Illegal to list model a multiple times in config list",
            ),
            (
                'config { name: "a" base_path: "/a" model_platform: "tensorflow" logging_config {} }',
                r"No request-logger-creator provided\. .*Model a has a logging_config; remove it",
            ),
        ],
    )
    def test_refused(self, text, message):
        """What TensorFlow Serving refuses is refused in its words."""
        parsed = text_format.Parse(f"model_config_list {{ {text} }}", operator_protos.ModelServerConfig())
        with pytest.raises(InvalidRequestError, match=message):
            model_config.from_message(parsed)

    def test_policies_and_labels_are_read(self):
        """Each policy and the labels arrive."""
        text = """model_config_list { config { name: "a" base_path: "/a" model_platform: "tensorflow"
            model_version_policy { specific { versions: 3 versions: 4 } }
            version_labels { key: "stable" value: 3 } } }"""
        (config,) = model_config.from_message(text_format.Parse(text, operator_protos.ModelServerConfig()))
        assert (config.policy, dict(config.version_labels)) == (Specific((3, 4)), {"stable": 3})


def predict_request(x=1.0, label=None):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "toy"
    if label:
        request.model_spec.version_label = label
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([[x]])))
    return request


class TestUnderLoad:
    def test_no_request_fails_while_versions_change(self, tmp_path, toy_folder, connect):
        """Four clients ask without pause while versions are added and removed: every answer is right."""
        shutil.copytree(toy_folder / "1", tmp_path / "1")
        with Server(
            model_base_path=tmp_path, model_name="toy", file_system_poll_wait_seconds=0.02, rest_port=None
        ) as server:
            stub = connect(server).prediction
            stop = threading.Event()
            problems: list[str] = []
            answers: set[float] = set()

            def ask():
                while not stop.is_set():
                    try:
                        answer = stub.Predict(predict_request(), timeout=60)
                        answers.add(answer.outputs["y"].float_val[0])
                    except grpc.RpcError as error:
                        problems.append(f"{error.code().name}: {error.details()}")

            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            model = connect(server).model
            status = get_model_status_pb2.GetModelStatusRequest()
            status.model_spec.name = "toy"
            newest = 1
            for number in range(2, 8):
                Toys.copy(toy_folder / str(1 + number % 2), tmp_path, number)
                wait_for(
                    lambda number=number: any(
                        entry.version == number and entry.state == 30
                        for entry in model.GetModelStatus(status).model_version_status
                    )
                )
                shutil.rmtree(tmp_path / str(newest))
                newest = number
            stop.set()
            for thread in threads:
                thread.join()
        assert not problems
        assert answers == {2.0, 3.0}


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
        stopping.join(20)
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
