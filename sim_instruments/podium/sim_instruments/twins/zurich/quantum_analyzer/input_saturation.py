"""An analyser's converter cuts signals beyond its input range.

ASSUMED: the tops of the waves are cut of the sum of the tones that integrators listen to, each
steady over the window, noise apart; what tones make of each other at other frequencies is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.clipping import clipped_tone
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import IntegratorCapture

_INSTANTS: Final = 128
"""Of a window, at which the sum of several tones is looked at."""
_AT_ONCE: Final = 4096
"""Readouts that are looked at together."""
_APART: Final = 0.5
"""Turns in a window by which tones differ at least."""
_AUDIBLE: Final = 1e-2
"""Of full scale: less is left as it is."""
_GOLDEN: Final = (5**0.5 - 1) / 2


def digitised(
    readouts: int,
    trains: Mapping[int, IntegratorCapture],
    answers: Sequence[CaptureAnswer],
    full_scale: float,
) -> tuple[tuple[CaptureAnswer, ...], NDArray[np.bool_]]:
    """Return the answers as a converter leaves them, and in which readouts it was overdriven.

    ``full_scale``: of the input, square roots of watts.
    """
    units = list(trains.values())
    full = [tone_share(one) * full_scale for one in units]
    total = np.zeros(readouts)
    for one, answer, scale in zip(units, answers, full, strict=True):
        total[one.readouts] += np.abs(answer.integrated) / scale
    if np.all(total <= 1):  # as in nearly all runs: tones are no more than what units hear
        return tuple(answers), np.zeros(readouts, np.bool_)
    heard = np.zeros((len(units), readouts), np.complex128)
    for row, (one, answer) in enumerate(zip(units, answers, strict=True)):
        heard[row, one.readouts] = answer.integrated / full[row]
    tone_of, hz, span_ns = _tones(units)
    tones = np.zeros((len(hz), readouts), np.complex128)
    for row, tone in enumerate(tone_of):
        tones[tone] = np.where(np.abs(heard[row]) > np.abs(tones[tone]), heard[row], tones[tone])
    candidates = np.flatnonzero(np.abs(tones).sum(axis=0) > 1)
    over = np.zeros(readouts, np.bool_)
    share = np.ones((len(hz), readouts), np.complex128)
    for first in range(0, len(candidates), _AT_ONCE):
        which = candidates[first : first + _AT_ONCE]
        share[:, which], over[which] = _left(tones[:, which], hz, span_ns)
    if not over.any():
        return tuple(answers), over
    return tuple(
        replace(answer, integrated=answer.integrated * share[tone, one.readouts])
        for tone, one, answer in zip(tone_of, units, answers, strict=True)
    ), over


def _tones(units: Sequence[IntegratorCapture]) -> tuple[list[int], NDArray[np.float64], int]:
    """Return which tone each unit listens to, their frequencies, and how long the windows are.

    Units whose frequencies a window does not tell apart listen to the same.
    """
    span_ns = max((one.train.windows[0].duration_ns for one in units), default=1)
    hz: list[float] = []
    of = []
    for one in units:
        mine = one.train.windows[0].demod_hz
        near = [k for k, other in enumerate(hz) if abs(other - mine) * span_ns < _APART * 1e9]
        of.append(near[0] if near else len(hz))
        if not near:
            hz.append(mine)
    return of, np.array(hz), span_ns


def _left(
    tones: Complexes, hz: NDArray[np.float64], span_ns: int
) -> tuple[Complexes, NDArray[np.bool_]]:
    """Return what is left of each tone, of 1, and where their sum goes beyond 1.

    ``tones``: shape (tones, readouts), in full scales; one is as large at every instant, several
    beat.
    """
    at_ns = span_ns * (np.arange(_INSTANTS) * _GOLDEN % 1.0)
    turning = np.exp(2e-9j * np.pi * (hz - hz[0])[:, None] * at_ns)
    sums = tones.T @ turning
    alone = np.count_nonzero(tones, axis=0) == 1
    sums[alone] = tones[:, alone].sum(axis=0)[:, None]
    lost = sums * (1 - clipped_tone(np.abs(sums)))
    gone = (lost @ turning.conj().T / _INSTANTS).T
    gone[:, alone] = lost[alone, 0]
    share = 1 - np.divide(gone, tones, out=np.zeros_like(tones), where=np.abs(tones) > _AUDIBLE)
    return share, np.any(np.abs(sums) > 1, axis=1)


def tone_share(one: IntegratorCapture) -> float:
    """Return what a tone of amplitude 1 is integrated to."""
    weights = one.train.windows[0].weights
    return 1.0 if weights is None else float(np.abs(weights).mean())


def tone_left(heard: Complexes, full_scale: float) -> tuple[Complexes, NDArray[np.bool_]]:
    """Return single tones as a converter leaves them, and which of them overdrove it."""
    size = np.abs(heard) / full_scale
    return np.asarray(heard * clipped_tone(size)), np.asarray(size > 1)
