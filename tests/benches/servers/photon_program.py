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
from podium.sim_instruments.servers.laboratory_truth import truth_now

NS = 10**6
PULSE_NS, SIGMA_NS = 32, 8
PHOTON_NS = 180
WAIT_NS = 60_000


class PhotonProgram:
    """Numbers of the nodes along ``links``: ``a`` emits, ``b`` catches, and emits to ``c``."""

    def __init__(self, laboratory: Laboratory, *links: str) -> None:
        """``links`` follow each other; of them none named, ``link_ab`` is it."""
        self._truth: Mapping[str, Truth] = truth_now(laboratory)()
        self.links = links or ("link_ab",)
        self.ends = "abc"[: len(self.links) + 1]
        """Of each node the last letter of its name."""
        self.frames: list[Frame] = []
        self._pi: dict[str, float] = {}
        world = laboratory.world_file.links
        qubits = {q.name: q for line in laboratory.chip.at({}) for q in line.qubits}
        area_ns = float(
            np.exp(-0.5 * ((np.arange(PULSE_NS) - PULSE_NS / 2 + 0.5) / SIGMA_NS) ** 2).sum()
        )
        for number, end in enumerate(self.ends):
            name = f"node_{end}.q0"
            f01, kerr = self.value(f"{name}.f01"), self.value(f"{name}.anharmonicity")
            self.frames += [
                Frame(f"{end}.ge", f"{name}.drive", f01),
                Frame(f"{end}.ef", f"{name}.drive", f01 + kerr),
                Frame(f"{end}.read", f"{name}.readout", self.value(f"{name}.readout_frequency")),
            ]
            # both outputs of a module have one full scale
            link = self.links[max(0, number - 1)]
            full_scale = world[link].ends[min(number, 1)].full_scale.value
            rabi_hz = qubits[name].rabi_hz_per_sqrt_w * full_scale
            self._pi[f"{end}.ge"] = 0.5e9 / (rabi_hz * area_ns)
            self._pi[f"{end}.ef"] = self._pi[f"{end}.ge"] / float(qubits[name].ladder[1])
        for link in self.links:
            for end, place in self._places(link):
                at_hz = self.value(f"{place}.sideband_frequency")
                self.frames.append(
                    Frame(self.sideband(end, link), f"node_{end}.q0.sideband", at_hz)
                )

    def _places(self, link: str) -> list[tuple[str, str]]:
        """Return the letter of each end of a link, and its name in the truth: sender, catcher."""
        first = self.links.index(link)
        return [(self.ends[first + k], f"{link}.{end}") for k, end in enumerate("ab")]

    def sideband(self, end: str, link: str) -> str:
        """Return the frame by which an end sends or catches; a hub has one for each link."""
        return f"{end}.sideband" if link == self.links[0] else f"{end}.sideband_of_{link}"

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

    def photon(self, lag_ns: int = 4, link: str | None = None) -> list[Statement]:
        """Make a photon at a link's first end and catch it at the second, so much later."""
        over = self.links[0] if link is None else link
        places = self._places(over)
        bandwidth_hz = min(self.value(f"{place}.kappa") for _, place in places)
        later = self.sideband(places[lag_ns >= 0][0], over)
        found: list[Statement] = [Delay((later,), abs(lag_ns) * NS)] if lag_ns else []
        for (end, place), shape in zip(places, (emission, absorption), strict=True):
            drive = SidebandDrive(
                self.value(f"{place}.sideband_rate"), self.value(f"{place}.stark_shift")
            )
            made = shape(drive, bandwidth_hz, self.value(f"{place}.kappa"), PHOTON_NS)
            found.append(Play(self.sideband(end, over), played(made), 1.0))
        return [*found, Barrier(self.names)]

    def program(self, name: str, body: Sequence[Statement], shots: int) -> Program:
        """Return shots of what is done, a readout of all nodes, and a long wait."""
        read: list[Statement] = []
        for end in self.ends:
            read.append(Capture(f"{end}.read", end, 600 * NS, 0))
            read.append(Play(f"{end}.read", Square(700 * NS), 0.2))
        rest = [Barrier(self.names), Delay(self.names[:1], WAIT_NS * NS)]
        whole = (Barrier(self.names), *body, *read, *rest)
        return Program(name, tuple(self.frames), whole, shots=shots, keep_shots=True)
