"""The best absorption and the best Bell pair of sech photons that a link allows in its world.

Searched over the photon's width and frequency, the pulses' length and the delay, with ideal
pulses on the atoms and drives that follow their own Stark shift; what slow noise leaves of the
pulses found is averaged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.known_truth import Truth
from podium.sim_instruments.physics.links.dephasing import number_operator
from podium.sim_instruments.physics.links.lag_search import best_lag_fs
from podium.sim_instruments.physics.links.link_channel import PAIR, WindowResult, evolve_window
from podium.sim_instruments.physics.links.link_experiment import (
    SENT,
    bell_fidelity,
    caught_pair,
    concurrence,
    largest_chsh,
    pair_fidelity,
    sent_pair,
)
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.links.link_window import (
    LEVELS,
    Atom,
    LinkWindow,
    TransferResonator,
    Way,
    WindowEnd,
)
from podium.sim_instruments.physics.links.sech_photon import sideband
from podium.sim_instruments.physics.operating_point import QubitPoint

NS_FS = 1_000_000
WIDTHS = (1.0, 0.9, 0.8, 0.7, 0.55, 0.4)
"""Of the photon, over the narrower resonator's."""
LENGTHS = (10.0, 13.0, 17.0, 22.0, 30.0)
"""Of the pulses, in lifetimes 1 / Gamma of the photon."""
LONGEST_NS = 600.0
"""ASSUMED: no longer f0-g1 pulse is played."""
COARSE = 1e-4
"""Bound of the search; what is found is worked out once more with all that the world has."""
NODES = 3
"""Of each atom's slow noise."""
LAG_FS = 100_000
"""To how much the best delay is found."""


@dataclass(frozen=True, slots=True)
class SechPulses:
    """A sech photon and its catch."""

    gamma_hz: float
    above_hz: float
    """The photon's frequency less the sender's resonator's."""
    length_ns: float
    lag_fs: int
    """By how much the catch is centred later than the photon's arrival."""


@dataclass(frozen=True, slots=True)
class BestLink:
    """The best that one direction of a link allows."""

    absorption: float
    """1 - photons that pass the receiver over photons that arrive."""
    absorption_pulses: SechPulses
    transfer: float
    """Of f to f, with pulses that bring most: loss, decay and what is cut off are in it."""
    bell_fidelity: float
    bell_pulses: SechPulses
    bell_concurrence: float
    chsh_s: float
    """Largest S of any axes on that pair."""


@dataclass(frozen=True, slots=True, eq=False)
class NoisyWindow:
    """Map of a window, averaged over noise that a shot does not see move."""

    absorption: float
    transfer: float
    """Population of the receiver's f after the sender's f."""
    pair: NDArray[np.complex128]
    """Of two atoms (9, 9), the receiver's f brought to e."""


def window_of(
    link: Link, points: tuple[QubitPoint, QubitPoint], sender: int, pulses: SechPulses
) -> LinkWindow:
    """Return the window in which ``ends[sender]`` sends such a photon to the other."""
    order = (sender, 1 - sender)
    reference_hz = link.ends[sender].transfer_hz + pulses.above_hz
    centre_fs = round(pulses.length_ns * NS_FS / 2)
    stop_fs = 2 * centre_fs + link.delay_fs + max(0, pulses.lag_fs)
    ends = []
    for place, e in enumerate(order):
        end, point = link.ends[e], points[e]
        above_hz = end.transfer_hz - reference_hz
        band = sideband(
            ("emission", "catch")[place],
            pulses.gamma_hz,
            end.kappa_hz,
            length_ns=pulses.length_ns,
            centre_fs=centre_fs + place * (link.delay_fs + pulses.lag_fs),
            above_hz=above_hz,
        )
        dephasing = number_operator(point.dephasing_1_s, point.dephasing_1_s)
        atom = Atom(point.rates_1_s[:LEVELS, :LEVELS], dephasing)
        resonator = TransferResonator(end.kappa_hz, above_hz, end.thermal_photons)
        ends.append(WindowEnd(atom, resonator, band, 0, stop_fs))
    phase = np.exp(2j * np.pi * link.phase_turns)
    there, back = link.transmission[sender], link.transmission[1 - sender]
    back = back if link.isolation > 0 else 0.0
    way = Way(complex(np.sqrt(there) * phase), link.delay_fs, complex(np.sqrt(back) * phase))
    return LinkWindow((ends[0], ends[1]), way, SENT)


def best_link(link: Link, points: tuple[QubitPoint, QubitPoint], sender: int = 0) -> BestLink:
    """Return the best absorption and Bell fidelity of photons that ``ends[sender]`` sends.

    Takes about a second. Raises ValueError where nothing is transmitted.
    """
    if link.transmission[sender] <= 0:
        raise ValueError(f"{link.name} transmits nothing from {link.ends[sender].qubit}")
    narrow_hz = min(end.kappa_hz for end in link.ends)
    apart_hz = link.ends[1 - sender].transfer_hz - link.ends[sender].transfer_hz
    places = (0.0,) if abs(apart_hz) < 0.01 * narrow_hz else (0.0, 0.25, 0.5, 0.75, 1.0)
    found = []
    for width, lengths, place in product(WIDTHS, LENGTHS, places):
        gamma_hz = width * narrow_hz
        length_ns = min(LONGEST_NS, 2.0 * round(lengths / (2e-9 * 2 * np.pi * gamma_hz)))
        pulses = SechPulses(gamma_hz, place * apart_hz, length_ns, 0)
        found.append((pulses, evolve_window(coarse(window_of(link, points, sender, pulses)))))
    absorbed = max(found, key=lambda one: _absorption(one[1]))[0]
    paired = max(found, key=lambda one: pair_fidelity(one[1]))[0]
    brought = max(found, key=lambda one: transfer_of(one[1]))[0]
    by_absorption = _over_lag(link, points, sender, absorbed, _absorption)
    by_transfer = _over_lag(link, points, sender, brought, transfer_of)
    by_bell = _over_lag(link, points, sender, paired, pair_fidelity)
    one, other = (float(np.hypot(point.slow_sigma_hz, point.stray_hz)) for point in points)
    sigmas = (one, other) if sender == 0 else (other, one)
    sent = with_slow_noise(window_of(link, points, sender, by_absorption), sigmas)
    caught = with_slow_noise(window_of(link, points, sender, by_transfer), sigmas)
    pair = with_slow_noise(window_of(link, points, sender, by_bell), sigmas).pair
    return BestLink(
        sent.absorption,
        by_absorption,
        caught.transfer,
        bell_fidelity(pair),
        by_bell,
        concurrence(pair),
        largest_chsh(pair),
    )


