"""Gives an iSWAP by a carrier on flux, in step with the drive frames of both qubits.

A carrier on the flux of a coupler (or of a qubit) exchanges an excitation of two qubits, with a
phase: that of the carrier against the difference of the two drives. So its frame has that
difference as its frequency, whatever time it is played at. What the resonance differs by while the
carrier is on goes into the pulse's samples; and each turn of a drive's frame is a turn of the
carrier's as well (:func:`.follow_phases`). Then what is left is a turn of each drive's frame behind
the gate, which :mod:`~podium.control.calibration.routines.exchange_phase` measures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from podium.control.client.gate_slot import rest_fs
from podium.control.client.virtual_z import follow_phases
from podium.control.facility.edges import Edge
from podium.control.program.program import (
    Barrier,
    Delay,
    Frame,
    Play,
    ShiftPhase,
    Statement,
)
from podium.control.program.waveforms import Sampled
from podium.firmware_interfaces.exact_time import FS_PER_NS


@dataclass(frozen=True, slots=True)
class ExchangeGate:
    """A calibrated iSWAP of an edge."""

    edge: Edge
    amplitude: float
    """Of the carrier, in full scale of its output."""
    duration_fs: int
    carrier_hz: float
    """At which the excitation goes over."""
    f01_hz: tuple[float, float]
    """Of the drive frames of both ends."""
    phases: tuple[float, float]
    """What is added to the phases of both drive frames, turns."""
    drives: tuple[str, str]
    """Names of the drive frames of the first and the second end."""
    carrier: str
    """Name of the carrier's frame."""

    @property
    def harmonic(self) -> int:
        """Of the carrier, that makes the exchange: the second where flux moves to second order."""
        apart = abs(self.f01_hz[0] - self.f01_hz[1])
        return 1 if abs(self.carrier_hz - apart) < abs(2 * self.carrier_hz - apart) else 2

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frame that a program needs for it, beside the drive frames."""
        apart_hz = abs(self.f01_hz[0] - self.f01_hz[1]) / self.harmonic
        return (Frame(self.carrier, self.edge.flux_port, apart_hz),)

    @property
    def followed(self) -> Mapping[str, float]:
        """By drive frame: the share of its turns that the carrier's frame makes as well."""
        first, second = self.drives
        up = 1.0 if self.f01_hz[0] > self.f01_hz[1] else -1.0
        return {first: up / self.harmonic, second: -up / self.harmonic}

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The gate: both qubits wait for it, and for each other."""
        return (*self.exchange, *self.in_step([self._turn(k) for k in (0, 1)]))

    @property
    def exchange(self) -> tuple[Statement, ...]:
        """The gate without the turns of the drives' frames behind it."""
        names = (*self.drives, self.carrier)
        return (
            Barrier(names),
            Play(self.carrier, self._pulse(), self.amplitude),
            Delay((self.carrier,), rest_fs(self.duration_fs)),
            Barrier(names),
        )

    def _pulse(self) -> Sampled:
        """Return the carrier's envelope: it turns by what the resonance is off the difference."""
        off_hz = self.carrier_hz - self.frames[0].frequency_hz
        middles_s = (np.arange(self.duration_fs // FS_PER_NS) + 0.5) * 1e-9
        turned = np.exp(2j * np.pi * off_hz * middles_s)
        return Sampled(turned.real.tolist(), turned.imag.tolist())

    def _turn(self, end: int) -> ShiftPhase:
        return ShiftPhase(self.drives[end], self.phases[end])

    def in_step(self, body: Iterable[Statement]) -> tuple[Statement, ...]:
        """Return statements with the carrier's frame turned wherever a drive's is.

        Whatever stands before a gate of a shot and turns a drive's frame has to go through this.
        """
        return follow_phases(body, self.carrier, self.followed)


def needed_quantities() -> tuple[str, ...]:
    """Return the quantities of an edge that an iSWAP is made of, beside f01 of both ends."""
    return (
        "carrier_frequency",
        "carrier_amplitude",
        "carrier_duration",
        "swap_phase_first",
        "swap_phase_second",
    )


def exchange_gate(
    edge: Edge,
    values: Mapping[str, float],
    f01_hz: tuple[float, float],
    drives: tuple[str, str],
    carrier: str,
) -> ExchangeGate:
    """Return the gate of stored values, by quantity: see :func:`needed_quantities`."""
    return ExchangeGate(
        edge,
        values["carrier_amplitude"],
        round(values["carrier_duration"] * 1e9) * FS_PER_NS,
        values["carrier_frequency"],
        f01_hz,
        (values["swap_phase_first"], values["swap_phase_second"]),
        drives,
        carrier,
    )
