"""How many replicas and edges there are: rules that Ray Serve's controller follows."""

from __future__ import annotations

from typing import Any

import ray
from ray.serve.config import AutoscalingContext

LOAD = "ongoing_requests"
"""The number that a replica tells: requests that it has and has not answered."""
METRICS_SECONDS = 1.0
LOOK_BACK_SECONDS = 10.0


def by_load(context: AutoscalingContext) -> tuple[float, dict[str, Any]]:
    """Return how many replicas the load asks for; Ray Serve applies limits and delays to it."""
    load = sum((context.aggregated_metrics or {}).get(LOAD, {}).values())
    return load / context.config.get_target_ongoing_requests(), {}


def one_on_each_node(context: AutoscalingContext) -> tuple[float, dict[str, Any]]:
    """Return the number of nodes: with one at most on each, that is one on each."""
    return nodes(), {}


def nodes() -> int:
    """Return how many nodes are alive."""
    return sum(node["Alive"] for node in ray.nodes())
