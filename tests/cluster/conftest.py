"""Tests with Ray: `make check` installs it, `make test` runs without it, since they take minutes."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _ray():
    pytest.importorskip("ray", reason="Ray is not installed: `make check` installs it")
