"""Ends biases whose ramps were cut off by their safe rules, and reports the ends.

It does not matter whose ramp it was, that of this agent or of one that has died: what the
journal says has no end is ended here, by what the facility file says today.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from podium.control.agent.instruments import AnyWorker, Instruments
from podium.control.agent.ramp_journal import JournalError, Outcome, Ramp, RampIntent, RampJournal
from podium.control.bus.log import event_log
from podium.control.facility.facility import Facility, FluxWiring, HostAddress, InstrumentEntry
from podium.control.timebase.host_clock import host_tai_s
from podium.drivers.errors import InstrumentError, Refused
from podium.drivers.worker import Health
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

READ_S = 10.0
"""Deadline for reading a level."""
HOLD_S = 5.0
"""Deadline for stopping a ramp where it is."""
RAMP_ALLOWANCE_S = 60.0
"""A ramp may take this much longer than distance over slew."""
CUT_OFF = "the agent ended during the ramp"

log = event_log("agent")


class SafeRules:
    """Keeps the journal of one agent's ramps. Asks one source at a time: the caller's turn."""

    def __init__(
        self,
        agent: str,
        facility: Facility,
        instruments: Instruments,
        journal: RampJournal,
        now: Callable[[], Awaitable[Tai]],
        store: str | None,
    ) -> None:
        """``store``: the parameter store that receives where a bias ended; None: none yet."""
        self._agent = agent
        self._facility = facility
        self._instruments = instruments
        self._journal = journal
        self._now = now
        self._store = store
        self._addresses = {
            name: address_of(facility.instruments[name])
            for name in instruments.playing("FluxSource")
        }
        self._why: dict[int, str] = {}
        """Why a ramp of our own was cut off."""
        self._notes: dict[str, str] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Return notes for people: biases whose last ramp did not end at its target."""
        return tuple(self._notes[port] for port in sorted(self._notes))

    async def left_over(self) -> frozenset[str]:
        """Return the sources that have ramps without an end; says what an earlier owner has left.

        What cannot be read is said, and every ramp is refused until it can.
        """
        found = set()
        for name, address in self._addresses.items():
            try:
                for ramp in await asyncio.to_thread(self._journal.last, address):
                    self._note(ramp.intent.port, ramp.outcome, ramp.end_v, ramp.why)
                for ramp in await asyncio.to_thread(self._journal.cut_off, address):
                    found.add(name)
                    intent = ramp.intent
                    self._notes[intent.port] = (
                        f"{intent.port}: a ramp from {intent.from_v:g} V to {intent.target_v:g} V "
                        f"was cut off, begun {ramp.begun}; its safe rule is carried out when "
                        f"{name} answers"
                    )
                    log.warning("a ramp was cut off", port=intent.port, begun=ramp.begun)
            except JournalError as error:
                log.error("no ramp is possible", problem=str(error))
        return frozenset(found)

    async def begin(
        self, worker: AnyWorker, wiring: FluxWiring, from_v: float, target_v: float, by: str
    ) -> Ramp:
        """Write down what a ramp is to do; raises ``Refused`` where that is not possible."""
        intent = RampIntent(
            wiring.port,
            str(wiring.source),
            self._addresses[worker.name],
            told_identity(worker.health),
            from_v,
            target_v,
            wiring.slew_v_per_s,
            by,
        )
        writing = asyncio.ensure_future(asyncio.to_thread(self._journal.begin, intent))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait({writing})  # a thread goes on: what it writes must be seen next
            raise
        except JournalError as error:
            raise Refused(
                f"{wiring.port}: not ramped to {target_v} V, it stays at {from_v} V: {error}"
            ) from error

    async def end(
        self, ramp: Ramp, outcome: Literal["reached", "not begun"], level_v: float
    ) -> None:
        """Write down that a ramp ended where it was to, or that it never began."""
        await self._end(ramp, outcome, level_v, "")

    def was_cut_off(self, ramp: Ramp, why: str) -> None:
        """Remember why a ramp of ours was cut off, for whoever asks later."""
        self._why[ramp.id] = why

    async def carry_out(self, worker: AnyWorker) -> None:
        """End all ramps of a source that were cut off, by their safe rules.

        Raises ``InstrumentError`` if it cannot be reached: call again.
        """
        try:
            ramps = await asyncio.to_thread(
                self._journal.take_cut_off, self._addresses[worker.name]
            )
        except JournalError as error:
            log.error("no ramp is possible", problem=str(error))
            return
        for ramp in ramps:
            why = self._why.get(ramp.id, CUT_OFF)
            try:
                end_v, how = await self._ended(worker, ramp)
            except Refused as error:
                await self._end(ramp, "left alone", None, f"{why}; {error}")
            else:
                await self._end(ramp, "safe rule", end_v, f"{why}; {how}")
            self._why.pop(ramp.id, None)
        await self.report_ramps(worker.name)

    async def report_ramps(self, source: str) -> None:
        """Report to the store what it does not know yet; what fails is kept, and said."""
        if self._store is None:
            return
        where = self._addresses[source]
        problem = await asyncio.to_thread(
            report_ramps, self._store, self._journal, where, f"agent {self._agent}"
        )
        if problem:
            log.error("the store does not know of a bias", problem=problem)

    async def _ended(self, worker: AnyWorker, ramp: Ramp) -> tuple[float, str]:
        """Return where a cut-off ramp has ended, read back, and by which rule.

        ``Refused``: nothing was done, and why.
        """
        wiring = self._checked(worker, ramp)
        channel, slew = wiring.source.channel, wiring.slew_v_per_s
        if "PulseSequencer" not in self._instruments.model(worker.name).roles:
            # A staircase ended with its call, and ``safe`` would stop what sequencers play.
            await worker.call(f"hold {wiring.source}", lambda source: source.safe(), HOLD_S)
        level_v = await self._level(worker, wiring)
        target_v, how = _where(ramp, wiring, level_v)
        if wiring.safe != "hold":
            await worker.call(
                f"ramp {wiring.source} from {level_v} V to {target_v} V, {how}",
                lambda source: source.ramp_v(channel, target_v, slew),
                abs(target_v - level_v) / slew + RAMP_ALLOWANCE_S,
            )
            level_v = await self._level(worker, wiring)
        return level_v, how

    async def _level(self, worker: AnyWorker, wiring: FluxWiring) -> float:
        channel = wiring.source.channel
        what = f"level of {wiring.source}"
        return float(await worker.call(what, lambda source: source.level_v(channel), READ_S))

    def _checked(self, worker: AnyWorker, ramp: Ramp) -> FluxWiring:
        wiring = self._facility.wiring.get(ramp.intent.port)
        if worker.released:
            raise Refused(worker.released)
        if not isinstance(wiring, FluxWiring) or str(wiring.source) != ramp.intent.source:
            raise Refused(f"{ramp.intent.port} is not wired to {ramp.intent.source} any longer")
        here = told_identity(worker.health)
        if here != ramp.intent.identity:
            raise Refused(f"{worker.name} was {ramp.intent.identity!r} then and is {here!r} now")
        return wiring

    async def _end(self, ramp: Ramp, outcome: Outcome, end_v: float | None, why: str) -> None:
        intent, tai_s, epoch = ramp.intent, None, 0
        if outcome in ("safe rule", "left alone"):
            why = (
                f"{why}; it was on its way from {intent.from_v:g} V to {intent.target_v:g} V, "
                f"begun {ramp.begun} by {intent.by or 'somebody'}"
            )
            told = {"port": intent.port, "level_v": end_v, "why": why}
            log.warning("bias left alone" if end_v is None else "bias made safe", **told)
            tai_s, epoch = await self._date()
        self._note(intent.port, outcome, end_v, why)
        try:
            await asyncio.to_thread(self._journal.end, ramp, outcome, end_v, why, tai_s, epoch)
        except JournalError as error:
            # It is as if it had been cut off at its end: harmless, and said.
            log.error("the end of a ramp is not written down", port=intent.port, problem=str(error))

    async def _date(self) -> tuple[float, int]:
        """Return the facility's time, TAI in s, and the epoch of its clock."""
        clocks = self._instruments.playing("Clock")
        try:
            now = await self._now()
        except InstrumentError:  # a thing that happened is dated all the same
            return host_tai_s(), 0
        epoch = self._instruments.workers[clocks[0]].health.connections
        return now.total_fs / FS_PER_S, epoch

    def _note(self, port: str, outcome: str, end_v: float | None, why: str) -> None:
        self._notes.pop(port, None)
        if outcome == "safe rule":
            self._notes[port] = f"{port}: at {end_v:g} V since its last ramp was cut off: {why}"
        elif outcome == "left alone":
            self._notes[port] = f"{port}: nobody knows its level, look at it: {why}"


