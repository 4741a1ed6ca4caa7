"""What is known of a request when it ends: counted, timed, and logged if wanted."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import orjson

from tfdeconv.errors import ServingError
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.telemetry.metrics import Metrics

_LOG = logging.getLogger("tfdeconv.serving")
_INFERENCE = frozenset({"predict", "classify", "regress", "multiinference"})


@dataclasses.dataclass(slots=True)
class RequestRecord:
    """One request on its way through an edge.

    Attributes:
        entrypoint: ``"GRPC"`` or ``"REST"``.
        api: The method as the protocol calls it.
        spec: What was asked for, then what was resolved.
        started: ``time.perf_counter()`` at its arrival.
    """

    entrypoint: str
    api: str
    spec: ModelSpec = ModelSpec("")  # noqa: RUF009 - frozen
    started: float = dataclasses.field(default_factory=time.perf_counter)


class Telemetry:
    """Takes the records of all requests of a server.

    Args:
        access_log: File for one JSON line for each request, ``"-"`` for standard output, empty for none.

    Raises:
        ServingError: The file cannot be opened.
    """

    def __init__(self, access_log: str = "") -> None:
        self.metrics = Metrics()
        self._lock = threading.Lock()
        self._stack = contextlib.ExitStack()
        self._log: BinaryIO | None = None
        self._failing = False
        if access_log == "-":
            self._log = sys.stdout.buffer
        elif access_log:
            try:
                # Unbuffered: what a full disk does not take must not wait to be written again.
                file = Path(access_log).open("ab", buffering=0)  # noqa: SIM115 - closed with this object
            except OSError as error:
                raise ServingError(f"Cannot open the access log {access_log}: {error.strerror}.") from None
            self._log = self._stack.enter_context(file)

    def finish(self, record: RequestRecord, status: str) -> None:
        """Count, time and log a request that ended with a canonical status code's name."""
        seconds = time.perf_counter() - record.started
        spec = record.spec
        if record.api.lower() in _INFERENCE:
            self.metrics.request_count.add(spec.name, status)
            if status == "OK":
                self.metrics.request_latency.observe(seconds * 1e6, spec.name, record.api, record.entrypoint)
        if self._log is not None:
            line = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "protocol": record.entrypoint,
                "method": record.api,
                "model": spec.name,
                "version": spec.version,
                "signature": spec.signature_name,
                "status": status,
                "latency_ms": round(seconds * 1e3, 3),
            }
            self.metrics.request_log_count.add(spec.name, self._write(orjson.dumps(line) + b"\n"))

    def _write(self, line: bytes) -> str:
        """Write a line; return how that ended, which is no concern of the request's."""
        with self._lock:
            if self._log is None:
                return "UNAVAILABLE"  # closed since
            try:
                self._log.write(line)
                self._log.flush()
            except OSError as error:
                if not self._failing:
                    _LOG.error("The access log cannot be written: %s. Requests are answered.", error.strerror)
                self._failing = True
                return "INTERNAL"
            self._failing = False
            return "OK"

    def ran(self, model: str, api: str, seconds: float) -> None:
        """Time a run of a model inside TensorFlow."""
        self.metrics.runtime_latency.observe(seconds * 1e6, model, api, "TF1")

    def examples(self, model: str, count: int) -> None:
        """Count the ``tf.Example`` messages of a request."""
        self.metrics.request_example_counts.observe(count, model)
        self.metrics.request_example_count_total.add(model, by=count)

    def close(self) -> None:
        """Close the access log."""
        with self._lock:
            self._log = None
            self._stack.close()
