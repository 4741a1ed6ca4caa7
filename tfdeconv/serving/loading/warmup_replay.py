"""Warm-up requests of a SavedModel: run before the version serves, so that no user is the first."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tfdeconv.errors import InternalError, InvalidRequestError, TfdeconvError, UnimplementedError
from tfdeconv.serving.codec import example_input, predict_message, tensor_proto
from tfdeconv.serving.plane import example_signatures, signature_runs
from tfdeconv.serving.repository.servable import Servable
from tfdeconv.serving.telemetry import Telemetry
from tfdeconv.wire import status_codes

_LOG = logging.getLogger("tfdeconv.serving")
FILE = Path("assets.extra", "tf_serving_warmup_requests")
MAX_RECORDS = 1000


def run(servable: Servable, path: Path, *, iterations: int, telemetry: Telemetry) -> int:
    """Run the warm-up requests of a SavedModel, if it has any; return their number.

    Args:
        servable: The loaded version.
        path: The SavedModel's folder.
        iterations: How often each request runs.
        telemetry: Takes the time of the whole.

    Raises:
        ServingError: The file is no TFRecord of PredictionLog messages, has more than 1000, or one of
            the requests fails: the version must not serve then.
    """
    file = path / FILE
    if not file.is_file():
        return 0
    started = time.perf_counter()
    status = "OK"
    try:
        count = _run_file(servable, file, iterations)
    except TfdeconvError as error:
        status = status_codes.with_code(error)
        raise
    finally:
        telemetry.metrics.model_warmup_latency.observe(
            (time.perf_counter() - started) * 1e6, str(path), status
        )
    telemetry.metrics.model_warmup_records_read.add(str(path), status, by=count)
    _LOG.info("Ran %d warm-up requests of %s version %d", count, servable.name, servable.version)
    return count


def _run_file(servable: Servable, file: Path, iterations: int) -> int:
    count = 0
    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            count += 1
            if count > MAX_RECORDS:
                raise InvalidRequestError(
                    f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {file}"
                )
            log = _parse(record, file)
            for _ in range(iterations):
                _run_log(servable, log)
    except tf.errors.DataLossError as error:
        raise InternalError(
            f"{error.message}. Please verify your warmup data is in TFRecord format."
        ) from None
    return count


def _parse(record: bytes, file: Path) -> prediction_log_pb2.PredictionLog:
    try:
        return prediction_log_pb2.PredictionLog.FromString(record)
    except Exception:  # protobuf's DecodeError is not part of its public typing
        raise InvalidRequestError(f"Failed to parse warmup record: {record[:100]!r} from {file}") from None


def _run_log(servable: Servable, log: prediction_log_pb2.PredictionLog) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        call = predict_message.parse_request(log.predict_log.request.SerializeToString())
        signature = call.spec.signature_name if call.spec else ""
        signature_runs.predict(servable, signature, call.inputs, call.output_filter)
    elif kind in ("classify_log", "regress_log"):
        request = getattr(log, kind).request
        spec = predict_message.spec_from_message(request.model_spec)
        classify = kind == "classify_log"
        method = example_signatures.CLASSIFY if classify else example_signatures.REGRESS
        examples = example_input.serialized_examples(request.input.SerializeToString())
        signature_runs.run_examples(
            servable, [(spec, method)], examples, api="Classify" if classify else "Regress"
        )
    elif kind == "multi_inference_log":
        multi = log.multi_inference_log.request
        tasks = [
            (predict_message.spec_from_message(task.model_spec), task.method_name) for task in multi.tasks
        ]
        examples = example_input.serialized_examples(multi.input.SerializeToString())
        signature_runs.run_examples(servable, tasks, examples, api="MultiInference")
    elif kind == "session_run_log":
        session_run = log.session_run_log.request
        feeds = {feed.name: tensor_proto.from_message(feed.tensor) for feed in session_run.feed}
        servable.model.run(feeds, list(session_run.fetch))
    else:
        raise UnimplementedError(f"Unsupported log_type for warmup: {kind}")
