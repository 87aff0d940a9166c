"""Builds programs that send a qubit over a link and back, between gates at its first end.

A round trip turns the qubit by the phases of both ways. Carriers and clocks of both ends are in
them with opposite signs: their sum is the same in each round trip and, but for the drift of cables,
after each start, where the phase of one way is another one.

Shots begin by waiting alone: what is left in 1 then is an error of preparation, which the decay
does not have, and photons of a reset would be as many more of which a world keeps track.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.process import INPUTS, SETTINGS
from podium.control.calibration.fits.two_qubit_state import READ_TURNS, turned
from podium.control.calibration.links.entangled_pair import PHASES
from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.links.photon_pulses import PhotonPulses
from podium.control.calibration.links.photon_shapes import played
from podium.control.calibration.links.photon_transfer import lag_program
from podium.control.calibration.two_qubit_cliffords import TURNS, Turn
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Play,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

ComplexArray = NDArray[np.complex128]
STATES = INPUTS
"""That are sent: share of a pi pulse, and the phase of its axis in turns."""
SURE = 1 - 1e-9


def matrix(turn: Turn) -> ComplexArray:
    """Return the 2 x 2 matrix of a Clifford."""
    before, after = (
        np.diag(np.exp(0.25j * np.pi * quarters * np.array([-1, 1])))
        for quarters in (turn.before, turn.after)
    )
    return np.asarray(after @ turned(0.5 * np.pi * turn.pulse, 0.0) @ before)


MATRICES = tuple(matrix(turn) for turn in TURNS)


@dataclass(frozen=True, slots=True)
class Draw:
    """A random sequence: Cliffords by their place in ``TURNS``, the last of which ends it."""

    places: tuple[int, ...]
    target: int
    """What is read, 0 or 1, were all of it ideal and the round trips' phase taken out."""


def sequences(round_trips: int, rng: np.random.Generator) -> list[Draw]:
    """Return random sequences in which each set of the six states goes on the way once.

    Twice: all that ends in 0 is followed by the like that ends in 1. Which of four Cliffords leads
    from one state to the next is left to chance, which states are not: a way that loses photons
    treats 0, 1 and what lies between differently.
    """
    return [
        _sequence(states, target, rng)
        for states in product(STATES, repeat=round_trips)
        for target in (0, 1)
    ]


def _sequence(
    states: tuple[tuple[float, float], ...], target: int, rng: np.random.Generator
) -> Draw:
    wanted = [turned(np.pi * share, turns)[:, 0] for share, turns in (*states, (target, 0.0))]
    at, places = np.array([1, 0], np.complex128), list[int]()
    for state in wanted:
        leads = [k for k, u in enumerate(MATRICES) if abs(state.conj() @ u @ at) ** 2 > SURE]
        places.append(int(rng.choice(leads)))
        at = MATRICES[places[-1]] @ at
    return Draw(tuple(places), target)


