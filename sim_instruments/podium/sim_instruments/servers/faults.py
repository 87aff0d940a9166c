"""Faults can be injected into a laboratory that is served."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.cryostat.faults import FAULTS as PLANT_FAULTS
from podium.sim_instruments.physics.fridge import Fridge
from podium.sim_instruments.servers.serving import ServedLaboratory

if TYPE_CHECKING:
    from podium.sim_instruments.physics.cryostat.plant import Cryostat


class On(Enum):
    """The kind of thing that a fault is done to."""

    LINE = "line"
    LINES = "two lines"
    """With a comma between them."""
    INSTRUMENT = "instrument"
    FRIDGE = "fridge"


@runtime_checkable
class HasSwitch(Protocol):
    """A twin that can be switched off and on."""

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on."""
        ...


@runtime_checkable
class SeesLeaks(Protocol):
    """A twin with a water detector."""

    def leak(self, now_fs: int) -> None:
        """Let water reach the detector."""
        ...

    def dry(self, now_fs: int) -> None:
        """Let the detector be dry again."""
        ...


@runtime_checkable
class Trips(Protocol):
    """A twin that an alarm of its own can stop."""

    def trip(self, now_fs: int) -> None:
        """Let it stop with an alarm, until it is switched off and on."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can go wrong, or be put right again."""

    on: On
    does: str
    """In words."""
    bring_about: Callable[[ServedLaboratory, str], None]


def _freeze(frozen: bool, serving: ServedLaboratory, instrument: str) -> None:
    serving.served[instrument].faults.frozen = frozen


def _halve(half: bool, serving: ServedLaboratory, instrument: str) -> None:
    serving.served[instrument].faults.half_answers = half


def _accept(serving: ServedLaboratory, instrument: str) -> None:
    serving.served[instrument].faults.refused = False


def _drop(serving: ServedLaboratory, instrument: str) -> None:
    serving.served[instrument].faults.drop()


def _refuse(serving: ServedLaboratory, instrument: str) -> None:
    serving.served[instrument].faults.refused = True
    _drop(serving, instrument)


def _restart(serving: ServedLaboratory, instrument: str) -> None:
    twin = serving.laboratory.twins[instrument]
    if not isinstance(twin, HasSwitch):
        having = [
            name for name, one in serving.laboratory.twins.items() if isinstance(one, HasSwitch)
        ]
        raise LookupError(
            f"{instrument} cannot be switched off; those that can: {', '.join(having) or 'none'}"
        )
    twin.power_cycle(serving.laboratory.clock.now_fs())
    _drop(serving, instrument)


def _leak(wet: bool, serving: ServedLaboratory, instrument: str) -> None:
    twin = serving.laboratory.twins[instrument]
    if not isinstance(twin, SeesLeaks):
        raise LookupError(f"{instrument} has no water detector")
    (twin.leak if wet else twin.dry)(serving.laboratory.clock.now_fs())


def _trip(serving: ServedLaboratory, instrument: str) -> None:
    twin = serving.laboratory.twins[instrument]
    if not isinstance(twin, Trips):
        raise LookupError(f"{instrument} has no alarm that could stop it")
    twin.trip(serving.laboratory.clock.now_fs())


def _clock_of(serving: ServedLaboratory, instrument: str) -> Clock:
    clocks = serving.laboratory.clocks
    if instrument not in clocks:
        raise LookupError(
            f"{instrument} has no clock of its own; those that have: {', '.join(clocks) or 'none'}"
        )
    return clocks[instrument]


def _unlock(serving: ServedLaboratory, instrument: str) -> None:
    _clock_of(serving, instrument).lose(serving.laboratory.clock.now_fs())


def _relock(serving: ServedLaboratory, instrument: str) -> None:
    _clock_of(serving, instrument).lock(serving.laboratory.clock.now_fs())


def _datagrams(what: str, wrong: bool, serving: ServedLaboratory, instrument: str) -> None:
    faults = serving.served[instrument].datagram_faults
    if faults is None:
        taking = [name for name, one in serving.served.items() if one.datagram_faults is not None]
        raise LookupError(
            f"{instrument} takes no datagrams; those that do: {', '.join(taking) or 'none'}"
        )
    setattr(faults, what, wrong)


def _warm(serving: ServedLaboratory, fridge: str) -> None:
    laboratory = serving.laboratory
    laboratory.fridges[fridge].fail(laboratory.clock.now_fs())


def _cool(serving: ServedLaboratory, fridge: str) -> None:
    laboratory = serving.laboratory
    laboratory.fridges[fridge].recover(laboratory.clock.now_fs())


def _plant(serving: ServedLaboratory, fridge: str) -> "Cryostat":
    plant = serving.laboratory.fridges[fridge]
    if isinstance(plant, Fridge):
        raise LookupError(
            f"{fridge} only keeps temperatures: a fridge whose `model` the facility file names "
            "has machines and gas that can fail"
        )
    return plant


def _break(fault: str, serving: ServedLaboratory, fridge: str) -> None:
    try:
        _plant(serving, fridge).fault(fault, serving.laboratory.clock.now_fs())
    except ValueError as error:
        raise LookupError(str(error)) from error


def _repair(serving: ServedLaboratory, fridge: str) -> None:
    plant, now_fs = _plant(serving, fridge), serving.laboratory.clock.now_fs()
    for fault in PLANT_FAULTS:
        plant.repair(fault, now_fs)


