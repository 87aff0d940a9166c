"""A link of one photon as routines model it, and the same by the world's master equation."""

import numpy as np

from podium.control.calibration.links.link_loop import LinkLoop
from podium.control.calibration.links.link_model import EndModel
from podium.control.calibration.links.pair_model import PairModel
from podium.control.calibration.links.photon_shapes import middles_s, sech_rate_hz
from podium.sim_instruments.physics.links.link_channel import WindowResult, evolve_window
from podium.sim_instruments.physics.links.link_experiment import SENT, pair_fidelity
from podium.sim_instruments.physics.links.link_truth import transfer_of
from podium.sim_instruments.physics.links.link_window import (
    LEVELS,
    Atom,
    LinkWindow,
    Sideband,
    TransferResonator,
    Way,
    WindowEnd,
)

KAPPAS = (10.4e6, 13.5e6)
FALLS_E, FALLS_F = (0.2e6, 0.23e6), (0.4e6, 0.45e6)
DEPHASES = (0.12e6, 0.15e6)
TRANSMISSION = 0.77
NS = 10**6


NO_LOOP = LinkLoop()


def pair_model(loop: LinkLoop = NO_LOOP, off_hz: float = 0.0) -> PairModel:
    ends = [
        EndModel(kappa, falls, 4 * dephases)
        for kappa, falls, dephases in zip(KAPPAS, FALLS_F, DEPHASES, strict=True)
    ]
    return PairModel((ends[0], ends[1]), loop, TRANSMISSION, FALLS_E[0], DEPHASES[0], off_hz)


def in_the_world(
    sent_hz: np.ndarray, caught_hz: np.ndarray, loop: LinkLoop, off_hz: float
) -> float:
    """The fidelity by the world's master equation; noise of the number operator."""
    return pair_fidelity(_window(sent_hz, caught_hz, loop, off_hz))


def caught_in_the_world(sent_hz: np.ndarray, caught_hz: np.ndarray, loop: LinkLoop) -> float:
    """The part of f that comes to f, of a catch where the photon would have it."""
    return transfer_of(_window(sent_hz, caught_hz, loop, loop.apart_hz))


def _window(
    sent_hz: np.ndarray, caught_hz: np.ndarray, loop: LinkLoop, off_hz: float
) -> WindowResult:
    apart = np.subtract.outer(np.arange(LEVELS), np.arange(LEVELS)) ** 2.0
    ends = []
    for k, drive in enumerate((sent_hz, caught_hz)):
        rates = np.zeros((LEVELS, LEVELS))
        rates[0, 1], rates[1, 2] = FALLS_E[k], FALLS_F[k]
        resonator = TransferResonator(KAPPAS[k], (0.0, loop.apart_hz)[k])
        aside = (0.0, off_hz - loop.apart_hz)[k]
        band = Sideband(np.conj(drive), 0, NS, aside)
        ends.append(
            WindowEnd(Atom(rates, DEPHASES[k] * apart), resonator, band, 0, drive.size * NS)
        )
    back = loop.echo / np.sqrt(TRANSMISSION)
    way = Way(np.sqrt(TRANSMISSION), 0, back)
    return evolve_window(LinkWindow((ends[0], ends[1]), way, SENT))


def sech_drives(duration_ns: int, turned_hz: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Emission and catch of a sech that turn by so much against the resonances, g / 2 pi in Hz."""
    at = middles_s(duration_ns)
    turns = np.exp(2j * np.pi * turned_hz * at)
    sent = sech_rate_hz(at, 10.4e6, KAPPAS[0]) * turns
    return sent, sech_rate_hz(-at, 10.4e6, KAPPAS[1]) * turns
