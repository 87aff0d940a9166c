"""Two emitters and a herald station: ideal atoms, whole sech photons, and states to start from."""

import numpy as np
from numpy.typing import NDArray
from tests.benches.physics.linked_nodes import BANDWIDTH_HZ, link_of, nodes

from podium.sim_instruments.physics.links.herald_station import (
    HeraldStation,
    StationArm,
    StationDetector,
)
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.links.sech_photon import emission
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse
from podium.sim_instruments.physics.operating_point import QubitPoint

LENGTH_NS = 500
"""Of a pulse: 16 lifetimes of the photon to either side of its middle."""
ORDER = (1, 0)
"""Levels e and g are |0> (no photon) and |1> (with its photon)."""


def station(
    ways: tuple[float, float] = (1.0, 1.0),
    efficiency: tuple[float, float] = (1.0, 1.0),
    *,
    dark_hz: float = 0.0,
    dead_fs: int = 0,
    jitter_fs: int = 0,
    added_noise: float = 0.0,
    phase_sigma: float = 0.0,
) -> HeraldStation:
    first, second = (StationArm(way, added_noise, 2e7, 1.0, 5_000_000) for way in ways)
    one, other = (StationDetector(eta, dark_hz, dead_fs, jitter_fs) for eta in efficiency)
    return HeraldStation((first, second), (one, other), phase_sigma)


def heralded_link(pair: tuple[QubitPoint, QubitPoint], of: HeraldStation) -> Link:
    link = link_of(*pair, transmission=0.0)
    apart = of.arms[0].delay_fs - of.arms[1].delay_fs
    return Link(link.name, link.ends, (0.0, 0.0), apart, 0.0, 0.0, of)


def photon(one: QubitPoint, detuning_hz: float = 0.0) -> SidebandPulse:
    middle = np.arange(LENGTH_NS) + 0.5 - LENGTH_NS / 2
    samples = emission(BANDWIDTH_HZ, BANDWIDTH_HZ, middle) / 5.2e6
    turned = np.exp(2j * np.pi * detuning_hz * 1e-9 * np.arange(LENGTH_NS))
    return SidebandPulse(float(one.levels_hz[2]) - 8.4e9, samples * turned, 1.0)


def silence(one: QubitPoint) -> SidebandPulse:
    return SidebandPulse(float(one.levels_hz[2]) - 8.4e9, np.zeros(0, np.complex128), 1.0)


def still() -> tuple[QubitPoint, QubitPoint]:
    """Atoms that neither decay nor dephase."""
    return nodes(t1=1e3, dephasing=0.0)


def bright(alpha: float) -> NDArray[np.complex128]:
    """Flat density matrix (81,) of both atoms: sqrt(1 - alpha) e + sqrt(alpha) f each."""
    one = np.array([0.0, np.sqrt(1 - alpha), np.sqrt(alpha)])
    alone = np.outer(one, one).reshape(-1)
    return np.outer(alone, alone).reshape(-1).astype(np.complex128)


def pair_state(flat: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return (4, 4), not normalised, of |0> and |1> of both from a flat state (81,)."""
    rho = flat.reshape(3, 3, 3, 3).transpose(0, 2, 1, 3)  # a b, a' b'
    keep = np.ix_(ORDER, ORDER, ORDER, ORDER)
    return np.asarray(rho[keep].reshape(4, 4))
