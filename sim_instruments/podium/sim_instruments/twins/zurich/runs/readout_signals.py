"""Holds what an analyser's readouts of a run send and listen to, and keeps the answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.limits import tone_amplitude
from podium.sim_instruments.physics.signals import CaptureAnswer, CaptureTrain, PulseTrain
from podium.sim_instruments.twins.zurich.quantum_analyzer.input_saturation import digitised
from podium.sim_instruments.twins.zurich.quantum_analyzer.multistate import integrators_of
from podium.sim_instruments.twins.zurich.quantum_analyzer.oscillator_modulation import Carriers
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    Integers,
    Readouts,
    part_of,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope_trains import (
    Traces,
    scope_trains,
    traces_of,
)
from podium.sim_instruments.twins.zurich.runs.participants import Analyser, Participant
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import (
    IntegratorCapture,
    Loud,
    capture_trains,
    readout_trains,
    turned,
)


@dataclass(frozen=True, slots=True, eq=False)
class ReadoutSignals:
    """The signals of one analyser's channel; times are ns from the origin of the run."""

    participant: Participant
    at: Analyser
    drives: tuple[PulseTrain, ...]
    listening: dict[int, IntegratorCapture]
    """By integrator."""
    opens_ns: Integers
    """When each readout that is integrated begins, shape (n,)."""
    scopes: tuple[CaptureTrain, ...]
    """One for each record of the scope."""
    triggers: Integers
    """Of the scope, samples from the program's start to the connector."""

    @property
    def captures(self) -> tuple[CaptureTrain, ...]:
        """Return all that is listened to: integrators, then records of the scope."""
        return (*(one.train for one in self.listening.values()), *self.scopes)

    @property
    def full(self) -> float:
        """Return the full scale of the input, square roots of watts."""
        return float(tone_amplitude(self.participant.input_dbm))

    def digitised(
        self, answers: tuple[CaptureAnswer, ...]
    ) -> tuple[tuple[CaptureAnswer, ...], NDArray[np.bool_]]:
        """Return what the converter leaves of the integrators' answers, and which were too loud."""
        return digitised(len(self.opens_ns), self.listening, answers, self.full)

    def traces(self, answers: Sequence[CaptureAnswer]) -> Traces | None:
        """Return what the scope has taken; None: it was not triggered."""
        if self.at.scope is None or not self.scopes:
            return None
        centre_hz = self.participant.centre_hz
        return traces_of(self.at.scope, self.triggers, answers, centre_hz, self.full)


def readout_signals(
    participant: Participant,
    at: Analyser,
    started: Readouts,
    begin_ns: int,
    loud: Loud,
    kept: Integers | None = None,
) -> ReadoutSignals:
    """Return the signals of readouts, whose times are those of the sequencer.

    ``kept``: which of them are integrated; None: all. ``loud`` hears when the output was beyond
    full scale.
    """
    centre_hz, turns = participant.centre_hz, participant.turns
    carriers = None
    if at.carriers is not None:
        carriers = Carriers(participant.run.trace, at.carriers, participant.late)
    played = replace(started, time=started.time + participant.late)
    drives: tuple[PulseTrain, ...] = ()
    if participant.on:
        made = readout_trains(
            f"{participant.connector}_out", participant.sender, played, at.waves, at.delay,
            centre_hz, participant.range_dbm, begin_ns, carriers, loud=loud,
        )  # fmt: skip
        drives = tuple(turned(one, turns) for one in made)
    read = played if kept is None else part_of(played, kept)
    asked = read
    if at.qudits:
        asked = replace(read, integrators=integrators_of(read.integrators, at.qudits))
    line = f"{participant.connector}_in"
    heard = capture_trains(line, asked, at.settings, centre_hz, begin_ns, carriers)
    triggers = played.time[played.monitor]
    scopes: tuple[CaptureTrain, ...] = ()
    if at.scope is not None:
        scopes = scope_trains(line, triggers, at.scope, centre_hz, begin_ns)
    return ReadoutSignals(
        participant,
        at,
        drives,
        {unit: replace(one, train=turned(one.train, turns)) for unit, one in heard.items()},
        begin_ns + (read.time >> 1),
        tuple(turned(one, turns) for one in scopes),
        triggers,
    )
