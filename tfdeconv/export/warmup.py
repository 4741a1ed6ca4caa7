"""Warm-up requests, which a server replays on a new version before it takes traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfdeconv.errors import ExportError
from tfdeconv.extras import require

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
"""Where TensorFlow Serving looks, relative to the version folder."""

MAX_RECORDS = 1000
"""TensorFlow Serving refuses to load a model with more."""

Warmup = Mapping[str, Sequence[Mapping[str, Any]]]
"""Signature name -> requests; a request maps input names to arrays."""


def write_warmup(version_folder: Path, model_name: str, warmup: Warmup) -> None:
    """Write ``warmup`` as a TFRecord of PredictionLog messages into ``version_folder``.

    Raises:
        ExportError: There are more than 1000 requests.
        MissingExtraError: The serving extra is not installed.
    """
    logs = require(
        "tensorflow_serving.apis.prediction_log_pb2", extra="serving", feature="Writing warm-up requests"
    )
    records = [(signature, inputs) for signature, requests in warmup.items() for inputs in requests]
    if len(records) > MAX_RECORDS:
        raise ExportError(f"warmup must hold at most {MAX_RECORDS} requests; received {len(records)}.")
    path = version_folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in records:
            log = logs.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = model_name
            request.model_spec.signature_name = signature
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(np.asarray(value)))
            writer.write(log.SerializeToString())
