"""Two fluxoniums of 0.2 to 0.3 GHz and a tunable transmon between them, as a lab would plan them.

Tables of the paper could not be read: all numbers are assumed. Energies and couplings go together:
charges couple by 570, 570 and 125 MHz, and what the coupler mediates is what both shift each other
by directly, to some kHz wherever the coupler is.
"""

from dataclasses import replace

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
DRIVEN_GHZ = 4.45
"""About the coupler's transition with the fluxoniums in 1."""
COUPLER = {
    "f01": Estimate("6.141 GHz", "20 MHz"),
    "anharmonicity": Estimate("-367 MHz", "3 MHz"),
    "asymmetry": Estimate("0.585", "0.004"),
    "flux_period": Estimate("1.5 V", "0.02 V"),
    "flux_offset": Estimate("0.75 V", "0.02 V"),
    "t1": Estimate("15 us", "2 us"),
}
"""ASSUMED: EC of 0.32 and junctions of 13 and 3.4 GHz. It rests at its lower sweet spot, 4.61 GHz,
where its line depends on both fluxoniums by 50 to 150 MHz."""


def _qubit(
    f01_ghz: float, energies_ghz: tuple[float, float, float], readout_ghz: float
) -> QubitPlan:
    charging, josephson, inductive = energies_ghz
    return QubitPlan(
        "fluxonium",
        f01_ghz,
        design={
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
    qubits=tuple(
        replace(_qubit(*one), f12_ghz=DRIVEN_GHZ if n == 0 else None)
        for n, one in enumerate(QUBITS)
    ),
    readout_lo_ghz=7.13,
    couplers={"c01": COUPLER},
    # |101>-|111>, fluxoniums outside: the coupler is driven through the first one's line.
    edges=(
        EdgePlan(
            (0, 1),
            Estimate("0.490 MHz", "0.005 MHz"),
            coupler="c01",
            with_coupler=(Estimate("42.7 MHz", "0.4 MHz"), Estimate("35.8 MHz", "0.4 MHz")),
            driven="q0",
            off_point=Estimate("0 V"),
        ),
    ),
)
