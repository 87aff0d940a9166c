"""A lone qubit on a line with a response feels what a plain convolution says."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.signal import fftconvolve
from tests.benches.physics.chip import FEEDLINE, MATRIX, QUBITS
from tests.benches.physics.small_chip import (
    NONE,
    capture,
    coherent_turns,
    hann,
    pi_amplitude,
    tone,
    train,
)

from podium.sim_instruments.physics.chip import Chip, FluxPulses
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.fast_flux import VOLTS
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.shots import MOVED_LIT_HZ
from podium.sim_instruments.physics.signals import Piece, RunSignals
from podium.sim_instruments.physics.world import Lines, World

Q0, LINE = "node_a.q0", "node_a.q0.flux"
RESPONSE = LineResponse(((-0.06, 5.0), (0.04, 80.0), (0.02, 900.0)), delay_ns=3.0)
SHOTS, PERIOD_NS, READ_NS = 40, 20_000, 500
STARTS = PERIOD_NS * np.arange(SHOTS) + 1000
LINES = Lines(frozenset({FEEDLINE.name}), frozenset({f"{Q0}.drive"}), frozenset({LINE}))
ENVELOPE = hann(24)


def chip(*, distorted: bool) -> Chip:
    pulses = FluxPulses({LINE: RESPONSE}) if distorted else FluxPulses()
    return Chip(QUBITS, [FEEDLINE], MATRIX, np.array([0.05, 0.0]), pulses=pulses)


def heard(played: Chip, piece: Piece, at_ns: int, phase: float):
    """Return the mean record of a Ramsey fringe's point, off the sweet spot."""
    (point,) = played.at({})
    qubit = point.qubits[0]
    carrier = float(qubit.levels_hz[1])
    half = Piece(carrier, 0.5 * pi_amplitude(qubit, ENVELOPE) * ENVELOPE, 0j, 24)
    at = np.sort(np.concatenate([STARTS, STARTS + 400])).tolist()
    turns = np.array(coherent_turns(carrier, at)) + np.tile([0.0, phase], SHOTS)
    probe = float(np.mean(qubit.resonator_hz[:2]))
    read = (STARTS + READ_NS).tolist()
    flux = train(LINE, (STARTS + at_ns).tolist(), [piece], [0] * SHOTS, [0.0] * SHOTS)
    drives = (
        train(f"{Q0}.drive", at, [half], [0] * len(at), turns.tolist()),
        tone(probe, 2e-4, 800, read),
        flux,
    )
    listens = capture(probe, 800, [one + 150 for one in read])
    signals = RunSignals(1, 0, SHOTS * PERIOD_NS, drives, (listens,), {})
    return World(played.at, 3, LINES, played).play(signals)[0].integrated


def test_records_of_a_distorted_line_are_those_of_the_convolved_pulse() -> None:
    level = 0.02 / VOLTS / MATRIX[0, 0]
    pulse = Piece(0.0, NONE, level + 0j, 60)
    held = np.zeros(400)
    held[:60] = level
    edges = np.arange(held.size + 1.0)
    integral = edges + sum(a * t * (1 - np.exp(-edges / t)) for a, t in RESPONSE.exponentials)
    convolved = fftconvolve(np.diff(held, prepend=0.0), np.diff(integral))[: held.size]
    arrives = Piece(0.0, convolved.astype(complex), 0j, held.size)
    still, distorted = chip(distorted=False), chip(distorted=True)
    differ = []
    for phase in (0.0, 0.25):
        found = heard(distorted, pulse, 60, phase)
        wanted = heard(still, arrives, 63, phase)
        spread = np.abs(wanted - wanted.mean()).max()
        same = np.abs(found - wanted) < 1e-3 * spread
        assert np.mean(same) > 0.9  # one draw of forty may lie on the edge
        differ.append(np.mean(np.abs(found - heard(still, pulse, 63, phase)) < 1e-3 * spread))
    assert min(differ) < 0.9  # without the response levels are drawn otherwise


LEFT_NS = 4000


def leftover(moved_hz: float) -> float:
    """Flux quanta in q0's loop that move its transition up or down by so much."""
    still = chip(distorted=False)
    rest = still.moved_levels_hz(Q0, {}, 0.0)[1]
    found = brentq(
        lambda quanta: abs(still.moved_levels_hz(Q0, {}, quanta)[1] - rest) - moved_hz, 0.0, 0.1
    )
    return float(found)


def readouts(played: Chip, fluxes, biases_v=None):
    """Return records of q0, flipped in every second shot, in the order of the shots."""
    (point,) = played.at(biases_v or {})
    qubit = point.qubits[0]
    carrier = float(qubit.levels_hz[1])
    flip = Piece(carrier, pi_amplitude(qubit, ENVELOPE) * ENVELOPE, 0j, 24)
    at = STARTS[::2].tolist()
    probe = float(np.mean(chip(distorted=False).at({})[0].qubits[0].resonator_hz[:2]))
    read = (STARTS + READ_NS).tolist()
    drives = (
        train(f"{Q0}.drive", at, [flip], [0] * len(at), coherent_turns(carrier, at)),
        tone(probe, 2e-4, 800, read),
        *fluxes,
    )
    listens = capture(probe, 800, [one + 150 for one in read])
    signals = RunSignals(1, 0, SHOTS * PERIOD_NS, drives, (listens,), biases_v or {})
    return World(played.at, 3, LINES, played).play(signals)[0].integrated


def lasting(quanta: float):
    """A pulse that begins before the readouts and lasts beyond them."""
    piece = Piece(0.0, NONE, quanta / VOLTS / MATRIX[0, 0] + 0j, LEFT_NS)
    return train(LINE, (STARTS + 200).tolist(), [piece], [0] * SHOTS, [0.0] * SHOTS)


@pytest.mark.slow
def test_a_readout_does_not_feel_what_is_left_of_a_pulse_below_the_bound() -> None:
    """The truth is a bias that lies off by as much all the time."""
    quanta = leftover(0.93 * MOVED_LIT_HZ)  # the line overshoots by 6 %
    found = readouts(chip(distorted=True), [lasting(quanta)])
    bias = {LINE: quanta / MATRIX[0, 0]}
    truly = readouts(chip(distorted=True), [lasting(1e-9)], bias)  # the same random numbers
    apart = abs(truly[::2].mean() - truly[1::2].mean())
    assert 0 < np.abs(found - truly).max() < 0.01 * apart  # every shot's record
    middle = (truly[::2].mean() + truly[1::2].mean()) / 2
    axis = np.conj(truly[::2].mean() - truly[1::2].mean())
    ones, in_truth = (((one - middle) * axis).real > 0 for one in (found, truly))
    assert np.count_nonzero(ones != in_truth) <= 1


def test_what_is_left_above_the_bound_is_refused() -> None:
    with pytest.raises(NotSimulated, match=r"node_a\.q0 while there are photons"):
        readouts(chip(distorted=True), [lasting(leftover(1.2 * MOVED_LIT_HZ))])
