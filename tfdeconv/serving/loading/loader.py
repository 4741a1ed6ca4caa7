"""From a version folder to a model that serves: load, batch, warm up."""

from __future__ import annotations

import os
from pathlib import Path

from tfdeconv.serving.config.batching_parameters import BatchingParameters
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.loading import warmup_replay
from tfdeconv.serving.loading.bundle_config import BundleConfig
from tfdeconv.serving.models import tflite_model
from tfdeconv.serving.models.batching import BatchedModel
from tfdeconv.serving.models.model import Model
from tfdeconv.serving.models.session_model import SessionModel
from tfdeconv.serving.models.tflite_model import TfliteModel
from tfdeconv.serving.repository.servable import Servable
from tfdeconv.serving.telemetry import Telemetry

_PER_MODEL_FILE = "batching_params.pbtxt"
# Of TensorFlow Serving's TfLiteSession: rows of a batch, and batches that may wait for each interpreter.
_TFLITE_ROWS, _TFLITE_QUEUE = 500, 100


class ModelLoader:
    """Loads versions as a server's options say.

    Args:
        options: The server's options.
        telemetry: Takes the times of batches and warm-ups.

    Raises:
        InvalidRequestError: A file of the options does not parse.
    """

    def __init__(self, options: ServerOptions, telemetry: Telemetry) -> None:
        self._max_image_pixels = options.max_image_pixels
        self._telemetry = telemetry
        self._config = BundleConfig.of(options)

    def __call__(self, name: str, version: int, path: Path) -> Model:
        """Return a loaded version.

        Raises:
            ServingError: It cannot be loaded, or one of its warm-up requests fails.
        """
        model = self._load(path)
        try:
            if self._config.batching is not None:
                model = self._batched(model, path, self._config.batching)
            if self._config.warmup_iterations is not None:
                servable = Servable(name, version, model)
                iterations = self._config.warmup_iterations
                warmup_replay.run(servable, path, iterations=iterations, telemetry=self._telemetry)
        except BaseException:
            model.close()
            raise
        return model

    def _load(self, path: Path) -> Model:
        config, pixels = self._config, self._max_image_pixels
        file = path / tflite_model.FILE
        if not (config.prefer_tflite and file.is_file()):
            return SessionModel(path, tags=config.tags, config=config.session_config, max_image_pixels=pixels)
        model = TfliteModel(file, interpreters=config.tflite_pools, max_image_pixels=pixels)
        if config.tflite_interpreters_per_pool <= 1:
            return model
        return BatchedModel(model, _tflite_batching(config, model.batch_size))

    def _batched(self, model: Model, path: Path, parameters: BatchingParameters) -> Model:
        own = path / _PER_MODEL_FILE
        if self._config.per_model_batching and own.is_file():
            parameters = BatchingParameters.read(own)
        metrics = self._telemetry.metrics
        return BatchedModel(
            model,
            parameters,
            on_task=lambda seconds: metrics.queuing_latency.observe(
                seconds * 1e6, parameters.thread_pool_name
            ),
            on_batch=lambda _: metrics.wrapped_run_count.add(),
        )


def _tflite_batching(config: BundleConfig, batch_size: int | None) -> BatchingParameters:
    """Return how TfLiteSession batches: large requests are split, to the model's own size if it has one."""
    pools = config.tflite_pools or os.cpu_count() or 1
    rows = -(-_TFLITE_ROWS // config.tflite_interpreters_per_pool)
    return BatchingParameters(
        max_batch_size=_TFLITE_ROWS,
        max_enqueued_batches=pools * _TFLITE_QUEUE,
        num_batch_threads=pools,
        enable_large_batch_splitting=True,
        max_execution_batch_size=batch_size if batch_size and batch_size > 1 else rows,
    )
