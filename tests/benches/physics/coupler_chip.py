"""A chip of two transmons and the tunable coupler between them."""

import numpy as np
from tests.benches.physics.chip import FEEDLINE, QUBITS

from podium.sim_instruments.physics.chip import Chip, Qubit
from podium.sim_instruments.physics.circuit_inversion import Circuit
from podium.sim_instruments.physics.flux_line_world import FAR_HZ
from podium.sim_instruments.physics.transmon import Transmon

Q0, Q1, C01 = NAMES = ("node_a.q0", "node_a.q1", "node_a.c01")
COUPLER = Qubit(
    name=C01,
    circuit=Circuit(Transmon(0.2e9, 36e9, 0.1), 0.0, FAR_HZ),
    kappa_coupling_hz=0.0,
    kappa_internal_hz=0.0,
    quality=1e6,
    temperature_k=0.05,
    white_dephasing_1_s=1e4,
    frequency_noise_hz=0.0,
    flux_noise=1e-5,
    slow_memory_s=1e-3,
    drive_hz_per_sqrt_w=0.0,
    drive_delay_ns=45.0,
)
MATRIX = np.diag([0.67, 0.65, 0.6])
CHARGE = [float(one.circuit.at(0.0).charge[0]) for one in (*QUBITS, COUPLER)]
CHIP = Chip(
    (*QUBITS, COUPLER),
    [FEEDLINE],
    MATRIX,
    np.zeros(3),
    {
        (Q0, C01): 80e6 / CHARGE[0] / CHARGE[2],
        (Q1, C01): 80e6 / CHARGE[1] / CHARGE[2],
        (Q0, Q1): 5e6 / CHARGE[0] / CHARGE[1],
    },
    couplers=[C01],
)
BIASES = CHIP.sweet_spots_v()
