"""Measures the skews of several controllers at once: all from the same starts.

Delays of the triggers are chosen first, then the skews are measured with them. Nothing is handed
out that was measured across a reset of a clock, or with starts near the border of a sample.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from podium.control.timebase.epochs import Epochs
from podium.control.timebase.loopback import (
    STARTS,
    STARTS_MIN,
    SWEEP_STARTS,
    LoopbackBench,
    LoopbackFailed,
    LoopbackStart,
    NearBorder,
    check_spread,
    choose_delays_ns,
    skew_of,
)
from podium.control.timebase.skew import Cable, Pair
from podium.control.timebase.start_setting import SkewsMeasured, StartFound
from podium.firmware_interfaces.exact_time import FS_PER_NS

CHOICES = 3
"""Delays are chosen so often before it is given up: each time, the edges of some trigger came to
lie at a border meanwhile."""
RECORD_FS = FS_PER_NS
"""Least width of the bin of a controller's record of its start. ASSUMED: it says when it began
by its own clock, which is good to less than a nanosecond."""


@dataclass(frozen=True, slots=True)
class PortOfSkew:
    """One controller whose marker goes to the time tagger."""

    cable: Cable
    """From the marker to the tagger."""
    domains: tuple[str, ...]
    """The clock domains under whose epochs its start holds: its own, its trigger's."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Reports a measurement's progress."""

    what: str
    done: int
    """Starts."""
    of: int


Told = Callable[[Progress], None]


async def measure_skews(
    bench: LoopbackBench,
    ports: Mapping[str, PortOfSkew],
    period_ns: int,
    temperature_k: float,
    starts: int = STARTS,
    told: Told | None = None,
) -> SkewsMeasured:
    """Return the skews of ``ports`` (by controller) against the first of them.

    ``period_ns``: in which their trigger inputs sample. Raises ``EpochMoved`` where a clock was
    reset between two starts, ``NearBorder`` where no delays keep the edges off the border, and
    ``LoopbackFailed``. ``ValueError``: fewer than two ports, or too few starts.
    """
    if len(ports) < 2 or starts < STARTS_MIN:
        raise ValueError(
            f"a skew takes two controllers and at least {STARTS_MIN} starts; got "
            f"{', '.join(ports) or 'no controller'} and {starts} starts"
        )
    reference, *others = ports
    pairs = [Pair(port, reference) for port in others]
    watched = _Watched(bench, told or (lambda _: None))
    for choice in range(CHOICES):
        watched.begin("choosing delays of the triggers", period_ns * SWEEP_STARTS)
        delays_ns = await choose_delays_ns(watched, tuple(ports), period_ns)
        watched.begin("measuring the skew", starts)
        seen: list[LoopbackStart] = []
        try:
            for _ in range(starts):
                seen.append(await watched.start())
                for pair in pairs:
                    check_spread(pair, seen, period_ns)
            break
        except NearBorder:
            if choice == CHOICES - 1:
                raise
    found = {
        port: _start_found(port, seen, delays_ns[port], of.domains) for port, of in ports.items()
    }
    skews = tuple(
        skew_of(
            pair,
            seen,
            (ports[pair.port].cable, ports[reference].cable),
            period_ns,
            temperature_k,
            Epochs.union((found[pair.port].epochs, found[reference].epochs)),
            (delays_ns[pair.port], delays_ns[reference]),
        )
        for pair in pairs
    )
    return SkewsMeasured(reference, found, skews)


class _Watched:
    """Starts on a bench, and sees to it that no clock is reset from the first start to the last."""

    def __init__(self, bench: LoopbackBench, told: Told) -> None:
        self._bench = bench
        self._told = told
        self._epochs: Epochs | None = None
        self._progress = Progress("", 0, 0)

    def begin(self, what: str, of: int) -> None:
        """Tell that something is begun that takes so many starts."""
        self._progress = Progress(what, 0, of)
        self._told(self._progress)

    async def prepare(self, delays_ns: Mapping[str, int]) -> None:
        """Have the triggers delayed."""
        await self._bench.prepare(delays_ns)

    async def start(self) -> LoopbackStart:
        """Start all once; raises ``EpochMoved``."""
        seen = await self._bench.start()
        if self._epochs is None:
            self._epochs = seen.epochs
        self._epochs.check(seen.epochs, "a clock was reset while skews were measured")
        self._progress = Progress(self._progress.what, self._progress.done + 1, self._progress.of)
        self._told(self._progress)
        return seen


def _start_found(
    port: str, seen: Sequence[LoopbackStart], delay_ns: int, domains: Sequence[str]
) -> StartFound:
    late_fs = [one.started[port] - one.t0 for one in seen]
    known = dict(seen[-1].epochs.numbers)
    if missing := [name for name in domains if name not in known]:
        raise LoopbackFailed(
            f"{port}: the epoch of {', '.join(missing)} was not reported; those of "
            f"{', '.join(known) or 'no clock'} were"
        )
    return StartFound(
        delay_ns,
        round(np.mean(late_fs)),
        RECORD_FS + max(late_fs) - min(late_fs),
        Epochs.of({name: known[name] for name in domains}),
    )
