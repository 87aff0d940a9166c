"""Links by a cable's standing modes that were published, with the values that are taken for them.

Of none of these papers has a device table been read. What stands here is geometry, and orders of
magnitude of its time: what comes out says what such a cable does, and establishes no paper.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from podium.sim_instruments.physics.links.remote_gates import (
    GateCable,
    GateQubit,
    controlled_z,
    cross_resonance,
    judged,
)
from podium.sim_instruments.physics.links.standing_modes import (
    CableQubit,
    Oscillator,
    ShortCable,
    Stretch,
    bell_fidelity,
    dark_mode_cable,
    half_swap_and_swap,
    relay,
    transfer_probability,
    two_swaps,
)

SPEED_M_PER_S = 0.7 * 299_792_458.0
"""ASSUMED: of a wave in a coaxial cable with PTFE."""
ANHARMONICITY_HZ = -250e6
"""ASSUMED: of a transmon."""

SWAP_HZ = 5e6
"""ASSUMED: two swaps at this rate take the 100 ns of arXiv:2407.16743."""
BUS_HZ = 10e3
"""ASSUMED: width of a detachable cable's mode."""
SWAP_TIMES_S = (20e-6, 10e-6)
"""ASSUMED: T1 and T2 of its qubits."""

GATE_LENGTH_M = 0.30
"""PRL npr7-b7kq, abstract."""
MODES_APART_HZ = SPEED_M_PER_S / (2 * GATE_LENGTH_M)
GATE_F01_HZ = 5.0e9
"""ASSUMED: of the qubit that is driven, or that is not tuned; halfway between two modes."""
GATE_COUPLING_HZ = 20e6
"""ASSUMED: of each qubit with each mode."""
GATE_MODE_HZ = 15e3
"""ASSUMED: width of the cable's modes."""
GATE_TIMES_S = (40e-6, 30e-6)
"""ASSUMED: T1 and T2 of its qubits."""
IDLE_HZ: Mapping[str, float] = {"cz": 330e6, "cnot": -150e6}
"""ASSUMED: the second qubit's frequency less the first one's, between gates."""

DARK_SIDEBAND_HZ = 3e6
"""ASSUMED: rate of each qubit's sideband with its own resonator of Leung et al. 2019."""
DARK_HYBRID_HZ = 10e6
"""ASSUMED: coupling of each resonator with the cable's mode."""
DARK_CABLE_HZ = 2e6
"""ASSUMED: width of the cable's mode, which a dark mode has no part in."""
DARK_TIMES_S = (8e-6, 3e-6)
"""ASSUMED: T1 and T2 of its qubits."""
DARK_BELL, DARK_TRANSFER = 0.793, 0.6
"""Leung et al., npj Quantum Information 5, 18 (2019), abstract; the transfer is above that."""
NARROW_HZ, WIDE_HZ = 1e2, 5e6
"""Between these the resonators' width is looked for."""


@dataclass(frozen=True, slots=True)
class CableFigure:
    """One figure that comes out."""

    quantity: str
    """``transfer_probability``, ``bell_fidelity``, ``cnot_fidelity`` or ``cz_fidelity``."""
    value: float
    length_ns: float
    """Of all pulses."""
    taken: str
    """The values that were taken."""


def detachable_cable() -> Iterator[CableFigure]:
    """Tell transfers over a detachable cable's mode, the unknown values halved and doubled."""
    t1, t2 = SWAP_TIMES_S
    ways = {"two swaps": two_swaps(SWAP_HZ, SWAP_HZ), "both coupled at once": relay(SWAP_HZ)}
    for way, schedule in ways.items():
        for bus_hz, better in ((BUS_HZ, 1.0), (2 * BUS_HZ, 0.5), (BUS_HZ / 2, 2.0)):
            qubit = CableQubit(better * t1, better * t2)
            modes = (Oscillator(0.0, bus_hz),)
            cable = ShortCable((qubit, qubit), modes, np.full((2, 1), SWAP_HZ))
            yield CableFigure(
                "transfer_probability",
                transfer_probability(cable, schedule),
                _length_ns(schedule),
                f"{way}, g {SWAP_HZ / 1e6:g} MHz, mode {bus_hz / 1e3:g} kHz wide, "
                f"T1 {1e6 * better * t1:g} us, T2 {1e6 * better * t2:g} us",
            )


