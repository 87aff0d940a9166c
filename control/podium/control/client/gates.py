"""Gives calibrated two-qubit gates as parts of programs.

What an edge's routines have stored is made statements: the flux pulse, the wait behind it, and the
phases that it leaves on both drive frames. That of a CZ is net-zero: between its halves the end
that it moves passes its sweet spot, and waits there for a gap that makes the phase whole turns.
What the line keeps of the one half is taken back by the other (Rol et al., Phys. Rev. Lett. 123,
120502 (2019); Negirneac et al., Phys. Rev. Lett. 126, 220502 (2021), whose halves are square as
here). A CZ through a coupler is a net-zero pulse on the coupler's flux, whose halves have smooth
edges: while it lasts the ends shift each other, and levels follow (Collodo et al., Phys. Rev. Lett.
125, 240502 (2020); Xu et al., Phys. Rev. Lett. 125, 240503 (2020)). That of an iSWAP is square: it
brings one end to the frequency of the other (Bao et al., Phys. Rev. Lett. 129, 010502 (2022)), and
the phase of what is handed over goes to the other's drive frame. A CZ by a drive of a fluxonium's
plasmon is a pulse with a carrier and smooth edges, and moves no flux. A CZ by a carrier on a
coupler's flux takes 11 to 20 and back (:mod:`.carrier_pulse`). A gate that is not calibrated, or
too old, is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from podium.control.client.carrier_pulse import carrier_samples
from podium.control.client.cross_resonance import (
    CrossResonanceGate,
    cross_gate,
    needed_quantities,
)
from podium.control.client.exchange_gate import ExchangeGate, exchange_gate
from podium.control.client.exchange_gate import needed_quantities as exchange_quantities
from podium.control.client.gate_slot import rest_fs
from podium.control.facility.edges import Edge, PlayedGate
from podium.control.facility.facility import Facility
from podium.control.facility.problems import suggest
from podium.control.parameters.entry import NotMeasured, ParameterEntry, ParameterRecord
from podium.control.parameters.known_values import StaleParameter
from podium.control.parameters.validity import Validities
from podium.control.program.program import (
    Barrier,
    Delay,
    Frame,
    Play,
    ShiftPhase,
    Statement,
    SwapPhases,
)
from podium.control.program.waveforms import FlatTop, NetZero, Sampled, Square
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S

NEEDED = ("gate_amplitude", "gate_duration", "phase_first", "phase_second")
"""Quantities of an edge without which it has no CZ."""
PLASMON_NEEDED = (*NEEDED, "gate_frequency")
"""The same for a CZ by a drive of a plasmon."""
CARRIER_NEEDED = (
    *("carrier_amplitude", "carrier_duration", "carrier_frequency"),
    *("phase_first", "phase_second"),
)
"""The same for a CZ by a carrier on a coupler's flux."""
SWAP_NEEDED = ("gate_amplitude", "gate_duration", "swap_phase_first", "swap_phase_second")
"""The same for an iSWAP by a flux pulse on one of its ends."""
NEEDED_OF: Mapping[PlayedGate, tuple[str, ...]] = {
    "plasmon cz": PLASMON_NEEDED,
    "carrier cz": CARRIER_NEEDED,
    "iswap": SWAP_NEEDED,
}
"""By how a gate is played; of all others :data:`NEEDED`."""
FRAME_OF: Mapping[PlayedGate, str] = {"plasmon cz": "plasmon", "carrier cz": "carrier"}
"""The last word of the name of the frame of its pulse; of all others ``flux``."""
SHAPE = ("gate_rise", "gate_gap", "gate_gap_level", "gate_ratio", "gate_samples")
"""What the pulse of a CZ has besides."""
MOST_SAMPLES = 64
"""Of half a pulse that is given by its samples."""
SAMPLES = tuple(f"gate_sample{k}" for k in range(1, MOST_SAMPLES + 1))
"""Those of its first half, 1 ns each, of its height; the second half is the first one backwards,
with the other sign. So many of them count as ``gate_samples`` says: none where that is 0."""