def best_of_links(links: Sequence[Link], points: Mapping[str, QubitPoint]) -> dict[str, Truth]:
    """Return ``link_ab.best_absorption`` and others of each link whose qubits have points.

    Of the first end's photons, or of the second's where the way forth transmits less.
    """
    found: dict[str, Truth] = {}
    for link in links:
        one, other = (points.get(end.qubit) for end in link.ends)
        sender = int(link.transmission[1] > link.transmission[0])
        if one is None or other is None or link.transmission[sender] <= 0:
            continue
        best = best_link(link, (one, other), sender)
        found |= {
            f"{link.name}.best_absorption": Truth(best.absorption, "1"),
            f"{link.name}.best_transfer": Truth(best.transfer, "1"),
            f"{link.name}.best_bell_fidelity": Truth(best.bell_fidelity, "1"),
            f"{link.name}.best_bell_concurrence": Truth(best.bell_concurrence, "1"),
            f"{link.name}.best_chsh_s": Truth(best.chsh_s, "1"),
            f"{link.name}.best_photon_width": Truth(best.bell_pulses.gamma_hz, "Hz"),
            f"{link.name}.best_lag": Truth(1e-15 * best.absorption_pulses.lag_fs, "s"),
        }
    return found


def with_slow_noise(window: LinkWindow, sigmas_hz: tuple[float, float]) -> NoisyWindow:
    """Return absorption, transfer and pair, averaged over noise that a shot does not see move.

    ``sigmas_hz``: of each atom's 0-1 frequency; f moves twice as far. Drives stay where they are.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    grid = [
        list(zip(sigma * nodes, weights, strict=True)) if sigma > 0 else [(0.0, 1.0)]
        for sigma in sigmas_hz
    ]
    arrived = passed = transfer = 0.0
    pairs = np.zeros((9, 9), np.complex128)
    for (one, first), (other, second) in product(*grid):
        weight = float(first * second)
        moved, turn = moved_by(window, (one, other))
        result = evolve_window(moved)
        pairs += weight * sent_pair(result) * turn
        transfer += weight * transfer_of(result)
        if result.photon is not None:
            arrived += weight * result.photon.emitted
            passed += weight * result.photon.emitted * (1 - result.photon.absorption)
    absorption = 1 - passed / arrived if arrived > 0 else 0.0
    return NoisyWindow(absorption, transfer, caught_pair(pairs))


def moved_by(
    window: LinkWindow, moved_hz: tuple[float, float]
) -> tuple[LinkWindow, NDArray[np.complex128]]:
    """Return a window of atoms that noise has moved, and what turns its states (9, 9).

    Drives stay where they are; times that, a state is in the frame of the atoms' means again.
    """
    ends = tuple(
        replace(end, sideband=replace(end.sideband, detuning_hz=-2 * hz))
        for end, hz in zip(window.ends, moved_hz, strict=True)
    )
    turns = [
        np.exp(-2e-15j * np.pi * hz * (end.stop_fs - end.start_fs) * np.arange(LEVELS))
        for end, hz in zip(ends, moved_hz, strict=True)
    ]
    turn = np.outer(*turns).ravel()
    return replace(window, ends=(ends[0], ends[1])), np.outer(turn, turn.conj())


def coarse(window: LinkWindow) -> LinkWindow:
    """Return a window to search with: rare jumps and thermal photons are left out."""
    ends = tuple(
        replace(end, resonator=replace(end.resonator, thermal_photons=0.0)) for end in window.ends
    )
    return replace(window, ends=(ends[0], ends[1]), bound=COARSE)


def transfer_of(result: WindowResult) -> float:
    """Return the population of the receiver's f after the sender's f."""
    state = np.zeros((PAIR, PAIR), np.complex128)
    state[2 * LEVELS, 2 * LEVELS] = 1
    received = result.channel.apply(state).reshape((LEVELS,) * 4)
    return float(np.einsum("ajaj->j", received)[2].real)


def _absorption(result: WindowResult) -> float:
    return 0.0 if result.photon is None else result.photon.absorption


def _over_lag(
    link: Link,
    points: tuple[QubitPoint, QubitPoint],
    sender: int,
    pulses: SechPulses,
    figure: Callable[[WindowResult], float],
) -> SechPulses:
    """Return the pulses with the delay at which ``figure`` is largest."""

    def reached(lag_fs: int) -> float:
        moved = replace(pulses, lag_fs=lag_fs)
        return figure(evolve_window(coarse(window_of(link, points, sender, moved))))

    reach_fs = round(1e15 / (2 * np.pi * pulses.gamma_hz))
    return replace(pulses, lag_fs=best_lag_fs(reached, -reach_fs, reach_fs, LAG_FS))
