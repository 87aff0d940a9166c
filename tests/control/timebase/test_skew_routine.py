"""Skews of several controllers from the same starts: chosen delays, borders, clocks that move."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from podium.control.timebase.epochs import EpochMoved, Epochs
from podium.control.timebase.loopback import LoopbackFailed, LoopbackStart, NearBorder
from podium.control.timebase.skew import Cable, Pair
from podium.control.timebase.skew_routine import CHOICES, PortOfSkew, Progress, measure_skews
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.tai import Tai

PERIOD_NS = 4
PERIOD_FS = PERIOD_NS * FS_PER_NS
CHAIN_FS = 440 * FS_PER_NS
PS = 1_000
ROOM_K = 295.0
STARTS = 25
PORTS = {
    name: PortOfSkew(Cable(cable_fs, 20.0 * PS), (f"ticks_{name}", f"plane_{name}"))
    for name, cable_fs in (("a", 50_000_000), ("b", 75_000_000), ("c", 60_000_000))
}


@dataclass
class Bench:
    """Controllers with samples and clocks of their own; what is true of them is known."""

    borders_fs: dict[str, int] = field(
        default_factory=lambda: {"a": 300_000, "b": 3_400_000, "c": 1_700_000}
    )
    clocks_fs: dict[str, int] = field(
        default_factory=lambda: {"a": 0, "b": -1_234_567, "c": 2_345_678}
    )
    jitter_fs: float = 10.0 * PS
    epochs: dict[str, int] = field(
        default_factory=lambda: {
            f"{kind}_{name}": 7 for kind in ("ticks", "plane") for name in ("a", "b", "c", "tagger")
        }
    )
    delays_ns: Mapping[str, int] = field(default_factory=dict)
    prepared: int = 0
    made: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))

    async def prepare(self, delays_ns) -> None:
        self.delays_ns = dict(delays_ns)
        self.prepared += 1

    def truth_fs(self, name: str) -> int:
        """When it starts after T0, by the world."""
        edge_fs, border_fs = self.delays_ns[name] * FS_PER_NS, self.borders_fs[name]
        sample_fs = -(-(edge_fs - border_fs) // PERIOD_FS) * PERIOD_FS + border_fs
        return CHAIN_FS + sample_fs + self.clocks_fs[name]

    async def start(self) -> LoopbackStart:
        self.made += 1
        t0 = Tai(1_900_000_000 + self.made, 0)
        names = tuple(PORTS)
        true_fs = {name: self.truth_fs(name) for name in names}
        tags = {
            name: true_fs[name]
            + PORTS[name].cable.delay_fs
            + self.rng.normal(0, self.jitter_fs, 16).astype(np.int64)
            for name in names
        }
        # by its own clock a controller is on its own samples
        started = {
            name: Tai.from_fs(t0.total_fs + at_fs - self.clocks_fs[name])
            for name, at_fs in true_fs.items()
        }
        return LoopbackStart(t0, started, tags, Epochs.of(self.epochs))


async def measured(bench: Bench, told=None, starts=STARTS):
    return await measure_skews(bench, PORTS, PERIOD_NS, ROOM_K, starts, told)


async def test_all_are_measured_against_the_first_in_the_same_starts() -> None:
    bench = Bench()
    found = await measured(bench)
    assert found.reference == "a"
    assert [one.pair for one in found.skews] == [Pair("b", "a"), Pair("c", "a")]
    for one in found.skews:
        true_fs = bench.truth_fs(one.pair.port) - bench.truth_fs("a")
        assert abs(one.value_fs - true_fs) < 5 * one.random_fs
        assert one.random_fs < 1.0 * PS
        assert one.systematic_fs == pytest.approx(20.0 * PS * 2**0.5)
        assert one.temperature_k == ROOM_K
    assert bench.made == PERIOD_NS * 4 + STARTS


async def test_a_skew_names_the_delays_and_the_epochs_that_it_holds_for() -> None:
    bench = Bench()
    found = await measured(bench)
    for one in found.skews:
        port = one.pair.port
        assert one.delays_ns == (bench.delays_ns[port], bench.delays_ns["a"])
        domains = {f"{kind}_{name}" for kind in ("ticks", "plane") for name in ("a", port)}
        assert dict(one.epochs.numbers) == dict.fromkeys(domains, 7)
    start = found.starts["b"]
    assert dict(start.epochs.numbers) == {"plane_b": 7, "ticks_b": 7}
    assert start.delay_ns == bench.delays_ns["b"]
    assert start.start_after_fs == bench.truth_fs("b") - bench.clocks_fs["b"]
    assert start.resolution_fs == FS_PER_NS


async def test_delays_are_chosen_anew_when_starts_come_near_a_border() -> None:
    bench = Bench()
    begun = bench.start

    async def start() -> LoopbackStart:
        if bench.made == PERIOD_NS * 4 + 10:
            # the border has come to where the edge is: half of the starts are a sample late
            bench.borders_fs["b"] = bench.delays_ns["b"] * FS_PER_NS
        if bench.prepared == PERIOD_NS + 1 and bench.made > PERIOD_NS * 4 + 10:
            bench.borders_fs["b"] += int(bench.rng.choice([-50, 50])) * PS
        return await begun()

    bench.start = start
    told: list[Progress] = []
    found = await measured(bench, told.append)
    assert bench.prepared == 2 * (PERIOD_NS + 1)
    (b, _) = found.skews
    true_fs = bench.truth_fs("b") - bench.truth_fs("a")
    assert abs(b.value_fs - true_fs) < 5 * b.random_fs
    begun_with = [one.what for one in told if one.done == 0]
    assert begun_with == ["choosing delays of the triggers", "measuring the skew"] * 2
    assert (told[-1].done, told[-1].of) == (STARTS, STARTS)


async def test_edges_that_no_delay_keeps_off_the_border_are_no_measurement() -> None:
    bench = Bench()
    begun = bench.start

    async def start() -> LoopbackStart:
        if bench.prepared % (PERIOD_NS + 1) == 0:  # delays are chosen: it slips every other time
            bench.clocks_fs["b"] += PERIOD_FS * (1 - 2 * (bench.made % 2))
        return await begun()

    bench.start = start
    with pytest.raises(NearBorder):
        await measured(bench)
    assert bench.prepared == CHOICES * (PERIOD_NS + 1)


@pytest.mark.parametrize("domain", ["ticks_b", "plane_c", "ticks_tagger"])
@pytest.mark.parametrize("after", [2, PERIOD_NS * 4 + STARTS - 1])
async def test_a_clock_that_is_reset_meanwhile_ends_it(domain: str, after: int) -> None:
    bench = Bench()
    begun = bench.start

    async def start() -> LoopbackStart:
        if bench.made == after:
            bench.epochs[domain] += 1
        return await begun()

    bench.start = start
    with pytest.raises(EpochMoved, match=rf"while skews were measured: {domain}: epoch 7 then, 8"):
        await measured(bench)
    assert bench.made == after + 1


async def test_an_epoch_that_nobody_reports_is_missed() -> None:
    bench = Bench()
    del bench.epochs["plane_b"]
    with pytest.raises(LoopbackFailed, match="b: the epoch of plane_b was not reported; those of"):
        await measured(bench)


async def test_a_start_that_wanders_is_given_a_wider_bin() -> None:
    bench = Bench()
    begun = bench.start

    async def start() -> LoopbackStart:
        seen = await begun()
        late_fs = 100 * PS * (bench.made % 2)
        seen.started["b"] = Tai.from_fs(seen.started["b"].total_fs + late_fs)
        return seen

    bench.start = start
    found = await measured(bench)
    assert found.starts["b"].resolution_fs == FS_PER_NS + 100 * PS
    assert found.starts["a"].resolution_fs == FS_PER_NS


async def test_one_controller_and_two_starts_are_refused_before_anything_starts() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="two controllers and at least 3 starts; got a and 25"):
        await measure_skews(bench, {"a": PORTS["a"]}, PERIOD_NS, ROOM_K, STARTS)
    with pytest.raises(ValueError, match="got a, b, c and 2 starts"):
        await measured(bench, starts=2)
    assert bench.made == 0
