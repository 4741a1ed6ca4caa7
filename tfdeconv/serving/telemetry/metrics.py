"""Counters and histograms with TensorFlow Serving's names, and their text for Prometheus.

A ``Metrics`` object is a collector of prometheus-client, so that an application can register it with a
registry of its own. The text differs from that library's: TensorFlow Serving's names begin with a colon,
have no ``_total`` suffix and no help lines, and whole bounds are written without a fraction.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import Metric

_PREFIX = ":tensorflow:serving:"
# Names of models and statuses come from requests: a cap keeps inventive clients from filling the memory.
_MAX_CELLS = 1000


def exponential(scale: float, growth: float, count: int) -> tuple[float, ...]:
    """Return the bounds ``scale * growth**k`` for k below ``count``.

    Example:
        >>> exponential(10, 1.8, 3)
        (10, 18.0, 32.4)
    """
    bounds, bound = [], scale
    for _ in range(count):
        bounds.append(bound)
        bound *= growth
    return tuple(bounds)


_LATENCY = exponential(10, 1.8, 33)


class Counter:
    """A number that grows, for each combination of labels."""

    kind = "counter"

    def __init__(self, name: str, labels: Sequence[str]) -> None:
        self.name = _PREFIX + name
        self._labels = tuple(labels)
        self._cells: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()

    def cells(self) -> dict[tuple[str, ...], float]:
        """Return a copy of the cells: label values to number."""
        with self._lock:
            return dict(self._cells)

    def restore(self, cells: Mapping[tuple[str, ...], float]) -> None:
        """Take over cells that were counted elsewhere."""
        with self._lock:
            self._cells = dict(cells)

    def add(self, *labels: str, by: float = 1) -> None:
        """Add ``by`` (1 by default) to the cell of these label values."""
        with self._lock:
            if labels in self._cells or len(self._cells) < _MAX_CELLS:
                self._cells[labels] = self._cells.get(labels, 0) + by

    def collect(self) -> Metric:
        """Return the cells as prometheus-client samples."""
        metric = Metric(self.name, self.name, self.kind)
        cells = self.cells()
        for values, count in sorted(cells.items()):
            metric.add_sample(self.name, dict(zip(self._labels, values, strict=True)), count)
        return metric


class Histogram:
    """Counts of values within bounds, for each combination of labels."""

    kind = "histogram"

    def __init__(self, name: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self.name = _PREFIX + name
        self._labels = tuple(labels)
        self._bounds = tuple(bounds)
        self._cells: dict[tuple[str, ...], list[float]] = {}
        self._lock = threading.Lock()

    def cells(self) -> dict[tuple[str, ...], list[float]]:
        """Return a copy of the cells: label values to a count for each bound, one beyond, and the sum."""
        with self._lock:
            return {values: list(cell) for values, cell in self._cells.items()}

    def restore(self, cells: Mapping[tuple[str, ...], list[float]]) -> None:
        """Take over cells that were counted elsewhere."""
        with self._lock:
            self._cells = {values: list(cell) for values, cell in cells.items()}

    def observe(self, value: float, *labels: str) -> None:
        """Count ``value`` in the cell of these label values."""
        index = bisect.bisect_left(self._bounds, value)
        with self._lock:
            cell = self._cells.get(labels)
            if cell is None:
                if len(self._cells) >= _MAX_CELLS:
                    return
                # One count for each bound, one for what is beyond, and the sum.
                cell = self._cells[labels] = [0.0] * (len(self._bounds) + 2)
            cell[index] += 1
            cell[-1] += value

    def collect(self) -> Metric:
        """Return the cells as prometheus-client samples, with cumulative counts."""
        metric = Metric(self.name, self.name, self.kind)
        cells = self.cells()
        for values, cell in sorted(cells.items()):
            labels = dict(zip(self._labels, values, strict=True))
            total = 0.0
            for bound, count in zip((*self._bounds, float("inf")), cell[:-1], strict=True):
                total += count
                metric.add_sample(f"{self.name}_bucket", {**labels, "le": _bound(bound)}, total)
            metric.add_sample(f"{self.name}_sum", labels, cell[-1])
            metric.add_sample(f"{self.name}_count", labels, total)
        return metric


class Metrics:
    """All metrics of a server.

    Example:
        >>> metrics = Metrics()
        >>> metrics.request_count.add("m", "OK")
        >>> metrics.text().splitlines()[:2]
        ['# TYPE :tensorflow:serving:request_count counter',
         ':tensorflow:serving:request_count{model_name="m",status="OK"} 1']
    """

    def __init__(self) -> None:
        self.request_count = Counter("request_count", ["model_name", "status"])
        self.request_latency = Histogram("request_latency", ["model_name", "API", "entrypoint"], _LATENCY)
        self.runtime_latency = Histogram("runtime_latency", ["model_name", "API", "runtime"], _LATENCY)
        self.request_example_counts = Histogram("request_example_counts", ["model"], exponential(1, 2, 15))
        self.request_example_count_total = Counter("request_example_count_total", ["model"])
        self.request_log_count = Counter("request_log_count", ["model_name", "status_code"])
        self.model_warmup_latency = Histogram("model_warmup_latency", ["model_path", "status"], _LATENCY)
        self.model_warmup_records_read = Counter("model_warmup_records_read", ["model_path", "status"])
        self.queuing_latency = Histogram(
            "batching_session:queuing_latency", ["thread_pool_name"], exponential(100, 1.2, 52)
        )
        self.wrapped_run_count = Counter("batching_session:wrapped_run_count", [])

    def collect(self) -> Iterator[Metric]:
        """Yield every metric that has a value; the interface of a prometheus-client collector."""
        for metric in vars(self).values():
            collected = metric.collect()
            if collected.samples:
                yield collected

    def cells(self) -> dict[str, dict[tuple[str, ...], Any]]:
        """Return the cells of every metric by its attribute's name."""
        return {name: metric.cells() for name, metric in vars(self).items()}

    def restore(self, cells: Mapping[str, Mapping[tuple[str, ...], Any]]) -> None:
        """Take over what ``cells`` of other metrics returned, or sums of such."""
        for name, values in cells.items():
            getattr(self, name).restore(values)

    def text(self) -> str:
        """Return the page that Prometheus reads."""
        lines = []
        for metric in self.collect():
            lines.append(f"# TYPE {metric.name} {metric.type}")
            for sample in metric.samples:
                labels = ",".join(f'{name}="{_escape(value)}"' for name, value in sample.labels.items())
                lines.append(f"{sample.name}{{{labels}}} {_number(sample.value)}")
        return "\n".join(lines) + "\n"


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else f"{bound:g}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
