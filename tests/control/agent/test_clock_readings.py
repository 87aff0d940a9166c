"""What an agent makes of what instruments show of their clocks."""

import pytest
from tests.benches.nodes.clock_boxes import Box, Counting, looking, numbers, reconnected

from podium.control.agent.epoch_files import EpochFiles
from podium.drivers.errors import InstrumentError, Refused
from podium.drivers.roles import ClockHistory


class Keeping(Counting):
    def clock_history(self) -> ClockHistory:
        return ClockHistory(self.clock_signs(), self.disturbed)

    def forget_disturbance(self) -> None:
        if not self.forgetful:
            raise Refused("box: it does not forget")
        self.asked.append("forget")
        self.disturbed = False


async def test_who_counts_has_an_epoch_that_connections_and_lives_leave_alone(tmp_path) -> None:
    box = Counting()
    async with looking(tmp_path, a=box) as (looks, instruments):
        assert await numbers(looks, "a") == {"ticks_a": 1}
        await reconnected(instruments, "a")
        assert await numbers(looks, "a") == {"ticks_a": 1}
    box.boots += 1
    async with looking(tmp_path, life=2, a=box) as (looks, _):
        assert await numbers(looks, "a") == {"ticks_a": 2}


async def test_who_shows_nothing_has_a_new_epoch_with_each_connection_and_life(tmp_path) -> None:
    box = Box()
    async with looking(tmp_path, b=box) as (looks, instruments):
        assert await numbers(looks, "b") == {"b": 1}
        assert await numbers(looks, "b") == {"b": 1}
        await reconnected(instruments, "b")
        assert await numbers(looks, "b") == {"b": 2}
    async with looking(tmp_path, life=2, b=box) as (looks, _):
        assert await numbers(looks, "b") == {"b": 3}


async def test_each_disturbance_is_a_new_epoch_once(tmp_path) -> None:
    box = Keeping()
    async with looking(tmp_path, a=box, b=Counting()) as (looks, _):
        seen = []
        for disturbed in (False, True, False, True, True):
            box.disturbed = disturbed
            seen.append((await numbers(looks, "a", "b"))["ticks_a"])
        assert seen == [1, 2, 2, 3, 4]
        assert await numbers(looks, "a", "b") == {"ticks_a": 4, "b": 1}
    box.disturbed = True  # while nobody looked
    async with looking(tmp_path, life=2, a=box) as (looks, _):
        assert await numbers(looks, "a") == {"ticks_a": 5}


async def test_it_is_told_to_forget_only_what_is_written_down(tmp_path) -> None:
    box = Keeping(disturbed=True)
    (tmp_path / "ticks_a.json.new").mkdir()
    async with looking(tmp_path, a=box) as (looks, _):
        with pytest.raises(InstrumentError, match=r"epochs cannot be written down.*ticks_a"):
            await looks.epochs(["a"])
        assert box.disturbed
        (tmp_path / "ticks_a.json.new").rmdir()
        box.forgetful = False
        with pytest.raises(Refused, match="it does not forget"):
            await looks.epochs(["a"])
    assert EpochFiles(tmp_path).sign("ticks_a", "disturbed") == 1


@pytest.mark.parametrize(("ahead_s", "says"), [(-1.8e9, "a shows 1970-01-01"), (0.7, "a shows 20")])
async def test_a_controller_that_does_not_show_the_time_is_refused(tmp_path, ahead_s, says) -> None:
    box, plane = Counting(), Counting()
    box.now_s += ahead_s
    async with looking(tmp_path, a=box, plane=plane) as (looks, instruments):
        with pytest.raises(Refused, match=f"{says}.*, its trigger node plane 2027-01-15"):
            await looks.check_time("a", "plane")
        box.now_s = plane.now_s + 0.2
        await looks.check_time("a", "plane")
        box.now_s = 0
        await looks.check_time("a", "plane")  # it was seen to agree, and nothing was cut since
        await reconnected(instruments, "a")
        with pytest.raises(Refused, match="a shows 1970-01-01"):
            await looks.check_time("a", "plane")
