"""A program, played through the vendor's client over TCP. Also a command of its own:

python -m tests.sim_instruments.servers.playing FACILITY ENDPOINTS SHOTS
"""

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from podium.control.facility.facility import HostAddress
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    Variable,
)
from podium.control.program.waveforms import Gaussian, Square

NS = 10**6
QUBITS = {"q0": (6.02e9, 7.26e9), "q1": (5.71e9, 7.04e9), "q2": (5.06e9, 6.84e9)}
"""Frequencies of the example's design: drive, readout."""


def rabi(
    node: str = "node_a",
    qubits: Sequence[str] = tuple(QUBITS),
    points: int = 1,
    shots: int = 100,
    wait_us: int = 50,
) -> Program:
    """Drive and read ``qubits`` together; every shot is kept."""
    drives = [Frame(f"{q}.d", f"{node}.{q}.drive", QUBITS[q][0]) for q in qubits]
    readouts = [Frame(f"{q}.r", f"{node}.{q}.readout", QUBITS[q][1]) for q in qubits]
    everything = tuple(frame.name for frame in (*drives, *readouts))
    body: list[Any] = [
        Play(frame.name, Gaussian(40 * NS, 10 * NS), Affine("amplitude")) for frame in drives
    ]
    body.append(Barrier(everything))
    for q in qubits:
        body += [
            Capture(f"{q}.r", q, 1000 * NS, 100 * NS),
            Play(f"{q}.r", Square(1200 * NS), 0.1),
        ]
    body += [Barrier(everything), Delay(everything[:1], wait_us * 1000 * NS)]
    amplitude = Variable("amplitude", "1", Linear.steps(0.0, 0.4, points))
    return Program(
        "rabi",
        (*drives, *readouts),
        tuple(body),
        axes=(Axis("point", (amplitude,)),),
        shots=shots,
        keep_shots=True,
    )


class Player:
    """A cluster of a facility, as its driver sees it; blocking."""

    def __init__(self, facility: Path, endpoints: Path, cluster: str = "cluster_a") -> None:
        from podium.drivers.qblox_cluster import QbloxCluster

        self.facility = load_facility(facility, endpoints)
        self._cluster = cluster
        entry = self.facility.instruments[cluster]
        address, modules = entry.address, entry.options["modules"]
        if not isinstance(address, HostAddress) or isinstance(modules, str):
            raise TypeError(f"{cluster} is no cluster")
        self.driver = QbloxCluster(cluster, address.host, address.ports, modules)

    def play(self, program: Program) -> dict[str, np.ndarray]:
        """Return the IQ points of every capture, shape (shots, points)."""
        artifact = compiler_for(self.facility)(program)[self._cluster]
        self.driver.load(artifact)
        self.driver.arm()
        self.driver.start()
        self.driver.wait(artifact.duration_fs * 1e-15)
        return {name: data.i + 1j * data.q for name, data in self.driver.collect().items()}


def main(facility: str, endpoints: str, shots: str) -> None:
    """Play once and say what came back."""
    player = Player(Path(facility), Path(endpoints))
    played = player.play(rabi(shots=int(shots), wait_us=100))
    player.driver.close()
    print({name: points.shape for name, points in played.items()})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
