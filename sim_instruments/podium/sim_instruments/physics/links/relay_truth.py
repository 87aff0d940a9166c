"""The best GHZ state and swapped pair that two links with a hub between allow in their world.

The first end shares an excitation with the hub, which sends on what it has caught:
``|110> + |001>``. Searched over the pulses of both photons, with ideal pulses on the atoms that
take no time; what slow noise leaves of the pulses found is averaged.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.known_truth import Truth
from podium.sim_instruments.physics.links.link_channel import channel_of
from podium.sim_instruments.physics.links.link_experiment import pulse_map
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.links.link_truth import (
    NODES,
    NS_FS,
    SechPulses,
    best_link,
    coarse,
    moved_by,
    window_of,
)
from podium.sim_instruments.physics.links.link_window import LEVELS, Atom, LinkWindow
from podium.sim_instruments.physics.operating_point import QubitPoint

Matrix = NDArray[np.complex128]
CUBE = (LEVELS,) * 6
SHORTER = (1.0, 0.9, 0.8, 0.7)
"""Pulses over those that are best for a pair."""
KETS = (1, 1, 0), (0, 0, 1)
"""Levels of the first end, the hub and the last end."""


@dataclass(frozen=True, slots=True)
class Relay:
    """Two links with a hub between."""

    links: tuple[Link, Link]
    """The first ends at the hub, the last begins there."""
    points: tuple[QubitPoint, QubitPoint, QubitPoint]
    """First end, hub, last end."""

    @property
    def name(self) -> str:
        """Both links: ``link_ab.link_bc``."""
        return ".".join(link.name for link in self.links)

    def window(self, place: int, pulses: SechPulses) -> LinkWindow:
        """Return the window of the first (0) or last (1) link."""
        points = self.points[place], self.points[place + 1]
        return window_of(self.links[place], points, 0, pulses)


def relays_of(links: Sequence[Link], points: Mapping[str, QubitPoint]) -> Iterator[Relay]:
    """Yield all ways over a hub whose qubits have points and whose links let photons through."""
    for first, last in product(links, links):
        names = first.ends[0].qubit, first.ends[1].qubit, last.ends[1].qubit
        known = [points.get(name) for name in names]
        opened = first.transmission[0] > 0 < last.transmission[0]
        if last.ends[0].qubit != names[1] or names[0] == names[2] or not opened:
            continue
        one, hub, other = known
        if one is not None and hub is not None and other is not None:
            yield Relay((first, last), (one, hub, other))


def ghz_fidelity(state: Matrix) -> float:
    """Return the fidelity of three atoms (3,) * 6 with the nearest ``|110> + exp(i p) |001>``.

    Axes: levels of all kets, then of all bras.
    """
    one, other = KETS
    straight = state[(*one, *one)] + state[(*other, *other)]
    return float(0.5 * straight.real + abs(state[(*one, *other)]))


def swapped_fidelity(state: Matrix) -> float:
    """Return the fidelity of the outer two's pair, its sign told by the hub read along its equator.

    The hub's pulse takes no time and its reading has no errors; axis and phase are the best.
    """
    straight = sum(
        float(state[1, h, 0, 1, h, 0].real + state[0, h, 1, 0, h, 1].real) for h in (0, 1)
    )
    flipped = (abs(state[1, h, 0, 0, 1 - h, 1]) for h in (0, 1))
    return 0.5 * straight + float(sum(flipped))


def shared_by_three(windows: tuple[LinkWindow, LinkWindow], moved_hz: Sequence[float]) -> Matrix:
    """Return the state (3,) * 6 behind both windows; pulses on atoms take no time.

    ``moved_hz``: by how much slow noise moves the 0-1 frequency of each atom; drives stay where
    they are, and the state is in the frame of the atoms' mean frequencies.
    """
    pair = np.zeros((9, 9), np.complex128)
    pair[np.ix_([3, 6], [3, 6])] = 0.5
    first, last = (
        moved_by(one, (moved_hz[place], moved_hz[place + 1])) for place, one in enumerate(windows)
    )
    pair = channel_of(first[0]).channel.apply(pair) * first[1]
    return _passed_on(pair, first[0].ends[0].atom, last, moved_hz[0])


def _passed_on(
    pair: Matrix, waiting: Atom, last: tuple[LinkWindow, Matrix], moved_hz: float
) -> Matrix:
    """Return three atoms once the hub has sent on its f; the first end waits meanwhile."""
    window, turn = last
    flipped = [1, 0, 2]
    held = pair.reshape((LEVELS,) * 4)[:, flipped][:, :, :, flipped]  # a h a' h'
    held = held.transpose(0, 2, 1, 3)  # a a' h h'
    state = np.zeros((LEVELS, LEVELS, 9, 9), np.complex128)
    state[:, :, ::LEVELS, ::LEVELS] = held
    state = channel_of(window).channel.apply(state) * turn
    waits_ns = (window.ends[0].stop_fs - window.ends[0].start_fs) / NS_FS
    wait = pulse_map(waiting, 0, 0.0, waits_ns)
    apart = np.subtract.outer(np.arange(LEVELS), np.arange(LEVELS)).ravel()
    wait = np.exp(-2e-9j * np.pi * moved_hz * waits_ns * apart)[:, None] * wait
    state = np.tensordot(wait, state.reshape(9, 9, 9), axes=1)
    whole = state.reshape(CUBE).transpose(0, 2, 3, 1, 4, 5)  # a h c a' h' c'
    order = [0, 2, 1]
    return np.asarray(whole[:, :, order][..., order])


def best_of_relays(links: Sequence[Link], points: Mapping[str, QubitPoint]) -> dict[str, Truth]:
    """Return ``link_ab.link_bc.best_ghz_fidelity`` and others of each way over a hub.

    Takes some five seconds for each.
    """
    told: dict[str, Truth] = {}
    for relay in relays_of(links, points):
        tried = _tried(relay)
        for name, figure in FIGURES.items():
            told[f"{relay.name}.best_{name}"] = Truth(_best(relay, tried, figure), "1")
    return told


def _tried(relay: Relay) -> list[tuple[SechPulses, SechPulses]]:
    """Return the pulses of the best pairs over both links, and shorter ones: others wait for it."""
    found = []
    for place, link in enumerate(relay.links):
        pulses = best_link(link, (relay.points[place], relay.points[place + 1])).bell_pulses
        lengths = (2.0 * round(share * pulses.length_ns / 2) for share in SHORTER)
        found.append([replace(pulses, length_ns=length) for length in lengths])
    return [(one, other) for one in found[0] for other in found[1]]


def _best(
    relay: Relay,
    tried: Sequence[tuple[SechPulses, SechPulses]],
    figure: Callable[[Matrix], float],
) -> float:
    """Return the largest that a figure of the shared state becomes."""

    def reached(pulses: tuple[SechPulses, SechPulses]) -> float:
        windows = coarse(relay.window(0, pulses[0])), coarse(relay.window(1, pulses[1]))
        return figure(shared_by_three(windows, (0.0, 0.0, 0.0)))

    return figure(averaged(relay, max(tried, key=reached)))


def averaged(relay: Relay, pulses: tuple[SechPulses, SechPulses]) -> Matrix:
    """Return the state (3,) * 6 of given pulses, averaged over noise that a shot sees stand."""
    windows = relay.window(0, pulses[0]), relay.window(1, pulses[1])
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    grids = []
    for point in relay.points:
        sigma_hz = float(np.hypot(point.slow_sigma_hz, point.stray_hz))
        grids.append(
            list(zip(sigma_hz * nodes, weights, strict=True)) if sigma_hz > 0 else [(0.0, 1.0)]
        )
    state = np.zeros(CUBE, np.complex128)
    for nodes_hz in product(*grids):
        weight = float(np.prod([one[1] for one in nodes_hz]))
        state += weight * shared_by_three(windows, [float(one[0]) for one in nodes_hz])
    return state


FIGURES: Mapping[str, Callable[[Matrix], float]] = {
    "ghz_fidelity": ghz_fidelity,
    "swapped_fidelity": swapped_fidelity,
}
"""What is told of a hub, by the name of what is measured."""
