"""One photon of a link: its envelopes at both ends, what was absorbed, what is left."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.generator_values import TURN_1_NS
from podium.sim_instruments.physics.links.link_window import LEVELS, LinkWindow
from podium.sim_instruments.physics.links.pair_space import PairSpace, level_of
from podium.sim_instruments.physics.links.window_steps import WindowSteps

SENDER, REST = (2, 0), (0, 0)
GROUPS = 10
"""Photons in the first and in the second resonator, <a+ b> and its conjugate; then <a> and <b> of
``|fg><gg|``, conjugated; then the first four of a sender in g: thermal photons alone."""
BACKGROUND = 6


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """Elements of the state that are recorded after each step."""

    place: NDArray[np.int64]
    weight: NDArray[np.float64]
    group: NDArray[np.int64]
    groups: int = GROUPS


@dataclass(frozen=True, slots=True, eq=False)
class PhotonRecord:
    """A photon that the first atom emits from f while the second is in g.

    Thermal photons, as they are with the first atom in g, are taken off where gg is among the
    inputs.
    """

    time_fs: NDArray[np.int64]
    """Shape (T,): at the first end; the same photon is at the second end later by the delay."""
    emitted_1_s: NDArray[np.float64]
    """Shape (T,): photons a second that leave the first end."""
    arriving_1_s: NDArray[np.float64]
    """Shape (T,): photons a second before the second end, without what that end sends itself."""
    passed_1_s: NDArray[np.float64]
    """Shape (T,): photons a second that leave the second end: not absorbed."""
    emitted_amplitude: NDArray[np.complex128]
    """Shape (T,), 1/sqrt(s): the field of ``|fg> + |gg>`` where a photon's square has area 1; zeros
    where gg is not among the inputs."""
    emitted: float
    """Photons that left the first end, within the window."""
    absorption: float
    """1 - passed / arrived: what measured absorption figures are."""
    caught: float
    """Population of f of the second atom at the end, over what arrived."""
    left: tuple[float, float]
    """Photons that are left in each resonator when the window ends: lost."""


def watch(space: PairSpace, photons: int) -> Watched:
    """Return what is recorded; nothing where the first atom's f is not among the inputs."""
    found: list[tuple[int, float, int]] = []
    inputs = space.inputs
    if SENDER in inputs:
        own = inputs.index(SENDER)
        columns = {space.columns.index((own, own)): True}
        background = -1
        if REST in inputs:
            rest = inputs.index(REST)
            background = space.columns.index((rest, rest))
            columns[background] = True
            columns[space.columns.index((min(own, rest), max(own, rest)))] = rest < own
        for r, (c, ket, bra) in enumerate(space.pairs.tolist()):
            if c in columns:
                alone = space.columns[c][0] == space.columns[c][1]
                high, low = (bra, ket) if columns[c] else (ket, bra)
                one, other = level_of(high, photons), level_of(low, photons)
                seen = _groups(r, one, other) if alone else _fields(r, one, other)
                shift = BACKGROUND if c == background else 0
                found += [(place, weight, group + shift) for place, weight, group in seen]
    place, weight, group = zip(*found, strict=True) if found else ((), (), ())
    return Watched(
        np.array(place, np.int64), np.array(weight, np.float64), np.array(group, np.int64)
    )


def _groups(
    r: int, bra: tuple[int, int, int, int], ket: tuple[int, int, int, int]
) -> list[tuple[int, float, int]]:
    """Return where an element counts for photon numbers and <a+ b>."""
    if ket == bra:
        return [(r, float(ket[1]), 0), (r, float(ket[3]), 1)]
    if (ket[0], ket[2]) == (bra[0], bra[2]):
        if (bra[1], bra[3]) == (ket[1] + 1, ket[3] - 1):
            return [(r, float(np.sqrt(bra[1] * ket[3])), 2)]
        if (ket[1], ket[3]) == (bra[1] + 1, bra[3] - 1):
            return [(r, float(np.sqrt(ket[1] * bra[3])), 3)]
    return []


def _fields(
    r: int, high: tuple[int, int, int, int], low: tuple[int, int, int, int]
) -> list[tuple[int, float, int]]:
    """Return where an element counts for the fields <a> and <b>."""
    if (high[0], high[2]) == (low[0], low[2]):
        if (high[1], high[3]) == (low[1] + 1, low[3]):
            return [(r, float(np.sqrt(high[1])), 4)]
        if (high[1], high[3]) == (low[1], low[3] + 1):
            return [(r, float(np.sqrt(high[3])), 5)]
    return []


def recorded(
    window: LinkWindow,
    steps: WindowSteps,
    seen: NDArray[np.complex128],
    matrix: NDArray[np.complex128],
) -> PhotonRecord:
    """Return the photon's record from what was seen (T, GROUPS) at the edges of the steps."""
    one, other = (1e9 * TURN_1_NS * end.resonator.kappa_hz for end in window.ends)
    s, r = window.way.forward, window.way.backward
    alone = seen[:, :4] - seen[:, BACKGROUND:]
    first, second = alone[:, 0].real, alone[:, 1].real
    cross = alone[:, 2] + alone[:, 3].conj()
    # a_out = a_in + sqrt(kappa_a) a and the same of b, solved for the loop of both ways
    share = 1 / abs(1 - r * s) ** 2
    both = np.sqrt(one * other)
    emitted = share * (
        one * first + abs(r) ** 2 * other * second + 2 * both * (np.conj(1) * r * cross).real
    )
    passed = share * (
        abs(s) ** 2 * one * first + other * second + 2 * both * (np.conj(s) * cross).real
    )
    arriving = abs(s) ** 2 * emitted
    spans = 1e-9 * steps.span_ns
    total, passing = (float(_area(one_rate, spans)) for one_rate in (emitted, passed))
    arrived = abs(s) ** 2 * total
    n = len(window.inputs)
    own = window.inputs.index(SENDER)
    populations = np.diagonal(matrix[:, own * n + own].reshape((LEVELS**2,) * 2)).real
    caught = float(populations[2::LEVELS].sum())
    return PhotonRecord(
        steps.start_fs,
        emitted,
        arriving,
        passed,
        np.conj(np.sqrt(one) * seen[:, 4]),
        total,
        1 - passing / arrived if arrived > 0 else 0.0,
        caught / arrived if arrived > 0 else 0.0,
        (float(first[-1]), float(second[-1])),
    )


def _area(rate: NDArray[np.float64], spans_s: NDArray[np.float64]) -> float:
    """Return the integral over steps."""
    return float(np.sum(0.5 * (rate[1:] + rate[:-1]) * spans_s))
