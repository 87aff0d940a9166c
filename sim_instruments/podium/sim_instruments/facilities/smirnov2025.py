"""Two transmons with a tunable coupler and gates by bipolar pulses on a qubit, as a lab would plan.

Tables of the paper could not be read: all numbers are assumed. Of its four qubits these are two.
"""

from podium.sim_instruments.facilities.chip_design import (
    ChipDesign,
    EdgePlan,
    Estimate,
    QubitPlan,
)
from podium.sim_instruments.physics.chips import smirnov2025

SITES_GHZ = ((5.00, 7.10), (4.60, 7.25))
"""ASSUMED: f01 and resonator of each qubit."""
COUPLER = {
    "f01": Estimate("6.4 GHz", "40 MHz"),
    "anharmonicity": Estimate("-150 MHz", "5 MHz"),
    "asymmetry": Estimate("0.2", "0.03"),
    "flux_period": Estimate("1.5 V", "0.05 V"),
    "flux_offset": Estimate("0 V", "0.05 V"),
    "t1": Estimate("20 us", "3 us"),
}


def _qubit(f01_ghz: float, readout_ghz: float) -> QubitPlan:
    return QubitPlan(
        "transmon",
        f01_ghz,
        {
            "f01": Estimate(f"{f01_ghz:.2f} GHz", "25 MHz"),
            "anharmonicity": Estimate("-210 MHz", "4 MHz"),
            "readout_frequency": Estimate(f"{readout_ghz:.2f} GHz", "8 MHz"),
            "kappa": Estimate("2.4 MHz", "0.2 MHz"),
            "chi": Estimate("-1.0 MHz", "0.08 MHz"),
            "t1": Estimate("30 us", "5 us"),
            "t2_echo": Estimate("25 us", "4 us"),
            "t2_ramsey": Estimate("10 us", "2 us"),
            "rabi_frequency": Estimate("40 MHz", "5 MHz"),
            "flux_period": Estimate("1.5 V", "0.05 V"),
            "flux_offset": Estimate("0 V", "0.05 V"),
            "asymmetry": Estimate("0.4", "0.05"),
        },
    )


DESIGN = ChipDesign(
    name="smirnov2025",
    source=smirnov2025.SOURCE,
    told="two transmons, a tunable coupler, bipolar pulses on the qubit of higher frequency; all "
    "numbers are assumed",
    kind="digital",
    qubits=tuple(_qubit(*site) for site in SITES_GHZ),
    readout_lo_ghz=7.17,
    couplers={"c01": COUPLER},
    edges=(
        EdgePlan(
            (0, 1),
            Estimate("6 MHz", "0.3 MHz"),
            coupler="c01",
            with_coupler=(Estimate("70 MHz", "3 MHz"), Estimate("70 MHz", "3 MHz")),
            pulsed="q0",
        ),
    ),
)
