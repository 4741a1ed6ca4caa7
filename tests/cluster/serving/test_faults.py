"""A server on a cluster loses no request when a process, a node or a version goes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from cluster import namespaces
from cluster.serving.toy_model import save

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed", allow_module_level=True)
pytestmark = pytest.mark.timeout(namespaces.SECONDS + 60)
SCENARIO = Path(__file__).with_name("fault_scenario.py")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each step of the scenario tells."""
    folder = tmp_path_factory.mktemp("cluster")
    save(folder / "models" / "1", 2.0)
    save(folder / "spare" / "2", 3.0)
    save(folder / "spare" / "3", 4.0)
    steps = namespaces.run(SCENARIO, folder / "models", folder / "spare")
    return {name: step for name, step in steps.items() if step.pop("at")}


@pytest.mark.parametrize("step", ["replica", "silent replica", "controller", "coordinator", "edge", "node"])
def test_a_killed_process_costs_no_request(told, step):
    """It had requests, since nine and more were under way and no replica takes more than eight of them.

    Half of the clients of a killed replica speak REST.
    """
    assert told[step]["failed"] == []
    assert told[step]["under_way"] > (8 if step in ("replica", "silent replica", "node") else 0)
    assert told[step]["requests"] > 24


@pytest.mark.parametrize("step", ["new version", "reload", "redeploy"])
def test_a_change_under_load_costs_no_request(told, step):
    """Nor does any answer come from anything but the versions that are there."""
    assert told[step]["failed"] == []
    assert told[step]["requests"] > 12


def test_who_waits_for_a_silent_replica_waits_for_seconds(told):
    """Its connections are open; another replica answers."""
    assert told["silent replica"]["longest"] < 40


def test_a_deadline_holds_when_all_replicas_are_silent(told):
    """It ends the wait, not the silence."""
    assert told["silence"]["error"] == "DeadlineExceededError"
    assert told["silence"]["seconds"] < 20


def test_all_replicas_answer_the_same_version_once_the_status_says_so(told):
    """The old version has ended by then."""
    assert told["new version"]["answers"] == [3.0]


def test_a_reload_reaches_every_replica(told):
    """Once it is answered, each replica has the new model."""
    assert told["reload"]["answers"] == [4.0]
    assert told["reload"]["states"] == {"3": "AVAILABLE", "2": "AVAILABLE"}


def test_a_replica_that_starts_later_has_the_reloaded_models(told):
    """It is asked only when it has them."""
    assert told["later replica"]["answers"] == [4.0]
    assert told["later replica"]["states"] == told["reload"]["states"]


def test_a_later_coordinator_keeps_what_was_reloaded(told):
    """The file that it polls has the text that was applied before: that is no later configuration."""
    assert told["kept"] == {"answers": [4.0]}


def test_each_node_has_an_edge(told):
    """One that leaves takes its own with it, one that joins gets one."""
    assert told["edges"]["listening"] == 2


def test_a_coordinator_that_starts_later_knows_the_last_configuration(told):
    """From its members; and it takes the next one."""
    assert told["later coordinator"] == {"answers": [4.0], "states": {"2": "AVAILABLE", "1": "AVAILABLE"}}


def test_metrics_are_those_of_the_deployment(told):
    """All requests are on each edge's page; those that the killed edge had under way may be there twice."""
    requests = told["edge"]["requests"]
    assert requests <= told["metrics"]["counted"] <= requests + 12


def test_the_end_of_an_earlier_command_leaves_a_later_deployment_alone(told):
    """When the later one has ended, nothing listens, and Ray ends the last process soon after."""
    assert told["stop"]["earlier"] == 2
    assert told["stop"]["ports"] == 4
    assert told["stop"]["listening"] == []
    assert told["stop"]["left"] == []
