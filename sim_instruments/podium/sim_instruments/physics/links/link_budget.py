"""Cost of each part of a link to its Bell pair: which one to improve first.

A part's cost is by how much the fidelity rises once that part alone is perfect. Costs of all parts
together are somewhat less or more than what is missing, since parts act on what others leave.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_experiment import bell_fidelity, bell_state
from podium.sim_instruments.physics.links.published_links import Model, PublishedLink

FOR_EVER_S = 1e3
LAGS_NS = np.arange(-4.0, 13.0, 1.0)
"""Delays of the catch that are tried for each link: the best one is taken."""


@dataclass(frozen=True, slots=True)
class LinkBudget:
    """A Bell pair's fidelity and what its parts cost."""

    bell_fidelity: float
    """Of the link as it is, readout apart."""
    costs: Mapping[str, float]
    """By part, the dearest first."""
    without_all: float
    """Fidelity with all parts perfect: what is left is the pulses being cut off."""


def link_budget(link: PublishedLink, model: Model) -> LinkBudget:
    """Return the budget of a link by a model of :mod:`.dephasing`. Takes about a second."""
    as_it_is = _fidelity(link, model)
    better = {part: _fidelity(perfect, model) for part, perfect in _parts(link).items()}
    costs = {part: value - as_it_is for part, value in better.items()}
    for part in costs:
        link = _parts(link).get(part, link)
    ordered = sorted(costs.items(), key=lambda item: -item[1])
    return LinkBudget(as_it_is, dict(ordered), _fidelity(link, model))


def _parts(link: PublishedLink) -> dict[str, PublishedLink]:
    """Return the link with each part perfect."""
    ever = (FOR_EVER_S, FOR_EVER_S)
    found = {
        "way": replace(link, transmission=1.0),
        "decay": replace(
            link,
            t1_ge_s=ever,
            t1_ef_s=ever,
            t2_ge_s=_pure(link.t2_ge_s, link.t1_ge_s, ever),
            t2_ef_s=_pure(link.t2_ef_s, link.t1_ge_s, link.t1_ef_s),
        ),
        "dephasing": replace(
            link,
            t2_ge_s=(2 * link.t1_ge_s[0], 2 * link.t1_ge_s[1]),
            t2_ef_s=(
                2 / (1 / link.t1_ge_s[0] + 1 / link.t1_ef_s[0]),
                2 / (1 / link.t1_ge_s[1] + 1 / link.t1_ef_s[1]),
            ),
        ),
        "pulses on the atoms": replace(link, turn_ns=1e-3),
        "flight": replace(link, delay_ns=0.0),
    }
    if link.thermal_photons:
        found["thermal photons"] = replace(link, thermal_photons=0.0)
    return found


def _pure(
    t2_s: tuple[float, float], lower_s: tuple[float, float], upper_s: tuple[float, float]
) -> tuple[float, float]:
    """Return T2 of dephasing alone: both levels' decay taken off."""
    rates = (
        max(1 / t2 - 0.5 / low - 0.5 / up, 1e-3)
        for t2, low, up in zip(t2_s, lower_s, upper_s, strict=True)
    )
    first, second = (1 / rate for rate in rates)
    return first, second


def _fidelity(link: PublishedLink, model: Model) -> float:
    """Return the Bell fidelity at the delay of the best absorption."""
    windows = [link.window(model, float(lag)) for lag in LAGS_NS]
    results = [evolve_window(one) for one in windows]
    absorbed = [0.0 if one.photon is None else one.photon.absorption for one in results]
    best = int(np.argmax(absorbed))
    return bell_fidelity(bell_state(windows[best], results[best].channel, link.turn_ns))
