"""Shapes the photon of a link for the link as it was measured, and keeps it where pairs are better.

A sech photon is as long as its tails, and atoms decay meanwhile. Drives that are freer bring as
much in less time, up to what full scale makes.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import hypot

import numpy as np

from podium.control.calibration.fits.least_squares import look_at
from podium.control.calibration.fits.two_qubit_state import Found as PairState
from podium.control.calibration.links.entangled_pair import SeenPair, bell_program
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.photon_design import pair_model, shaped_for
from podium.control.calibration.links.shaped_photon import (
    ATOMS,
    DURATION,
    EDGE_S,
    ShapedPhoton,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import SHORTEST_PULSE_NS, on_grid_ns, pulse_area_ns
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.parameters.quantities import told

ROUNDS = 4
"""In each of which pairs are shared by each of the ways that are compared, in turns."""
SHOTS = 5000
SURE = 2.0
"""Sigmas by which pairs have to be better."""
STRONGEST_TURN = 0.8
"""Of full scale that a quick pulse on an atom asks for at most."""


def quick_ns(bench: LinkBench) -> int:
    """Return how short the pulses on both atoms may be: as full scale and their levels let them."""
    shortest = SHORTEST_PULSE_NS
    for end in bench.ends:
        strong = max(end.node.pi_amplitude(), end.node.ef_pi_amplitude()) / STRONGEST_TURN
        needed = pulse_area_ns(end.node.pulse_ns) * strong / (pulse_area_ns(100) / 100)
        shortest = max(shortest, on_grid_ns(needed * 1e-9))
    return shortest


@dataclass(frozen=True, slots=True)
class SharedPairs:
    """Says how good the pairs of a way to make them are."""

    name: str
    bench: LinkBench
    fidelity: Measured


async def photon_shape(bench: LinkBench) -> Outcome:
    """Share pairs by the photon as it is and by one that is shaped for the link, in turns.

    The latter twice: with the pulses on the atoms as calibrated, and with quick ones. Needs
    :func:`.photon_transfer` before, and readouts whose errors have been counted. Stores
    ``photon_duration`` and ``pair_pulse`` (s), ``emission_i1`` ... ``catch_q24`` (Hz, g over 2 pi:
    heights of both drives) and ``photon_gain`` (1, of a pair's fidelity) of the better one, where
    its pairs are better by more than :data:`SURE` sigmas; else the photon stays.
    """
    bench.check_phase()
    bench.first.bench.known(bench.link, "delay")
    outcome = Outcome("photon_shape", "Shape of the photon")
    shape = (await asyncio.to_thread(shaped_for, bench, pair_model(bench))).shape
    quick = replace(shape, atoms_ns=quick_ns(bench))
    held, *others = await _compared(
        outcome,
        {
            "as it is": bench,
            "shaped": replace(bench, chosen=shape),
            f"shaped, atoms' pulses of {quick.atoms_ns} ns": replace(bench, chosen=quick),
        },
    )
    ways = zip(others, (shape, quick), strict=True)
    best, kept = max(ways, key=lambda one: one[0].fidelity.value)
    gain = _gain(held, best)
    outcome.notes += [_said(bench, held, one) for one in others]
    panel = _drawn(bench.link, held, best)
    if gain.value <= SURE * gain.sigma:
        outcome.notes.append(f"{bench.link.name} keeps its photon")
        outcome.panels.append(replace(panel, text="the photon stays"))
        return outcome

    def fit(_: Link, raw: Panel) -> Found:
        look_at(kept.heights_hz)
        return {**_stored(bench, kept), "photon_gain": gain}, replace(raw, text="{photon_gain}")

    await analyse(bench.first.bench, outcome, (bench.link,), lambda _: panel, fit)
    return outcome


def _stored(bench: LinkBench, shape: ShapedPhoton) -> dict[str, Measured]:
    """Return a shape as a store keeps it: heights are as well known as full scale is."""
    doubts = [end.bench.record.get(f"{end.end.name}.sideband_rate") for end in bench.ends]
    share = max(1e-4, *(0.0 if one is None else one.sigma / one.value for one in doubts))
    doubt_hz = share * float(np.abs(shape.heights_hz).max())
    return {
        name: Measured(value, EDGE_S, "s")
        if name in (DURATION, ATOMS)
        else Measured(value, doubt_hz, "Hz")
        for name, value in shape.quantities().items()
    }


def _gain(held: SharedPairs, other: SharedPairs) -> Measured:
    gain = other.fidelity.value - held.fidelity.value
    return Measured(gain, hypot(held.fidelity.sigma, other.fidelity.sigma), "1")


def _said(bench: LinkBench, held: SharedPairs, other: SharedPairs) -> str:
    """Return in words by how much pairs are better, and what part that is of what is not loss."""
    gain, model = _gain(held, other), pair_model(bench)
    missing = loss_limit(model.transmission) - held.fidelity.value
    lasts = [one.bench.photon().duration_ns for one in (held, other)]
    return (
        f"{other.name}: {lasts[1]} ns in place of {lasts[0]} ns, pairs of "
        f"{told(other.fidelity.value, other.fidelity.sigma, '1')} in place of "
        f"{told(held.fidelity.value, held.fidelity.sigma, '1')}: by "
        f"{told(gain.value, gain.sigma, '1')}, {100 * gain.value / missing:.0f} % of what is not "
        "loss"
    )


def loss_limit(transmission: float) -> float:
    """Return the fidelity of a pair that has lost photons and nothing else."""
    return 0.25 * (1 + float(np.sqrt(transmission))) ** 2


async def _compared(outcome: Outcome, ways: Mapping[str, LinkBench]) -> list[SharedPairs]:
    """Return the fidelity of pairs by each way; every other round goes backwards through them."""
    seen: dict[str, list[PairState]] = {name: [] for name in ways}
    for k in range(ROUNDS):
        names = list(ways) if k % 2 == 0 else list(ways)[::-1]
        for name in names:
            bench = ways[name]
            shots = bench.shots(SHOTS)
            data = await bench.run(outcome, bell_program(bench, shots))
            pair = SeenPair.of(bench, data, shots)
            seen[name].append(await asyncio.to_thread(pair.state))
    return [
        SharedPairs(
            name,
            ways[name],
            Measured(
                float(np.mean([one.fidelity for one in states])),
                float(np.hypot.reduce([one.fidelity_sigma for one in states])) / len(states),
                "1",
            ),
        )
        for name, states in seen.items()
    ]


def _drawn(link: Link, held: SharedPairs, best: SharedPairs) -> Panel:
    """Draw the drives of both ends, before and shaped."""
    series = []
    for one in (held, best):
        photon = one.bench.photon()
        for name, drive in (("emission", photon.sent), ("catch", photon.caught)):
            middles = np.asarray(np.arange(len(drive)) + 0.5, np.float64)
            heights = np.asarray(np.abs(drive), np.float64)
            series.append(Series(f"{name}, {one.name}", middles, heights, line=True))
    return Panel(link.name, "time (ns)", "drive (of full scale)", tuple(series), judged=False)
