"""Makes the pulses of both ends of a link that send a photon, of what both ends are and do."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.links.photon_shapes import SidebandDrive, absorption, emission
from podium.control.calibration.links.shaped_photon import ShapedPhoton
from podium.control.facility.facility import Link

PHOTON_LIFETIMES = 10.0
"""Length of a shaped pulse times Gamma. With atoms that live 5 us and a photon of 10 MHz a pair
keeps most at 9.5 and f comes across most often at 10.5, where a cut takes 0.003 less of the
absorption; a pair loses 0.001 at 10, 0.008 at 11.8, where Kurpiers et al. (2018) cut, and 0.023 at
15 (the world's equation, best lag each)."""
DECAY_WEIGHT = 1.1
"""What a cut leaves behind goes with exp(-half of the length), what decays with the length times
the decay of f over Gamma, times this: then the above, 10, is where least is lost."""
LONGEST_NS = 16_000
"""A pulse of samples 1 ns apart; the waveform memory of a Q1 sequencer holds 16,384."""
GRID_NS = 4


@dataclass(frozen=True, slots=True)
class PhotonPulses:
    """The shaped pulses of one direction of a link."""

    bandwidth_hz: float
    """Of the sech photon of this link."""
    duration_ns: int
    sent: NDArray[np.complex128]
    """Envelope at the first end, of full scale, shape (duration_ns,)."""
    caught: NDArray[np.complex128]
    """Envelope at the second end."""


def photon_lifetimes(bandwidth_hz: float, decay_1_s: float) -> float:
    """Return how many times 1 / Gamma a pulse lasts: longer where f lives longer."""
    lost = DECAY_WEIGHT * decay_1_s / (2 * np.pi * bandwidth_hz)
    return max(PHOTON_LIFETIMES, -2 * float(np.log(lost))) if lost else PHOTON_LIFETIMES


def bandwidth_of(link: Link, kappas_hz: tuple[float, float]) -> float:
    """Return the width of the sech photon: the facility file's, or a resonator's if less, Hz."""
    asked = link.bandwidth_hz
    return min([*kappas_hz, *([] if asked is None else [asked])])


def photon_pulses(
    link: Link,
    kappas_hz: tuple[float, float],
    drives: tuple[SidebandDrive, SidebandDrive],
    decay_1_s: float,
) -> PhotonPulses:
    """Return the pulses that make and catch a photon, of what both ends are and do.

    ``decay_1_s``: of f, of the end that lives less long.

    Raises ValueError where full scale does not make them, or no waveform memory holds them.
    """
    bandwidth = bandwidth_of(link, kappas_hz)
    lifetimes = photon_lifetimes(bandwidth, decay_1_s)
    lasts_ns = lifetimes / (2 * np.pi * bandwidth) * 1e9
    duration_ns = GRID_NS * round(lasts_ns / GRID_NS)
    if duration_ns > LONGEST_NS:
        least_mhz = lifetimes / (2 * np.pi * LONGEST_NS * 1e-3)
        raise ValueError(
            f"a photon of {bandwidth / 1e6:.3g} MHz takes a pulse of {duration_ns} ns, and no "
            f"table of samples is longer than {LONGEST_NS} ns: links > {link.name} > bandwidth of "
            f"at least {least_mhz:.2g} MHz would do"
        )
    sent = emission(drives[0], bandwidth, kappas_hz[0], duration_ns)
    caught = absorption(drives[1], bandwidth, kappas_hz[1], duration_ns)
    return PhotonPulses(bandwidth, duration_ns, sent, caught)


def shaped_pulses(
    bandwidth_hz: float, drives: tuple[SidebandDrive, SidebandDrive], shape: ShapedPhoton
) -> PhotonPulses:
    """Return the pulses of a photon that is no sech. Raises ValueError as :func:`photon_pulses`."""
    sent, caught = (
        drive.samples(rates) for drive, rates in zip(drives, shape.rates_hz(), strict=True)
    )
    return PhotonPulses(bandwidth_hz, shape.duration_ns, sent, caught)


def of_resonance(envelope: NDArray[np.complex128], drive: SidebandDrive) -> NDArray[np.complex128]:
    """Return complex g / 2 pi of an envelope in the frame of the resonance that it moves, Hz."""
    turns = np.cumsum(drive.stark_hz * np.abs(envelope) ** 2) * 1e-9
    turns -= drive.stark_hz * np.abs(envelope) ** 2 * 0.5e-9
    return np.asarray(drive.rate_hz * envelope * np.exp(-2j * np.pi * turns))
