"""Computes a photon's envelope at both ends of a link, of what is measured or designed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.links.link_bench import decay_of_f
from podium.control.calibration.links.link_model import PER_NS, EndModel, emitted
from podium.control.calibration.links.photon_pulses import (
    bandwidth_of,
    of_resonance,
    photon_pulses,
    shaped_pulses,
)
from podium.control.calibration.links.photon_shapes import SidebandDrive
from podium.control.calibration.links.shaped_photon import ShapedPhoton
from podium.control.facility.facility import Facility, Link, LinkEnd
from podium.control.parameters.entry import ParameterEntry

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PhotonEnvelope:
    """A photon and the pulses that make and catch it; times from the emission's begin."""

    time_s: Array
    """At the first end, shape (n,)."""
    sent_1_s: Array
    """Photons that leave the first end in a second, shape (n,)."""
    pulse: Array
    """Amplitude of the pulse that emits, of full scale, shape (n,)."""
    delay_s: float
    """After which it is at the second end."""
    transmission: float
    """Part of it that comes there."""
    lag_s: float
    """By how much later than the emission the catch begins."""
    catch: Array
    """Amplitude of the pulse that catches, of full scale, shape (n,)."""


def photon_envelope(
    facility: Facility, link: Link, known: Mapping[str, ParameterEntry]
) -> PhotonEnvelope:
    """Return the photon of a link from parameters by their full names.

    What is not measured is taken as designed. Raises ValueError where the facility file says
    nothing of the ends, or where full scale does not make such a photon.
    """
    if len(link.transfer) != len(link.ends):
        raise ValueError(f"links > {link.name} > transfer is not in the facility file")
    first, second = link.transfer
    drives = (_drive(first, known), _drive(second, known))
    kappas_hz = (_end(first, "kappa", known), _end(second, "kappa", known))
    decays_1_s = [_decay_1_s(facility, end, known) for end in (first, second)]
    shape = ShapedPhoton.stored(lambda quantity: _known(link, quantity, known))
    if shape is not None and not shape.is_made_by([one.rate_hz for one in drives]):
        shape = None
    if shape is None:
        pulses = photon_pulses(link, kappas_hz, drives, max(decays_1_s))
    else:
        pulses = shaped_pulses(bandwidth_of(link, kappas_hz), drives, shape)
    model = EndModel(kappas_hz[0], decays_1_s[0])
    photon = emitted(of_resonance(pulses.sent, drives[0]), model)[1]
    delay_s = _value(link, "delay", known, 0.0)
    passed = known.get(f"{link.name}.transmission")
    loss = link.design.get("loss")
    designed = 1.0 if loss is None else 1 - loss.value
    lag = _known(link, "best_lag", known) if shape is None else None
    return PhotonEnvelope(
        np.asarray((np.arange(pulses.duration_ns) + 0.5) * 1e-9, np.float64),
        np.asarray((np.abs(photon) ** 2).reshape(-1, PER_NS).mean(axis=1), np.float64),
        np.asarray(np.abs(pulses.sent), np.float64),
        delay_s,
        designed if passed is None else passed.value,
        delay_s if lag is None else lag,
        np.asarray(np.abs(pulses.caught), np.float64),
    )


def _known(link: Link, quantity: str, known: Mapping[str, ParameterEntry]) -> float | None:
    entry = known.get(f"{link.name}.{quantity}")
    return None if entry is None else entry.value


def _drive(end: LinkEnd, known: Mapping[str, ParameterEntry]) -> SidebandDrive:
    return SidebandDrive(_end(end, "sideband_rate", known), _end(end, "stark_shift", known))


def _end(end: LinkEnd, quantity: str, known: Mapping[str, ParameterEntry]) -> float:
    entry = known.get(f"{end.name}.{quantity}")
    return end.design[quantity].value if entry is None else entry.value


def _value(
    link: Link, quantity: str, known: Mapping[str, ParameterEntry], otherwise: float
) -> float:
    entry, designed = known.get(f"{link.name}.{quantity}"), link.design.get(quantity)
    if entry is not None:
        return entry.value
    return otherwise if designed is None else designed.value


def _decay_1_s(facility: Facility, end: LinkEnd, known: Mapping[str, ParameterEntry]) -> float:
    """Return the decay of f, 1/s; 0 where T1 is neither measured nor designed."""
    entry = known.get(f"{end.qubit}.t1")
    design = facility.qubits()[end.qubit].design
    designed = design.get("t1")
    t1_s = entry.value if entry is not None else designed.value if designed is not None else 0.0
    measured = known.get(f"{end.qubit}.t1_ef")
    return decay_of_f(design, t1_s, measured) if t1_s > 0 else 0.0
