"""Two fluxoniums with a resonator each, as a lab would plan them; alone, coupled, and shelved.

Their circuit energies are published (table S1 of the paper); all else is assumed, but for what
:data:`PAIR` says. Of the first, :data:`DESIGN` has two without a coupling.
"""

from dataclasses import replace

from podium.sim_instruments.facilities.chip_design import (
    ChipDesign,
    EdgePlan,
    Estimate,
    QubitPlan,
)
from podium.sim_instruments.physics.chips import bao2022

READOUT_GHZ = (7.05, 7.2)  # ASSUMED


def _qubit(readout_ghz: float) -> QubitPlan:
    return QubitPlan(
        "fluxonium",
        1.3,
        {
            "charging_energy": Estimate("1.572 GHz", "10 MHz", assumed=False),
            "josephson_energy": Estimate("2.086 GHz", "20 MHz", assumed=False),
            "inductive_energy": Estimate("0.537 GHz", "5 MHz", assumed=False),
            "readout_frequency": Estimate(f"{readout_ghz} GHz", "8 MHz"),
            "kappa": Estimate("1.6 MHz", "0.12 MHz"),
            "chi": Estimate("1.0 MHz", "0.06 MHz"),
            "t1": Estimate("60 us", "8 us"),
            "t2_echo": Estimate("45 us", "7 us"),
            "t2_ramsey": Estimate("20 us", "4 us"),
            "rabi_frequency": Estimate("80 MHz", "8 MHz"),
            "flux_period": Estimate("1.5 V", "0.03 V"),
            "flux_offset": Estimate("0.35 V", "0.05 V"),
        },
    )


DESIGN = ChipDesign(
    name="bao2022",
    source=bao2022.SOURCE,
    told="fluxoniums of published energies; everything else is assumed, they are not coupled",
    kind="digital",
    qubits=tuple(map(_qubit, READOUT_GHZ)),
    readout_lo_ghz=7.12,
)

FIRST = {
    # Table S1 as quoted, with the resonator, by an example of pyscqed that reproduces the paper.
    "charging_energy": Estimate("1.398 GHz", "10 MHz", assumed=False),
    "josephson_energy": Estimate("2.257 GHz", "20 MHz", assumed=False),
    "inductive_energy": Estimate("0.523 GHz", "5 MHz", assumed=False),
    "readout_frequency": Estimate("6.696 GHz", "8 MHz", assumed=False),
    "kappa": Estimate("0.9 MHz", "0.08 MHz"),
    # 0.63 MHz in the paper; ASSUMED that this is between the lines of 0 and 1, twice our chi.
    "chi": Estimate("0.315 MHz", "0.02 MHz"),
}
"""Qubit A of the paper, where it differs from qubit B."""
PAIR = replace(
    DESIGN,
    name="bao2022_pair",
    device="bao2022",
    told="both fluxoniums of the paper with their capacitive coupling; energies are published, the "
    "rest is assumed",
    qubits=(
        replace(DESIGN.qubits[0], f01_ghz=1.06, design={**DESIGN.qubits[0].design, **FIRST}),
        DESIGN.qubits[1],
    ),
    readout_lo_ghz=6.95,
    # Flux raises the line of the slower one to that of the other: the gate of the paper.
    edges=(EdgePlan((0, 1), Estimate("10 MHz", "0.5 MHz"), pulsed="q0", gate="iswap"),),
)
MICROWAVE = replace(
    PAIR,
    name="bao2022_microwave",
    told="the same pair with a CZ by a drive of the plasmon of the first; energies are published, "
    "the rest is assumed",
    qubits=(replace(PAIR.qubits[0], f12_ghz=3.06), PAIR.qubits[1]),
    # |11>-|21>, beside |10>-|20>: Ficheux et al., Phys. Rev. X 11, 021026 (2021).
    edges=(EdgePlan((0, 1), Estimate("10 MHz", "0.5 MHz"), gate="cz", driven="q0"),),
)

SHELVED = replace(
    PAIR,
    name="bao2022_shelved",
    told="both qubits of the pair, taken as not coupled, with outputs that drive their plasmons; "
    "energies are published, the rest is assumed",
    qubits=(replace(PAIR.qubits[0], f12_ghz=3.06), replace(PAIR.qubits[1], f12_ghz=3.20)),
    edges=(),
)
"""For a readout with 1 shelved in 2, which is wrong less often although 2 pulls less than 1."""
