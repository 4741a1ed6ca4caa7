"""The model repository: keeps the wanted versions of the configured models loaded.

A change of the files or of the configuration only changes which versions are wanted. ``_reconcile``
compares them with what is there, and starts loads and unloads. A version that is no longer wanted
keeps serving until a wanted one is available, as TensorFlow Serving's availability-preserving policy has it.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tfdeconv.errors import (
    CancelledError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.models.model import Model
from tfdeconv.serving.repository.base_paths import BasePaths
from tfdeconv.serving.repository.labels import VersionLabels
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.records import (
    ModelRecord,
    VersionRecord,
    check_available,
    error_for_clients,
    waiting_text,
)
from tfdeconv.serving.repository.servable import Lease, Servable, VersionStatus
from tfdeconv.wire import status_codes
from tfdeconv.wire.version_state import VersionState

_LOG = logging.getLogger("tfdeconv.serving")
_CANCEL_SECONDS = 0.1
Loader = Callable[[str, int, Path], Model]


class ModelRepository:
    """Loads, finds and unloads versions of models.

    Args:
        loader: Called with name, version and folder in a worker thread; returns the loaded model.
        poll_seconds: Seconds between two looks at the base paths; 0 looks only when the configuration
            changes. Defaults to 1.
        max_load_retries: How often a failed load is tried again. Defaults to 5.
        retry_seconds: Pause between two tries. Defaults to 60.
        load_threads: Loads at the same time; 0 for four for each CPU. Defaults to 0.
        unload_threads: Unloads at the same time; 0 for one. Defaults to 0.
        allow_unavailable_labels: Whether a new label may name a version that is not loaded yet.
            Defaults to False.
        base_paths: Finds versions; by default in folders alone.
    """

    def __init__(
        self,
        loader: Loader,
        *,
        poll_seconds: float = 1,
        max_load_retries: int = 5,
        retry_seconds: float = 60,
        load_threads: int = 0,
        unload_threads: int = 0,
        allow_unavailable_labels: bool = False,
        base_paths: BasePaths | None = None,
    ) -> None:
        self._loader = loader
        self._base_paths = base_paths or BasePaths()
        self._poll_seconds = poll_seconds
        self._max_load_retries = max_load_retries
        self._retry_seconds = retry_seconds
        self._changed = threading.Condition()
        self._models: dict[str, ModelRecord] = {}
        self._labels = VersionLabels(allow_unavailable=allow_unavailable_labels)
        # Replaced as a whole, so that requests read it without a lock.
        self._available: Mapping[str, dict[int, Servable]] = {}
        self._closing = threading.Event()
        self._poll_lock = threading.Lock()
        self._reload_lock = threading.Lock()
        cpus = os.cpu_count() or 1
        self._load_pool = ThreadPoolExecutor(load_threads or 4 * cpus, "tfdeconv-load")
        self._unload_pool = ThreadPoolExecutor(unload_threads or 1, "tfdeconv-unload")
        self._poller: threading.Thread | None = None

    # Finding

    def lease(self, spec: ModelSpec) -> Lease:
        """Return the loaded version that a request asks for, to be used in a ``with`` block.

        Raises:
            InvalidRequestError: No name, or an unknown label.
            NotFoundError: The model, or the version, is not available.
        """
        if not spec.name:
            raise InvalidRequestError("ModelSpec has no name specified.")
        version = spec.version
        if spec.version_label is not None:
            version = self._labels.version(spec.name, spec.version_label)
        while True:
            servables = self._available.get(spec.name)
            if not servables or (version is not None and version not in servables):
                wanted = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
                raise NotFoundError(f"Servable not found for request: {wanted}")
            servable = servables[max(servables) if version is None else version]
            if servable.acquire():
                return servable
            # Retired between the two lines above; the mapping has been replaced by now.

    def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        """Return the states of a model's versions, newest first, ended ones included.

        Args:
            name: The model.
            version: Only this one. Defaults to all.

        Raises:
            NotFoundError: Nothing is known of the model or version.
        """
        found = self.statuses(name)
        if version is not None:
            found = [status for status in found if status.version == version]
            if not found:
                raise NotFoundError(f"Could not find version {version} of model {name}")
        if not found:
            raise NotFoundError(f"Could not find any versions of model {name}")
        return found

    def statuses(self, name: str) -> list[VersionStatus]:
        """Return the states of a model's versions, newest first; none for an unknown model."""
        with self._changed:
            model = self._models.get(name)
            entries = sorted(model.versions.items(), reverse=True) if model else []
            note = self._base_paths.reason(model.config) if model and model.config else ""
            return [VersionStatus(number, entry.state, entry.error, note) for number, entry in entries]

    def names(self) -> list[str]:
        """Return the configured models in order of name."""
        with self._changed:
            return sorted(name for name, model in self._models.items() if model.config is not None)

    def labels(self, name: str) -> Mapping[str, int]:
        """Return a model's labels and the versions they name."""
        return self._labels.of(name)

    # Changing

    def configure(
        self,
        configs: Sequence[ModelConfig],
        *,
        timeout: float | None = None,
        cancel: threading.Event | None = None,
    ) -> None:
        """Replace the list of models; wait until each new one has an available version.

        Args:
            configs: The new list.
            timeout: Longest wait in seconds. Defaults to no limit: a model without versions is waited for.
            cancel: Ends the wait when it is set. Defaults to never.

        Raises:
            FailedPreconditionError: A label names a version that is not available.
            ServingError: A new model failed to load.
            DeadlineExceededError: ``timeout`` passed.
            CancelledError: ``cancel`` was set.
        """
        with self._reload_lock:
            self._base_paths.use(configs)
            with self._changed:
                old = {name for name, model in self._models.items() if model.config is not None}
                listed = {config.name: config for config in configs}
                for name in self._models.keys() - listed.keys():
                    self._models[name].config = None
                for name, config in listed.items():
                    self._models.setdefault(name, ModelRecord()).configure(config)
            self.poll()
            self._start_polling()
            new = [name for name in listed if name not in old]
            self._wait_until_available(new, timeout, cancel)
            with self._changed:
                check_available(self._models, new, kind="model" if old else "servable")
            self._labels.assign(configs, self._available)

    def _start_polling(self) -> None:
        if self._poller is None and self._poll_seconds > 0:
            self._poller = threading.Thread(target=self._poll_for_ever, name="tfdeconv-poll", daemon=True)
            self._poller.start()

    def poll(self) -> None:
        """Look at the base paths now."""
        with self._poll_lock:
            with self._changed:
                configs = [model.config for model in self._models.values() if model.config is not None]
            found = {(config.name, config.base_path): self._base_paths.versions(config) for config in configs}
            self._look_at_failures()
            with self._changed:
                for model in self._models.values():
                    if model.config is None:
                        model.wanted = {}
                        continue
                    places = found.get((model.config.name, model.config.base_path))
                    if places is None:
                        continue  # not there, not readable now, or configured since: keep what is loaded
                    chosen = model.config.policy.choose(places)
                    model.wanted = {number: places[number] for number in chosen}
                self._reconcile()

    def _look_at_failures(self) -> None:
        """Let a version that failed for good load again once its folder has changed, and then lain still."""
        with self._changed:
            failed = [entry for model in self._models.values() for entry in model.given_up()]
        for entry in failed:
            now = entry.place.contents()
            if now == entry.seen and now != entry.tried:
                entry.given_up = False
            entry.seen = now

    def _poll_for_ever(self) -> None:
        while not self._closing.wait(self._poll_seconds):
            try:
                self.poll()
            except Exception:
                _LOG.exception("Looking at the base paths failed")

    def _reconcile(self) -> None:
        """Start what is missing and end what is surplus. The caller holds the lock."""
        if self._closing.is_set():
            return
        for name, model in self._models.items():
            for number in model.missing():
                fresh = model.versions[number] = VersionRecord(model.wanted[number])
                self._load_pool.submit(self._load, name, number, fresh)
            for number in model.surplus():
                self._unload(model.versions[number])
            for number, entry in model.versions.items():
                if number not in model.wanted:
                    entry.given_up = False  # so that the version loads if it is wanted again
        self._publish()

    def _publish(self) -> None:
        self._available = {name: model.available() for name, model in self._models.items()}
        for model in self._models.values():
            model.forget()
        self._changed.notify_all()

    def _load(self, name: str, number: int, entry: VersionRecord) -> None:
        retries = self._max_load_retries
        while True:
            with self._changed:
                place = self._models[name].wanted.get(number)
                if place is None or self._closing.is_set():
                    entry.state = VersionState.END
                    self._reconcile()  # it may be wanted again by now
                    self._publish()
                    return
                entry.place = place  # it may lie elsewhere than at the last try
                entry.state = VersionState.LOADING
            started = time.monotonic()
            tried = entry.place.taken()
            try:
                model = self._loader(name, number, entry.place.fetch())
            except Exception as error:
                _LOG.warning("Loading %s version %d failed: %s", name, number, status_codes.with_code(error))
                told = error_for_clients(error, entry.place)
                entry.place.release()
                with self._changed:
                    entry.error, entry.tried, entry.failed_once = told, tried, True
                    self._changed.notify_all()
                away = isinstance(error, UnavailableError)  # so is the store; it may come back any time
            else:
                self._serve(name, number, entry, model)
                _LOG.info("Loaded %s version %d in %.1f s", name, number, time.monotonic() - started)
                return
            if retries == 0 and not away:
                break
            changed = self._wait_for_retry(name, number, entry)
            retries = self._max_load_retries if changed else max(retries - 1, 0)
        with self._changed:
            entry.state, entry.given_up = VersionState.END, True
            self._reconcile()

    def _wait_for_retry(self, name: str, number: int, entry: VersionRecord) -> bool:
        """Wait the pause between two tries, or until what is wanted has changed and then lain still: True."""
        deadline = time.monotonic() + self._retry_seconds
        last = entry.tried
        while (remaining := deadline - time.monotonic()) > 0:
            if self._closing.wait(min(remaining, self._poll_seconds or remaining)):
                break
            with self._changed:
                place = self._models[name].wanted.get(number)
            if place is None:
                break
            now = place.contents()
            if now == last and now != entry.tried:
                return True
            last = now
        return False

    def _serve(self, name: str, number: int, entry: VersionRecord, model: Model) -> None:
        with self._changed:
            entry.servable, entry.error = Servable(name, number, model), None
            entry.state = VersionState.AVAILABLE
            if self._closing.is_set():
                self._unload(entry)
            self._reconcile()

    def _unload(self, entry: VersionRecord) -> None:
        """Take a version out of service. The caller holds the lock."""
        entry.state = VersionState.UNLOADING
        self._unload_pool.submit(self._finish, entry)

    def _finish(self, entry: VersionRecord) -> None:
        assert entry.servable is not None
        try:
            entry.servable.retire()
        except Exception as error:
            _LOG.exception("Unloading failed")
            entry.error = error
        entry.place.release()
        with self._changed:
            entry.servable, entry.state = None, VersionState.END
            self._reconcile()
            self._publish()
        # A graph refers to itself: without this its memory waits for a collection of the oldest generation.
        gc.collect()

    def _wait_until_available(
        self, names: Sequence[str], timeout: float | None, cancel: threading.Event | None
    ) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        said = False
        with self._changed:
            while not self._closing.is_set():
                waiting = [name for name in names if self._models[name].pending()]
                if not waiting:
                    break
                unseen = [name for name in waiting if not self._models[name].versions]
                if unseen and not said:
                    _LOG.warning(
                        "Waiting for %s", waiting_text(self._models, unseen, self._base_paths.reason)
                    )
                    said = True
                remaining = None if deadline is None else deadline - time.monotonic()
                if remaining is not None and remaining <= 0:
                    text = waiting_text(self._models, waiting, self._base_paths.reason)
                    raise DeadlineExceededError(f"Not available after {timeout:g} s: {text}")
                if cancel is not None and cancel.is_set():
                    raise CancelledError("The start was given up.")
                # A signal handler may set `cancel` but must not take this lock to say so.
                turn = _CANCEL_SECONDS if cancel is not None else None
                self._changed.wait(min((s for s in (remaining, turn) if s is not None), default=None))

    def close(self, timeout: float | None = None) -> bool:
        """Stop polling, finish running requests, and unload everything.

        Args:
            timeout: Longest wait in seconds. Defaults to no limit.

        Returns:
            Whether everything is unloaded; what is not, unloads when its last request has ended.
        """
        self._closing.set()
        self._base_paths.stop()
        with self._changed:
            for model in self._models.values():
                for entry in model.versions.values():
                    if entry.state is VersionState.AVAILABLE:
                        self._unload(entry)
            self._publish()
            ended = self._changed.wait_for(self._all_ended, timeout)
        if self._poller is not None:
            self._poller.join(timeout)
        self._load_pool.shutdown(wait=ended, cancel_futures=True)
        if ended:  # else a load that ends later is still to be undone
            self._unload_pool.shutdown()
        self._base_paths.close()
        return ended

    def _all_ended(self) -> bool:
        running = (VersionState.LOADING, VersionState.UNLOADING)
        return not any(
            entry.state in running for model in self._models.values() for entry in model.versions.values()
        )
