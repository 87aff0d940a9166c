"""Builds programs that drive the plasmon of an edge's driven end, and says how strongly they do.

Level 2 of a fluxonium reads much as 1 does. So the driven end begins in 1, the plasmon is driven,
and a pi pulse brings to 0 what has come back to 1: what is left in 2 stays. A coupler that is
driven in the plasmon's place is not read, either; while it is in 1 the driven end's line lies
megahertz elsewhere, and a pi pulse leaves it in 1 as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from podium.control.calibration.bench import Bench
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.line_scan import known_rabi
from podium.control.calibration.sequences import Pulses
from podium.control.calibration.shelving import has_plasmon_line
from podium.control.client.drive_power import line_begin_dbm
from podium.control.facility.facility import Qubit
from podium.control.facility.fluxonium import Energies, spectrum
from podium.control.parameters.entry import NotMeasured
from podium.control.program.program import (
    Affine,
    Axis,
    Program,
    SetFrequency,
    Statement,
    Table,
    Value,
    Variable,
)

RISE_NS = 6
"""Of the gate's edges: 11-12, some 190 MHz away and a third as strong, hardly sees them. Those of a
pulse on a coupler last two fifths of it each."""
DOUBT = 0.25
"""Relative, of how strongly the plasmon is driven, as the lines' attenuations have it. ASSUMED."""


def full_scale_dbm(bench: Bench, port: str) -> float:
    """Return the power of full scale at the chip's end of a drive line, as the file has it, dBm."""
    facility = bench.runner.facility
    return line_begin_dbm(facility, port) - facility.drive_wiring(port).line_attenuation_db


def expected_rabi(pulses: Pulses) -> tuple[float, float]:
    """Return the Rabi frequency of the plasmon at full scale of its output, and its sigma, Hz.

    Raises NotMeasured where no output drives the plasmon.
    """
    bench, qubit = pulses.bench, pulses.qubit
    if not has_plasmon_line(bench, qubit):
        raise NotMeasured(
            f"nothing drives the plasmon of {qubit.name}: wire {qubit.plasmon_port}", qubit.name
        )
    charge = spectrum(energies(bench, qubit)).charge
    return rabi_of(pulses, float(charge[1, 2] / charge[0, 1]))


def rabi_of(pulses: Pulses, charge: float) -> tuple[float, float]:
    """Return the Rabi frequency of a transition at full scale of the plasmon's output, Hz.

    ``charge``: over that of 0-1; with its sigma. That of 0-1 as measured, by the charge and the
    power at the chip.
    """
    bench, qubit = pulses.bench, pulses.qubit
    design = bench.design(qubit, "rabi_frequency")
    hz, sigma = known_rabi(pulses) or (design.value, design.spread)
    stronger_db = full_scale_dbm(bench, qubit.plasmon_port) - full_scale_dbm(
        bench, qubit.drive_port
    )
    factor = charge * 10 ** (stronger_db / 20)
    return hz * factor, hypot(sigma * factor, DOUBT * hz * factor)


def energies(bench: Bench, qubit: Qubit) -> Energies:
    """Return the circuit energies of a fluxonium, as designed."""
    names = ("charging_energy", "josephson_energy", "inductive_energy")
    return Energies(*(bench.design(qubit, name).value for name in names))


@dataclass(frozen=True, slots=True)
class Played:
    """Statements between the pulses that prepare and the one that brings back, and their axes."""

    statements: Sequence[Statement]
    axes: tuple[Axis, ...] = ()
    frequency: str | None = None
    """The variable that the carrier follows; None: it is as the frame has it."""


def returned_program(
    p: EdgePulses, played: Played, others: tuple[float, ...], shots: int, title: str
) -> Program:
    """Return the driven end in 1, what is played, a pi pulse, a readout of both ends.

    ``others``: levels of the other end, swept last (axis ``control``) where there are several.
    """
    driven, other = p.moved, p.still
    height = f"{other.qubit.element}_preparation"
    amplitudes = tuple(level * other.pi_amplitude() for level in others)
    prepared: Value = Affine(height) if len(others) > 1 else amplitudes[0]
    body: list[Statement] = []
    if played.frequency is not None:
        body.append(SetFrequency(p.flux, Affine(played.frequency)))
    body += [
        *p.begin(),
        *p.one_by_one([[other.pulse(prepared)], [driven.pi()]]),
        *played.statements,
        *p.one_by_one([[driven.pi()]]),
        *p.read(),
    ]
    axes = played.axes
    if len(others) > 1:
        axes += (Axis("control", (Variable(height, "1", Table(amplitudes)),)),)
    count = p.shots(shots)
    return Program(title, p.frames(), tuple(body), axes, shots=count, keep_shots=p.heralds)
