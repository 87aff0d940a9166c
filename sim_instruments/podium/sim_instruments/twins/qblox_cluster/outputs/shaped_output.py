"""Computes the signal that leaves an output behind its predistortion filters.

Filters see samples, not envelopes: what a sequencer plays is written out as the converter's words,
on both paths, and comes out as pieces without a carrier. ASSUMED: each sequencer's share of an
output is filtered by itself and rounded by itself.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.twins.level_pieces import train_of_levels
from podium.sim_instruments.twins.qblox_cluster.outputs.filter_kernel import filtered
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated

SAMPLES_MAX = 20_000_000
"""Of one output in one run: what it plays is filtered sample by sample."""
_TURNS = 1_000_000_000


def shaped_train(
    line: str,
    sender: str,
    stretches: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], int],
    envelopes: Sequence[tuple[NDArray[np.complex128], complex, int, float]],
    sidebands: tuple[complex, complex],
    shapings: tuple[OutputShaping, OutputShaping],
    factor: complex,
    real: bool,
) -> tuple[PulseTrain | None, bool]:
    """Return what leaves an output (or a pair of them), and whether any word overflowed.

    ``envelopes`` holds, of each kind of stretch, samples, the level held after them (full scales),
    duration (ns) and frequency (Hz); ``stretches`` holds start (ns), kind and phase (1e-9 turns) of
    each stretch, and when the program ends. ``sidebands`` is the mixer's correction.
    Raises :class:`NotEmulated` for a run that is too long.
    """
    start_ns, number, phase, end_ns = stretches
    total = sum(
        (envelopes[kind][2] if envelopes[kind][3] else len(envelopes[kind][0])) * count
        for kind, count in enumerate(np.bincount(number, minlength=len(envelopes)).tolist())
    )
    if total > SAMPLES_MAX:
        raise NotEmulated(
            f"{sender}: {total} samples go through the filters of {line}; this twin filters up to "
            f"{SAMPLES_MAX} in one run"
        )
    times, values = _written_out(start_ns, envelopes, number, phase)
    values = sidebands[0] * values + sidebands[1] * np.conj(values)
    parts = (values.real, values.imag)
    if real:  # the one path that leaves
        parts = (values.imag if factor.imag else values.real,) * 2
    paths: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    overflowed = False
    for part, shaping in zip(parts[:1] if real else parts, shapings, strict=False):
        level = np.rint(np.clip(part * limits.DAC_MAX, limits.DAC_MIN, limits.DAC_MAX))
        when, words, over = filtered(shaping, times, level, end_ns)
        paths.append((when + shaping.delay_ns, words))
        overflowed |= over
    when = paths[0][0] if real else _merged(paths[0][0], paths[1][0])
    if real:
        signal = np.asarray(paths[0][1] / limits.DAC_MAX * abs(factor), np.complex128)
    else:
        both = (_at(paths[0], when) + 1j * _at(paths[1], when)) / limits.DAC_MAX * factor
        signal = np.asarray(both, np.complex128)
    last_ns = end_ns + max(one.delay_ns for one in shapings)
    return train_of_levels(line, sender, when, signal, last_ns), overflowed


def _written_out(
    start_ns: NDArray[np.int64],
    envelopes: Sequence[tuple[NDArray[np.complex128], complex, int, float]],
    number: NDArray[np.int32],
    phase: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.complex128]]:
    """Return the changes of what goes into the filters: times, and values from there on."""
    times: list[NDArray[np.int64]] = []
    values: list[NDArray[np.complex128]] = []
    for k, (begin, kind) in enumerate(zip(start_ns.tolist(), number.tolist(), strict=True)):
        samples, level, duration, frequency_hz = envelopes[kind]
        turned = frequency_hz != 0.0
        if turned and duration > len(samples):
            samples = np.concatenate([samples, np.full(duration - len(samples), level)])
        mine = samples
        if turned or phase[k]:
            turns = frequency_hz * 1e-9 * np.arange(len(samples)) + phase[k] / _TURNS
            mine = samples * np.exp(2j * np.pi * (turns % 1.0))
            level = level * np.exp(2j * np.pi * phase[k] / _TURNS)
        steps = begin + np.arange(len(samples))
        if duration > len(samples):
            mine, steps = np.append(mine, level), np.append(steps, begin + len(samples))
        over_ns = begin + duration
        if k + 1 == len(start_ns) or start_ns[k + 1] > over_ns:
            mine, steps = np.append(mine, 0), np.append(steps, over_ns)
        times.append(steps)
        values.append(mine)
    return np.concatenate(times).astype(np.int64), np.concatenate(values)


def _merged(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the instants of both, ascending, each once."""
    both = np.sort(np.concatenate([one, other]), kind="stable")
    return both[np.append(True, both[1:] != both[:-1])] if len(both) else both


def _at(
    path: tuple[NDArray[np.int64], NDArray[np.int64]], when: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the words of one path at the instants ``when``."""
    at = np.searchsorted(path[0], when, side="right")
    return np.append(np.zeros(1, np.int64), path[1])[at]
