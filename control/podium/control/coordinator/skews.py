"""Keeps the coordinator's skew ledger, and how controllers are started."""

import asyncio
from collections.abc import Mapping, Sequence

from podium.control.bus.log import event_log
from podium.control.facility.facility import Facility
from podium.control.runs.errors import RunFailed, RunRefused
from podium.control.runs.verdict import SKEW_FLOOR_FS
from podium.control.timebase.drift_filter import NOMINAL_ROOM_K, OutOfOrder, SkewJumped
from podium.control.timebase.epochs import EpochMoved, Epochs
from podium.control.timebase.skew import Pair, Skew, SkewMeasured
from podium.control.timebase.skew_ledger import (
    NotMeasured,
    OtherDelays,
    SkewLedger,
    TooUncertain,
)
from podium.control.timebase.skew_messages import RecordSkews, SkewKnown, SkewsKnown
from podium.control.timebase.skew_store import SkewStoreError
from podium.control.timebase.start_setting import StartSetting
from podium.firmware_interfaces.exact_time import FS_PER_NS, TickGrid
from podium.firmware_interfaces.tai import Tai

SIGMA_LIMIT_FS = SKEW_FLOOR_FS
"""A skew that is known less well than this, one sigma, is no correction: 100 ps."""
FS_PER_PS = 1_000
TICKS = TickGrid.from_rate_hz(1_000_000_000)
"""Whole ticks by which a program is held back (``StartSetting.offset_ns``)."""
REMEDY = (
    "measure it: podium skew measure FACILITY (lab.measure_skews()), or ask for no correction "
    "(corrected=False), and the nodes start some ns apart"
)

log = event_log("coordinator")


class Skews:
    """Knows them. The room's temperature is nobody's to read: it stands in the sigma."""

    def __init__(self, facility: Facility, ledger: SkewLedger) -> None:
        """``ledger``: with a model that allows for a room without a thermometer."""
        self._facility = facility
        self._ledger = ledger
        self._writing = asyncio.Lock()

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._facility = facility

    def as_wired(self, controllers: Sequence[str]) -> dict[str, StartSetting]:
        """Return settings without correction: the delays that were found last, if any were."""
        known = self._ledger.starts
        return {
            name: StartSetting(known[name].found.delay_ns) for name in controllers if name in known
        }

    def corrected(self, what: str, controllers: Sequence[str], now: Tai) -> dict[str, StartSetting]:
        """Return the settings with which ``controllers`` start together, for a run ``what``.

        Raises ``RunRefused`` where their skews are not known, not well enough, or were measured
        under other epochs or with other delays.
        """
        errors: list[str] = []
        for reference in self._references(controllers):
            try:
                return self._against(reference, controllers, now)
            except (EpochMoved, NotMeasured, OtherDelays, OutOfOrder, TooUncertain) as error:
                errors.append(str(error))
        raise RunRefused(
            f"{what}: {' and '.join(controllers)} are to start together: {errors[0]}; {REMEDY}"
        )

    async def record(self, request: RecordSkews) -> None:
        """Take a measurement; raises ``RunRefused`` or ``RunFailed``: then nothing was taken."""
        found = request.found
        triggers = self._facility.timing.triggers
        if unknown := [name for name in found.starts if name not in triggers]:
            raise RunRefused(
                f"skews of {', '.join(unknown)}: {self._facility.name} starts "
                f"{', '.join(triggers) or 'no controller'} by triggers"
            )
        try:
            async with self._writing:
                await asyncio.to_thread(self._ledger.record_all, found, request.anew)
        except SkewJumped as error:
            raise RunFailed(
                f"{error}: not recorded. Look for a loose cable, or a clock that was locked anew "
                "unseen; then measure with --anew (anew=True), which forgets what was known"
            ) from error
        except (OutOfOrder, SkewStoreError) as error:
            raise RunFailed(f"{error}: not recorded") from error
        except ValueError as error:
            raise RunRefused(f"not recorded: {error}") from error
        for one in found.skews:
            told = f"{one.value_fs / FS_PER_NS:.4f} ns"
            log.info("skew measured", pair=str(one.pair), value=told, by=request.by)

    def known(self, now: Tai, epochs: Mapping[str, int], unheard: Sequence[str] = ()) -> SkewsKnown:
        """Return what :func:`known_of` makes of the ledger."""
        return known_of(self._ledger, now, epochs, unheard)

    def _references(self, controllers: Sequence[str]) -> list[str]:
        """Return against which controllers these were all measured: best one of themselves."""
        pairs = self._ledger.pairs
        others = dict.fromkeys(pair.reference for pair in pairs)
        candidates = [*controllers, *(name for name in others if name not in controllers)]
        found = [
            one
            for one in candidates
            if all(Pair(name, one) in pairs for name in controllers if name != one)
        ]
        return found or [controllers[0]]

    def _against(
        self, reference: str, controllers: Sequence[str], now: Tai
    ) -> dict[str, StartSetting]:
        names = dict.fromkeys((*controllers, reference))
        for name in controllers:
            if name != reference:
                self._ledger.latest(Pair(name, reference))
        if missing := [name for name in names if name not in self._ledger.starts]:
            raise NotMeasured(f"the start of {', '.join(missing)} was never measured")
        starts = {name: self._ledger.starts[name].found for name in names}
        ports = {
            name: (TICKS, Epochs.union((starts[name].epochs, starts[reference].epochs)))
            for name in controllers
        }
        delays_ns = {name: one.delay_ns for name, one in starts.items()}
        corrections = self._ledger.corrections(
            reference, ports, now, NOMINAL_ROOM_K, SIGMA_LIMIT_FS, delays_ns
        )
        return {
            name: StartSetting(
                starts[name].delay_ns,
                corrections[name].ticks,
                int(corrections[name].remainder_fs),
                starts[name].start_after_fs,
                starts[name].resolution_fs,
                starts[name].epochs,
            )
            for name in controllers
        }


