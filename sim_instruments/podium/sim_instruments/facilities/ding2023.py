"""Two fluxoniums of 0.2 to 0.3 GHz and a tunable transmon between them, as a lab would plan them.

Tables of the paper could not be read: all numbers are assumed.
"""

from podium.sim_instruments.facilities.chip_design import (
    ChipDesign,
    EdgePlan,
    Estimate,
    QubitPlan,
)
from podium.sim_instruments.physics.chips import ding2023

QUBITS = (
    (0.30, (1.41, 6.27, 0.80), 7.19),
    (0.22, (1.30, 5.71, 0.59), 7.08),
)
"""ASSUMED: about f01, EC, EJ and EL, and the resonator, GHz."""
COUPLER = {
    "f01": Estimate("4.3 GHz", "30 MHz"),
    "anharmonicity": Estimate("-200 MHz", "5 MHz"),
    "asymmetry": Estimate("0.4", "0.03"),
    "flux_period": Estimate("1.5 V", "0.05 V"),
    "flux_offset": Estimate("0 V", "0.05 V"),
    "t1": Estimate("20 us", "3 us"),
}


def _qubit(
    f01_ghz: float, energies_ghz: tuple[float, float, float], readout_ghz: float
) -> QubitPlan:
    charging, josephson, inductive = energies_ghz
    return QubitPlan(
        "fluxonium",
        f01_ghz,
        {
            "charging_energy": Estimate(f"{charging} GHz", "5 MHz"),
            "josephson_energy": Estimate(f"{josephson} GHz", "20 MHz"),
            "inductive_energy": Estimate(f"{inductive} GHz", "3 MHz"),
            "readout_frequency": Estimate(f"{readout_ghz} GHz", "8 MHz"),
            "kappa": Estimate("1.6 MHz", "0.12 MHz"),
            "chi": Estimate("0.8 MHz", "0.05 MHz"),
            "t1": Estimate("200 us", "20 us"),
            "t2_echo": Estimate("150 us", "20 us"),
            "t2_ramsey": Estimate("60 us", "10 us"),
            "rabi_frequency": Estimate("12 MHz", "1.5 MHz"),
            "flux_period": Estimate("1.5 V", "0.03 V"),
            "flux_offset": Estimate("0.35 V", "0.05 V"),
        },
    )


DESIGN = ChipDesign(
    name="ding2023",
    source=ding2023.SOURCE,
    told="two fluxoniums and a transmon that couples them; all numbers are assumed",
    kind="digital",
    qubits=tuple(_qubit(*one) for one in QUBITS),
    readout_lo_ghz=7.13,
    couplers={"c01": COUPLER},
    edges=(
        EdgePlan(
            (0, 1),
            Estimate("1.0 MHz", "0.1 MHz"),
            coupler="c01",
            with_coupler=(Estimate("25 MHz", "1 MHz"), Estimate("20 MHz", "1 MHz")),
        ),
    ),
)