def gate_cable(gate: str, better: float = 1.0) -> GateCable:
    """Return the 30 cm cable at the qubits' frequencies for ``cz`` or ``cnot``.

    ``better``: by what all lifetimes are longer than those taken.
    """
    t1, t2 = (better * one for one in GATE_TIMES_S)
    qubits = tuple(
        GateQubit(GATE_F01_HZ + hz, ANHARMONICITY_HZ, t1, t2) for hz in (0.0, IDLE_HZ[gate])
    )
    modes = tuple(GATE_F01_HZ + MODES_APART_HZ * (k - 0.5) for k in range(3))
    return GateCable((qubits[0], qubits[1]), modes, GATE_COUPLING_HZ, GATE_MODE_HZ / better)


def remote_gates() -> Iterator[CableFigure]:
    """Tell a CNOT's and a controlled-Z's average fidelity, lifetimes halved and doubled."""
    apart = f"g {GATE_COUPLING_HZ / 1e6:g} MHz, modes {MODES_APART_HZ / 1e6:.0f} MHz apart"
    for name, tuned in (("cnot", cross_resonance), ("cz", controlled_z)):
        gate = tuned(gate_cable(name))
        for better in (1.0, 0.5, 2.0):
            cable = gate_cable(name, better)
            found = judged(cable, gate)
            one = cable.qubits[0]
            yield CableFigure(
                f"{name}_fidelity",
                found.fidelity,
                found.length_ns,
                f"{apart}, T1 {1e6 * one.t1_s:g} us, T2 {1e6 * one.t2_s:g} us; without "
                f"decoherence {found.coherent_fidelity:.4f}",
            )


def dark_mode() -> Iterator[CableFigure]:
    """Tell the transfer that goes with a published Bell fidelity, and the other way round.

    The resonators' width, which is not known, is what the one asks for; the other follows. With
    qubits that do not decay, and with such as taken; by two swaps, and both coupled at once.
    """
    strength_hz = DARK_SIDEBAND_HZ / 2**0.5
    pair = half_swap_and_swap(strength_hz, strength_hz)
    ways = {
        "two swaps": two_swaps(strength_hz, strength_hz),
        "both coupled at once": relay(strength_hz),
    }
    lifetimes = f"T1 {1e6 * DARK_TIMES_S[0]:g} us, T2 {1e6 * DARK_TIMES_S[1]:g} us"
    for qubit, said in (
        (CableQubit(1.0, 1.0), "qubits that do not decay"),
        (CableQubit(*DARK_TIMES_S), lifetimes),
    ):
        paired = partial(bell_fidelity, schedule=pair)
        for way, schedule in ways.items():
            sent = partial(transfer_probability, schedule=schedule)
            cable, width = _dark_cable(qubit, paired, DARK_BELL)
            taken = f"{way}, {width} as Bell {DARK_BELL:g} asks for, {said}"
            length_ns = _length_ns(schedule)
            yield CableFigure("transfer_probability", sent(cable), length_ns, taken)
            cable, width = _dark_cable(qubit, sent, DARK_TRANSFER)
            taken = f"{width} as transfer {DARK_TRANSFER:g} by {way} asks for, {said}"
            yield CableFigure("bell_fidelity", paired(cable), _length_ns(pair), taken)


def _dark_cable(
    qubit: CableQubit, reached: Callable[[ShortCable], float], asked: float
) -> tuple[ShortCable, str]:
    """Return the cable whose resonators are as wide as a figure asks for; by halves."""

    def wide(width_hz: float) -> ShortCable:
        qubits = qubit, qubit
        return dark_mode_cable(qubits, DARK_SIDEBAND_HZ, width_hz, DARK_CABLE_HZ, DARK_HYBRID_HZ)

    low, high = NARROW_HZ, WIDE_HZ
    while high > 1.0001 * low:
        middle = (low * high) ** 0.5
        if reached(wide(middle)) > asked:
            low = middle
        else:
            high = middle
    return wide(low), f"sideband {DARK_SIDEBAND_HZ / 1e6:g} MHz, dark mode {low / 1e3:.0f} kHz wide"


def _length_ns(schedule: Sequence[Stretch]) -> float:
    return sum(one.length_ns for one in schedule)
