"""What arrives of pulses, against a plain convolution with the step response."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import fftconvolve
from tests.benches.physics.small_chip import NONE, train

from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.joint.line_output import (
    LEFT_OVER,
    LONGEST_NS,
    Readouts,
    arriving,
    behind,
)
from podium.sim_instruments.physics.signals import Piece

FOUR = ((-0.03, 4.0), (0.02, 60.0), (-0.02, 1_500.0), (0.01, 30_000.0))
LINE = "node_a.q0.flux"
LARGEST = 0.3
SHOTS, PERIOD_NS = 4, 9_000
LIT = PERIOD_NS * np.arange(SHOTS) + 2_000
DARK = LIT + 1_500
PIECES = [Piece(0.0, LARGEST * np.hanning(24) + 0j, 0j, 24), Piece(0.0, NONE, -0.2 + 0j, 61)]


def played(at=(100, 300, 330, 1_200), kinds=(0, 1, 0, 0)):
    starts = [PERIOD_NS * shot + one for shot in range(SHOTS) for one in at]
    return train(LINE, starts, PIECES, list(kinds) * SHOTS, [0.0] * len(starts))


def dense(one, length):
    """Return a train, nanosecond by nanosecond."""
    held = np.zeros(length)
    for start, kind in zip(one.start_ns, one.piece, strict=True):
        piece = one.pieces[kind]
        value = np.full(piece.duration_ns, piece.level.real)
        value[: piece.samples.size] = piece.samples.real
        held[start : start + value.size] += value
    return held


def convolved(held, response):
    """Return the means over each ns of what arrives, by the integral of the step response."""
    edges = np.arange(held.size + 1.0)
    integral = np.zeros(held.size + 1)
    sizes, taus = response.modes()
    for later, part in ((0.0, 1.0), (response.reflection[1], response.reflection[0])):
        since = np.maximum(edges - response.delay_ns - later, 0.0)
        integral += part * response.steady() * since
        for a, tau in zip(sizes, taus, strict=True):
            integral += part * a * tau * (1 - np.exp(-since / tau))
    return fftconvolve(np.diff(held, prepend=0.0), np.diff(integral))[: held.size]


@pytest.mark.parametrize(
    "response",
    [
        LineResponse(FOUR),
        LineResponse(FOUR, 40_000.0),
        LineResponse(FOUR[:2], delay_ns=3.0, reflection=(0.05, 11.0)),
        LineResponse((), delay_ns=2.25),
    ],
    ids=["exponentials", "bias tee", "delay and echo", "a part of a nanosecond"],
)
def test_it_is_the_convolution_up_to_each_readout(response: LineResponse) -> None:
    edges = np.sort(np.concatenate([LIT[:, None] - 400, LIT[:, None] - 376]).reshape(-1))
    found = dense(arriving([played()], response, Readouts(LIT, DARK, edges)), SHOTS * PERIOD_NS)
    wanted = convolved(dense(played(), SHOTS * PERIOD_NS), response)
    at = np.arange(found.size) % PERIOD_NS
    first = 100 + int(np.floor(response.delay_ns))
    counts = (at >= first) & (at < 2_000)
    shaped = (at >= first) & (at < first + 24)
    assert np.abs(found - wanted)[shaped].max() < 3 * LEFT_OVER * LARGEST
    assert np.abs(found - wanted)[counts].max() < 1e-3 * LARGEST  # held in cells
    sums = np.add.reduceat((found - wanted) * counts, np.arange(0, found.size, PERIOD_NS))
    assert np.abs(sums).max() < 2_000 * LEFT_OVER * LARGEST
    assert not np.any(found[at >= 2_000])


def test_bursts_that_leave_alike_are_one() -> None:
    """A line whose memory is shorter than a shot: all shots but the first are the same pieces."""
    edges = np.zeros(0, np.int64)
    found = arriving([played()], LineResponse(FOUR[:2]), Readouts(LIT, DARK, edges))
    each = found.piece.reshape(SHOTS, -1)
    assert np.array_equal(each[1:], np.repeat(each[1:2], SHOTS - 1, axis=0))
    assert np.array_equal(
        np.diff(found.start_ns.reshape(SHOTS, -1), axis=0) % PERIOD_NS, 0 * each[1:]
    )


def test_what_was_left_of_the_shot_before_is_in_the_next_one() -> None:
    edges = np.sort(np.concatenate([LIT - 1_950, LIT - 1_930]))
    slow, one = LineResponse(((0.5, 30_000.0),)), played((300,), (1,))
    found = dense(arriving([one], slow, Readouts(LIT, DARK, edges)), SHOTS * PERIOD_NS)
    before = found.reshape(SHOTS, -1)[:, 60]
    assert before[0] == 0
    assert np.all(np.abs(before[1:]) > 10 * LEFT_OVER * LARGEST)


def test_what_is_played_over_a_readout_is_cut_where_photons_come() -> None:
    """Between the first drive and the last it is the convolution; a readout meets nothing."""
    tail = np.concatenate([np.full(40, LARGEST), 1e-3 * np.exp(-np.arange(4_000) / 2e3)])
    one = train(LINE, PERIOD_NS * np.arange(SHOTS) + 300, [Piece(0.0, tail + 0j, 0j, tail.size)],
                [0] * SHOTS, [0.0] * SHOTS)  # fmt: skip
    edges = np.sort(np.concatenate([LIT - 1_800, LIT - 400, LIT - 376]))
    response, length = LineResponse(FOUR), SHOTS * PERIOD_NS
    wanted = convolved(dense(one, length), response)
    at = np.arange(length) % PERIOD_NS
    counts = (at >= 200) & (at < 1_624)
    for quiet in (0.03, 0.0):
        found = dense(arriving([one], response, Readouts(LIT, DARK, edges, quiet)), length)
        assert np.abs(found - wanted)[counts].max() < 1e-3 * LARGEST
        lit = (at >= 2_000) & (at < 3_500)
        assert np.any(found[lit]) == (quiet == 0.0)
    loud = arriving([one], response, Readouts(LIT, DARK, edges, 1e-4))
    assert np.any(dense(loud, length)[(at >= 2_000) & (at < 3_500)])


@pytest.mark.parametrize(
    "response",
    [
        LineResponse(FOUR, 40_000.0),
        LineResponse(FOUR[:2], delay_ns=3.0, reflection=(0.05, 11.0)),
        LineResponse((), delay_ns=2.25),
    ],
    ids=["bias tee", "delay and echo", "a part of a nanosecond"],
)
def test_parts_of_a_run_carry_on_what_the_line_has_left(response: LineResponse) -> None:
    """A pulse under way at a border, a part without one, and a border in a pulse: as the whole."""
    length, borders = 4 * PERIOD_NS, (0, 340, 1_900, 2_600, 20_000, 4 * PERIOD_NS)
    nowhere, edges = np.zeros(0, np.int64), np.arange(0, length, 50)
    whole = played()
    wanted = dense(arriving([whole], response, Readouts(nowhere, nowhere, edges)), length)
    before, found = None, np.zeros(length)
    for begin, end in pairwise(borders):
        rows = (whole.start_ns >= begin) & (whole.start_ns < end)
        mine = replace(
            whole,
            start_ns=whole.start_ns[rows] - begin,
            piece=whole.piece[rows],
            phase_turns=whole.phase_turns[rows],
        )
        inside = edges[(edges >= begin) & (edges <= end)] - begin
        by = Readouts(nowhere, nowhere, np.append(inside, end - begin))
        own = before.later(-begin) if before is not None else None
        part = dense(arriving([mine], response, by, own), length + 2 * PERIOD_NS)
        delay_ns = int(np.floor(response.delay_ns))
        low, high = (begin + delay_ns) if begin else 0, min(end + delay_ns, length)
        assert not np.any(part[: low - begin])
        found[low:high] = part[low - begin : high - begin]
        before = behind([replace(mine, start_ns=mine.start_ns + begin)], response, end, before)
    assert np.abs(found - wanted).max() < 1e-3 * LARGEST  # held in cells
    assert abs(np.sum(found - wanted)) < length * LEFT_OVER * LARGEST


def test_a_level_that_stays_is_refused_before_it_fills_the_memory() -> None:
    """A swept offset of a sequencer stays for as long as all points of an inner loop take."""
    for lasts_ns in (10**10, LONGEST_NS + 1):
        stays = train("q0.flux", [0], [Piece(0.0, NONE, 0.02 + 0j, lasts_ns)], [0], [0.0])
        with pytest.raises(NotSimulated, match=r"q0\.flux is off its bias for .* ms"):
            arriving([stays], LineResponse(FOUR), Readouts(LIT, DARK, NONE))