def address_of(entry: InstrumentEntry) -> str:
    """Return where an instrument is, as the journal names it."""
    if isinstance(entry.address, HostAddress):
        ports = ",".join(f"{name}={port}" for name, port in sorted(entry.address.ports.items()))
        return f"{entry.address.host} {ports}"
    return entry.address.resource


def told_identity(health: Health) -> str:
    """Return who answers, as the journal names it; firmware may be updated meanwhile."""
    who = health.identity
    return "" if who is None else f"{who.vendor} {who.model} {who.serial}"


def _where(ramp: Ramp, wiring: FluxWiring, level_v: float) -> tuple[float, str]:
    """Return the level that the safe rule wants, and the rule in words."""
    target_v = ramp.intent.target_v
    match wiring.safe:
        case "hold":
            return level_v, "safe rule: hold"
        case "finish" if abs(target_v) <= wiring.limit_v:
            return target_v, "safe rule: finish"
        case "finish":
            return level_v, f"held: it was to finish, beyond today's limit of {wiring.limit_v:g} V"
        case float(safe_v):
            return safe_v, f"safe rule: {safe_v:g} V"
    raise TypeError(f"{wiring.port}: no safe rule: {wiring.safe!r}")


QUANTITY = "flux_bias"
ROUTINE = "safe_rule"
SIGMA_V = 1e-4
"""ASSUMED: a level that is read back is at the terminals within this: the coarsest source that
holds a bias (a Qblox QCM) sets 5 V in 16 bits."""


