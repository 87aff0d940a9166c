"""A short meeting of two runs that has the kernels of links compiled."""

from dataclasses import replace

import numpy as np

from podium.sim_instruments.physics.clock_instants import add_cosine, white_noise
from podium.sim_instruments.physics.compilation_runs import PULSES, TONE, WINDOWS, first_qubit
from podium.sim_instruments.physics.links.link_point import Link, LinkEnd
from podium.sim_instruments.physics.meeting.meeting_run import ideal_run
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.signals import CaptureTrain, Piece, PulseTrain, RunSignals
from podium.sim_instruments.physics.world import World

NODES = ("first", "second")
TRANSFER_HZ = 8e9


def run_links() -> None:
    """Send a photon from one of two qubits to the other, and read both, twice."""
    qubits = [replace(first_qubit(), name=f"{node}.q0") for node in NODES]
    feedlines = tuple(
        FeedlinePoint(f"{node}.feedline", 1e-3, 1e3, 20.2, 20.3, 1e-20, (qubit,))
        for node, qubit in zip(NODES, qubits, strict=True)
    )
    one, other = (
        LinkEnd(qubit.name, f"{qubit.name}.sideband", TRANSFER_HZ, 1e7, 1e9, 0.0)
        for qubit in qubits
    )
    link = Link("link", (one, other), (0.8, 0.01), 5_000_000, 0.01, 0.0)
    world = World(lambda *_: feedlines, 0, links=(link,))
    start = 9000 * np.arange(2, dtype=np.int64)
    kind, turns = np.zeros(2, np.int32), np.zeros(2)
    carrier_hz = float(qubits[0].levels_hz[2]) - TRANSFER_HZ
    photon = Piece(carrier_hz, np.full(50, 4e-3 + 0j), 0j, 50)
    runs = []
    for number, node in enumerate(NODES):
        played = (
            PulseTrain(f"{node}.q0.drive", start, kind, turns, PULSES[:1]),
            PulseTrain(f"{node}.q0.sideband", start + 300, kind, turns, (photon,)),
            PulseTrain(f"{node}.feedline", start + 500, kind, turns, (TONE,)),
        )
        heard = (CaptureTrain(f"{node}.feedline", start + 550, kind, turns, WINDOWS[:1]),)
        runs.append(ideal_run(RunSignals(number, 0, 20_000, played, heard, {})))
    world.meet(runs)
    white_noise(np.uint64(1), np.zeros(1, np.uint64), np.zeros(1))
    add_cosine(1.0, 0.0, 1.0, np.zeros(1), np.zeros(1))
