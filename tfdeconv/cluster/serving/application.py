"""The deployments of Ray Serve that make up a server."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any, Self, cast

from ray import serve
from ray.serve.config import AutoscalingConfig, AutoscalingPolicy

from tfdeconv.cluster.serving import scaling
from tfdeconv.cluster.serving.coordinator import Coordinator
from tfdeconv.cluster.serving.edge import Edge
from tfdeconv.cluster.serving.replica import Replica
from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.launch import flag_options, flags
from tfdeconv.serving.launch.flags import Parsed

NAME = "tfdeconv"
"""The application's name in a cluster."""
FORCE_SECONDS = 10.0
"""How long a process has, beyond its running requests, until Ray Serve ends it by force."""
_MANY = 100_000
_FOLLOWING_THE_LOAD = (
    "min_replicas",
    "target_ongoing_requests",
    "upscale_delay_seconds",
    "downscale_delay_seconds",
)
_NOT_NEGATIVE = (
    *("max_replicas", "replica_cpus", "replica_gpus", "edges", "drain_seconds"),
    *("upscale_delay_seconds", "downscale_delay_seconds"),
)
_LOGGING = {"log_level": "WARNING", "enable_access_log": False}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many processes there are, and what each is given.

    Attributes:
        replicas: Replicas.
        min_replicas: Fewest of them where their number follows the load.
        max_replicas: Most of them; 0 for a fixed number.
        target_ongoing_requests: Requests at a time meant for each.
        upscale_delay_seconds: How long the load must ask for more of them.
        downscale_delay_seconds: How long it must ask for fewer.
        replica_cpus: CPUs for each.
        replica_gpus: GPUs for each.
        edges: Edges; 0 for one on each node.
        drain_seconds: How long running requests may finish when a process ends.
    """

    replicas: int
    min_replicas: int
    max_replicas: int
    target_ongoing_requests: float
    upscale_delay_seconds: float
    downscale_delay_seconds: float
    replica_cpus: float
    replica_gpus: float
    edges: int
    drain_seconds: float

    @classmethod
    def of(cls, parsed: Parsed) -> Self:
        """Return what the flags say.

        Raises:
            InvalidRequestError: They contradict one another.
        """
        scale = cls(**cast(Any, {field.name: parsed.values[field.name] for field in dataclasses.fields(cls)}))
        if scale.replicas < 1:
            raise InvalidRequestError(f"--replicas must be at least 1; received {scale.replicas}.")
        if scale.max_replicas and not 1 <= scale.min_replicas <= scale.max_replicas:
            raise InvalidRequestError(
                f"--min_replicas must be from 1 to --max_replicas={scale.max_replicas}; "
                f"received {scale.min_replicas}."
            )
        for name in _FOLLOWING_THE_LOAD:
            if name in parsed.given and not scale.max_replicas:
                raise InvalidRequestError(
                    f"--{name} needs --max_replicas, which lets the number follow the load."
                )
        if scale.max_replicas and "replicas" in parsed.given:
            raise InvalidRequestError(
                "--replicas fixes the number and --max_replicas lets it vary; give one."
            )
        if scale.target_ongoing_requests <= 0:
            raise InvalidRequestError(
                f"--target_ongoing_requests must be above 0; received {scale.target_ongoing_requests:g}."
            )
        for name in _NOT_NEGATIVE:
            if getattr(scale, name) < 0:
                raise InvalidRequestError(
                    f"--{name} must not be negative; received {getattr(scale, name):g}."
                )
        return scale


def build(options: ServerOptions, scale: Scale, *, deployment: str) -> serve.Application:
    """Return the application.

    Args:
        options: The server's options.
        scale: How many processes there are.
        deployment: A name unlike that of any earlier deployment.
    """
    common: dict[str, Any] = {
        "logging_config": _LOGGING,
        "health_check_period_s": 1,
        "health_check_timeout_s": 30,
        "graceful_shutdown_wait_loop_s": 0.5,
        "graceful_shutdown_timeout_s": scale.drain_seconds + FORCE_SECONDS,
    }
    alone = {**common, "max_ongoing_requests": _MANY, "ray_actor_options": {"num_cpus": 0}}
    size: dict[str, Any] = {"num_replicas": scale.replicas}
    if scale.max_replicas:
        size = {
            "autoscaling_config": AutoscalingConfig(
                min_replicas=scale.min_replicas,
                max_replicas=scale.max_replicas,
                target_ongoing_requests=scale.target_ongoing_requests,
                upscale_delay_s=scale.upscale_delay_seconds,
                downscale_delay_s=scale.downscale_delay_seconds,
                look_back_period_s=scaling.LOOK_BACK_SECONDS,
                metrics_interval_s=scaling.METRICS_SECONDS,
                policy=AutoscalingPolicy(policy_function=scaling.by_load),
            )
        }
    resources = {"num_cpus": scale.replica_cpus, "num_gpus": scale.replica_gpus}
    coordinator = serve.deployment(name="Coordinator", num_replicas=1, **alone)(Coordinator)
    replicas = serve.deployment(
        name="Replica",
        ray_actor_options=resources,
        **size,
        **common,
    )(Replica)
    places: dict[str, Any] = {"num_replicas": scale.edges}
    if not scale.edges:
        places = {
            "autoscaling_config": AutoscalingConfig(
                initial_replicas=scaling.nodes(),
                max_replicas=_MANY,
                upscale_delay_s=0,
                downscale_delay_s=0,
                policy=AutoscalingPolicy(policy_function=scaling.one_on_each_node),
            )
        }
    edges = serve.deployment(name="Edge", max_replicas_per_node=1, **places, **alone)(Edge)
    coordinating = coordinator.bind(options, deployment)
    answering = replicas.bind(options, coordinating, deployment, scale.drain_seconds)
    return edges.bind(options, answering, coordinating, deployment, scale.drain_seconds)


def application(args: Mapping[str, Any]) -> serve.Application:
    """Return the application for flags by name: the ``import_path`` of a Serve configuration file.

    Args:
        args: Flags of ``tfdeconv serve`` without their dashes, and their values.

    Raises:
        InvalidRequestError: Flags that are unknown, or contradict one another.
    """
    parsed = flags.parse([f"--{name}={_text(value)}" for name, value in args.items()])
    if parsed.unknown:
        raise InvalidRequestError(f"unknown argument: {parsed.unknown[0]}")
    options = flag_options.from_flags(parsed)
    return build(options, Scale.of(parsed), deployment=uuid.uuid4().hex)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
