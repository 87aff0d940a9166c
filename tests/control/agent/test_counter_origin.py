"""When a counter began that knows no time of day: found once, kept, found anew after a reboot."""

from dataclasses import dataclass

from tests.benches.nodes.clock_boxes import Box, Counting, looking, numbers, reconnected

from podium.control.agent.clock_readings import ClockReadings
from podium.control.agent.counter_origin import COUNTS_FROM
from podium.control.agent.epoch_files import EpochFiles
from podium.control.agent.instruments import Instruments
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai


@dataclass
class Ticking(Counting):
    """Shows nothing but how long it has counted."""

    switched_on_s: float = 1_799_999_000.0
    origin: Tai | None = None

    def counted_fs(self) -> int:
        return round((self.clock_s() - self.switched_on_s) * FS_PER_S)

    def clock_s(self) -> float:
        return self.plane.now_s

    def count_from(self, origin: Tai) -> None:
        self.asked.append("origin")
        self.origin = origin


@dataclass
class Plane(Box):
    """Its clock goes on by a little with each reading."""

    step_s: float = 0.001
    slow_s: tuple[float, ...] = ()
    """Of the first readings, in place of ``step_s``."""

    def now(self) -> Tai:
        step_s, self.slow_s = (*self.slow_s, self.step_s)[0], self.slow_s[1:]
        self.now_s += step_s
        return super().now()


def boxes() -> tuple[Ticking, Plane]:
    plane, ticking = Plane(), Ticking()
    ticking.plane = plane
    return ticking, plane


def with_planes(instruments: Instruments, folder, life: int = 1) -> ClockReadings:
    return ClockReadings({"a": "ticks_a"}, instruments, EpochFiles(folder), life, {"a": "b"})


async def test_it_is_found_kept_and_the_same_for_another_life_of_the_agent(tmp_path) -> None:
    ticking, plane = boxes()
    async with looking(tmp_path, a=ticking, b=plane) as (_, instruments):
        looks = with_planes(instruments, tmp_path)
        assert (await numbers(looks, "a"))["ticks_a"] == 1
        first = ticking.origin
        assert abs(first - Tai.from_fs(round(ticking.switched_on_s * FS_PER_S))) < FS_PER_S // 100
        assert EpochFiles(tmp_path).sign("ticks_a", COUNTS_FROM) == first.total_fs
        assert (await numbers(looks, "a"))["ticks_a"] == 1
        assert ticking.asked.count("origin") == 1, "once for each connection"

        await reconnected(instruments, "a")
        plane.now_s += 3_600
        assert (await numbers(looks, "a"))["ticks_a"] == 1
        again = with_planes(instruments, tmp_path, life=2)
        assert (await numbers(again, "a"))["ticks_a"] == 1
        assert ticking.asked.count("origin") == 3
        assert ticking.origin == first, "to the femtosecond"


async def test_a_counter_that_began_anew_has_another_origin_and_another_epoch(tmp_path) -> None:
    ticking, plane = boxes()
    async with looking(tmp_path, a=ticking, b=plane) as (_, instruments):
        looks = with_planes(instruments, tmp_path)
        await numbers(looks, "a")
        first = ticking.origin
        ticking.switched_on_s = plane.now_s = plane.now_s + 60
        await reconnected(instruments, "a")
        assert (await numbers(looks, "a"))["ticks_a"] == 2
        assert ticking.origin - first > 1_000 * FS_PER_S


async def test_of_several_readings_the_quickest_counts(tmp_path) -> None:
    """Both clocks are read over networks: the counter at some time between two looks."""
    ticking, plane = boxes()
    plane.slow_s = (0.001, 5.0, 0.001, 7.0, 0.001, 0.002, 0.001, 9.0)
    async with looking(tmp_path, a=ticking, b=plane) as (_, instruments):
        await numbers(with_planes(instruments, tmp_path), "a")
    off_fs = ticking.origin - Tai.from_fs(round(ticking.switched_on_s * FS_PER_S))
    assert abs(off_fs) < FS_PER_S // 500
