"""Two transmons and a tunable coupler, as a lab would plan them.

Tables of the paper, whose CZ is better than 99.9 %, could not be read: all numbers are assumed.
With them a pulse on the coupler gives the half turn of a CZ in some 110 ns, and the error that a
world of them allows is the paper's (docs/reference/devices.md): the ends lie farther apart than
their anharmonicity, so that 20 pushes 11 down, and the coupler pushes it the same way.
"""

from podium.sim_instruments.facilities.chip_design import (
    ChipDesign,
    EdgePlan,
    Estimate,
    QubitPlan,
)
from podium.sim_instruments.physics.chips import marxer2025

SITES_GHZ = ((4.68, 6.90), (4.40, 7.05))
"""ASSUMED: f01 and resonator of each qubit."""
COUPLER = {
    "f01": Estimate("6.0 GHz", "40 MHz"),
    "anharmonicity": Estimate("-120 MHz", "5 MHz"),
    "asymmetry": Estimate("0.2", "0.03"),
    "flux_period": Estimate("1.2 V", "0.04 V"),
    "flux_offset": Estimate("0 V", "0.04 V"),
    "t1": Estimate("40 us", "3 us"),
}


def _qubit(f01_ghz: float, readout_ghz: float) -> QubitPlan:
    return QubitPlan(
        "transmon",
        f01_ghz,
        {
            "f01": Estimate(f"{f01_ghz:.2f} GHz", "20 MHz"),
            "anharmonicity": Estimate("-200 MHz", "4 MHz"),
            "readout_frequency": Estimate(f"{readout_ghz:.2f} GHz", "8 MHz"),
            "kappa": Estimate("1.6 MHz", "0.15 MHz"),
            "chi": Estimate("-0.75 MHz", "0.06 MHz"),
            "t1": Estimate("150 us", "20 us"),
            "t2_echo": Estimate("150 us", "20 us"),
            "t2_ramsey": Estimate("60 us", "10 us"),
            "rabi_frequency": Estimate("40 MHz", "5 MHz"),
            "flux_period": Estimate("1.5 V", "0.05 V"),
            "flux_offset": Estimate("0 V", "0.05 V"),
            "asymmetry": Estimate("0.5", "0.05"),
        },
    )


DESIGN = ChipDesign(
    name="marxer2025",
    source=marxer2025.SOURCE,
    told="two transmons and a tunable coupler; all numbers are assumed",
    kind="digital",
    qubits=tuple(_qubit(*site) for site in SITES_GHZ),
    readout_lo_ghz=6.97,
    couplers={"c01": COUPLER},
    edges=(
        EdgePlan(
            (0, 1),
            Estimate("7.5 MHz", "0.3 MHz"),
            coupler="c01",
            with_coupler=(Estimate("100 MHz", "3 MHz"), Estimate("100 MHz", "3 MHz")),
        ),
    ),
)
