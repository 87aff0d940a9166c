"""A pair's CHSH value, and the loss that a published S and Bell fidelity together ask for.

S is the largest of all settings (Horodecki, Phys. Lett. A 200, 340 (1995)), twice the root of the
two largest eigenvalues of ``T+ T``, less what readout takes of each correlation.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.dephasing import number_operator, two_sigma_z
from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_experiment import bell_fidelity, bell_state
from podium.sim_instruments.physics.links.published_links import (
    MAGNARD_2020,
    Model,
    PublishedLink,
)

PUBLISHED_S = 2.0747
"""Storz et al., Nature 617, 265 (2023): raw, no correction of readout."""
PUBLISHED_FIDELITY = 0.804
"""The same, from a second text; whether readout is corrected is not known."""
READOUT = (0.9905, 0.9760)
"""ASSUMED: of the two nodes, from memory: how often a reading is right."""
LENGTHS_NS = (200.0, 20.0, 160.0)
"""ASSUMED, weakly: f0-g1 pulse, pi pulse; the flight over 30 m of WR90 is worked out."""
GAMMA_HZ = 10e6
"""ASSUMED, weakly: both transfer resonators' width and the photon's."""
LAGS_NS = np.arange(-4.0, 13.0, 1.0)
LEVELS = (0, 1, 3, 4)
"""g and e of both among the nine states of a pair."""
LOSSES = (0.02, 0.6)
LIFETIMES = (0.05, 400.0)
"""By what atoms live longer than those of Magnard 2020, from and to."""
STEPS = 30
AMPLITUDES = (0.4, 0.7, 1.0)
"""Of the way, at which channels are worked out."""

StateOfLoss = Callable[[float], NDArray[np.complex128]]


def contrast() -> float:
    """Return what readout leaves of a correlation of both qubits."""
    return float(np.prod([2 * right - 1 for right in READOUT]))


def correlations(state: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return correlations (3, 3) of the two lowest levels of a pair (9, 9): <x x>, <x y> ..."""
    part = state[np.ix_(LEVELS, LEVELS)]
    paulis = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    return np.array(
        [[np.trace(part @ np.kron(one, other)).real for other in paulis] for one in paulis]
    )


def chsh(state: NDArray[np.complex128]) -> float:
    """Return the largest S of a pair (9, 9) by perfect readout."""
    values = np.linalg.svd(correlations(state), compute_uv=False)
    return float(2 * np.hypot(values[0], values[1]))


def storz_link(transmission: float, lifetimes: float) -> PublishedLink:
    """Return a link of 30 m whose atoms live ``lifetimes`` times as long as Magnard's."""
    pulse_ns, turn_ns, delay_ns = LENGTHS_NS

    def longer(times: tuple[float, float]) -> tuple[float, float]:
        return times[0] * lifetimes, times[1] * lifetimes

    return PublishedLink(
        *("storz2023", GAMMA_HZ, (GAMMA_HZ, GAMMA_HZ), pulse_ns, turn_ns, transmission, delay_ns),
        *(longer(MAGNARD_2020.t1_ge_s), longer(MAGNARD_2020.t1_ef_s)),
        *(longer(MAGNARD_2020.t2_ge_s), longer(MAGNARD_2020.t2_ef_s)),
    )


@dataclass(frozen=True, slots=True)
class LossAsked:
    """The loss of a way that published figures ask for."""

    loss: float | None
    """Of power from resonator to resonator; None: no loss gives them."""
    by: str
    """Which figures and which model."""


def losses_asked() -> Iterator[LossAsked]:
    """Tell the loss that S, F, and both together ask for, by both models of dephasing.

    By S or F alone atoms live as long as in Magnard 2020; by both together their lifetimes are
    the second unknown. F is taken with readout corrected, and as it is read.
    """
    eta, kept = loss_alone(PUBLISHED_S, PUBLISHED_FIDELITY)
    yield LossAsked(
        1 - eta,
        f"S and F together, loss and pure dephasing alone (coherence times {kept:.3f}): the "
        "atoms' decay is in it",
    )
    for name, model in (("number operator", number_operator), ("two sigma_z", two_sigma_z)):
        lag_ns = _best_lag_ns(model)
        states = pair_by_loss(model, lag_ns, 1.0)
        for figure, reached in _figures().items():
            loss = _root(partial(reached.missed, states), LOSSES)
            yield LossAsked(loss, f"{figure} alone, lifetimes of Magnard 2020, {name}")
        for figure in ("F corrected", "F as read"):
            loss, lifetimes = _both(partial(pair_by_loss, model, lag_ns), figure)
            told = "" if lifetimes is None else f", atoms living {lifetimes:.2f} times as long"
            yield LossAsked(loss, f"S and {figure} together{told}, {name}")


