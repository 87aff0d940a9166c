"""Measures the skew of two ports by loopback: markers of both on one time tagger.

A start is sampled by each controller's clock, so two things are measured. First where the samples
of a trigger input lie against the trigger: an edge near the border between two would be seen by
the one or the other as jitter has it. The delay of the trigger output is chosen to lie between.
Then the skew itself, over many starts, with the delays that were chosen: it holds for them and for
the epochs of both clocks only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.control.timebase.epochs import Epochs
from podium.control.timebase.skew import Cable, Pair, SkewMeasured
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.tai import Tai

STARTS = 100
SWEEP_STARTS = 4
"""Starts for each delay that is tried."""
STARTS_MIN = 3
"""From fewer starts no sigma is reported."""


class LoopbackFailed(RuntimeError):
    """The tags are not those of one start of both ports. Nothing was recorded."""


class NearBorder(LoopbackFailed):
    """Starts fell on either side of a sample of a trigger input: choose its delay anew."""


@dataclass(frozen=True, slots=True, eq=False)
class LoopbackStart:
    """Holds the tags of one start."""

    t0: Tai
    """Which the event named."""
    started: Mapping[str, Tai]
    """By port: when its controller says that it began."""
    tags_fs: Mapping[str, NDArray[np.int64]]
    """By port: when each of its pulses came, shape (pulses,), against the same windows."""
    epochs: Epochs = field(default_factory=lambda: Epochs(()))
    """Of all clocks that took part, when it was over."""


class LoopbackBench(Protocol):
    """Starts both ports and the time tagger."""

    async def prepare(self, delays_ns: Mapping[str, int]) -> None:
        """Let each port's trigger rise ``delays_ns`` (whole ns, by port) after the event."""
        ...

    async def start(self) -> LoopbackStart:
        """Start all once. Raises :class:`LoopbackFailed` where one did not, or a tag is missing."""
        ...


def safest_delay_ns(late_fs: Mapping[int, Sequence[int]], period_ns: int) -> int:
    """Return the delay, 0 ... period - 1 ns, whose edge lies furthest from a sample's border.

    ``late_fs``: for each of these delays by how much starts came after their T0 (fs), as the
    controller says. Raises :class:`LoopbackFailed` where that does not go up by one period.
    """
    if sorted(late_fs) != list(range(period_ns)) or not all(late_fs.values()):
        raise ValueError(f"starts at each delay from 0 to {period_ns - 1} ns are needed")
    period_fs = period_ns * FS_PER_NS
    earliest_fs = min(min(starts) for starts in late_fs.values())
    before = 0.0
    last = 0.0
    for delay_ns in range(period_ns):
        samples = [round((one - earliest_fs) / period_fs) for one in late_fs[delay_ns]]
        share = sum(samples) / len(samples)
        if not (set(samples) <= {0, 1} and share >= last):
            raise LoopbackFailed(
                f"with a delay of {delay_ns} ns starts came {min(late_fs[delay_ns])} to "
                f"{max(late_fs[delay_ns])} fs after T0, the earliest of all {earliest_fs} fs: a "
                f"trigger input that samples each {period_ns} ns sees an edge one sample later "
                "from one delay on, and no earlier again"
            )
        last, before = share, before + 1 - share
    return int(before - 0.5 + period_ns / 2) % period_ns


async def choose_delays_ns(
    bench: LoopbackBench, ports: Sequence[str], period_ns: int, starts: int = SWEEP_STARTS
) -> dict[str, int]:
    """Return the safest delay for each port's trigger; the bench has them set then."""
    late_fs: dict[str, dict[int, list[int]]] = {port: {} for port in ports}
    for delay_ns in range(period_ns):
        await bench.prepare(dict.fromkeys(ports, delay_ns))
        for _ in range(starts):
            seen = await bench.start()
            for port in ports:
                late = late_fs[port].setdefault(delay_ns, [])
                late.append(seen.started[port] - seen.t0)
    chosen = {port: safest_delay_ns(late_fs[port], period_ns) for port in ports}
    await bench.prepare(chosen)
    return chosen


def skew_of(
    pair: Pair,
    starts: Sequence[LoopbackStart],
    cables: tuple[Cable, Cable],
    period_ns: int,
    temperature_k: float,
    epochs: Epochs,
    delays_ns: tuple[int, int] | None = None,
) -> SkewMeasured:
    """Return the skew that some starts tell; ``cables``: of the port, of the reference.

    Raises :class:`NearBorder` where starts differ by more than half of ``period_ns``, in which
    the trigger inputs sample, and :class:`LoopbackFailed` for too few starts.
    """
    if len(starts) < STARTS_MIN:
        raise LoopbackFailed(f"{pair}: {len(starts)} starts; at least {STARTS_MIN} are needed")
    tagged_fs = check_spread(pair, starts, period_ns)
    return SkewMeasured.by_loopback(
        pair,
        round(float(np.mean(tagged_fs))),
        max(1.0, float(np.std(tagged_fs, ddof=1)) / len(starts) ** 0.5),
        cables,
        starts[-1].t0,
        temperature_k,
        epochs,
        delays_ns,
    )


async def measure_skew(
    bench: LoopbackBench,
    pair: Pair,
    cables: tuple[Cable, Cable],
    period_ns: int,
    temperature_k: float,
    epochs: Epochs,
    starts: int = STARTS,
) -> SkewMeasured:
    """Start both ports ``starts`` times and return their skew; raises as :func:`skew_of`.

    A start near a border ends it at once.

    ``epochs``: of both ports' clocks, read before. Whoever records it reads them again after.
    """
    seen: list[LoopbackStart] = []
    for _ in range(starts):
        seen.append(await bench.start())
        check_spread(pair, seen, period_ns)
    return skew_of(pair, seen, cables, period_ns, temperature_k, epochs)


def check_spread(
    pair: Pair, starts: Sequence[LoopbackStart], period_ns: int
) -> NDArray[np.float64]:
    """Return the tags' difference of each start, shape (starts,); raises :class:`NearBorder`."""
    tagged_fs = np.array([_tagged_fs(pair, one) for one in starts])
    spread_fs = float(np.ptp(tagged_fs))
    if spread_fs > period_ns * FS_PER_NS / 2:
        raise NearBorder(
            f"{pair}: in {len(tagged_fs)} starts the skew differs by {spread_fs / FS_PER_NS:.3f} "
            f"ns; some edges were seen a sample of {period_ns} ns later than others. Choose the "
            "delay of the trigger outputs anew"
        )
    return tagged_fs


def _tagged_fs(pair: Pair, start: LoopbackStart) -> float:
    return float(np.mean(start.tags_fs[pair.port] - start.tags_fs[pair.reference]))
