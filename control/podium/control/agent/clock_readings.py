"""Reads what became of the clocks of instruments: the epochs of their domains."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podium.control.agent.counter_origin import COUNTS_FROM, NEAR_FS, CounterOrigins
from podium.control.agent.epoch_files import EpochFiles, Signs
from podium.control.agent.instruments import Instruments
from podium.control.agent.playback import CLOCK_S
from podium.control.bus.gather import gather
from podium.control.facility.facility import Facility
from podium.control.timebase.epochs import Epochs
from podium.drivers.errors import InstrumentError, Refused
from podium.firmware_interfaces.tai import Tai

DISTURBED = "disturbed"
"""How often an instrument was found to have kept it that its clock was disturbed."""


@dataclass(frozen=True, slots=True)
class ClockQuestion:
    """Something that is asked of an instrument on the way to its clock's history."""

    what: str
    ask: Callable[[Any], Any]
    within_s: float


class ClockReadings:
    """Writes down what clocks show before an instrument may forget it."""

    def __init__(
        self,
        domains: Mapping[str, str],
        instruments: Instruments,
        kept: EpochFiles,
        life: int,
        planes: Mapping[str, str] | None = None,
    ) -> None:
        """``domains``: see :func:`domains_of`; ``life``: another one each time it is made;
        ``planes``: by controller the trigger node that tells it the time, if it does not know."""
        self._domains = domains
        self._instruments = instruments
        self._kept = kept
        self._life = life
        self._counter_origins = CounterOrigins(instruments, dict(planes or {}))
        self._writing = asyncio.Lock()
        self._agreed: dict[str, int] = {}
        """Connections under which controllers were seen to show the time."""

    def domain(self, name: str) -> str:
        """Return the clock domain of an instrument."""
        return self._domains.get(name, name)

    async def epochs(self, names: Collection[str]) -> Epochs:
        """Return the epochs of the clocks of instruments, as they are now.

        Raises ``InstrumentError``, also while a clock is not locked, and where what is new cannot
        be written down.
        """
        return (await self.epochs_after(dict.fromkeys(names, ())))[0]

    async def epochs_after(
        self, asked: Mapping[str, Sequence[ClockQuestion]]
    ) -> tuple[Epochs, dict[str, list[Any]]]:
        """Ask instruments, and look at their clocks after that, each in one call.

        Returns the epochs as :meth:`epochs` does, and the answers in their order.
        """
        names = tuple(asked)
        kept = {name: self._kept.sign(self.domain(name), COUNTS_FROM) for name in names}
        await gather(*(self._counter_origins.agree(name, kept[name]) for name in names))
        looks = await gather(*(self._look(name, asked[name]) for name in names))
        found, answers = [look for look, _ in looks], [answer for _, answer in looks]
        shown = {self.domain(name): one for name, (one, _) in zip(names, found, strict=True)}
        known = self._kept.unchanged(shown)
        if known is None:
            try:
                async with self._writing:
                    known = await asyncio.to_thread(self._kept.seen, shown)
            except OSError as error:
                raise InstrumentError(f"epochs cannot be written down: {error}") from error
        disturbed = [name for name, (_, one) in zip(names, found, strict=True) if one]
        await gather(*(self._forget(name) for name in disturbed))
        return known, dict(zip(names, answers, strict=True))

    async def check_time(self, name: str, plane: str) -> None:
        """Return if a controller's clock shows the time of its trigger node; ``Refused`` if not.

        It is looked at once for each connection: whoever switches it off ends that.
        """
        worker = self._instruments.any_worker(name)
        connection = worker.health.connections
        if self._agreed.get(name) == connection:
            return
        before = await self._now(plane)
        told = await self._now(name)
        after = await self._now(plane)
        if before is None or told is None or after is None:
            self._agreed[name] = connection  # one of them tells no time, and will not
            return
        if not before.total_fs - NEAR_FS <= told.total_fs <= after.total_fs + NEAR_FS:
            raise Refused(
                f"{name} shows {told.date()}, its trigger node {plane} {after.date()}: it counts "
                f"from when it was switched on. Set its reference and its time to those of {plane} "
                "(reference_source, time.set_epoch of the vendor's client)"
            )
        self._agreed[name] = connection

    async def _now(self, name: str) -> Tai | None:
        worker = self._instruments.any_worker(name)
        told: Tai | None = await worker.call("time", _time_of, CLOCK_S)
        return told

    async def _look(
        self, name: str, asked: Sequence[ClockQuestion]
    ) -> tuple[tuple[Signs, bool], list[Any]]:
        """Return what an instrument shows of its clock's history, and whether it is to forget it.

        Before that, all else that it is asked; its answers come with it.

        ASSUMED: where it shows nothing, its clock may have been reset whenever it was connected
        anew, and while this agent did not run.
        """
        worker = self._instruments.any_worker(name)
        answers, (signs, disturbed) = await worker.call(
            ", ".join((*(one.what for one in asked), "history of its clock")),
            lambda box: _ask_and_look(box, asked),
            CLOCK_S + sum(one.within_s for one in asked),
        )
        if signs is None:
            life = {"agent's life": self._life, "connections": worker.health.connections}
            return (life, False), answers
        signs = {**signs, **self._counter_origins.signs(name)}
        if disturbed is None:
            return (signs, False), answers
        before = self._kept.sign(self.domain(name), DISTURBED)
        return ({**signs, DISTURBED: before + disturbed}, disturbed), answers

    async def _forget(self, name: str) -> None:
        await self._instruments.any_worker(name).call(
            "forget that its clock was disturbed", lambda box: box.forget_disturbance(), CLOCK_S
        )


def domains_of(facility: Facility) -> dict[str, str]:
    """Return the clock domain of each instrument that is the source of one."""
    return {clock.source: name for name, clock in facility.clocks.items()}


def _time_of(driver: object) -> Tai | None:
    tell = getattr(driver, "now", None)
    return None if tell is None else tell()


def _ask_and_look(
    driver: object, asked: Sequence[ClockQuestion]
) -> tuple[list[Any], tuple[Signs | None, bool | None]]:
    """Return the answers, and what a driver shows of its clock's history after that."""

    def ask(box: object) -> list[Any]:
        return [one.ask(box) for one in asked]

    if (behind := getattr(driver, "signs_behind", None)) is not None:
        answers, signs = behind(ask)
        return answers, (dict(signs), None)
    answers = ask(driver)
    if (history := getattr(driver, "clock_history", None)) is not None:
        told = history()
        return answers, (dict(told.signs), bool(told.disturbed))
    tell = getattr(driver, "clock_signs", None)
    return answers, (None if tell is None else dict(tell()), None)
