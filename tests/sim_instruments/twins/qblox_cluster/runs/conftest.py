"""Notes which runs are walked on the tree of their outcomes."""

import pytest

from podium.sim_instruments.twins.qblox_cluster.runs import outcome_run
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_run import TreeRun


@pytest.fixture
def trees(monkeypatch):
    """Return the trees that were walked, in their order."""
    found: list[TreeRun | None] = []
    walked = outcome_run._walked

    def noting(*given):
        found.append(walked(*given))
        return found[-1]

    monkeypatch.setattr(outcome_run, "_walked", noting)
    return found