Known = Callable[[str], ParameterEntry | None]
"""The stored value of a full name, None where there is none. Raises StaleParameter."""


class NoGate(LookupError):
    """An edge or a gate is asked for that the facility file does not have. The message says why."""

    def __str__(self) -> str:
        return str(self.args[0])


class GateConflict(ValueError):
    """Gates are to be played at once that share a qubit, a coupler or a flux line."""


@dataclass(frozen=True, slots=True)
class TwoQubitGate:
    """A calibrated gate by flux or by a plasmon. Its frames and statements go into a program.

    A CZ, for which one end or the coupler is pulsed, or the coupler has a carrier, or the plasmon
    of one end is driven, or an iSWAP for which one end is pulsed.
    """

    edge: Edge
    amplitude: float
    """Of the flux pulse, in full scale of its output."""
    duration_fs: int
    """Of the flux pulse: both halves, and the gap."""
    gap_fs: int
    """Between its halves."""
    gap_level: float
    """Of the height in the gap over that of the halves."""
    rise_fs: int
    """Of its edges; 0: they are square."""
    ratio: float
    """Of the height of its second half over that of the first."""
    phases: tuple[float, float]
    """What is added to the phases of the first and the second drive frame, turns."""
    drives: tuple[str, str]
    """Names of the drive frames of the first and the second end."""
    flux: str
    """Name of the frame of its pulse."""
    frequency_hz: float = 0.0
    """Of that frame: the carrier of a drive; 0 of a flux pulse."""
    samples: tuple[float, ...] = ()
    """Of its pulse, in place of its halves, of its height, 1 ns each; empty: halves are square. A
    carrier on flux is in them."""

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frame that a program needs for it, beside the drive frames."""
        return (Frame(self.flux, self.edge.gate_port, self.frequency_hz),)

    @property
    def wait_fs(self) -> int:
        """From the end of the pulse to the end of the gate."""
        return rest_fs(self.duration_fs)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The gate: both qubits wait for it, and for each other."""
        return together(self)

    @property
    def pulse(self) -> Play:
        """Its pulse."""
        return Play(self.flux, self.waveform, self.amplitude)

    @property
    def waveform(self) -> Square | NetZero | FlatTop | Sampled:
        """The shape of its pulse."""
        if self.samples:
            return Sampled(self.samples)
        if self.edge.driven is not None:
            return FlatTop(self.duration_fs, self.rise_fs)
        if self.edge.gate == "iswap":
            return Square(self.duration_fs)
        return NetZero(self.duration_fs, self.rise_fs, self.gap_fs, self.ratio, self.gap_level)


def together(*gates: TwoQubitGate) -> tuple[Statement, ...]:
    """Return statements that play gates at once; all their qubits wait for the longest.

    Raises :class:`GateConflict` where two of them share a qubit, a coupler or a flux line.
    """
    taken: dict[str, TwoQubitGate] = {}
    for gate in gates:
        edge = gate.edge
        shared = {f"{edge.node}.{end}": "qubit" for end in edge.ends}
        shared[edge.gate_port] = "flux line" if edge.driven is None else "output"
        if edge.coupler is not None:
            shared[f"{edge.node}.{edge.coupler}"] = "coupler"
        for name, what in shared.items():
            other = taken.setdefault(name, gate)
            if other is not gate:
                raise GateConflict(
                    f"{edge.gate} of {edge.name} and {other.edge.gate} of {other.edge.name} at "
                    f"once share the {what} {name}; play them one after another"
                )
    names = tuple(name for gate in gates for name in (*gate.drives, gate.flux))
    body: list[Statement] = [Barrier(names)]
    for gate in gates:
        body += [gate.pulse, Delay((gate.flux,), gate.wait_fs)]
    body.append(Barrier(names))
    for gate in gates:
        if gate.edge.gate == "iswap":
            body.append(SwapPhases(*gate.drives))
        body += [
            ShiftPhase(drive, turns) for drive, turns in zip(gate.drives, gate.phases, strict=True)
        ]
    return tuple(body)


