"""Shapes the photon of a link for the link as it was measured, and keeps it where pairs are better.

A sech photon is as long as its tails, and atoms decay meanwhile. Drives that are freer bring as
much in less time, up to what full scale makes.
"""

from dataclasses import replace
from math import hypot

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import look_at
from podium.control.calibration.links.entangled_pair import SeenPair, bell_program
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_loop import LinkLoop
from podium.control.calibration.links.pair_model import PairModel
from podium.control.calibration.links.photon_pulses import PhotonPulses, of_resonance
from podium.control.calibration.links.photon_search import FoundPhoton, best_photon
from podium.control.calibration.links.photon_shapes import STRONGEST
from podium.control.calibration.links.shaped_photon import DURATION, EDGE_S
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured

ROUNDS = 4
"""Of a run with the photon as it is, and one with the shaped one, in turns."""
SHOTS = 5000
SURE = 2.0
"""Sigmas by which pairs have to be better."""


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
    tops = tuple(STRONGEST * drive.rate_hz for drive in drives)
    return best_photon(model, (tops[0], tops[1]), (one, other))


async def photon_shape(bench: LinkBench) -> Outcome:
    """Share pairs by the photon as it is and by one that is shaped for the link, in turns.

    Needs :func:`.photon_transfer` before, and readouts whose errors have been counted. Stores
    ``photon_duration`` (s) and ``emission_i1`` ... ``catch_q16`` (Hz, g over 2 pi at the knots of
    both drives) and ``photon_gain`` (1, of a pair's fidelity), where pairs are better by more than
    :data:`SURE` sigmas; else the photon stays.
    """
    bench.check_phase()
    bench.first.bench.known(bench.link, "delay")
    outcome = Outcome("photon_shape", "Shape of the photon")
    found = shaped_for(bench, pair_model(bench))
    trial = replace(bench, chosen=found.shape)
    before, behind = await _compared(outcome, (bench, trial))
    gain = behind.value - before.value
    sigma = hypot(before.sigma, behind.sigma)
    held, new = bench.photon(), trial.photon()
    said = (
        f"{new.duration_ns} ns in place of {held.duration_ns} ns: pairs of {behind.value:.4f} in "
        f"place of {before.value:.4f}, by {gain:+.4f} ± {sigma:.4f}"
    )
    panel = replace(_drawn(bench.link, held, new), text=said)
    if gain <= SURE * sigma:
        outcome.notes.append(f"{bench.link.name} keeps its photon: {said}")
        outcome.panels.append(panel)
        return outcome

    def fit(_: Link, raw: Panel) -> Found:
        look_at(np.abs(new.sent))
        doubts = [end.bench.record.get(f"{end.end.name}.sideband_rate") for end in bench.ends]
        share = max(1e-4, *(0.0 if one is None else one.sigma / one.value for one in doubts))
        top = float(np.abs(found.shape.heights_hz).max())
        stored = {
            name: Measured(value, EDGE_S if name == DURATION else share * top, unit)
            for name, value in found.shape.quantities().items()
            for unit in ("s" if name == DURATION else "Hz",)
        }
        return {**stored, "photon_gain": Measured(gain, sigma, "1")}, raw

    await analyse(bench.first.bench, outcome, (bench.link,), lambda _: panel, fit)
    if not outcome.failures:
        outcome.notes.append(f"{bench.link.name} has a shaped photon: {said}")
    return outcome


async def _compared(outcome: Outcome, both: tuple[LinkBench, LinkBench]) -> list[Measured]:
    """Return the fidelity of pairs by each photon: which one goes first changes with each round."""
    seen: list[list[tuple[float, float]]] = [[], []]
    for k in range(2 * ROUNDS):
        place = (0, 1, 1, 0)[k % 4]
        bench = both[place]
        shots = bench.shots(SHOTS)
        data = await bench.run(outcome, bell_program(bench, shots))
        state = SeenPair.of(bench, data, shots).state()
        seen[place].append((state.fidelity, state.fidelity_sigma))
    return [
        Measured(
            float(np.mean([value for value, _ in one])),
            float(np.hypot.reduce([sigma for _, sigma in one])) / len(one),
            "1",
        )
        for one in seen
    ]


def _drawn(link: Link, held: PhotonPulses, new: PhotonPulses) -> Panel:
    series = tuple(
        Series(f"{name}, {which}", _middles(len(one)), np.asarray(np.abs(one), float), line=True)
        for which, pulses in (("before", held), ("shaped", new))
        for name, one in (("emission", pulses.sent), ("catch", pulses.caught))
    )
    return Panel(link.name, "time (ns)", "drive (of full scale)", series, judged=False)


def _middles(count: int) -> NDArray[np.float64]:
    return np.arange(count) + 0.5
