"""Links that lose a part of their photons, between atoms that decay; two of them with a hub."""

from dataclasses import replace

import numpy as np

from podium.sim_instruments.physics.links.link_point import Link, LinkEnd
from podium.sim_instruments.physics.links.link_truth import SechPulses
from podium.sim_instruments.physics.links.relay_truth import Relay, relays_of
from podium.sim_instruments.physics.operating_point import QubitPoint

END = LinkEnd("a.q0", "a.q0.sideband", 8.4e9, 10.4e6, 5e6, 1e6)
LINK = Link(
    "link_ab",
    (END, replace(END, qubit="b.q0", kappa_hz=13.5e6)),
    (0.77, 0.0),
    5_000_000,
    0.0,
    0.1,
)


def point(t1_s: float) -> QubitPoint:
    """A transmon that decays."""
    rates = np.zeros((3, 3))
    rates[0, 1], rates[1, 2] = 1 / t1_s, 2 / t1_s
    levels = np.array([0.0, 6.3e9, 12.3e9])
    return QubitPoint(
        "q", levels, np.ones(2), 1.0, 0.0, rates, 0.0, 0.0, 1.0, np.zeros(3), 0.0, 1e6, 1e6, 1.0
    )


ON = replace(
    LINK,
    name="link_bc",
    ends=(
        replace(LINK.ends[1], transfer_hz=8.2e9),
        replace(LINK.ends[0], qubit="c.q0", transfer_hz=8.2e9),
    ),
    transmission=(0.9, 0.0),
)
LINKS = (LINK, ON)
PULSES = SechPulses(9e6, 0.0, 180.0, 0), SechPulses(8e6, 0.0, 160.0, 0)


def relay(t1_s: float) -> Relay:
    points = {f"{name}.q0": point(t1_s) for name in "abc"}
    (found,) = relays_of(LINKS, points)
    return found
