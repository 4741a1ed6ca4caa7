"""Warm-up requests run before a version serves, and a bad one keeps it from serving."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tfdeconv.errors import ServingError
from tfdeconv.serving.loading import warmup_replay
from tfdeconv.serving.models.session_model import SessionModel
from tfdeconv.serving.repository.servable import Servable
from tfdeconv.serving.telemetry import Telemetry


def predict_log(name="x", signature=""):
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(np.ones((1, 2), np.float32)))
    return log


def example_log(kind, signature):
    log = prediction_log_pb2.PredictionLog()
    request = getattr(log, kind).request
    request.model_spec.signature_name = signature
    request.input.example_list.examples.add()
    return log


def multi_log():
    log = prediction_log_pb2.PredictionLog()
    request = log.multi_inference_log.request
    for name, method in (("classes", "classify"), ("value", "regress")):
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name, task.model_spec.signature_name = "toy", name
    request.input.example_list.examples.add()
    return log


def session_log():
    log = prediction_log_pb2.PredictionLog()
    feed = log.session_run_log.request.feed.add(name="x:0")
    feed.tensor.CopyFrom(tf.make_tensor_proto(np.ones((1, 2), np.float32)))
    return log


@pytest.fixture
def run(toy_folder, tf1_folder, tmp_path):
    """Write records next to a copy of the toy, and run them; returns their number and the runs' count."""
    opened = []

    def call(*records: bytes, raw: bytes | None = None, iterations=1, tf1=False):
        path = tmp_path / "1"
        shutil.copytree((tf1_folder if tf1 else toy_folder) / "1", path, dirs_exist_ok=True)
        file = path / warmup_replay.FILE
        file.parent.mkdir(exist_ok=True)
        if raw is not None:
            file.write_bytes(raw)
        else:
            with tf.io.TFRecordWriter(str(file)) as writer:
                for record in records:
                    writer.write(record)
        model = SessionModel(path)
        opened.append(model)
        runs = []
        original = model.run
        model.run = lambda feeds, fetches: runs.append(1) or original(feeds, fetches)
        telemetry = Telemetry()
        count = warmup_replay.run(Servable("toy", 1, model), path, iterations=iterations, telemetry=telemetry)
        return count, len(runs), telemetry.metrics.text()

    yield call
    for model in opened:
        model.close()


def test_every_kind_of_record_runs(run):
    """Predict, classify, regress, multi-inference and session records are all run, and counted."""
    logs = [
        predict_log(),
        example_log("classify_log", "classify"),
        example_log("regress_log", "regress"),
    ]
    count, runs, text = run(*(log.SerializeToString() for log in logs))
    assert (count, runs) == (3, 3)
    assert ":tensorflow:serving:model_warmup_latency_count{" in text
    assert re.search(r':model_warmup_records_read\{model_path="[^"]+",status="OK"\} 3$', text, re.MULTILINE)


def test_iterations_repeat_each_record(run):
    """num_request_iterations_for_warmup runs each record so often."""
    assert run(predict_log().SerializeToString(), iterations=3)[:2] == (1, 3)


def test_model_without_the_file_needs_none(toy_folder):
    """No file, no warm-up."""
    model = SessionModel(toy_folder / "1")
    try:
        assert (
            warmup_replay.run(
                Servable("toy", 1, model), toy_folder / "1", iterations=1, telemetry=Telemetry()
            )
            == 0
        )
    finally:
        model.close()


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([predict_log(signature="s").SerializeToString()], 'Serving signature key "s" not found.'),
        ([predict_log("wrong").SerializeToString()], "not found in request"),
        ([b"\xff\xff\xff"], "Failed to parse warmup record: "),
        ([prediction_log_pb2.PredictionLog().SerializeToString()], "Unsupported log_type for warmup"),
        ([predict_log().SerializeToString()] * 1001, r"exceeds the maximum \(1000\)"),
    ],
)
def test_bad_record_fails_the_load(run, records, message):
    """The error says what is wrong with the record."""
    with pytest.raises(ServingError, match=message):
        run(*records)


def test_file_that_is_no_tfrecord_fails_the_load(run):
    """A corrupt file is named as such."""
    with pytest.raises(ServingError, match="Please verify your warmup data is in TFRecord format"):
        run(raw=b"this is no TFRecord at all")


def test_multi_inference_and_session_records_run(run):
    """Several signatures over one input, and a raw run of the session."""
    log = session_log()
    log.session_run_log.request.fetch.append("y:0")
    logs = [multi_log(), log]
    assert run(*(entry.SerializeToString() for entry in logs), tf1=True)[:2] == (2, 2)
