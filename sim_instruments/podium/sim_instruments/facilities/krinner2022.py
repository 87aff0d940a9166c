"""Seventeen flux-tunable transmons of a distance-three surface code, as a lab would plan them.

The published table of single qubits was not at hand: all numbers are of the ranges that the device
is known for, and marked as assumed. Qubits repeat in groups of three frequencies, as the data and
auxiliary qubits of such a lattice do; what fabrication does makes them differ.
"""

from podium.sim_instruments.facilities.chip_design import (
    ChipDesign,
    EdgePlan,
    Estimate,
    QubitPlan,
)
from podium.sim_instruments.physics.chips import krinner2022

# ASSUMED: f01 (GHz), anharmonicity (MHz), kappa, chi (MHz), T1, T2 echo, T2 Ramsey (us).
GROUPS = (
    (6.02, -175, 4.0, -1.25, 33, 40, 27),
    (5.71, -178, 4.2, -1.2, 31, 38, 25),
    (5.06, -183, 3.8, -1.15, 36, 42, 29),
)
# ASSUMED: resonators of one feedline, GHz.
READOUT_GHZ = (7.26, 7.04, 6.84, 7.15, 6.94, 7.36)
QUBITS = 17


def _qubit(number: int) -> QubitPlan:
    group = GROUPS[number % len(GROUPS)]
    return _plan(*group, READOUT_GHZ[number % len(READOUT_GHZ)])


def _plan(
    f01: float,
    anharmonicity: float,
    kappa: float,
    chi: float,
    t1: float,
    echo: float,
    ramsey: float,
    readout: float,
) -> QubitPlan:
    return QubitPlan(
        "transmon",
        f01,
        {
            "f01": Estimate(f"{f01:.2f} GHz", "40 MHz"),
            "anharmonicity": Estimate(f"{anharmonicity} MHz", "4 MHz"),
            "readout_frequency": Estimate(f"{readout:.2f} GHz", "8 MHz"),
            "kappa": Estimate(f"{kappa} MHz", "0.4 MHz"),
            "chi": Estimate(f"{chi} MHz", "0.12 MHz"),
            "t1": Estimate(f"{t1} us", "7 us"),
            "t2_echo": Estimate(f"{echo} us", "7 us"),
            "t2_ramsey": Estimate(f"{ramsey} us", "5 us"),
            "rabi_frequency": Estimate("40 MHz", "5 MHz"),
            "flux_period": Estimate("1.5 V", "0.05 V"),
            "flux_offset": Estimate("0 V", "0.1 V"),
            "asymmetry": Estimate("0.4", "0.05"),
        },
    )


DESIGN = ChipDesign(
    name="krinner2022",
    source=krinner2022.SOURCE,
    told="flux-tunable transmons, dispersive readout on shared feedlines; numbers of single "
    "qubits are assumed",
    kind="digital",
    qubits=tuple(_qubit(number) for number in range(QUBITS)),
    readout_lo_ghz=7.13,
)

# ASSUMED: f01 of five in a row, GHz: each gate lowers its upper end to above the lower one, and so
# passes no other neighbour.
STEPS_GHZ = (6.50, 6.10, 5.70, 5.30, 4.90)
CHAIN = ChipDesign(
    name="krinner2022_chain",
    device="krinner2022",
    source=krinner2022.SOURCE,
    told="five of its transmons in a row, coupled for good, with a gate on each pair; all numbers "
    "are assumed",
    kind="digital",
    qubits=tuple(
        _plan(f01, *GROUPS[0][1:], readout)
        for f01, readout in zip(STEPS_GHZ, (7.44, 7.32, 7.20, 7.08, 6.96), strict=True)
    ),
    readout_lo_ghz=7.25,
    edges=tuple(
        EdgePlan((n, n + 1), Estimate("5.5 MHz", "0.3 MHz")) for n in range(len(STEPS_GHZ) - 1)
    ),
)
"""As many as a register of coupled qubits may have here."""