def known_of(
    ledger: SkewLedger, now: Tai, epochs: Mapping[str, int], unheard: Sequence[str] = ()
) -> SkewsKnown:
    """Return a ledger at ``now``, under ``epochs``; ``unheard``: why some of these are missing."""
    found = []
    for pair in ledger.pairs:
        measured = ledger.latest(pair)
        believed = ledger.believed(pair, max(now, measured.at), NOMINAL_ROOM_K)
        problem = _problem(ledger, believed, epochs)
        found.append(SkewKnown(believed, measured, problem, _unheard(measured, epochs, unheard)))
    return SkewsKnown(tuple(found), dict(ledger.starts))


def _problem(ledger: SkewLedger, believed: Skew, epochs: Mapping[str, int]) -> str:
    measured = ledger.latest(believed.pair)
    then = measured.epochs
    here = Epochs.of({name: epochs.get(name, number) for name, number in then.numbers})
    if moved := then.moved(here):
        return "; ".join(map(str, moved))
    ends = [ledger.starts.get(name) for name in (measured.pair.port, measured.pair.reference)]
    delays_ns = tuple(end.found.delay_ns for end in ends if end is not None)
    if measured.delays_ns is not None and delays_ns != measured.delays_ns:
        return (
            f"the delays of the triggers were chosen anew since: now {delays_ns} ns, it was "
            f"measured with {measured.delays_ns} ns"
        )
    if believed.sigma_fs > SIGMA_LIMIT_FS:
        return (
            f"it is known to {believed.sigma_fs / FS_PER_PS:.0f} ps by now, "
            f"{SIGMA_LIMIT_FS // FS_PER_PS} ps are needed"
        )
    return ""


def _unheard(measured: SkewMeasured, epochs: Mapping[str, int], unheard: Sequence[str]) -> str:
    missing = [name for name, _ in measured.epochs.numbers if name not in epochs]
    if not missing:
        return ""
    why = f" ({'; '.join(unheard)})" if unheard else ""
    return f"nobody tells the epoch of {', '.join(missing)}{why}"
