"""Four sites of a lattice of transmons, coupled along a chain, as a lab would plan them.

The published tables of single qubits were not at hand: all numbers are assumed. Sweet spots are
staggered, so that each qubit can be addressed by itself there.
"""

from podium.sim_instruments.facilities.chip_design import ChipDesign, Estimate, QubitPlan
from podium.sim_instruments.physics.chips import karamlou2024

SITES_GHZ = ((4.60, 6.05), (4.98, 6.18), (4.68, 6.31), (5.06, 6.44))
"""ASSUMED: f01 and resonator of each site."""


def _qubit(f01_ghz: float, readout_ghz: float) -> QubitPlan:
    return QubitPlan(
        "transmon",
        f01_ghz,
        {
            "f01": Estimate(f"{f01_ghz:.2f} GHz", "15 MHz"),
            "anharmonicity": Estimate("-218 MHz", "4 MHz"),
            "readout_frequency": Estimate(f"{readout_ghz:.2f} GHz", "8 MHz"),
            "kappa": Estimate("3.0 MHz", "0.4 MHz"),
            "chi": Estimate("-0.8 MHz", "0.12 MHz"),
            "t1": Estimate("22 us", "3 us"),
            "t2_echo": Estimate("18 us", "3 us"),
            "t2_ramsey": Estimate("9 us", "2 us"),
            "rabi_frequency": Estimate("40 MHz", "5 MHz"),
            "flux_period": Estimate("1.5 V", "0.05 V"),
            "flux_offset": Estimate("0 V", "0.03 V"),
            "asymmetry": Estimate("0.4", "0.05"),
        },
    )


DESIGN = ChipDesign(
    name="karamlou2024",
    source=karamlou2024.SOURCE,
    told="four sites of the lattice, coupled along a chain; numbers of single qubits are assumed",
    kind="analog",
    qubits=tuple(_qubit(*site) for site in SITES_GHZ),
    readout_lo_ghz=6.27,
    couplings={
        (n, n + 1): Estimate("5.9 MHz", "0.4 MHz", assumed=False) for n in range(len(SITES_GHZ) - 1)
    },
)
