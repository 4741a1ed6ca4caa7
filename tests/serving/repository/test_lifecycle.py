"""Versions of real models come and go, and no request fails meanwhile."""

from __future__ import annotations

import gc
import shutil
import threading
import weakref

import grpc
from serving_requests import predict_request
from serving_waits import Toys, states, wait_for
from tensorflow_serving.apis import get_model_status_pb2

from tfdeconv.serving import Server
from tfdeconv.serving.model_spec import ModelSpec


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
