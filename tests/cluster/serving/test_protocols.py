"""A server on a cluster that Ray Serve's own command deployed, as its clients see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trustme
from cluster import namespaces
from cluster.serving.toy_model import save

pytestmark = pytest.mark.timeout(namespaces.SECONDS + 60)
SCENARIO = Path(__file__).with_name("protocol_scenario.py")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each step of the scenario tells."""
    folder = tmp_path_factory.mktemp("cluster")
    save(folder / "toy" / "1", 2.0)
    authority, others = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name, issuer in (("client", authority), ("stranger", others)):
        issued = issuer.issue_cert(f"{name}.example")
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    server = authority.issue_cert("localhost")
    fields = {
        "server_key": server.private_key_pem.bytes().decode(),
        "server_cert": server.cert_chain_pems[0].bytes().decode(),
        "custom_ca": authority.cert_pem.bytes().decode(),
    }
    lines = [f"{name}: {json.dumps(value)}" for name, value in fields.items()]
    (folder / "ssl.config").write_text("\n".join([*lines, "client_verify: true"]))
    return namespaces.run(SCENARIO, folder)


def test_the_printed_configuration_is_deployed_by_ray_serve(told):
    """`serve run` takes what `--dry-run` prints, and the edge answers."""
    assert told["deployed"]


def test_mutual_tls(told):
    """A client that the authority knows is answered; without a certificate, or with another's, it is not."""
    assert told["tls"]["known"] == 2.0
    assert told["tls"]["without"] == told["tls"]["stranger"] == "UnreachableError"


def test_health_and_reflection(told):
    """As the embedded server tells them."""
    assert told["services"]["health"] == [1, 1]
    assert told["services"]["services"] == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "tensorflow.serving.ModelService",
        "tensorflow.serving.PredictionService",
    ]
    assert told["services"]["declared"]


def test_a_deadline_ends_the_wait(told):
    """The batch that it waits for would take two seconds."""
    assert told["deadline"]["error"] == "DeadlineExceededError"
    assert told["deadline"]["seconds"] < 1.9


def test_a_replica_hears_of_a_client_that_gives_up(told):
    """It counts the request as cancelled, which would otherwise be one that went well."""
    assert told["cancel"]


def test_the_number_of_replicas_follows_the_load(told):
    """Between its limits, both ways, and no request is lost on the way down."""
    assert told["scale"]["fewest"] == 1
    assert told["scale"]["answers"] == [2.0]
