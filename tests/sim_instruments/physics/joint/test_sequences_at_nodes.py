"""Sequences beside a coupler that rests: maps at the nodes of its noise, against groups."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.coupler_chip import BIASES, C01, CHIP, MATRIX, NAMES
from tests.benches.physics.small_chip import coherent_turns, hann, pi_amplitude, train

from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.fast_flux import VOLTS, moving
from podium.sim_instruments.physics.joint import joint_blocks as joint_blocks_module
from podium.sim_instruments.physics.joint import sequences_at_nodes as module
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.cluster_signals import MemberSignals, intervals_of
from podium.sim_instruments.physics.joint.gate_reference import reference_of
from podium.sim_instruments.physics.joint.gate_sequences import GateSequences
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.noise import Quadrature, quadrature
from podium.sim_instruments.physics.signals import Piece

POINT = cluster_point([CHIP.element_at(name, BIASES) for name in NAMES], CHIP, BIASES)
ENVELOPE, LASTS_NS = hann(32), 40
NOISE = Quadrature(np.array([-2e6, 4e6]), np.array([0.5, 0.5]))
PHASES = np.random.default_rng(5).random((2, 6))


def smooth(quanta: float) -> Piece:
    """A pulse on the coupler that its levels follow."""
    return Piece(0.0, quanta / VOLTS / MATRIX[2, 2] * hann(LASTS_NS) + 0j, 0j, LASTS_NS)


def members(quanta: float) -> tuple[list[MemberSignals], int]:
    """Half pi of both qubits, one behind the other, then a pulse on the coupler, six times."""
    starts = [np.arange(6) * 120 + 34 * k for k in (0, 1)]
    drives = []
    for k in (0, 1):
        carrier = float(POINT.qubits[k].levels_hz[1])
        size = 0.5 * pi_amplitude(POINT.qubits[k], ENVELOPE)
        piece = Piece(carrier, size * ENVELOPE, 0j, ENVELOPE.size)
        at = starts[k].tolist()
        turns = (np.array(coherent_turns(carrier, at)) + PHASES[k]).tolist()
        drives.append(train(f"{NAMES[k]}.drive", at, [piece], [0] * 6, turns))
    at = (np.arange(6) * 120 + 70).tolist()
    flux = train(f"{C01}.flux", at, [smooth(quanta)], [0] * 6, [0.0] * 6)
    found = [
        MemberSignals(
            drives_of([one for one in drives if one.line == f"{name}.drive"]),
            drives_of(moving(CHIP, name, [flux], BIASES).trains),
        )
        for name in NAMES
    ]
    return found, 6 * 120


def column(quanta: float, noise: Quadrature = NOISE) -> np.ndarray:
    signals, lasts = members(quanta)
    lit, intervals = np.array([lasts + 20]), intervals_of(signals)
    blocks = joint_blocks(intervals, lit, lit + 1500, POINT.frame_hz, "all")
    still = quadrature(0.0)
    return JointColumns(POINT, signals, intervals, blocks, [still, still, noise]).column(0, 0)


def met(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return what appears when a program is made."""
    programs: list[object] = []
    program = GateSequences.program

    def kept(self: GateSequences, rows):
        found = program(self, rows)
        programs.append(found)
        return found

    monkeypatch.setattr(GateSequences, "program", kept)
    return programs


def test_gates_beside_a_noisy_coupler_are_played_by_maps_as_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Noise that is forty times as large as usual acts while pulses last, and only then."""
    programs = met(monkeypatch)
    found, quiet = column(0.1), column(0.1, quadrature(0.0))
    assert len(programs) == 3, "two at the nodes of the coupler's noise"
    assert reference_of(POINT).kept == 17
    monkeypatch.setattr(joint_blocks_module, "MAPPED_PULSES", 1_000)
    followed, still = column(0.1), column(0.1, quadrature(0.0))
    assert np.abs(quiet - still).max() < 1.5e-4
    assert np.abs(found - followed).max() < 1.5e-4
    assert np.abs(followed - still).max() > 3e-4
    assert found[:4].max() < 0.9


def test_what_loses_much_from_its_states_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOST", -1.0)
    programs = met(monkeypatch)
    found = column(0.1)
    assert len(programs) == 2
    monkeypatch.setattr(joint_blocks_module, "MAPPED_PULSES", 1_000)
    np.testing.assert_array_equal(found, column(0.1))
    assert len(programs) == 2


def test_a_coupler_that_is_driven_does_not_rest() -> None:
    signals, _ = members(0.2)
    driven = replace(signals[2], drives=signals[0].drives)
    for one, rests in ((signals[2], True), (driven, False)):
        every = [*signals[:2], one]
        intervals = intervals_of(signals)
        lit = np.array([1_000])
        blocks = joint_blocks(intervals, lit, lit + 1500, POINT.frame_hz, "all")
        columns = JointColumns(POINT, every, intervals, blocks, [quadrature(0.0)] * 3)
        assert columns._resting == [False, False, rests]
