"""Measures skews on a facility in hand, for ``lab.loopback`` and ``lab.measure_skews``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.messages import FacilityStatus, RunDone
from podium.control.facility.check_timing import trigger_input
from podium.control.facility.facility import Facility
from podium.control.facility.instrument_models import model_of
from podium.control.facility.timing import MarkerWiring
from podium.control.program.loopback import Loopback
from podium.control.runs.errors import RunFailed, RunRefused
from podium.control.timebase.drift_filter import NOMINAL_ROOM_K
from podium.control.timebase.epochs import EpochMoved, Epochs
from podium.control.timebase.loopback import LoopbackFailed, LoopbackStart
from podium.control.timebase.skew import Cable
from podium.control.timebase.skew_routine import PortOfSkew, Told, measure_skews
from podium.control.timebase.start_setting import SkewsMeasured, StartSetting
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.tai import Tai

LOST_IN_TURN = 20
"""A start that was lost is made again; after so many in turn it is given up, and after twice as
many in all as are wanted. ASSUMED: on a host that is busy with twins as well, every other start
is lost because a trigger could not be set in time."""


@dataclass(frozen=True, slots=True, eq=False)
class LoopbackResult:
    """One start of some nodes, as the time tagger that they have in common has seen it."""

    run: str
    t0: Tai
    """The time that was agreed on."""
    started: Mapping[str, Tai]
    """By controller: when its own record says that it began."""
    counts: Mapping[str, NDArray[np.int64]]
    """By node: edges in the window of each pulse, shape (pulses,)."""
    tags_fs: Mapping[str, NDArray[np.int64]]
    """By node: from the opening of its window to the edge, shape (pulses,). The cable from the
    marker to the tagger is in it; whole ticks of a correction are taken out, the rest of it below
    a nanosecond is not, as a marker stands on whole ticks."""
    epochs: Epochs
    """Of all clocks that took part, when it was over."""
    start_settings: str
    """JSON: by controller, how its start was set; empty: as it is wired."""


def loopback_result(done: RunDone) -> LoopbackResult:
    """Return what a run of a loopback has brought back."""
    return LoopbackResult(
        str(done.run),
        Tai(done.started.tai_s, done.started.tai_fs),
        {name: Tai(at.tai_s, at.tai_fs) for name, at in done.starts.items()},
        {node: np.asarray(one.counts, np.int64) for node, one in done.tags.items()},
        {node: np.asarray(one.at_fs, np.int64) for node, one in done.tags.items()},
        Epochs.of(done.epochs),
        done.start_settings,
    )


@dataclass(frozen=True, slots=True)
class SkewsFound:
    """Holds a measurement of skews, which is in the ledger, and its cost."""

    measured: SkewsMeasured
    starts: int
    """All starts that counted, those included by which delays were chosen."""
    pulses: int
    """Of each marker in each start."""
    repeated: int
    """Starts that were lost, e.g. because FIRE came late, and were made again."""
    lab_s: float
    """Laboratory time, by the facility's clock."""


class SkewLab(Protocol):
    """Defines what skew calibration needs of a lab; every method raises ``RunError``."""

    @property
    def facility(self) -> Facility:
        """Return the checked facility file."""
        ...

    async def now(self) -> Tai:
        """Return TAI as the facility's clock tells it."""
        ...

    async def status(self) -> FacilityStatus:
        """Return how the facility is."""
        ...

    async def loopback(
        self,
        nodes: Sequence[str] | None = None,
        *,
        starts: Mapping[str, StartSetting] | None = None,
    ) -> LoopbackResult:
        """Start nodes' markers once, their controllers set as told."""
        ...

    async def record_skews(self, found: SkewsMeasured, *, anew: bool = False) -> None:
        """Have a measurement taken into the ledger."""
        ...


def marked_nodes(facility: Facility, nodes: Sequence[str] | None) -> tuple[str, ...]:
    """Return the nodes that are meant, in the file's order; None: all that have a marker.

    Raises ``RunRefused`` for a name that the facility does not have.
    """
    for name in nodes or ():
        if name not in facility.nodes:
            there = ", ".join(facility.nodes)
            raise RunRefused(f"{facility.name} has no node {name!r}; it has {there}")
    wanted = facility.timing.markers if nodes is None else nodes
    return tuple(node for node in facility.nodes if node in wanted)


