"""Gives a CNOT of two qubits of fixed frequency: an echoed drive of the control at the target.

The control is driven at the target's frequency, which turns the target the one way or the other by
what the control is in (cross-resonance: Rigetti and Devoret, Phys. Rev. B 81, 134507 (2010)). The
drive comes twice, with opposite signs and a pi pulse on the control behind each: what the control's
own shift and the target's own turn would do is taken back (Sheldon et al., Phys. Rev. A 93, 060302
(2016)). A second tone on the target cancels what turns it whatever the control is in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import pi

from podium.control.client.virtual_z import follow_phases
from podium.control.facility.edges import Edge
from podium.control.program.program import (
    Barrier,
    Frame,
    Play,
    ShiftPhase,
    Statement,
    Value,
)
from podium.control.program.waveforms import Drag, FlatTop
from podium.firmware_interfaces.exact_time import FS_PER_NS

RISE_NS = 32
"""Of the edges of the drive, so slow that the control, off resonance, is left where it is."""
QUARTER = 0.25


def drag_pulse(duration_ns: int, anharmonicity_hz: float) -> Drag:
    """Return the envelope of 0-1 pulses (Motzoi et al. 2009, first order)."""
    duration = duration_ns * FS_PER_NS
    # ASSUMED choice: half of the first-order value, which cancels the phase error that a
    # full one leaves (Lucero et al., Phys. Rev. A 82, 042339 (2010)).
    return Drag(duration, duration // 4, 0.5 / (2 * pi * anharmonicity_hz))


@dataclass(frozen=True, slots=True)
class CrossDrive:
    """Both tones of a cross-resonance drive, by the frames of a program."""

    control: str
    target: str
    """Names of the drive frames of the two ends."""
    cross: str
    """Name of the frame on the control's line, at the target's frequency."""
    port: str
    target_hz: float
    duration_fs: int
    """Of each half, with its edges."""
    phase: float
    """Of the drive of the control, turns."""
    cancel_phase: float
    """Of the tone on the target, turns."""

    @property
    def frame(self) -> Frame:
        """The frame that a program needs beside the drive frames."""
        return Frame(self.cross, self.port, self.target_hz)

    @property
    def names(self) -> tuple[str, str, str]:
        """Names of the frames that take part."""
        return self.control, self.target, self.cross

    def once(self, amplitude: Value, cancel: Value) -> list[Statement]:
        """Play both tones together, of these amplitudes."""
        shape = FlatTop(self.duration_fs, RISE_NS * FS_PER_NS)
        return [
            ShiftPhase(self.cross, self.phase),
            ShiftPhase(self.target, self.cancel_phase),
            Play(self.cross, shape, amplitude),
            Play(self.target, shape, cancel),
            ShiftPhase(self.cross, -self.phase),
            ShiftPhase(self.target, -self.cancel_phase),
            Barrier(self.names),
        ]

    def echoed(self, amplitude: Value, cancel: Value, flip: Play) -> list[Statement]:
        """Play them twice, with opposite signs; ``flip``: a pi pulse on the control."""
        turn: list[Statement] = [ShiftPhase(name, 0.5) for name in (self.cross, self.target)]
        halves = self.once(amplitude, cancel)
        back: list[Statement] = [flip, Barrier(self.names)]
        return [Barrier(self.names), *halves, *back, *turn, *halves, *turn, *back]


@dataclass(frozen=True, slots=True)
class CrossResonanceGate:
    """A calibrated CNOT of an edge; its first end is the control."""

    edge: Edge
    drive: CrossDrive
    amplitude: float
    """Of the drive of the control, of full scale."""
    cancel_amplitude: float
    flip: Play
    """A pi pulse on the control."""
    half: Play
    """A half pi pulse on the target."""
    control_phase: float
    """What is added to the phase of the control's frame, turns, beside the quarter of a CNOT."""

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frame that a program needs for it, beside the drive frames."""
        return (self.drive.frame,)

    def in_step(self, body: Iterable[Statement]) -> tuple[Statement, ...]:
        """Return statements with the cross frame turned wherever the target's is.

        Whatever stands before a gate of a shot and turns the target's frame has to go through this.
        """
        return follow_phases(body, self.drive.cross, {self.drive.target: 1.0})

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The gate: an excited control flips the target.

        The echo turns the target by a quarter about X, back where the control is excited; the
        half pi pulse makes that nothing and a half, and the control's phase is a quarter.
        """
        drive = self.drive
        return (
            *drive.echoed(self.amplitude, self.cancel_amplitude, self.flip),
            ShiftPhase(drive.target, 0.5),
            self.half,
            ShiftPhase(drive.target, -0.5),
            ShiftPhase(drive.control, self.control_phase + QUARTER),
            Barrier(drive.names),
        )

    @property
    def as_cz(self) -> tuple[Statement, ...]:
        """The same as a CZ: between half pi pulses of the target about Y, and a turned control."""
        target = self.drive.target
        return (
            ShiftPhase(target, 0.75),
            self.half,
            ShiftPhase(target, -0.75),
            *self.statements,
            ShiftPhase(target, 0.25),
            self.half,
            ShiftPhase(target, -0.25),
            ShiftPhase(self.drive.control, 0.5),
            Barrier(self.drive.names),
        )


def needed_quantities() -> Mapping[str, tuple[str, ...]]:
    """Return what a CNOT is made of: of the edge, of its control and of its target."""
    return {
        "edge": (
            *("cross_amplitude", "cross_phase", "cross_duration"),
            *("cancel_amplitude", "cancel_phase", "control_phase"),
            *("control_pulse", "target_pulse"),
        ),
        "control": ("pi_amplitude", "anharmonicity"),
        "target": ("f01", "pi_amplitude", "anharmonicity"),
    }


def cross_gate(
    edge: Edge,
    values: Mapping[str, float],
    control: Mapping[str, float],
    target: Mapping[str, float],
    names: tuple[str, str, str],
) -> CrossResonanceGate:
    """Return the gate of stored values, by quantity: see :func:`needed_quantities`.

    ``names``: of the drive frames of control and target, and of the cross frame.
    """
    first, second, cross = names

    def pulse(name: str, of: Mapping[str, float], lasts: str, share: float) -> Play:
        shape = drag_pulse(round(values[lasts] * 1e9), of["anharmonicity"])
        return Play(name, shape, share * of["pi_amplitude"])

    drive = CrossDrive(
        first,
        second,
        cross,
        f"{edge.node}.{edge.ends[0]}.drive",
        target["f01"],
        round(values["cross_duration"] * 1e9) * FS_PER_NS,
        values["cross_phase"],
        values["cancel_phase"],
    )
    return CrossResonanceGate(
        edge,
        drive,
        values["cross_amplitude"],
        values["cancel_amplitude"],
        pulse(first, control, "control_pulse", 1.0),
        pulse(second, target, "target_pulse", 0.5),
        values["control_phase"],
    )
