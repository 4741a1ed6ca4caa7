"""Everything of a server but its transports: the loaded models, and what answers requests on arrays."""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Self

from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.loading import ModelLoader
from tfdeconv.serving.plane.data_plane import DataPlane
from tfdeconv.serving.repository.base_paths import BasePaths
from tfdeconv.serving.repository.configured_models import (
    ConfigPoller,
    repository_settings,
)
from tfdeconv.serving.repository.model_cache import ModelCache
from tfdeconv.serving.repository.repository import ModelRepository
from tfdeconv.serving.telemetry import Telemetry


class Runtime:
    """Loads the models that a server's options name, and answers requests while its ``with`` block runs.

    It opens no port: ``GrpcApi`` and ``RestApi`` turn messages and documents into requests to it, and
    whatever receives those (the embedded server, an ASGI server, a replica on a cluster) stands outside.

    Args:
        options: What to load and how. Ports and the numbers of their threads are passed over.
        repository: What keeps the versions. Defaults to ``ModelRepository``.

    Attributes:
        options: The same.
        telemetry: Counts, times and logs requests.
        repository: The versions of the models.
        plane: Answers requests on arrays.

    Raises:
        ServingError: A file that the options name cannot be read, or contradicts itself.

    Example:
        >>> import tempfile, numpy as np, tensorflow as tf
        >>> from tfdeconv.serving.model_spec import ModelSpec
        >>> folder = tempfile.mkdtemp()
        >>> module = tf.Module()
        >>> module.double = tf.function(lambda x: {"y": 2 * x}, [tf.TensorSpec([None], name="x")])
        >>> tf.saved_model.save(module, f"{folder}/1", module.double)
        >>> with Runtime(ServerOptions(model_base_path=folder, model_name="double")) as runtime:
        ...     spec, outputs = runtime.plane.predict(ModelSpec("double"), {"x": np.float32([1, 2])})
        >>> spec.version, outputs
        (1, {'y': array([2., 4.], dtype=float32)})
    """

    def __init__(
        self, options: ServerOptions, *, repository: type[ModelRepository] = ModelRepository
    ) -> None:
        self.options = options
        self.telemetry = Telemetry(options.access_log_file)
        try:
            loader = ModelLoader(options, self.telemetry)
        except BaseException:
            self.telemetry.close()
            raise
        base_paths = BasePaths(
            ModelCache(os.fspath(options.model_cache_dir), options.max_model_cache_bytes),
            poll=options.file_system_poll_wait_seconds > 0,
        )
        self.repository = repository(loader, base_paths=base_paths, **repository_settings(options))
        self.plane = DataPlane(
            self.repository, self.telemetry, check_method_names=options.enable_signature_method_name_check
        )
        self._poller = ConfigPoller(self.repository, options)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self, *, cancel: threading.Event | None = None) -> None:
        """Load the models, and look at their folders and configuration from now on.

        Args:
            cancel: Set it to give the start up. Defaults to never.

        Raises:
            ServingError: A model cannot be loaded in time; ``CancelledError`` where ``cancel`` was set.
        """
        models = self._poller.first()
        self.repository.configure(models, timeout=self.options.start_timeout, cancel=cancel)
        self._poller.start()

    def stop_polling(self) -> None:
        """Take no further configuration; requests are answered as before."""
        self._poller.stop()

    def close(self, timeout: float | None = None) -> bool:
        """Wait for the requests that hold a model, and unload all.

        Args:
            timeout: Longest wait in seconds. Defaults to no limit.

        Returns:
            Whether all has ended; what has not, ends by itself.
        """
        self._poller.stop()
        self._poller.join()
        ended = self.repository.close(timeout)
        if ended:
            self.telemetry.close()
        return ended
