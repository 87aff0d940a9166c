"""One fault over sockets: twins, agents and supervisor in processes of their own, at a rate."""

import asyncio
import os
from pathlib import Path

import pytest

from podium.control.campaign.cold_sockets import KINDS, SocketWorld, compared, drawn

RATE = int(os.environ.get("PODIUM_COLD_RATE", "10"))


def test_faults_over_sockets_depend_on_the_seed_alone() -> None:
    assert drawn(3, 12) == drawn(3, 12)
    assert drawn(3, 12) != drawn(4, 12)
    assert {one.kind for one in drawn(1, 60)} == set(KINDS)


@pytest.mark.slow
def test_a_trip_over_sockets_is_judged_as_in_one_process(tmp_path: Path) -> None:
    (fault,) = drawn(8501, 1, ("compressor_trip",))
    told = asyncio.run(compared(SocketWorld(fault, 8501, 0.2, RATE, tmp_path)))
    assert told["same"], told
    assert told["sockets"]["acted_in_time"]
    assert told["sockets"]["named"] == "fault/compressor_trip/"
