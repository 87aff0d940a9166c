"""Values of a link's generator: what its terms are worth for one window's rates and amplitudes.

Two resonators a, b with one port each and inputs ``a_in = r b_out + ...``, ``b_in = s a_out + ...``
(Gardiner and Collett 1985; Combes, Kerckhoff, Sarovar 2017, the SLH rules) obey
``d(a, b)/dt = -M (a, b) - K (v1, v2)`` with vacuum or thermal noise v. The master equation follows:
``H = (M - M+)/2i``, jumps ``M + M+ = K K+``, and with n photons in v_k also ``N = K n K+`` both up
and down. With r = 0 this is the cascaded system of one direction.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.link_window import LEVELS, LinkWindow
from podium.sim_instruments.physics.links.pair_space import PairSpace, Term, cost_of

TURN_1_NS = 2e-9 * np.pi
"""Hz to rad/ns."""
DRIVE_KINDS = ("drive", "stark")


@dataclass(frozen=True, slots=True)
class Field:
    """Linear dynamics of the two resonators, 1/ns."""

    drift: NDArray[np.complex128]
    """Shape (2, 2): M."""
    noise: NDArray[np.complex128]
    """Shape (2, 2): N, Hermitian."""
    unseen: NDArray[np.complex128]
    """Shape (2, 2): jumps that would have been clicks."""


def field_of(window: LinkWindow) -> Field:
    """Return M and N of a window's resonators and way."""
    one, other = (end.resonator for end in window.ends)
    kappa = TURN_1_NS * np.array([one.kappa_hz, other.kappa_hz])
    s, r = complex(window.way.forward), complex(window.way.backward)
    open_loop = 1 - r * s
    root = np.sqrt(kappa)
    drift = np.diag(0.5 * kappa + kappa * r * s / open_loop).astype(np.complex128)
    drift += 1j * TURN_1_NS * np.diag([one.detuning_hz, other.detuning_hz])
    drift[0, 1] = root[0] * root[1] * r / open_loop
    drift[1, 0] = root[0] * root[1] * s / open_loop
    at_first, at_second = np.sqrt(1 - abs(r) ** 2), np.sqrt(1 - abs(s) ** 2)
    into = root[:, None] * np.array([[at_first, r * at_second], [s * at_first, at_second]])
    into = into / open_loop
    photons = np.array([one.thermal_photons, other.thermal_photons])
    unseen = np.zeros((2, 2), np.complex128)
    if window.unseen is not None:
        unseen = window.unseen * np.outer(root, root)
    return Field(drift, (into * photons) @ into.conj().T, unseen)


def kept_jumps(window: LinkWindow) -> tuple[tuple[int, int, int, int], ...]:
    """Return the atoms' jumps (end, to, from, cost) whose probability is above the bound."""
    found = []
    for e, end in enumerate(window.ends):
        span_s = 1e-15 * (end.stop_fs - end.start_fs)
        for to in range(LEVELS):
            for start in range(LEVELS):
                cost = cost_of(float(end.atom.rates_1_s[to, start]) * span_s)
                if to != start and cost <= cost_of(window.bound):
                    found.append((e, to, start, cost))
    return tuple(found)


def static_values(window: LinkWindow, space: PairSpace) -> NDArray[np.complex128]:
    """Return (4, V): the generator without drives, 1/ns.

    Row 2 * i + j: the first atom changes where i = 1, the second where j = 1.
    """
    field = field_of(window)
    jumps = kept_jumps(window)
    found = []
    for mode in range(4):
        values = _values(window, field, jumps, (bool(mode & 2), bool(mode & 1)))
        theta = np.array(
            [0 if term[0] in DRIVE_KINDS else values[term] for term in space.terms], np.complex128
        )
        weight = theta[space.term] * space.size
        count = space.source.size
        found.append(
            np.bincount(space.place, weight.real, count)
            + 1j * np.bincount(space.place, weight.imag, count)
        )
    return np.array(found)


def _values(
    window: LinkWindow,
    field: Field,
    jumps: tuple[tuple[int, int, int, int], ...],
    changes: tuple[bool, bool],
) -> Mapping[Term, complex]:
    """Return what each term is worth where the atoms that ``changes`` names change."""
    found: dict[Term, complex] = {}
    down = field.drift + field.drift.conj().T
    for i in (0, 1):
        for j in (0, 1):
            drift, noise = complex(field.drift[i, j]), complex(field.noise[i, j])
            found["left", i, j, 0] = drift
            found["right", i, j, 0] = drift.conjugate()
            found["down", i, j, 0] = complex(down[i, j] - field.unseen[i, j]) + noise
            found["up", i, j, 0] = noise
            for kind in ("hot", "anti"):
                found[f"{kind}_left", i, j, 0] = 0.5 * noise
                found[f"{kind}_right", i, j, 0] = 0.5 * noise.conjugate()
    for e, end in enumerate(window.ends):
        live = 1e-9 if changes[e] else 0.0
        for n in range(LEVELS):
            found["leave", e, n, 0] = 0j
            for m in range(n):
                found["dephase", e, m, n] = live * float(end.atom.dephasing_1_s[m, n])
        for one, to, start, _ in jumps:
            if one == e:
                rate = live * float(end.atom.rates_1_s[to, start])
                found["jump", e, to, start] = rate
                found["leave", e, start, 0] += rate
        turn = TURN_1_NS if changes[e] else 0.0
        found["level", e, 0, 0] = -turn * end.sideband.detuning_hz
    return found
