"""Programs that send a photon over the example's link, with the world's own numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from podium.control.calibration.links.photon_shapes import (
    SidebandDrive,
    absorption,
    emission,
    played,
)
from podium.control.program.program import Barrier, Capture, Delay, Frame, Play, Program, Statement
from podium.control.program.waveforms import Gaussian, Square
from podium.sim_instruments.physics.known_truth import Truth
from podium.sim_instruments.servers.laboratory import Laboratory

NS = 10**6
PULSE_NS, SIGMA_NS = 32, 8
PHOTON_NS = 180
WAIT_NS = 60_000


class PhotonProgram:
    """Numbers of both ends: ``a`` emits, ``b`` catches."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._truth: Mapping[str, Truth] = laboratory.truth_now()()
        self.frames: list[Frame] = []
        self._pi: dict[str, float] = {}
        world = laboratory._world_file.links["link_ab"]
        qubits = {q.name: q for line in laboratory.chip.at({}) for q in line.qubits}
        area_ns = float(
            np.exp(-0.5 * ((np.arange(PULSE_NS) - PULSE_NS / 2 + 0.5) / SIGMA_NS) ** 2).sum()
        )
        for number, end in enumerate("ab"):
            name = f"node_{end}.q0"
            f01, kerr = self.value(f"{name}.f01"), self.value(f"{name}.anharmonicity")
            sideband = self.value(f"link_ab.{end}.sideband_frequency")
            self.frames += [
                Frame(f"{end}.ge", f"{name}.drive", f01),
                Frame(f"{end}.ef", f"{name}.drive", f01 + kerr),
                Frame(f"{end}.sideband", f"{name}.sideband", sideband),
                Frame(f"{end}.read", f"{name}.readout", self.value(f"{name}.readout_frequency")),
            ]
            # both outputs of a module have one full scale
            rabi_hz = qubits[name].rabi_hz_per_sqrt_w * world.ends[number].full_scale.value
            self._pi[f"{end}.ge"] = 0.5e9 / (rabi_hz * area_ns)
            self._pi[f"{end}.ef"] = self._pi[f"{end}.ge"] / float(qubits[name].ladder[1])

    def value(self, name: str) -> float:
        """Return a hidden number."""
        return float(self._truth[name].value)

    @property
    def names(self) -> tuple[str, ...]:
        """Return all frames' names."""
        return tuple(frame.name for frame in self.frames)

    def turn(self, frame: str, angle: float = 1.0) -> list[Statement]:
        """Drive a transition by so many half turns."""
        pulse = Play(frame, Gaussian(PULSE_NS * NS, SIGMA_NS * NS), angle * self._pi[frame])
        return [pulse, Barrier(self.names)]

    def photon(self, lag_ns: int = 4) -> list[Statement]:
        """Make a photon at ``a`` and catch it at ``b``, which begins so much later (or earlier)."""
        bandwidth_hz = min(self.value(f"link_ab.{end}.kappa") for end in "ab")
        later = "b.sideband" if lag_ns >= 0 else "a.sideband"
        found: list[Statement] = [Delay((later,), abs(lag_ns) * NS)] if lag_ns else []
        for end, shape in (("a", emission), ("b", absorption)):
            drive = SidebandDrive(
                self.value(f"link_ab.{end}.sideband_rate"),
                self.value(f"link_ab.{end}.stark_shift"),
            )
            kappa_hz = self.value(f"link_ab.{end}.kappa")
            found.append(
                Play(
                    f"{end}.sideband", played(shape(drive, bandwidth_hz, kappa_hz, PHOTON_NS)), 1.0
                )
            )
        return [*found, Barrier(self.names)]

    def program(self, name: str, body: Sequence[Statement], shots: int) -> Program:
        """Return shots of what is done, a readout of both ends, and a long wait."""
        read: list[Statement] = []
        for end in "ab":
            read.append(Capture(f"{end}.read", end, 600 * NS, 0))
            read.append(Play(f"{end}.read", Square(700 * NS), 0.2))
        rest = [Barrier(self.names), Delay(self.names[:1], WAIT_NS * NS)]
        whole = (Barrier(self.names), *body, *read, *rest)
        return Program(name, tuple(self.frames), whole, shots=shots, keep_shots=True)
