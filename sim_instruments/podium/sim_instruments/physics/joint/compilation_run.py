"""Short runs of two coupled qubits that have the kernels of joint states compiled."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.compilation_runs import PULSES, TONE, WINDOWS, first_qubit
from podium.sim_instruments.physics.defects import Defect
from podium.sim_instruments.physics.dressed_register import DressedRegister
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.joint.cluster_signals import LONG
from podium.sim_instruments.physics.joint.density_evolution import Steps, basis_of, evolve
from podium.sim_instruments.physics.joint.elements import Cluster, Exchange, transmon
from podium.sim_instruments.physics.joint.flux_gates import multiply_driven
from podium.sim_instruments.physics.joint.jump_trajectories import (
    Ensemble,
    JumpChannels,
    Start,
    trajectories,
)
from podium.sim_instruments.physics.joint.static_pairs import find_in_blocks
from podium.sim_instruments.physics.joint.trajectory_groups import Driven
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.signals import CaptureTrain, Piece, PulseTrain, RunSignals
from podium.sim_instruments.physics.world import Lines, World

NAMES = ("first.q0", "first.q1")


class _TwoLines:
    """Two coupled qubits, the first with a flux line."""

    couplers: frozenset[str] = frozenset()

    def response_of(self, line: str) -> LineResponse | None:
        """Return a response that has its kernels compiled."""
        return LineResponse(((0.01, 20.0),))

    def element_at(self, name: str, biases_v: Mapping[str, float]) -> QubitPoint:
        """Return the first qubit: there is no coupler to ask for."""
        return first_qubit()

    def defects_of(self, qubit: str) -> Sequence[Defect]:
        """Return none."""
        return ()

    def flux_shares(self, qubit: str) -> Mapping[str, float]:
        """Return what the flux line moves: the first."""
        return {"first.q0.flux": 1.0 if qubit == NAMES[0] else 0.0}

    def moved_levels_hz(
        self, qubit: str, biases_v: Mapping[str, float], quanta: float
    ) -> NDArray[np.float64]:
        """Return levels that fall with the flux."""
        return self.bare_at(qubit, biases_v, quanta)[0]

    def coupled_to(self, qubit: str) -> Mapping[str, float]:
        """Return the other qubit."""
        return {name: 5e6 for name in NAMES if name != qubit}

    def zz_hz(self, ends: tuple[str, str], biases_v: Mapping[str, float]) -> float:
        """Return none: nobody asks for that of transmons."""
        return 0.0

    def dressed_drives(
        self, names: Sequence[str], biases_v: Mapping[str, float], levels: NDArray[np.int64]
    ) -> DressedRegister:
        """Raise NotImplementedError: transmons have no plasmons, and nobody asks for them."""
        raise NotImplementedError(f"{', '.join(names)} are transmons")

    def bare_at(
        self, qubit: str, biases_v: Mapping[str, float], quanta: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return levels that fall with the flux, and charge elements that stay."""
        n = np.arange(4.0)
        top_hz = 6e9 if qubit == NAMES[0] else 5.7e9
        return (top_hz - 1e9 * quanta) * n - 1e8 * n * (n - 1), np.sqrt(n[1:])


def run_joint() -> None:
    """Play pulses on two qubits, a flux pulse, and a reading, twice; then many pulses."""
    first = first_qubit()
    other = replace(first, name=NAMES[1], levels_hz=_TwoLines().bare_at(NAMES[1], {}, 0.0)[0])
    feedline = FeedlinePoint("first.feedline", 1e-3, 1e3, 20.2, 20.3, 1e-20, (first, other))
    drives = frozenset(f"{name}.drive" for name in NAMES)
    lines = Lines(frozenset({feedline.name}), drives, frozenset({"first.q0.flux"}))
    world = World(lambda *_: (feedline,), 0, lines, _TwoLines())
    start = 9000 * np.arange(2, dtype=np.int64)
    kind, turns = np.zeros(2, np.int32), np.zeros(2)
    step = Piece(0.0, np.zeros(0, np.complex128), 1e-2 + 0j, 20)
    played = [PulseTrain(f"{name}.drive", start, kind, turns, PULSES[:1]) for name in NAMES]
    played.append(PulseTrain("first.q0.flux", start + 30, kind, turns, (step,)))
    played.append(PulseTrain("first.feedline", start + 100, kind, turns, (TONE,)))
    capture = CaptureTrain("first.feedline", start + 150, kind, turns, WINDOWS[:1])
    world.play(RunSignals(1, 0, 20_000, tuple(played), (capture,), {}))
    many = 60 * np.arange(LONG, dtype=np.int64)
    same = np.zeros(LONG, np.int32), np.zeros(LONG)
    played[0] = PulseTrain(f"{NAMES[0]}.drive", many, *same, PULSES[:1])
    played[1:] = [replace(one, start_ns=one.start_ns + int(many[-1]) + 60) for one in played[1:]]
    capture = replace(capture, start_ns=capture.start_ns + int(many[-1]) + 60)
    world.play(RunSignals(2, 0, 40_000, tuple(played), (capture,), {}))
    played[2] = PulseTrain("first.q0.flux", many + 30, *same, (step,))
    world.play(RunSignals(3, 0, 40_000, tuple(played), (capture,), {}))


def run_trajectories() -> None:
    """Evolve two qubits by trajectories that jump, as clusters too large for a matrix are."""
    cluster = Cluster(
        (transmon(5.2e9, -250e6, 1e-7, 1e6), transmon(4.95e9, -260e6, 1e-7, 1e6)),
        (Exchange(0, 1, 8e6),),
    )
    basis = basis_of(cluster)
    levels_hz = np.array([[[one.levels_hz for one in cluster.elements]] * 2])
    steps = Steps(1.0, levels_hz, None, np.full((1, 2, 2), 1e6 + 0j))
    state = np.full(basis.size, basis.size**-0.5, np.complex128)
    trajectories(cluster, steps, np.tile(state, (2, 1)), 0)
    evolve(cluster, steps, np.outer(state, state.conj())[None, None])
    start = Start(state, np.full((1, 2), 1e4), np.ones(1), 10_000)
    ensemble = Ensemble(JumpChannels(cluster, basis), (start,), 0)
    for _ in range(2):
        ensemble.turn(np.ones(basis.size, np.complex128))
        ensemble.drift(10.0)
        ensemble.decohere(10.0)
    lift = np.diag(np.ones(2), -1)
    place = np.arange(9, dtype=np.int64).reshape(3, 3)
    Driven(place, lift, np.zeros(3), np.full(2, 1e6 + 0j)).turn(slice(None), 1.0)


def run_small_parts() -> None:
    """Call kernels that few runs need: of driven steps between halves, of drives in blocks."""
    ones, which = np.ones((1, 1, 2), np.complex128), np.zeros((1, 1), np.int64)
    unitary = np.eye(2, dtype=np.complex128)[None]
    multiply_driven(unitary, which, ones, unitary.copy())
    one = np.zeros(1, np.int64)
    find_in_blocks(one, one, one, np.zeros(2, np.int64), np.zeros(2, np.int64))