def _plug(off: bool, serving: ServedLaboratory, line: str) -> None:
    laboratory = serving.laboratory
    now_fs = laboratory.clock.now_fs()
    if line in laboratory.trigger_lines:
        cable = laboratory.trigger_lines[line]
        (cable.unplug if off else cable.plug)(now_fs)
    elif line in laboratory.marker_lines:
        lines, sink = laboratory.lines, laboratory.marker_lines[line]
        (lines.unplug if off else lines.plug)(sink, now_fs)
    elif off:
        laboratory.unplugged.add(line)
    else:
        laboratory.unplugged.discard(line)


def _swap(serving: ServedLaboratory, lines: str) -> None:
    laboratory = serving.laboratory
    try:
        laboratory.plan = laboratory.plan.exchanged(*lines.split(","))
    except ValueError as error:
        raise LookupError(str(error)) from error


FAULTS = {
    "unplug": Fault(
        On.LINE,
        "take off the cable that drives it (node_a.q0.drive, node_a.feedline, node_a.q0.flux, "
        "cluster_a.trigger, node_a.marker), or cut a link (link_ab)",
        partial(_plug, True),
    ),
    "plug": Fault(On.LINE, "put it back", partial(_plug, False)),
    "swap": Fault(
        On.LINES,
        "plug the cable of each into the other's place (node_a.q0.drive,node_a.q1.drive); again "
        "puts them back",
        _swap,
    ),
    "freeze": Fault(
        On.INSTRUMENT,
        "it keeps its connections, does nothing and answers nothing",
        partial(_freeze, True),
    ),
    "thaw": Fault(On.INSTRUMENT, "it answers again", partial(_freeze, False)),
    "drop": Fault(On.INSTRUMENT, "cut its connections once", _drop),
    "refuse": Fault(On.INSTRUMENT, "cut its connections and take no new ones", _refuse),
    "accept": Fault(On.INSTRUMENT, "take connections again", _accept),
    "restart": Fault(
        On.INSTRUMENT, "switch it off and on: it forgets what it was set to", _restart
    ),
    "halve": Fault(
        On.INSTRUMENT, "send the first half of every answer only", partial(_halve, True)
    ),
    "whole": Fault(On.INSTRUMENT, "send whole answers again", partial(_halve, False)),
    "unlock": Fault(On.INSTRUMENT, "take its reference away: its clock goes on by itself", _unlock),
    "relock": Fault(
        On.INSTRUMENT, "let its clock lock anew, in a new epoch and to new phases", _relock
    ),
    "lose": Fault(
        On.INSTRUMENT, "lose every datagram on its way to it", partial(_datagrams, "lost", True)
    ),
    "deliver": Fault(On.INSTRUMENT, "lose none", partial(_datagrams, "lost", False)),
    "delay": Fault(
        On.INSTRUMENT, "hold every datagram up on its way", partial(_datagrams, "delayed", True)
    ),
    "hasten": Fault(On.INSTRUMENT, "hold none up", partial(_datagrams, "delayed", False)),
    "duplicate": Fault(
        On.INSTRUMENT, "bring every datagram twice", partial(_datagrams, "duplicated", True)
    ),
    "single": Fault(On.INSTRUMENT, "bring each once", partial(_datagrams, "duplicated", False)),
    "reorder": Fault(
        On.INSTRUMENT,
        "bring each second datagram before the one that was sent before it",
        partial(_datagrams, "reordered", True),
    ),
    "order": Fault(
        On.INSTRUMENT, "bring them as they were sent", partial(_datagrams, "reordered", False)
    ),
    "flood": Fault(On.INSTRUMENT, "let water reach its detector", partial(_leak, True)),
    "dry": Fault(On.INSTRUMENT, "let its water detector be dry", partial(_leak, False)),
    "trip": Fault(
        On.INSTRUMENT, "let it stop with an alarm, until it is switched off and on", _trip
    ),
    "warm": Fault(On.FRIDGE, "let it warm up; one with a model: its compressor trips", _warm),
    "cool": Fault(On.FRIDGE, "let it cool back down", _cool),
    **{
        "trap_plug" if name == "plug" else name: Fault(On.FRIDGE, fault.does, partial(_break, name))
        for name, fault in PLANT_FAULTS.items()
    },
    "repair": Fault(
        On.FRIDGE,
        "put right all that has gone wrong with it; what has stopped has to be started",
        _repair,
    ),
}
"""Every fault, by the word for it. A run that is under way is played to its end as it began."""


def bring_about(serving: ServedLaboratory, name: str, on: str) -> str:
    """Bring about the fault ``name`` of :data:`FAULTS`; return what was done, in words.

    Raises LookupError, with what there is, for a fault or a thing that there is not.
    """
    if name not in FAULTS:
        raise LookupError(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")
    fault = FAULTS[name]
    laboratory = serving.laboratory
    known = {
        On.LINE: laboratory.plan.lines
        | laboratory.trigger_lines.keys()
        | laboratory.marker_lines.keys()
        | laboratory.links,
        On.LINES: laboratory.plan.lines,
        On.INSTRUMENT: serving.served.keys(),
        On.FRIDGE: laboratory.fridges.keys(),
    }[fault.on]
    if not known:
        raise LookupError(f"{name} wants one {fault.on.value}, and there is none here")
    wanted = on.split(",") if fault.on is On.LINES else [on]
    both = len(wanted) == 2
    if not known >= set(wanted) or (fault.on is On.LINES) != both:
        raise LookupError(
            f"{name} wants one {fault.on.value} of {', '.join(sorted(known))}, not {on!r}"
        )
    fault.bring_about(serving, on)
    return f"{name} {on}"