def edge_between(facility: Facility, gate: str, qubits: Sequence[str]) -> Edge:
    """Return the edge between two qubits, ``q0`` or ``node_a.q0``, that has this gate.

    Raises :class:`NoGate`.
    """
    edges = facility.edges()
    found = [edge for edge in edges.values() if _joins(edge, qubits)]
    said = " and ".join(qubits)
    if not found:
        have = ", ".join(edges) or "none"
        raise NoGate(f"{facility.name} has no edge between {said}; it has {have}")
    if len(found) > 1:
        names = ", ".join(edge.name for edge in found)
        raise NoGate(f"{said} are the ends of {names}: write the node before their names")
    if found[0].gate != gate:
        near = suggest(gate, [found[0].gate])
        raise NoGate(f"{found[0].name} has no gate {gate!r}; {near}")
    control, _target = found[0].ends
    if gate == "cnot" and qubits[0].rpartition(".")[2] != control:
        raise NoGate(
            f"the control of {found[0].name} is {control}, its first end: name it first, or put "
            "half pi pulses about Y before and behind on both, which turns a CNOT round"
        )
    return found[0]


def _joins(edge: Edge, qubits: Sequence[str]) -> bool:
    named = {(edge.node, end) for end in edge.ends}
    asked = {(one.rpartition(".")[0] or edge.node, one.rpartition(".")[2]) for one in qubits}
    return len(qubits) == len(named) and asked == named


def gate_of(
    edge: Edge,
    record: ParameterRecord,
    validities: Validities,
    now_tai_s: float | None,
    frames: Mapping[str, str] | None = None,
) -> TwoQubitGate | CrossResonanceGate | ExchangeGate:
    """Return the stored gate of an edge.

    ``frames``: names in the program of the drive frames of its ends, and of its flux frame (by the
    edge's name); left out they are ``q0.drive`` and ``q0_q1.flux``. Raises
    :class:`.NotMeasured` for a gate that is not calibrated, :class:`.StaleParameter` for one that
    is older than its validity,
    """

    def known(name: str) -> ParameterEntry | None:
        entry = record.get(name)
        complaint = None if entry is None else validities.complaint(entry, now_tai_s, None)
        if entry is not None and complaint is not None:
            by = validities.of(entry.name).measured_by
            remedy = f"run {by} first" if by else "calibrate it first"
            raise StaleParameter(f"{edge.gate} of {edge.name}: {complaint}; {remedy}", entry.name)
        return entry

    if edge.gate == "cnot":
        return _cross_gate_of(edge, known, validities, frames or {})
    if edge.played == "carrier iswap":
        return _exchange_gate_of(edge, known, validities, frames or {})

    wanted = NEEDED_OF.get(edge.played, NEEDED)
    values = {name: _needed(known, edge, f"{edge.name}.{name}", validities) for name in wanted}
    shapeless = edge.played in ("iswap", "carrier cz")
    shape = {} if shapeless else {n: known(f"{edge.name}.{n}") for n in SHAPE}
    values |= {name: entry.value for name, entry in shape.items() if entry is not None}
    for name in SAMPLES[: round(values.get("gate_samples", 0.0))]:
        values[name] = _needed(known, edge, f"{edge.name}.{name}", validities)
    names = dict(frames or {})
    first, second = (names.get(end, f"{end}.drive") for end in edge.ends)
    flux = names.get(edge.element, f"{edge.element}.{FRAME_OF.get(edge.played, 'flux')}")
    return flux_gate_of(edge, values, (first, second), flux)


