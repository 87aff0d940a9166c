"""The story of two, four and ten nodes, with what it costs."""

from pathlib import Path

import pytest
from tests.many_nodes.story import tell

MINUTES_S, MEMORY_MB = 600, 4096
"""Of ten nodes, from nothing to the end."""


@pytest.mark.slow
async def test_two_nodes_live_through_it_and_a_third_joins(tmp_path: Path) -> None:
    found = await tell(2, tmp_path, thorough=False)
    assert found["noticed_s"] < 5  # on a quiet machine in less than one


@pytest.mark.slow
async def test_of_four_nodes_two_pairs_start_at_once_and_a_fifth_joins(tmp_path: Path) -> None:
    found = await tell(4, tmp_path, thorough=False)
    assert found["pairs_overlap_s"] > 0
    assert len(found["apart_ps"]) == 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_ten_nodes_do_it_in_ten_minutes_and_four_gigabytes(tmp_path: Path) -> None:
    found = await tell(10, tmp_path, thorough=True)
    assert found["pss_mb"] < MEMORY_MB, found
    assert found["wall_s"] < MINUTES_S, found
    assert len(found["apart_ps"]) == 2