@dataclass(frozen=True, slots=True, eq=False)
class RoundTrip:
    """The pulses of both ways of a link."""

    bench: LinkBench
    forth: PhotonPulses
    back: PhotonPulses
    lags_ns: tuple[int, int]
    """By how much later than the emission the catch begins, there and back: what one end starts
    late, or has longer lines by, is in both with opposite signs."""

    @classmethod
    def of(cls, bench: LinkBench, back_ns: int | None = None) -> "RoundTrip":
        """Return them by what is known now; ``back_ns``: None takes the lag of the way there.

        Raises FitFailed for a link with a circulator, and where full scale makes no photon.
        """
        if "isolation" in bench.link.design:
            raise FitFailed(
                f"{bench.link.name} has a circulator (isolation): what is sent the other way does "
                "not come back over it; only a link without one goes both ways"
            )
        there_ns = bench.flight_ns()
        back = replace(bench, first=bench.second, second=bench.first).photon()
        lags_ns = there_ns, bench.sech().flight_ns() if back_ns is None else back_ns
        return cls(bench, bench.photon(), back, lags_ns)

    @property
    def turned(self) -> LinkBench:
        """Return the bench of the way back."""
        return replace(self.bench, first=self.bench.second, second=self.bench.first)

    def back_program(self, shots: int) -> Program:
        """Return a scan over the lag of the catch at the first end, of photons of the second."""
        scan = lag_program(self.turned, shots)
        return replace(scan, name="photon back", frames=self.bench.frames())

    def statements(self) -> list[Statement]:
        """Send the first end's qubit to the second and back: each time all the way to 0 and 1."""
        first, second = self.bench.ends
        return [
            *self._sent(first, second, self.forth, self.lags_ns[0]),
            *self._sent(second, first, self.back, self.lags_ns[1]),
        ]

    def _sent(
        self, sender: EndPulses, receiver: EndPulses, photon: PhotonPulses, lag_ns: int
    ) -> list[Statement]:
        """Send a qubit; then resonators empty, as no pulse may catch what two have sent."""
        bench = self.bench
        later_ns = sender.node.pulse_ns + lag_ns
        return [
            Barrier(bench.names),
            sender.node.ef_pulse(sender.node.ef_pi_amplitude()),
            Barrier(sender.names),
            Play(sender.sideband, played(photon.sent)),
            Delay((receiver.sideband,), later_ns * FS_PER_NS),
            Play(receiver.sideband, played(photon.caught)),
            Barrier(bench.names),
            receiver.node.ef_pulse(receiver.node.ef_pi_amplitude()),
            Barrier(bench.names),
            Delay(bench.names, bench.empty_ns() * FS_PER_NS),
            Barrier(bench.names),
        ]

    def read(self) -> list[Statement]:
        """Read both ends at one time."""
        bench = self.bench
        return [Barrier(bench.names), *bench.first.node.measured(), *bench.second.node.measured()]

    def tomography_program(self, shots: int) -> Program:
        """Return six states sent there and back, each measured along three axes.

        Then one along :data:`.entangled_pair.PHASES` axes, which tell the round trip's phase.
        """
        node = self.bench.first.node
        pi = node.pi_amplitude()
        shares = [share for (share, _), _ in SETTINGS] + [0.5] * PHASES
        prepared = np.array([turn for (_, turn), _ in SETTINGS] + [0.0] * PHASES)
        heights = [0.0 if axis == "z" else pi / 2 for _, axis in SETTINGS] + [pi / 2] * PHASES
        read = np.array(
            [READ_TURNS[axis] for _, axis in SETTINGS] + np.linspace(0.0, 1.0, PHASES).tolist()
        )
        variables = (
            Variable("prepared_height", "1", Table(tuple(pi * share for share in shares))),
            Variable("prepared_turn", "turn", Table(tuple(prepared.tolist()))),
            Variable("read_height", "1", Table(tuple(heights))),
            # on one frame: what was prepared with is taken back
            Variable("read_turn", "turn", Table(tuple((read - prepared).tolist()))),
        )
        body = [
            *self.bench.passive_reset(),
            ShiftPhase(node.drive, Affine("prepared_turn")),
            node.pulse(Affine("prepared_height")),
            *self.statements(),
            ShiftPhase(node.drive, Affine("read_turn")),
            node.pulse(Affine("read_height")),
            *self.read(),
        ]
        axis = Axis("setting", variables)
        frames = self.bench.frames()
        return Program("round trips", frames, tuple(body), (axis,), shots=shots, keep_shots=True)

    def benchmark_program(
        self, round_trips: int, draws: Sequence[Draw], ahead_turns: float, shots: int
    ) -> Program:
        """Return so many round trips with a Clifford before each and one behind, for all draws.

        ``ahead_turns``: by which a round trip turns the qubit ahead of its drive; the drive's frame
        follows it. The axis is ``draw``.
        """
        node = self.bench.first.node
        half = node.pi_amplitude() / 2
        variables: list[Variable] = []
        body = self.bench.passive_reset()
        for k in range(round_trips + 1):
            turns = [TURNS[one.places[k]] for one in draws]
            names = [f"{word}_{k}" for word in ("before", "height", "after")]
            columns = (
                ("turn", [-turn.before / 4 for turn in turns]),
                ("1", [half * turn.pulse for turn in turns]),
                ("turn", [-turn.after / 4 for turn in turns]),
            )
            variables += [
                Variable(name, unit, Table(tuple(column)))
                for name, (unit, column) in zip(names, columns, strict=True)
            ]
            body += [
                ShiftPhase(node.drive, Affine(names[0])),
                node.pulse(Affine(names[1])),
                ShiftPhase(node.drive, Affine(names[2])),
            ]
            if k < round_trips:
                body += [*self.statements(), ShiftPhase(node.drive, ahead_turns)]
        body += self.read()
        axis = Axis("draw", tuple(variables))
        title = f"link benchmark, {round_trips} round trips"
        frames = self.bench.frames()
        return Program(title, frames, tuple(body), (axis,), shots=shots, keep_shots=True)
