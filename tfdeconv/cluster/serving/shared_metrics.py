"""Metrics of several processes as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfdeconv.serving.telemetry.metrics import Metrics

Cells = dict[str, dict[tuple[str, ...], Any]]
"""A metric's attribute in ``Metrics`` to its label values to a number, or to a histogram's counts."""


def add_cells(total: Cells, more: Mapping[str, Mapping[tuple[str, ...], Any]]) -> None:
    """Add ``more`` to ``total``, cell by cell.

    Example:
        >>> total = {}
        >>> add_cells(total, {"request_count": {("m", "OK"): 1}, "request_latency": {("m",): [1, 2]}})
        >>> add_cells(total, {"request_count": {("m", "OK"): 2}, "request_latency": {("m",): [1, 0]}})
        >>> total
        {'request_count': {('m', 'OK'): 3}, 'request_latency': {('m',): [2.0, 2.0]}}
    """
    for name, cells in more.items():
        into = total.setdefault(name, {})
        for labels, value in cells.items():
            before = into.get(labels)
            if isinstance(value, list):
                into[labels] = [a + b for a, b in zip(before or [0.0] * len(value), value, strict=True)]
            else:
                into[labels] = (before or 0) + value


def page(cells: Cells) -> str:
    """Return the page that Prometheus reads."""
    metrics = Metrics()
    metrics.restore(cells)
    return metrics.text()
