"""What ``podium link request`` asks of a lab beside its runs."""

import asyncio

import pytest
from tests.benches.links.simulated_layer import link, network

from podium.control.commands import link_runs
from podium.control.commands.link_runs import DeadlineClock
from podium.control.links.measured_pairs import RunClock, epochs_of_link, measured_pairs
from podium.control.links.network import Link
from podium.control.links.pair_source import NewPair
from podium.control.runs.errors import RunFailed
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai


class Lab:
    """Tells the time where somebody answers."""

    def __init__(self, *answers: Tai | None) -> None:
        self._answers = iter(answers)

    async def now(self) -> Tai:
        answer = next(self._answers)
        if answer is None:
            raise RunFailed("agent room is gone")
        return answer


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    at_ns = [7]
    monkeypatch.setattr(link_runs.time, "monotonic_ns", lambda: at_ns[0])
    return at_ns


async def test_time_goes_on_by_the_wall_while_nobody_reads_the_clock(wall: list[int]) -> None:
    first, back = Tai(1_900_000_000, 5), Tai(1_900_000_100, 0)
    clock = DeadlineClock(Lab(first, None, None, back, None))
    assert await clock.now_fs() == first.total_fs
    for seconds in (2, 5):
        wall[0] = 7 + seconds * 10**9
        assert await clock.now_fs() == first.total_fs + seconds * FS_PER_S
    assert await clock.now_fs() == back.total_fs
    wall[0] += 10**9
    assert await clock.now_fs() == back.total_fs + FS_PER_S


class SilentLab:
    """Tells the time once; each further question takes a tenth of a second of the wall's time."""

    def __init__(self, wall: list[int]) -> None:
        self._wall, self._asked = wall, 0

    async def now(self) -> Tai:
        self._asked += 1
        self._wall[0] += 10**8
        if self._asked > 1:
            raise RunFailed("no instrument tells the time")
        return Tai(1_900_000_000, 0)


@pytest.mark.parametrize(("run_s", "made"), [(1, 1), (9, 0)])
async def test_a_request_whose_clock_stops_answering_has_its_pairs_or_a_reason(
    run_s: int, made: int, wall: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a run is on, the layer asks for the time again and again."""
    monkeypatch.setattr("podium.control.links.measured_pairs.POLL_S", 0.0)
    clock = DeadlineClock(SilentLab(wall))
    begun_fs = await clock.now_fs()
    ends_ns = wall[0] + run_s * 10**9

    async def share(link: Link, number: int) -> list[NewPair]:
        while wall[0] < ends_ns:  # noqa: ASYNC110  # by the clock of the test
            await asyncio.sleep(0)
        return [NewPair(begun_fs + FS_PER_S, epochs_of_link(link, 1), 0.9)]

    net = network(link("a", "b", 0.9))
    run_clock = RunClock(begun_fs, clock.now_fs)
    async with asyncio.timeout(20):
        found, reason = await measured_pairs(net, share, run_clock, ("a", "b"), 0.8, 1, 5.0)
    assert len(found) == made
    assert bool(reason) is (made == 0)


async def test_a_clock_that_was_never_read_is_no_time() -> None:
    with pytest.raises(RunFailed, match="room is gone"):
        await DeadlineClock(Lab(None)).now_fs()
