"""From a version folder to a model that serves: load, batch, warm up."""

from __future__ import annotations

from pathlib import Path

from google.protobuf import text_format
from tensorflow.core.protobuf import config_pb2

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving import warmup
from tfdeconv.serving.batching import BatchedModel
from tfdeconv.serving.batching_parameters import BatchingParameters
from tfdeconv.serving.options import ServerOptions
from tfdeconv.serving.repository.servable import Model, Servable
from tfdeconv.serving.session_model import SessionModel
from tfdeconv.serving.telemetry import Telemetry

_PER_MODEL_FILE = "batching_params.pbtxt"


class ModelLoader:
    """Loads versions as a server's options say.

    Args:
        options: The server's options.
        telemetry: Takes the times of batches and warm-ups.

    Raises:
        InvalidRequestError: A file of the options does not parse.
    """

    def __init__(self, options: ServerOptions, telemetry: Telemetry) -> None:
        self._options = options
        self._telemetry = telemetry
        self._batching = _batching(options)
        try:
            self._config = text_format.Parse(options.session_config, config_pb2.ConfigProto())
        except text_format.ParseError as error:
            raise InvalidRequestError(f"session_config is not a ConfigProto: {error}") from None

    def __call__(self, name: str, version: int, path: Path) -> Model:
        """Return a loaded version.

        Raises:
            ServingError: It cannot be loaded, or one of its warm-up requests fails.
        """
        tags = [tag for tag in self._options.saved_model_tags.split(",") if tag]
        model: Model = SessionModel(
            path, tags=tags, config=self._config, max_image_pixels=self._options.max_image_pixels
        )
        try:
            if self._batching is not None:
                model = self._batched(model, path)
            if self._options.enable_model_warmup:
                iterations = max(1, self._options.num_request_iterations_for_warmup)
                servable = Servable(name, version, model)
                warmup.run(servable, path, iterations=iterations, telemetry=self._telemetry)
        except BaseException:
            model.close()
            raise
        return model

    def _batched(self, model: Model, path: Path) -> Model:
        assert isinstance(model, SessionModel)
        assert self._batching is not None
        parameters = self._batching
        own = path / _PER_MODEL_FILE
        if self._options.enable_per_model_batching_parameters and own.is_file():
            parameters = BatchingParameters.read(own)
        metrics = self._telemetry.metrics
        return BatchedModel(
            model,
            parameters,
            on_task=lambda seconds: metrics.queuing_latency.observe(seconds * 1e6),
            on_batch=lambda _: metrics.wrapped_run_count.add(),
        )


def _batching(options: ServerOptions) -> BatchingParameters | None:
    if not options.enable_batching:
        return None
    if not options.batching_parameters_file:
        return BatchingParameters(thread_pool_name="model_server_batch_threads")
    return BatchingParameters.read(options.batching_parameters_file)