def pair_by_loss(model: Model, lag_ns: float, lifetimes: float) -> StateOfLoss:
    """Return the pair (9, 9) of each loss, by three channels.

    One photon at most is under way, so that states are of second order in the way's amplitude.
    """
    states = []
    for amplitude in AMPLITUDES:
        link = storz_link(amplitude**2, lifetimes)
        window = link.window(model, lag_ns)
        states.append(bell_state(window, evolve_window(window).channel, link.turn_ns))
    powers = np.linalg.inv(np.vander(AMPLITUDES, 3, increasing=True))
    parts = np.einsum("pk,kab->pab", powers, np.array(states))

    def state(loss: float) -> NDArray[np.complex128]:
        return np.asarray(np.einsum("p,pab->ab", np.sqrt(1 - loss) ** np.arange(3), parts))

    return state


def loss_alone(s: float, fidelity: float) -> tuple[float, float]:
    """Return the transmission and what dephasing leaves of the coherence, for F corrected.

    Of ``|eg> + sqrt(eta) |ge>`` with the rest in gg: ``S = 2 sqrt(2) c sqrt(eta)`` times the
    readout's contrast, measured in the equatorial plane, and ``F = (1 + eta)/4 + c sqrt(eta)/2``.
    """
    coherence = s / (2 * np.sqrt(2) * contrast())
    eta = 4 * (fidelity - coherence / 2) - 1
    return float(eta), float(coherence / np.sqrt(eta))


@dataclass(frozen=True, slots=True)
class _Figure:
    asked: float
    of: Callable[[NDArray[np.complex128]], float]

    def missed(self, states: StateOfLoss, loss: float) -> float:
        """Return by how much more than what is asked comes out."""
        return self.of(states(loss)) - self.asked


def _figures() -> dict[str, _Figure]:
    return {
        "S": _Figure(PUBLISHED_S, lambda state: contrast() * chsh(state)),
        "F corrected": _Figure(PUBLISHED_FIDELITY, bell_fidelity),
        "F as read": _Figure(PUBLISHED_FIDELITY, as_read),
    }


def as_read(state: NDArray[np.complex128]) -> float:
    """Return the Bell fidelity of a pair that tomography finds by such readout, uncorrected."""
    found = correlations(state)
    parallel = float(np.hypot(found[0, 0], found[0, 1]) + np.hypot(found[1, 0], found[1, 1]))
    return float(1 + contrast() * (parallel - found[2, 2])) / 4


def _best_lag_ns(model: Model) -> float:
    """Return the delay of the best absorption, as a laboratory finds it."""
    link = storz_link(0.87, 1.0)
    photons = [evolve_window(link.window(model, float(lag))).photon for lag in LAGS_NS]
    absorbed = [0.0 if one is None else one.absorption for one in photons]
    return float(LAGS_NS[int(np.argmax(absorbed))])


def _root(missed: Callable[[float], float], span: tuple[float, float]) -> float | None:
    """Return where a falling function is zero; None: nowhere in the span."""
    low, high = span
    if missed(low) < 0 or missed(high) > 0:
        return None
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        if missed(middle) > 0:
            low = middle
        else:
            high = middle
        if high - low < 1e-5:
            break
    return 0.5 * (low + high)


def _both(pairs: Callable[[float], StateOfLoss], figure: str) -> tuple[float | None, float | None]:
    """Return loss and lifetimes that give S and a fidelity; None where nothing does."""
    by_s, by_f = _figures()["S"], _figures()[figure]

    def apart(log: float) -> tuple[float, float] | None:
        lifetimes = float(np.exp(log))
        states = pairs(lifetimes)
        loss = _root(partial(by_s.missed, states), (0.0, 0.95))
        return None if loss is None else (loss, by_f.missed(states, loss))

    low, high = (float(np.log(x)) for x in LIFETIMES)
    logs = np.linspace(low, high, 12)
    found = [(float(log), apart(float(log))) for log in logs]
    there = [(log, one) for log, one in found if one is not None]
    for (left, one), (right, other) in pairwise(there):
        if one[1] * other[1] > 0:
            continue
        for _ in range(12):
            middle = 0.5 * (left + right)
            here = apart(middle)
            if here is not None and here[1] * one[1] > 0:
                left = middle
            else:
                right = middle
        last = apart(left)
        if last is not None:
            return last[0], float(np.exp(left))
    return None, None
