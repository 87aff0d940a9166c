"""A cluster twin on its usual ports of a loopback address, with a hand on its wires."""

from collections.abc import Iterator

import pytest
from tests.benches.qblox_cluster.server import ClusterServer


@pytest.fixture(scope="module")
def shared_cluster_server() -> Iterator[ClusterServer]:
    server = ClusterServer()
    yield server
    server.close()


@pytest.fixture
def cluster_server() -> Iterator[ClusterServer]:
    server = ClusterServer()
    yield server
    server.close()
