"""The qubits of one feedline in a run: what is driven, what is read, and what photons do."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from podium.sim_instruments.physics.adiabatic_flux import refuse_sudden
from podium.sim_instruments.physics.drive_line import Drives, drives_of
from podium.sim_instruments.physics.episodes import Episodes, NotSimulated
from podium.sim_instruments.physics.fast_flux import FluxLines, moving, with_flux
from podium.sim_instruments.physics.joint.joint_run import ALONE
from podium.sim_instruments.physics.lab_frame import in_laboratory
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.schedule import Schedule, schedule_of
from podium.sim_instruments.physics.short_run import later_ns
from podium.sim_instruments.physics.shots import MetPhotons, photons_met
from podium.sim_instruments.physics.signals import PulseTrain, RunSignals
from podium.sim_instruments.physics.spurs import HeardSpurs, felt, pumped


@dataclass(frozen=True, slots=True, eq=False)
class MetQubit:
    """One qubit in a run, with what is driven and what photons do to it."""

    qubit: QubitPoint
    drives: Drives
    schedule: Schedule
    photons: MetPhotons


@dataclass(frozen=True, slots=True, eq=False)
class FeedlineQubits:
    """The qubits of a feedline, by themselves, and what moves their levels."""

    feedline: FeedlinePoint
    fluxes: Collection[str]
    """Names of flux lines that take pulses."""
    flux_lines: FluxLines | None

    def met(
        self, signals: RunSignals, at_rest: QubitPoint, episodes: Episodes, spurs: HeardSpurs
    ) -> MetQubit:
        """Return a qubit as carriers on its line pump it, with what it meets in a run."""
        on_its_line = [t for t in signals.drives if t.line == f"{at_rest.name}.drive"]
        qubit = pumped(at_rest, on_its_line)
        drives = self._drives_on(signals, qubit, on_its_line)
        if drives.start_ns.size:
            check_alone(qubit)
            spurs.refuse_light(qubit)
        schedule = schedule_of(drives, later_ns(qubit, self.feedline), episodes)
        return MetQubit(qubit, drives, schedule, photons_met(qubit, schedule, episodes, drives))

    def _drives_on(
        self, signals: RunSignals, qubit: QubitPoint, trains: Sequence[PulseTrain]
    ) -> Drives:
        drives = drives_of(felt(qubit, trains))
        if self.flux_lines is not None:
            pulses = [train for train in signals.drives if train.line in self.fluxes]
            by = moving(self.flux_lines, qubit.name, pulses, signals.biases_v)
            drives = drives if by is None else with_flux(drives, by, qubit.levels_hz)
        if qubit.drive_elements is None:
            return drives
        for shape in drives.shapes:
            if shape.shift_hz is not None:
                moved_hz = shape.shift_hz[:, 1]
                one_way = np.ones(moved_hz.size)
                refuse_sudden(
                    qubit.name, float(qubit.levels_hz[1]), moved_hz, one_way, shape.step_ns
                )
        return in_laboratory(drives)


def check_alone(qubit: QubitPoint) -> None:
    """Raise NotSimulated for a drive on an excitation that several qubits share."""
    if qubit.alone < ALONE:
        raise NotSimulated(
            f"{qubit.name} is driven where its neighbours share its excitation (its own part is "
            f"{qubit.alone:.0%}): excitations that move between qubits are simulated in runs that "
            "are known as a whole, on chips with flux lines; bias their lines farther apart"
        )
