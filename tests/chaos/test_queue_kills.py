"""The coordinator is killed while many wait: nothing announced is lost, nothing is told twice."""

import pytest
from tests.chaos.queue_kills import queue_kills


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_killed_coordinator_loses_nobody_his_place_in_the_queue(tmp_path) -> None:
    found = await queue_kills(tmp_path, seed=5, kills=12)
    assert not found.problems, "\n".join(found.problems)
    assert found.seen > 12
    assert len(found.runs) > 12
