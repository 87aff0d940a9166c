"""A run that one instrument plays piece by piece, over its cables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.session_plan import CannotPlan, SessionPlan
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
    RunSignals,
)
from podium.sim_instruments.servers.cabling import Cabling
from podium.sim_instruments.servers.signal_routing import leaking, routed, silence
from podium.sim_instruments.wiring import Carrier

if TYPE_CHECKING:
    from podium.sim_instruments.physics.driven_feedline import LevelPath
    from podium.sim_instruments.physics.qubit_states import QubitStates
    from podium.sim_instruments.physics.session import Session
    from podium.sim_instruments.physics.session_plan import PlanMoment, SegmentStep, WindowStep

LEAKS_NS: Final = 1_000_000
"""Carriers through modulators are given once: what matters is whether they are felt at all."""


@dataclass(frozen=True, slots=True)
class CabledPlan:
    """The plan of a run, from connectors of an instrument to lines of the world."""

    dialogue: "CabledDialogue"
    plan: "SessionPlan"

    @property
    def run(self) -> int:
        """Return the serial number of the run."""
        return self.plan.run

    @property
    def qubits(self) -> Sequence["QubitStates"]:
        """Return the qubits that were read so far."""
        return self.plan.qubits

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
        at_ns: int,
    ) -> list["SegmentStep | WindowStep"]:
        """Play one more chunk; return the steps to its windows."""
        cabling, instrument = self.dialogue.cabling, self.dialogue.instrument
        inputs = cabling.plan.inputs[instrument]
        if any(one.line not in inputs for one in captures):
            raise CannotPlan("an input without a cable")
        heard = [replace(one, line=inputs[one.line]) for one in captures]
        return self.plan.go_on(self.dialogue.played(drives), heard, listeners, at_ns)

    def moment(self) -> "PlanMoment":
        """Return what the plan has come to."""
        return self.plan.moment()

    def go_back(self, moment: "PlanMoment") -> None:
        """Return to a moment."""
        self.plan.go_back(moment)

    def content(self, at_ns: int) -> tuple[object, ...]:
        """Return what of the past counts at a time."""
        return self.plan.content(at_ns)

    def remember(self, step: "WindowStep", paths: Sequence["LevelPath"], found: complex) -> None:
        """Take a window for the last that a listener has asked for."""
        self.plan.remember(step, paths, found)


@dataclass(frozen=True, slots=True)
class CabledDialogue:
    """From connectors of an instrument to lines of the world and back."""

    session: "Session"
    instrument: str
    cabling: Cabling
    turns_of: Callable[[str, Carrier], float]
    """Phase of a microwave source at the run's time 0."""
    ended: Callable[[RunSignals], None]
    begun: list[bool] = field(default_factory=list)
    """Not empty once something was played."""

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> tuple[CaptureAnswer, ...]:
        """Play on, and return one answer for each capture train."""
        inputs = self.cabling.plan.inputs[self.instrument]
        wired = [number for number, one in enumerate(captures) if one.line in inputs]
        answers = self.session.go_on(
            self.played(drives),
            [replace(captures[n], line=inputs[captures[n].line]) for n in wired],
            [listeners[n] for n in wired],
        )
        heard = dict(zip(wired, answers, strict=True))
        return tuple(
            heard[number] if number in heard else silence(one)
            for number, one in enumerate(captures)
        )

    def planned(self, carriers: Mapping[str, float]) -> "CabledPlan | None":
        """Return the plan of the run; None where a carrier is heard for a part of it only.

        One that leaks into a drive line does to its qubit what it does from the beginning on.
        """
        come_back = {line for ones in self.cabling.plan.inputs.values() for line in ones.values()}
        leaks = leaking(self.cabling, self.instrument, LEAKS_NS)
        if any(one.line in come_back for one in leaks):
            return None
        found: dict[str, list[float]] = {}
        for connector, hz in carriers.items():
            cable = self.cabling.plan.outputs[self.instrument].get(connector)
            if cable is None or cable.line in self.cabling.unplugged:
                continue
            source = self.cabling.carriers.get(cable.modulator) if cable.modulator else None
            on_line = hz + (0.0 if source is None else source.frequency_hz)
            found.setdefault(cable.line, []).append(on_line)
        return CabledPlan(self, SessionPlan(self.session, found))

    @property
    def meets(self) -> bool:
        """Tell whether runs of other instruments may share photons with this one."""
        return self.session.meets

    def say(self, drives: Sequence[PulseTrain], until_ns: int) -> None:
        """Hear all that begins before a time and was not given before: others may need it."""
        self.session.say(self.played(drives), until_ns)

    def asks(self, captures: Sequence[CaptureTrain]) -> bool:
        """Tell whether windows may be answered, which are to be asked for next."""
        inputs = self.cabling.plan.inputs[self.instrument]
        wired = [replace(one, line=inputs[one.line]) for one in captures if one.line in inputs]
        return self.session.asks(wired)

    @property
    def may_go_on(self) -> bool:
        """Tell whether windows that others were waited for may be answered now."""
        return self.session.may_go_on

    def played(self, drives: Sequence[PulseTrain]) -> tuple[PulseTrain, ...]:
        """Return what comes on lines of the world; the first time, what leaks into them too."""
        leaks = () if self.begun else tuple(leaking(self.cabling, self.instrument, LEAKS_NS))
        self.begun.append(True)
        return (*routed(self.cabling, self.instrument, drives, self.turns_of), *leaks)

    def trace(self, listener: int) -> tuple[NDArray[np.complex128], float] | None:
        """Return the trace of a listener's last window, None where no cable is plugged in."""
        return self.session.trace(listener)

    def end(self, signals: RunSignals) -> None:
        """Hear what was played in all."""
        self.session.end(signals.duration_ns)
        self.ended(signals)
