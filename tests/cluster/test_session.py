"""What is said where a Ray cluster cannot be used."""

from __future__ import annotations

import types

import pytest

from tfdeconv.cluster import session
from tfdeconv.cluster.session import ClusterError


def refusing(reason: str) -> types.SimpleNamespace:
    """A module ``ray`` whose ``init`` fails as Ray 2.60 does: with what happened two causes away."""

    def init(**_: object) -> None:
        try:
            try:
                raise RuntimeError(f"RPC error: {reason}")
            except RuntimeError as error:
                raise RuntimeError("Failed to connect to GCS") from error
        except RuntimeError as error:
            raise ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379") from error

    return types.SimpleNamespace(init=init)


def test_a_cluster_that_asks_for_a_token():
    """What to set is told: Ray takes no token to an address that is given unless it is told to."""
    ray = refusing("InvalidAuthToken: Authentication token is missing or incorrect")
    with pytest.raises(
        ClusterError, match=r"^--address 10\.0\.0\.1:6379: .* a token\. Set RAY_AUTH_MODE=token,"
    ):
        session._connect(ray, {"address": "10.0.0.1:6379"}, "--address")


def test_a_cluster_that_fails_otherwise():
    """Ray's own words."""
    with pytest.raises(ClusterError, match=r"Failed to connect to Ray cluster at 10\.0\.0\.1:6379\.$"):
        session._connect(refusing("Deadline Exceeded"), {"address": "10.0.0.1:6379"}, "--address")
