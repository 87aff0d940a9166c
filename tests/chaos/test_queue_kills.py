"""Processes are killed while many wait: nothing announced is lost, nothing is told twice."""

import pytest
from tests.benches.records.postgresql_server import postgres_server
from tests.chaos.queue_kills import facility_kills, queue_kills


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_killed_coordinator_loses_nobody_his_place_in_the_queue(tmp_path) -> None:
    found = await queue_kills(tmp_path, seed=5, kills=12)
    assert not found.problems, "\n".join(found.problems)
    assert found.seen > 12
    assert len(found.runs) > 12


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_kills_of_any_process_lose_double_and_halve_nothing(tmp_path) -> None:
    found = await facility_kills(tmp_path, seed=22, kills=40)
    assert not found.problems, "\n".join(found.problems)
    assert set(found.killed) == {"coordinator", "agent", "records", "page"}
    watch = found.watch
    assert watch is not None
    assert len(watch.announced) > 20
    assert len(watch.shown) > 20
    assert watch.looks["200"] > 20


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.timeout(900)
async def test_kills_of_postgresql_too_lose_nothing_that_was_announced(tmp_path) -> None:
    with postgres_server() as server:
        found = await facility_kills(tmp_path, seed=12, kills=40, server=server)
    assert not found.problems, "\n".join(found.problems)
    assert found.killed["postgresql"] > 2
    assert found.watch is not None
    assert len(found.watch.announced) > 20
