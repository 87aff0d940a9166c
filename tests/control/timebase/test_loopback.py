"""Skew by loopback: where samples lie, what starts tell, and what they do not."""

import numpy as np
import pytest

from podium.control.compilers.qblox.loopback import marker_program, tag_program
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.loopback import (
    LoopbackFailed,
    LoopbackStart,
    NearBorder,
    choose_delays_ns,
    safest_delay_ns,
    skew_of,
)
from podium.control.timebase.skew import Cable, Pair
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart
from podium.firmware_interfaces.tai import Tai

PERIOD_NS = 4
PERIOD_FS = PERIOD_NS * FS_PER_NS
PAIR = Pair("b", "a")
EPOCHS = Epochs.of({"ticks_a": 1, "ticks_b": 1})
CABLES = (Cable(75_000_000, 20_000.0), Cable(50_000_000, 20_000.0))


def seen_at(edge_fs: int, border_fs: int) -> int:
    """Return when a sampled input sees an edge: at the next sample, which lie at the border."""
    return -(-(edge_fs - border_fs) // PERIOD_FS) * PERIOD_FS + border_fs


@pytest.mark.parametrize("border_fs", [*range(0, PERIOD_FS, 250_000), 999_990, 1_000_010])
def test_the_chosen_delay_is_at_least_a_nanosecond_from_both_borders(border_fs: int) -> None:
    rng = np.random.default_rng(border_fs)
    late_fs = {
        delay: [
            seen_at(delay * FS_PER_NS + round(jitter_fs), border_fs)
            for jitter_fs in rng.normal(0, 20_000, 4)
        ]
        for delay in range(PERIOD_NS)
    }
    chosen = safest_delay_ns(late_fs, PERIOD_NS)
    assert 0 <= chosen < PERIOD_NS
    from_border_fs = (chosen * FS_PER_NS - border_fs) % PERIOD_FS
    assert min(from_border_fs, PERIOD_FS - from_border_fs) > FS_PER_NS - 6 * 20_000


def test_starts_that_follow_no_clock_are_no_measurement() -> None:
    with pytest.raises(LoopbackFailed, match=r"with a delay of 2 ns .* no earlier again"):
        safest_delay_ns({0: [0], 1: [PERIOD_FS], 2: [0], 3: [0]}, PERIOD_NS)
    with pytest.raises(LoopbackFailed, match="one sample later from one delay on"):
        safest_delay_ns({0: [0], 1: [0], 2: [3 * PERIOD_FS], 3: [3 * PERIOD_FS]}, PERIOD_NS)
    with pytest.raises(ValueError, match="each delay from 0 to 3 ns"):
        safest_delay_ns({0: [0], 1: [0]}, PERIOD_NS)


def starts(skews_fs) -> list[LoopbackStart]:
    """Return starts of 4 pulses with these skews at the tagger."""
    nominal = np.full(4, 800_000_000, np.int64)
    return [
        LoopbackStart(Tai(100 + k, 0), {}, {"a": nominal, "b": nominal + skew_fs})
        for k, skew_fs in enumerate(skews_fs)
    ]


def test_a_skew_is_the_mean_without_the_cables_and_says_how_well_it_is_known() -> None:
    rng = np.random.default_rng(1)
    tagged = rng.normal(25_600_000, 30_000, 400).astype(int)
    found = skew_of(PAIR, starts(tagged), CABLES, PERIOD_NS, 295.0, EPOCHS)
    assert found.random_fs == pytest.approx(30_000 / 20, rel=0.15)
    assert abs(found.value_fs - 600_000) < 5 * found.random_fs
    assert found.systematic_fs == pytest.approx(20_000 * 2**0.5)
    assert (found.at, found.epochs, found.pair) == (Tai(499, 0), EPOCHS, PAIR)


def test_starts_on_both_sides_of_a_border_are_refused() -> None:
    with pytest.raises(
        NearBorder, match=r"by 4\.000 ns; some edges were seen a sample of 4 ns later"
    ):
        skew_of(PAIR, starts([0, 0, 4_000_000]), CABLES, PERIOD_NS, 295.0, EPOCHS)


def test_two_starts_tell_no_sigma() -> None:
    with pytest.raises(LoopbackFailed, match="2 starts; at least 3"):
        skew_of(PAIR, starts([0, 0]), CABLES, PERIOD_NS, 295.0, EPOCHS)


class SampledBench:
    """Two ports whose trigger inputs have their samples at different places."""

    borders_fs = {"a": 300_000, "b": 3_400_000}  # noqa: RUF012

    def __init__(self) -> None:
        self.delays_ns: dict[str, int] = {}

    async def prepare(self, delays_ns) -> None:
        self.delays_ns = dict(delays_ns)

    async def start(self) -> LoopbackStart:
        t0 = Tai(1_800_000_000, 0)
        started = {
            port: Tai.from_fs(t0.total_fs + 440 * FS_PER_NS + seen_at(delay * FS_PER_NS, border))
            for (port, delay), border in zip(
                self.delays_ns.items(), self.borders_fs.values(), strict=True
            )
        }
        return LoopbackStart(t0, started, {})


async def test_each_port_gets_a_delay_of_its_own_and_keeps_it() -> None:
    bench = SampledBench()
    chosen = await choose_delays_ns(bench, ("a", "b"), PERIOD_NS, starts=1)
    assert bench.delays_ns == chosen
    for port, border_fs in bench.borders_fs.items():
        from_border_fs = (chosen[port] * FS_PER_NS - border_fs) % PERIOD_FS
        assert 1_000_000 <= from_border_fs <= 3_000_000


@pytest.mark.parametrize("pulses", [0, 10_001])
def test_a_number_of_pulses_that_is_none_is_refused(pulses: int) -> None:
    with pytest.raises(ValueError, match="1 to 10000 pulses"):
        marker_program("cluster_a", {4: ("QCM-RF", (2,))}, pulses, ExternalStart(1))
    with pytest.raises(ValueError, match="1 to 10000 pulses"):
        tag_program("tagger", {10: (0,)}, pulses, ExternalStart(1))


def test_an_offset_that_fits_no_program_is_refused() -> None:
    program = marker_program("cluster_a", {4: ("QCM-RF", (2,))}, 1, ExternalStart(1, 200_000))
    waited = [int(line.split()[1]) for line in program.sequencers[0].text.splitlines()[3:-6]]
    assert sum(waited) == 201_996
    assert all(4 <= one <= 65_535 for one in waited)
    with pytest.raises(ValueError, match="0 to 1000000000 ns"):
        marker_program("cluster_a", {4: ("QCM-RF", (2,))}, 1, ExternalStart(1, 2 * 10**9))
