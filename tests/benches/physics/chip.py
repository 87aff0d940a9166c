"""A chip of two qubits with fast flux lines on one feedline."""

import numpy as np

from podium.sim_instruments.physics.chip import Chip, Feedline, Qubit
from podium.sim_instruments.physics.circuit_inversion import circuit_of

QUBITS = tuple(
    Qubit(
        name=f"node_a.q{number}",
        circuit=circuit_of(
            f01_hz=f01,
            anharmonicity_hz=-176e6,
            readout_hz=readout,
            chi_hz=-1.2e6,
            asymmetry=0.4,
        ),
        kappa_coupling_hz=4e6,
        kappa_internal_hz=0.1e6,
        quality=1.2e6,
        temperature_k=0.06,
        white_dephasing_1_s=8e3,
        frequency_noise_hz=4e3,
        flux_noise=1e-5,
        slow_memory_s=3e-3,
        drive_hz_per_sqrt_w=5e8,
        drive_delay_ns=45.0,
    )
    for number, (f01, readout) in enumerate([(6.0e9, 7.25e9), (5.7e9, 7.04e9)])
)


FEEDLINE = Feedline("node_a.feedline", 5e-4, 3e3, 80.0, 70.0, 2.0, ("node_a.q0", "node_a.q1"))
MATRIX = np.array([[0.67, 0.003], [-0.002, 0.65]])
CHIP = Chip(QUBITS, [FEEDLINE], MATRIX, np.array([0.05, -0.07]))
