"""Reproduces what a CNOT teleported over a pair is worth: the pair's fidelity, times local gates.

The first quantity is exact (process fidelity of a Werner pair and perfect gates). The others hold
the gates as channels against the product of all parts, within 0.01, with and without the decay of
qubits that wait for results.
"""

import math

from podium.control.links.pair_fidelity import teleported_gate
from podium.control.links.teleported_cnot import (
    LocalGates,
    teleported_process_fidelity,
    werner_pair,
)
from podium.control.reproductions.quantities import SIGMAS, Quantity, Reproduction

SOURCE = (
    "pair of Main et al., Nature 638, 383 (2025): 96.89 %; that the process fidelity is the pair's "
    "is exact for a Werner pair"
)
PAIR = 0.9689
GATE_ERROR, READOUT_ERROR = 0.01, 0.01
"""ASSUMED: of a local CNOT and of a readout; ``podium link cnot`` measures those of a facility."""
LATENCY_S = 364e-9
"""From a readout's beginning to a pulse that depends on it, inside one Qblox cluster; between two
racks it is longer. ASSUMED to be that of both results here."""
T1_S, T2_S = 30e-6, 25e-6
"""ASSUMED: of all qubits."""
TOLERANCE = 0.01
EXACT = 1e-9
HOW = "gates as unitaries with depolarising errors on density matrices; no pulses, no machine code"


async def reproduce_teleported_cnot(seed: int) -> Reproduction:
    """Return the comparisons; nothing is random, so ``seed`` changes nothing."""
    del seed
    pair = werner_pair(PAIR)
    perfect = teleported_process_fidelity(pair, LocalGates())
    local = LocalGates(GATE_ERROR, READOUT_ERROR)
    waiting = LocalGates(GATE_ERROR, READOUT_ERROR, LATENCY_S, T1_S, T2_S)
    product = PAIR * (1.0 - GATE_ERROR) ** 2 * (1.0 - READOUT_ERROR) ** 2
    held = _kept(LATENCY_S) ** 5  # c, b and t wait for the first result, c and t for the second
    half = TOLERANCE / SIGMAS
    return Reproduction(
        "teleported_cnot",
        SOURCE,
        (
            Quantity("process_fidelity", PAIR, EXACT, perfect, 0.0, f"perfect local gates; {HOW}"),
            Quantity(
                "process_fidelity",
                teleported_gate(PAIR, READOUT_ERROR),
                EXACT,
                teleported_process_fidelity(pair, LocalGates(0.0, READOUT_ERROR)),
                0.0,
                f"readouts that err by 1 %, against the closed form; {HOW}",
            ),
            Quantity(
                "process_fidelity",
                product,
                half,
                teleported_process_fidelity(pair, local),
                0.0,
                f"local gates and readouts of 99 % (assumed), against their product; {HOW}",
            ),
            Quantity(
                "process_fidelity",
                product * held,
                half,
                teleported_process_fidelity(pair, waiting),
                0.0,
                f"and two latencies of 364 ns at T1 30 us, T2 25 us (assumed); {HOW}",
            ),
        ),
    )


def _kept(seconds: float) -> float:
    """Return the process fidelity of a qubit that waits."""
    return (1.0 + math.exp(-seconds / T1_S) + 2.0 * math.exp(-seconds / T2_S)) / 4.0
