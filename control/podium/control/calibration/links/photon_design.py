"""Designs the photon of a link by what is measured of the link, else by the facility file."""

import numpy as np

from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_loop import LinkLoop
from podium.control.calibration.links.pair_model import PairModel
from podium.control.calibration.links.photon_pulses import of_resonance
from podium.control.calibration.links.photon_search import FoundPhoton, best_photon
from podium.control.calibration.links.photon_shapes import STRONGEST

SPARE = 0.97
"""Of what a drive may ask for: full scale may be measured anew as a little less."""


def pair_model(bench: LinkBench) -> PairModel:
    """Return the link as far as a pair is concerned, by what is measured, else designed."""
    first = bench.first
    decay, dephasing = first.loss_of_e()
    passed = first.bench.measured(bench.link, "transmission")
    if passed is None:
        passed = 1 - first.bench.design(bench.link, "loss").value
    apart, off = _apart_and_off(bench)
    return PairModel(
        (first.model(), bench.second.model()),
        LinkLoop(bench.echo(), apart),
        min(passed, 1.0),
        decay,
        dephasing,
        off,
    )


def _apart_and_off(bench: LinkBench) -> tuple[float, float]:
    """Return how far the second resonance is from the first, and the catch from its own, Hz.

    A catch off by as much as both are apart is caught best: where that was scanned, it counts with
    the lines, each by its sigma.
    """
    apart, sigma = bench.apart_hz()
    scanned = bench.first.bench.record.get(f"{bench.link.name}.detuning")
    if scanned is None:
        return apart, 0.0
    weights = np.array([sigma, scanned.sigma]) ** -2.0
    return float(weights @ [apart, scanned.value] / weights.sum()), scanned.value


def shaped_for(bench: LinkBench, model: PairModel) -> FoundPhoton:
    """Return the drives that make the best pair of a link. Raises FitFailed as ``photon``."""
    photon = bench.sech().photon()
    drives = [end.drive() for end in bench.ends]
    one, other = (
        of_resonance(pulse, drive)
        for pulse, drive in zip((photon.sent, photon.caught), drives, strict=True)
    )
    tops = tuple(SPARE * STRONGEST * drive.rate_hz for drive in drives)
    return best_photon(model, (tops[0], tops[1]), (one, other))