def flux_gate_of(
    edge: Edge, values: Mapping[str, float], drives: tuple[str, str], flux: str
) -> TwoQubitGate:
    """Return the gate of stored values, by quantity, and of these names of frames."""
    if edge.played == "carrier cz":
        return _carrier_gate_of(edge, values, drives, flux)
    gap_fs = round(values.get("gate_gap", 0.0) * 1e9) * FS_PER_NS
    words = ("swap_phase_first", "swap_phase_second")
    if edge.gate == "cz":
        words = ("phase_first", "phase_second")
    return TwoQubitGate(
        edge,
        values["gate_amplitude"],
        round(values["gate_duration"] * 1e9) * FS_PER_NS + gap_fs,
        gap_fs,
        values.get("gate_gap_level", 0.0),
        round(values.get("gate_rise", 0.0) * FS_PER_S),
        values.get("gate_ratio", 1.0),
        (values[words[0]], values[words[1]]),
        drives,
        flux,
        values.get("gate_frequency", 0.0),
        whole_pulse([values[name] for name in SAMPLES[: round(values.get("gate_samples", 0.0))]]),
    )


def _carrier_gate_of(
    edge: Edge, values: Mapping[str, float], drives: tuple[str, str], flux: str
) -> TwoQubitGate:
    """Return a CZ by a carrier: its samples begin anew with each gate."""
    duration_ns = round(values["carrier_duration"] * 1e9)
    return TwoQubitGate(
        edge,
        values["carrier_amplitude"],
        duration_ns * FS_PER_NS,
        gap_fs=0,
        gap_level=0.0,
        rise_fs=0,
        ratio=1.0,
        phases=(values["phase_first"], values["phase_second"]),
        drives=drives,
        flux=flux,
        samples=carrier_samples(values["carrier_frequency"], duration_ns),
    )


def whole_pulse(half: Sequence[float]) -> tuple[float, ...]:
    """Return the samples of a pulse from those of its first half."""
    return (*half, *(-one for one in reversed(half)))


def _needed(known: Known, edge: Edge, name: str, validities: Validities) -> float:
    """Return a value that the gate of an edge cannot do without. Raises NotMeasured."""
    entry = known(name)
    if entry is None:
        by = validities.of(name).measured_by
        remedy = f"run {by} first" if by else f"podium calibrate {edge.name}"
        raise NotMeasured(
            f"{edge.gate} of {edge.name} is not calibrated: there is no {name}; {remedy}", name
        )
    return entry.value


def _exchange_gate_of(
    edge: Edge, known: Known, validities: Validities, frames: Mapping[str, str]
) -> ExchangeGate:
    """Return the stored iSWAP of an edge, in step with its ends' drives."""
    wanted = exchange_quantities()
    values = {name: _needed(known, edge, f"{edge.name}.{name}", validities) for name in wanted}
    first, second = (
        _needed(known, edge, f"{edge.node}.{end}.f01", validities) for end in edge.ends
    )
    one, other = (frames.get(end, f"{end}.drive") for end in edge.ends)
    carrier = frames.get(edge.element, f"{edge.element}.carrier")
    return exchange_gate(edge, values, (first, second), (one, other), carrier)


def _cross_gate_of(
    edge: Edge, known: Known, validities: Validities, frames: Mapping[str, str]
) -> CrossResonanceGate:
    """Return the stored CNOT of an edge, with what is known of its ends' pulses."""
    wanted = needed_quantities()
    first, second = edge.ends
    owners = {"edge": edge.name, "control": f"{edge.node}.{first}"}
    owners["target"] = f"{edge.node}.{second}"
    found = {
        who: {name: _needed(known, edge, f"{owner}.{name}", validities) for name in wanted[who]}
        for who, owner in owners.items()
    }
    control, target = (frames.get(end, f"{end}.drive") for end in edge.ends)
    names = control, target, frames.get(edge.element, f"{edge.element}.cross")
    return cross_gate(edge, found["edge"], found["control"], found["target"], names)
