"""A Ray cluster to work on: one that runs, or one of this machine for as long as it is needed."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import socket
import warnings
from collections.abc import Iterator
from typing import Any

from tfdeconv.errors import InvalidArgumentError, UnavailableError
from tfdeconv.extras import require

PATIENCE = 15.0
"""Seconds in which a cluster must answer."""

_OBJECT_STORE = 100 << 20  # bytes; names and lines pass through it, requests and pictures do not
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to anybody
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # Ray's C++ writes past sys.stderr
    "RAY_DATA_LOG_LEVEL": "CRITICAL",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # whole pages about each process that dies; work() tells what follows
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_ON_LOOPBACK = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else it listens to all
    "RAY_worker_niceness": "0",  # else 15: behind everything else that this machine does
}


class ClusterError(UnavailableError):
    """A Ray cluster does not answer, or cannot do the work."""


@contextlib.contextmanager
def session(address: str | None = None, *, cpus: float = 0) -> Iterator[Any]:
    """Yield the module ``ray``, connected.

    Args:
        address: ``"host:port"`` of a cluster to which this machine belongs. None: what ``RAY_ADDRESS`` says,
            as within ``ray job submit``; without it, a cluster of this machine alone, on loopback, which
            ends with the block.
        cpus: CPUs that the work asks for at once. A cluster of this machine alone gives them, there or not.
            Defaults to what there is.

    Raises:
        MissingExtraError: Ray is not installed.
        InvalidArgumentError: ``address`` is a Ray Client's.
        ClusterError: No cluster answers there in :data:`PATIENCE` seconds.
    """
    given = "--address" if address else "RAY_ADDRESS"
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    for name, value in (_SETTINGS | (_ON_LOOPBACK if address == "local" else {})).items():
        os.environ.setdefault(name, value)
    ray = require("ray", extra="cluster", feature="--engine ray")
    arguments: dict[str, Any] = {"address": address}
    if address == "local":
        arguments |= {
            "num_cpus": max(math.ceil(cpus), os.cpu_count() or 1),
            "object_store_memory": _OBJECT_STORE,
            "include_dashboard": False,
            "_node_ip_address": "127.0.0.1",
        }
    else:
        _check(address, given)
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _connect(ray, arguments, given)
        try:
            yield ray
        finally:
            ray.shutdown()


def _connect(ray: Any, arguments: dict[str, Any], given: str) -> None:
    try:
        ray.init(**arguments, log_to_driver=False, logging_level="CRITICAL")
    except Exception as error:
        reason = (" ".join(str(error).split()) or type(error).__name__)[:500].rstrip(".")
        if arguments["address"] == "local":
            raise ClusterError(f"Ray cannot be started on this machine: {reason}.") from error
        told = f"{given} {arguments['address']}: no Ray cluster can be used there"
        if _wants_token(error):  # as one does that `ray start` makes where it finds a token
            raise ClusterError(
                f"{told}: it asks for a token. Set RAY_AUTH_MODE=token, and have the cluster's token in "
                "RAY_AUTH_TOKEN or ~/.ray/auth_token."
            ) from error
        raise ClusterError(f"{told}: {reason}.") from error


def _wants_token(error: BaseException | None) -> bool:
    """Whether Ray's error says so, which tells it as the cause of a cause."""
    while error is not None:
        if "InvalidAuthToken" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _check(address: str, given: str) -> None:
    """Raise where no cluster answers: Ray itself waits for ever."""
    host, colon, port = address.rpartition(":")
    if "/" in address or not colon or not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise InvalidArgumentError(
            f"{given} must be HOST:PORT of a Ray cluster to which this machine belongs, as `ray start` "
            f"tells; received {address}. From outside, use `ray job submit`."
        )
    told = f"{given} {address}: no Ray cluster answers there"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except OSError as error:
        raise ClusterError(f"{told}: {error.strerror or error}.") from None
    if os.environ.get("RAY_USE_TLS", "0") != "0":
        return
    grpc = require("grpc", extra="cluster", feature="--engine ray")
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=PATIENCE)
        except grpc.FutureTimeoutError:
            raise ClusterError(f"{told} within {PATIENCE:.0f} seconds.") from None
