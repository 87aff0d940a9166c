"""Parameter sets of published links, as their papers give them; nothing is fitted to a result.

``# ASSUMED`` marks what was not found in a paper's own text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.link_experiment import SENT, atom_of
from podium.sim_instruments.physics.links.link_window import (
    LinkWindow,
    TransferResonator,
    Way,
    WindowEnd,
)
from podium.sim_instruments.physics.links.sech_photon import sideband

Model = Callable[[float, float], NDArray[np.float64]]
NS_FS = 1_000_000


@dataclass(frozen=True, slots=True)
class PublishedLink:
    """A link's device table."""

    name: str
    gamma_hz: float
    """Width of the photon over 2 pi."""
    kappa_hz: tuple[float, float]
    pulse_ns: float
    """Length of each f0-g1 pulse: the sech is cut off there."""
    turn_ns: float
    """Length of a pi pulse."""
    transmission: float
    delay_ns: float
    t1_ge_s: tuple[float, float]
    t1_ef_s: tuple[float, float]
    t2_ge_s: tuple[float, float]
    t2_ef_s: tuple[float, float]
    thermal_photons: float = 0.0
    """Physics alone does without them where a paper says nothing."""

    def plainly(self) -> dict[str, Any]:
        """Return it as :meth:`.LinkTable.plainly` does, in SI units; no photons are not said."""
        found: dict[str, Any] = {
            "name": self.name,
            "gamma": self.gamma_hz,
            "kappa": [*self.kappa_hz],
            "pulse": 1e-9 * self.pulse_ns,
            "pi_pulse": 1e-9 * self.turn_ns,
            "transmission": self.transmission,
            "delay": 1e-9 * self.delay_ns,
            "t1_ge": [*self.t1_ge_s],
            "t1_ef": [*self.t1_ef_s],
            "t2_ge": [*self.t2_ge_s],
            "t2_ef": [*self.t2_ef_s],
        }
        return found | ({"thermal_photons": self.thermal_photons} if self.thermal_photons else {})

    def window(self, model: Model, lag_ns: float = 0.0) -> LinkWindow:
        """Return the window from the emission's start to the catch's end.

        ``lag_ns``: by how much later than the photon's arrival the catch is centred. The first
        atom decays on until the catch is over.
        """
        centre = round(self.pulse_ns * NS_FS / 2)
        delay_fs, lag_fs = round(self.delay_ns * NS_FS), round(lag_ns * NS_FS)
        stop_fs = 2 * centre + delay_fs + lag_fs
        ends = tuple(
            WindowEnd(
                atom_of(self.t1_ge_s[e], self.t1_ef_s[e], self.t2_ge_s[e], self.t2_ef_s[e], model),
                TransferResonator(self.kappa_hz[e], 0.0, self.thermal_photons),
                sideband(
                    ("emission", "catch")[e],
                    self.gamma_hz,
                    self.kappa_hz[e],
                    length_ns=self.pulse_ns,
                    centre_fs=centre + e * (delay_fs + lag_fs),
                ),
                0,
                max(stop_fs, 2 * centre),
            )
            for e in (0, 1)
        )
        way = Way(complex(np.sqrt(self.transmission)), delay_fs)
        return LinkWindow((ends[0], ends[1]), way, SENT)


KURPIERS_2018 = PublishedLink(
    # Nature 558, 264: text and supplementary table, from a second text  # ASSUMED
    "kurpiers2018",
    10.4e6,
    (10.4e6, 13.5e6),
    180.0,
    20.0,
    0.77,
    4.5,  # 0.9 m of coaxial line and a circulator
    (5.0e-6, 4.5e-6),
    (2.3e-6, 1.6e-6),
    (3.4e-6, 2.6e-6),
    (2.1e-6, 1.1e-6),
)

MAGNARD_2020 = PublishedLink(
    # PRL 125, 260502: widths, loss, flight time, T1 of g-e and echo time are its own
    "magnard2020",
    6.2e6,
    (8.9e6, 6.2e6),
    240.0,
    33.0,  # from the 311 ns of a transfer
    0.777,
    28.0,
    (12e-6, 12e-6),
    (3.7e-6, 3.7e-6),  # from the error of 3 % that it gives the decay of f
    (6e-6, 6e-6),
    (4e-6, 4e-6),  # ASSUMED: 2/3 of g-e
)

PUBLISHED = {one.name: one for one in (KURPIERS_2018, MAGNARD_2020)}
