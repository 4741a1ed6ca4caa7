"""Replicas and edges, as the coordinator and they themselves see whether they are there."""

from __future__ import annotations

import dataclasses
import importlib.util
import threading
import types
from pathlib import Path
from typing import Any

import pytest
from serving_waits import wait_for

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed", allow_module_level=True)

from ray.exceptions import ActorDiedError, ActorUnavailableError

from tfdeconv.cluster.serving import members, replica
from tfdeconv.cluster.serving.following import FollowingRepository
from tfdeconv.cluster.serving.plan import Order, Plan, Report
from tfdeconv.errors import InvalidRequestError, UnavailableError
from tfdeconv.serving import ServerOptions
from tfdeconv.serving.model_spec import ModelSpec

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own
COUNTED = {"request_count": {("m", "OK"): 3}}
ORDER = Order("m", 1, "/nowhere/m/1", "token")
SERVED = Plan(ready=True, orders=(ORDER,), served=frozenset({("m", 1)}))


class Actor:
    """What Ray knows of it is ``error``."""

    class __ray_ready__:  # noqa: N801 - Ray's name
        @staticmethod
        def remote() -> object:
            return object()


def test_a_member_that_cannot_be_reached_is_not_gone(monkeypatch):
    """One whose actor is dead is, and what it counted stays, once."""
    errors: list[Exception] = [ActorUnavailableError("the network is down", None), ActorDiedError()]

    def get(probe: object, timeout: float) -> None:
        raise errors.pop(0)

    monkeypatch.setattr(members, "_SILENT_SECONDS", -1.0)
    monkeypatch.setattr(members.ray, "get", get)
    known = members.Members()
    known.take(Report("a", "d", Actor(), metrics=COUNTED))
    known.forget_the_dead()
    assert [report.member for report in known.reports()] == ["a"]
    known.take(Report("a", "d", Actor(), metrics=COUNTED))
    assert known.metrics() == COUNTED
    known.forget_the_dead()
    assert known.reports() == []
    assert known.metrics() == COUNTED
    assert errors == []


class Unloadable:
    """Loads nothing."""

    def __call__(self, name: str, version: int, path: Path) -> Any:
        raise InvalidRequestError(f"{path} is not there.")


def test_a_replica_lacks_what_others_serve_and_it_cannot_load():
    """Not what nobody serves yet: the coordinator hears of that, and gives it up."""
    repository = FollowingRepository(Unloadable())
    try:
        repository.follow(Plan(ready=True, orders=(ORDER,)))
        wait_for(lambda: bool(repository.outcomes()))
        assert repository.lacks() is None
        repository.follow(SERVED)
        assert repository.lacks().text == "/nowhere/m/1 is not there."
        repository.follow(Plan(ready=True))
        assert repository.lacks() is None
    finally:
        repository.close()


class Slow:
    """Loads version 2 when it is told to."""

    def __init__(self) -> None:
        self.started, self.told, self.closed = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, name: str, version: int, path: Path) -> Any:
        if version == 1:
            return types.SimpleNamespace(close=lambda: None)
        self.started.set()
        self.told.wait(60)
        return types.SimpleNamespace(close=self.closed.set)


def test_a_load_that_outlasts_the_end_is_undone():
    """As of the repository of one process."""
    loader = Slow()
    repository = FollowingRepository(loader)
    repository.follow(SERVED)
    wait_for(repository.complete)
    with repository.lease(ModelSpec("m")):
        repository.follow(dataclasses.replace(SERVED, orders=(ORDER, Order("m", 2, "/nowhere/m/2", "other"))))
        assert loader.started.wait(60)
        assert not repository.close(timeout=0)
    loader.told.set()
    assert loader.closed.wait(60)


def test_a_replica_that_cannot_load_what_others_serve_ends(monkeypatch):
    """With the reason, so that Ray Serve starts another one: nobody orders it to load once more."""

    class Membership:
        def __init__(self, *_: Any, describe: Any, follow: Any) -> None:
            self._describe, self._follow = describe, follow
            made.append(describe.__self__)

        def start(self) -> None:
            self._describe()
            self._follow(SERVED)

        def wait_for(self, condition: Any) -> None:
            def reported() -> bool:
                self._describe()
                self._follow(SERVED)
                return condition(SERVED)

            wait_for(reported)

        def stop(self) -> None:
            stopped.set()

    made: list[replica.Replica] = []
    stopped = threading.Event()
    monkeypatch.setattr(replica, "Membership", Membership)
    options = ServerOptions(model_base_path="/nowhere")
    with pytest.raises(UnavailableError, match=r"^This replica cannot serve what others do: .*/nowhere/m/1"):
        replica.Replica(options, None, "deployment", 0.0)
    assert stopped.is_set()
    made[0].__del__()  # as Ray Serve does