def report_ramps(store: str, journal: RampJournal, address: str, who: str) -> str:
    """Put where the biases of an instrument ended into ``store``; return what went wrong.

    Each end is put once, also when an earlier owner has died between the store and the journal.
    """
    try:
        untold = journal.untold(address)
    except JournalError as error:
        return str(error)
    return _tell(store, journal, untold, who) if untold else ""


def _tell(store: str, journal: RampJournal, untold: tuple[Ramp, ...], who: str) -> str:
    from podium.control.parameters.entry import BadEntry, ParameterEntry
    from podium.control.parameters.store import ParameterStore, StoreError

    def entry_of(ramp: Ramp) -> ParameterEntry:
        return ParameterEntry(
            name=f"{ramp.intent.port.rpartition('.')[0]}.{QUANTITY}",
            value=ramp.end_v or 0.0,
            sigma=SIGMA_V,
            unit="V",
            run=f"ramp {ramp.id}, begun {ramp.begun}",
            routine=ROUTINE,
            tai_s=host_tai_s() if ramp.ended_tai_s is None else ramp.ended_tai_s,
            epoch=ramp.epoch,
            who=who,
            why=ramp.why,
        )

    try:
        if "://" not in store:
            Path(store).parent.mkdir(parents=True, exist_ok=True)
        with ParameterStore(store) as opened:
            for ramp in untold:
                entry = entry_of(ramp)
                if all(one.run != entry.run for one in opened.history(entry.name)):
                    opened.put([entry])
                journal.told(ramp)
    except (BadEntry, JournalError, StoreError, OSError) as error:
        return str(error)
    return ""
