"""Attempts at the example's herald station, with the world's own numbers."""

from collections.abc import Sequence

import numpy as np
from tests.benches.servers.photon_program import NS, PHOTON_NS, PhotonProgram

from podium.control.calibration.links.photon_shapes import SidebandDrive, emission, played
from podium.control.program.program import Barrier, Capture, Delay, Frame, Play, Program, Statement
from podium.control.program.waveforms import Square
from podium.sim_instruments.servers.laboratory import Laboratory

WINDOW_NS = 600
OPENS_NS = 0
"""Before the first sideband pulse: the first photon is on its way for 75 ns."""
REST_NS = 240_000
DETECTORS = ("d0", "d1")


class HeraldProgram(PhotonProgram):
    """Numbers of both ends and frames of both detectors."""

    def __init__(self, laboratory: Laboratory) -> None:
        super().__init__(laboratory)
        self.frames += [Frame(name, f"link_ab.{name}", 0.0) for name in DETECTORS]

    def emissions(self, window: str, ends: str = "ab") -> list[Statement]:
        """Let both ends emit while the detectors' windows are open."""
        found: list[Statement] = [
            Capture(name, f"{name}_{window}", WINDOW_NS * NS, OPENS_NS * NS) for name in DETECTORS
        ]
        bandwidth_hz = min(self.value(f"link_ab.{end}.kappa") for end in "ab")
        for end in ends:
            drive = SidebandDrive(
                self.value(f"link_ab.{end}.sideband_rate"),
                self.value(f"link_ab.{end}.stark_shift"),
            )
            kappa_hz = self.value(f"link_ab.{end}.kappa")
            shape = emission(drive, bandwidth_hz, kappa_hz, PHOTON_NS)
            found.append(Play(f"{end}.sideband", played(shape), 1.0))
        return [*found, Barrier(self.names)]

    def bright(self, alpha: float) -> list[Statement]:
        """Bring both to sqrt(1 - alpha) e + sqrt(alpha) f."""
        angle = 2 / np.pi * float(np.arcsin(np.sqrt(alpha)))
        body: list[Statement] = []
        for frame, turn in (("ge", 1.0), ("ef", angle)):
            for end in "ab":
                body.append(self.turn(f"{end}.{frame}", turn)[0])
            body.append(Barrier(self.names))
        return body

    def attempts(self, name: str, body: Sequence[Statement], shots: int) -> Program:
        """Return shots of attempts, a readout of both ends, and a long wait."""
        read: list[Statement] = []
        for end in "ab":
            read.append(Capture(f"{end}.read", end, 600 * NS, 0))
            read.append(Play(f"{end}.read", Square(700 * NS), 0.2))
        rest = [Barrier(self.names), Delay(self.names[:1], REST_NS * NS)]
        whole = (Delay(self.names, 100 * NS), Barrier(self.names), *body, *read, *rest)
        return Program(name, tuple(self.frames), whole, shots=shots, keep_shots=True)
