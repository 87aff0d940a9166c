"""``podium twin photon``: a published microwave link from its device table, by physics alone."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

from podium.sim_instruments.serve_command import DONE

if TYPE_CHECKING:
    from podium.sim_instruments.physics.links.link_experiment import PairFigures
    from podium.sim_instruments.physics.links.published_links import Model, PublishedLink

PHOTON_HELP = "work out what a published microwave link gives, from its device table"
NAMES = ("kurpiers2018", "magnard2020", "skew")
SKEWS_NS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0)
SKEWED_HZ, SKEWED_PULSE_NS, SKEWED_TRANSMISSION = 10.4e6, 500.0, 0.77
"""Of the link whose ends start apart: photon as wide as both resonators, pulses of which 1e-14 is
cut off, a line that loses as that of kurpiers2018 does; atoms that do not decay."""
LAGS_NS = tuple(range(-4, 13))
"""Delays of the catch that are tried: the best one is taken, as in a laboratory."""


def add_photon(photon: ArgumentParser) -> None:
    """Add the arguments of ``podium twin photon``."""
    photon.add_argument("name", choices=NAMES, metavar="NAME", help=" or ".join(NAMES))
    photon.add_argument("--json", action="store_true", help="print JSON")


def run_photon(arguments: Namespace) -> int:
    """Print the link's figures by both models of dephasing."""
    from podium.sim_instruments.physics.links.dephasing import number_operator, two_sigma_z
    from podium.sim_instruments.physics.links.published_links import PUBLISHED

    if arguments.name == "skew":
        print(json.dumps(_skewed(), indent=2 if arguments.json else None))
        return DONE
    link = PUBLISHED[arguments.name]
    found = {
        name: asdict(_at_best_delay(link, model))
        for name, model in (("number_operator", number_operator), ("two_sigma_z", two_sigma_z))
    }
    if arguments.json:
        print(json.dumps(found, indent=2))
        return DONE
    for name, values in found.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.4f}" for key, value in values.items()))
    return DONE


def _skewed() -> dict[str, list[float]]:
    """Return what is caught of a photon that was sent, and the Bell fidelity, skew by skew."""
    from podium.sim_instruments.physics.links.dephasing import number_operator
    from podium.sim_instruments.physics.links.link_experiment import figures
    from podium.sim_instruments.physics.links.published_links import PublishedLink

    for_ever = (1.0, 1.0)
    widths = (SKEWED_HZ, SKEWED_HZ)
    link = PublishedLink(
        *("skew", SKEWED_HZ, widths, SKEWED_PULSE_NS, 1.0, SKEWED_TRANSMISSION, 4.5),
        *(for_ever, for_ever, for_ever, for_ever),
    )
    found = [figures(link.window(number_operator, skew), link.turn_ns) for skew in SKEWS_NS]
    return {
        "gamma_hz": [SKEWED_HZ],
        "transmission": [SKEWED_TRANSMISSION],
        "skew_ns": list(SKEWS_NS),
        "caught": [SKEWED_TRANSMISSION * one.caught for one in found],
        "bell_fidelity": [one.bell_fidelity for one in found],
    }


def _at_best_delay(link: "PublishedLink", model: "Model") -> "PairFigures":
    from podium.sim_instruments.physics.links.link_channel import evolve_window
    from podium.sim_instruments.physics.links.link_experiment import figures

    windows = [link.window(model, float(lag)) for lag in LAGS_NS]
    photons = [evolve_window(one).photon for one in windows]
    absorbed = [0.0 if one is None else one.absorption for one in photons]
    return figures(windows[absorbed.index(max(absorbed))], link.turn_ns)
