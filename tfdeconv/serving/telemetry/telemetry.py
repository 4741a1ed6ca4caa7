"""What is known of a request when it ends: counted, timed, and logged if wanted."""

from __future__ import annotations

import contextlib
import dataclasses
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
        if access_log == "-":
            self._log = sys.stdout.buffer
        elif access_log:
            try:
                file = Path(access_log).open("ab")  # noqa: SIM115 - closed with this object
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
            with self._lock:
                self._log.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
                self._log.flush()
            self.metrics.request_log_count.add(spec.name, "OK")

    def ran(self, model: str, api: str, seconds: float) -> None:
        """Time a run of a model inside TensorFlow."""
        self.metrics.runtime_latency.observe(seconds * 1e6, model, api, "TF1")

    def examples(self, model: str, count: int) -> None:
        """Count the ``tf.Example`` messages of a request."""
        self.metrics.request_example_counts.observe(count, model)
        self.metrics.request_example_count_total.add(model, by=count)

    def close(self) -> None:
        """Close the access log."""
        self._stack.close()