async def calibrate_skews(
    lab: SkewLab,
    nodes: Sequence[str] | None,
    starts: int,
    told: Told | None,
    anew: bool,
) -> SkewsFound:
    """Measure the skews of ``nodes`` against the first, and record them; raises ``RunError``.

    Nothing is recorded unless all of it was found under one set of epochs.
    """
    bench = _OverTheBus(lab, nodes, starts)
    begun = await lab.now()
    try:
        measured = await measure_skews(
            bench, bench.ports, bench.period_ns, NOMINAL_ROOM_K, starts, told
        )
    except EpochMoved as error:
        raise RunFailed(f"{error}: nothing was recorded; measure again") from error
    except LoopbackFailed as error:
        raise RunFailed(f"{error}: nothing was recorded") from error
    except ValueError as error:
        raise RunRefused(str(error)) from error
    await lab.record_skews(measured, anew=anew)
    lab_s = (await lab.now() - begun) / FS_PER_S
    return SkewsFound(measured, bench.made, Loopback(()).pulses, bench.repeated, lab_s)


class _OverTheBus:
    """The bench: every start is a run of its own, on the agents of the nodes and of the tagger."""

    def __init__(self, lab: SkewLab, nodes: Sequence[str] | None, starts: int) -> None:
        """Raise ``RunRefused`` where nothing can be measured."""
        self._lab = lab
        facility = lab.facility
        self._nodes = marked_nodes(facility, nodes)
        markers = facility.timing.markers
        if missing := [node for node in self._nodes if node not in markers]:
            raise RunRefused(
                f"{', '.join(missing)} has no marker that goes to a time tagger; "
                f"{', '.join(markers) or 'no node'} has one (timing > markers)"
            )
        wirings: dict[str, MarkerWiring] = {}
        for node in self._nodes:
            wirings.setdefault(markers[node].output.instrument, markers[node])
        if len(wirings) < 2:
            raise RunRefused(
                f"a skew takes two nodes with controllers of their own, and markers on one time "
                f"tagger (timing > markers); {', '.join(self._nodes) or 'no node'} of "
                f"{facility.name} has such a marker"
            )
        self._node_of = {name: one.node for name, one in wirings.items()}
        self.period_ns = _period_ns(facility, tuple(wirings))
        self.ports = {
            name: PortOfSkew(
                Cable(one.delay.value_fs, one.delay.sigma_fs), _domains(facility, name)
            )
            for name, one in wirings.items()
        }
        self.made = 0
        self.repeated = 0
        self._may_be_lost = LOST_IN_TURN + 2 * starts
        self._delays_ns: Mapping[str, int] = {}

    async def prepare(self, delays_ns: Mapping[str, int]) -> None:
        """Let each controller's trigger rise so long after the event, from the next start on."""
        self._delays_ns = delays_ns

    async def start(self) -> LoopbackStart:
        """Start all once, again where a start was lost; raises ``RunError``, ``LoopbackFailed``."""
        settings = {name: StartSetting(delay_ns) for name, delay_ns in self._delays_ns.items()}
        lost = 0
        while True:
            try:
                seen = await self._lab.loopback(self._nodes, starts=settings)
                break
            except RunRefused:
                raise
            except RunFailed as error:
                if gone := (await self._lab.status()).missing:
                    raise RunFailed(f"{'; '.join(gone)}: nothing was recorded ({error})") from error
                lost += 1
                self.repeated += 1
                if lost >= LOST_IN_TURN or self.repeated > self._may_be_lost:
                    raise RunFailed(
                        f"{self.repeated} starts were lost, {lost} of them in turn; nothing was "
                        f"recorded. The last: {error}"
                    ) from error
        self.made += 1
        for name, node in self._node_of.items():
            counts = seen.counts.get(node)
            if name not in seen.started:
                raise LoopbackFailed(f"{name} gave no record of its start in run {seen.run}")
            if counts is None or not np.all(counts == 1):
                raise LoopbackFailed(
                    f"run {seen.run}: the tagger saw {_seen(counts)} of the marker of {node}, one "
                    "edge a window was due: look at its cable, and at timing > markers"
                )
        return LoopbackStart(
            seen.t0,
            {name: seen.started[name] for name in self._node_of},
            {name: seen.tags_fs[node] for name, node in self._node_of.items()},
            seen.epochs,
        )


def _seen(counts: NDArray[np.int64] | None) -> str:
    if counts is None:
        return "nothing"
    return f"{int(counts.sum())} edges in {counts.size} windows"


def _domains(facility: Facility, controller: str) -> tuple[str, ...]:
    plane = facility.timing.triggers[controller].output.instrument
    return facility.clock_domain(controller), facility.clock_domain(plane)


def _period_ns(facility: Facility, controllers: tuple[str, ...]) -> int:
    periods: dict[str, int] = {}
    for name in controllers:
        found = trigger_input(model_of(facility.instruments[name]))
        if found is None or found.period_fs % FS_PER_NS:
            raise RunRefused(f"{name} has no trigger input whose samples a delay could be put to")
        periods[name] = found.period_fs // FS_PER_NS
    if len(set(periods.values())) > 1:
        raise RunRefused(
            f"the trigger inputs sample at different periods ({periods}, ns): measure the skews of "
            "those that are alike (nodes=...)"
        )
    return next(iter(periods.values()))
