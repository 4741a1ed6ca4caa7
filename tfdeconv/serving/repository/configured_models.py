"""The models that a server's options ask for, now and whenever the file that lists them changes."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from pathlib import Path
from typing import Any

from tfdeconv.errors import CancelledError, DeadlineExceededError, ServingError, TfdeconvError
from tfdeconv.serving.config import operator_protos
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.repository import model_config
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.repository import ModelRepository

_LOG = logging.getLogger("tfdeconv.serving")


def configured_models(options: ServerOptions) -> list[ModelConfig] | None:
    """Return the configured models, or None where the file has no list of them.

    Raises:
        InvalidRequestError: The file cannot be read, or is no ModelServerConfig.
    """
    if options.model_config_file:
        message = operator_protos.read(
            operator_protos.ModelServerConfig, options.model_config_file, option="model_config_file"
        )
        return model_config.from_message(message)
    base_path = os.fspath(options.model_base_path)
    if "://" not in base_path:
        base_path = str(Path(base_path).absolute())
    return [ModelConfig(options.model_name, base_path)]


def repository_settings(options: ServerOptions) -> dict[str, Any]:
    """Return what a server's options say to a ``ModelRepository``, by its arguments' names."""
    return {
        "poll_seconds": options.file_system_poll_wait_seconds,
        "max_load_retries": max(0, options.max_num_load_retries),
        "retry_seconds": options.load_retry_interval_micros / 1e6,
        "load_threads": options.num_load_threads,
        "unload_threads": options.num_unload_threads,
        "allow_unavailable_labels": options.allow_version_labels_for_unavailable_models,
    }


class ConfigPoller:
    """Applies the configuration file whenever its text changes, on a thread of its own.

    Args:
        repository: Takes the new configuration.
        options: Name the file and the pause between two looks; without either nothing is polled.

    Attributes:
        applied: Digest of the text that was applied last. The same text is not applied again: a configuration
            that came over gRPC since then is later than the file.
    """

    def __init__(self, repository: ModelRepository, options: ServerOptions) -> None:
        self._repository = repository
        self._options = options
        self.applied = ""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def first(self) -> list[ModelConfig]:
        """Return the models of the start, which the caller applies.

        Raises:
            InvalidRequestError: The file cannot be read, or is no ModelServerConfig.
        """
        if self._options.model_config_file:
            self.applied = _digest(self._options)  # not after it is read: it may change
        return configured_models(self._options) or []

    def start(self) -> None:
        """Look at the file from now on."""
        options = self._options
        if options.model_config_file and options.model_config_file_poll_wait_seconds > 0:
            self._thread = threading.Thread(target=self._poll, name="tfdeconv-config", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Look at it no more; a change that is being applied is given up."""
        self._stopping.set()

    def join(self) -> None:
        """Wait until the thread has ended."""
        if self._thread is not None:
            self._thread.join()

    def _poll(self) -> None:
        repository, options = self._repository, self._options
        pause = options.model_config_file_poll_wait_seconds
        while not self._stopping.wait(pause):
            try:
                digest = _digest(options)
                if digest != self.applied:
                    # A label on a version that is still loading is refused now and tried again next time.
                    # Nor may a model without versions keep the edit that mends it from being read.
                    models = configured_models(options)
                    if models is None:  # perhaps an editor is about to write it
                        _LOG.info("The ModelServerConfig file is empty: nothing changes.")
                    else:
                        repository.configure(models, timeout=pause, cancel=self._stopping)
                    self.applied = digest
            except CancelledError:
                return
            except DeadlineExceededError as error:
                _LOG.warning("The ModelServerConfig file has changed. %s", error)
            except TfdeconvError as error:
                _LOG.error("Failed to apply the ModelServerConfig file: %s", error)


def _digest(options: ServerOptions) -> str:
    try:
        return hashlib.sha256(Path(options.model_config_file).read_bytes()).hexdigest()
    except OSError as error:
        raise ServingError(f"Cannot read '{options.model_config_file}': {error.strerror}") from None
