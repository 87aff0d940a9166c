"""Finds the error and the leakage of a two-qubit Clifford by randomised benchmarking."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import (
    DRIVE,
    EDGE_GATE,
    LEVELS,
    READOUT_SETTINGS,
    Declaration,
)
from podium.control.calibration.edge_benchmarking import (
    DRAWS,
    benchmark,
    raw_panel,
    said_of_leakage,
    series_of,
)
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.benchmarking import fit_decay_of
from podium.control.calibration.outcome import Outcome, Panel
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime


async def randomised_benchmarking(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Random two-qubit Cliffords of growing number, a recovery to a random basis state, a readout.

    Stores ``clifford_error`` (1), the mean error of a Clifford (1.5 gates on average, and 11/3
    pulses with a CZ, 3.3 with an iSWAP), and, where the readout tells level 2 at both ends,
    ``clifford_leakage`` (1), of a Clifford out of the computational subspace.
    """
    outcome = Outcome("randomised_benchmarking", "Randomised benchmarking")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    (scan,) = await benchmark(EdgePulses.of(bench, edge), outcome, (False,))

    def raw(_: Edge) -> Panel:
        return raw_panel(edge, (scan,))

    def fit(_: Edge, panel: Panel) -> Found:
        populations, leaks = scan.populations(), scan.leaks
        found = fit_decay_of(populations, leaks=leaks)
        values = {"clifford_error": Measured(found.error, found.error_sigma, "1")}
        text = "error of a Clifford {clifford_error}"
        if leaks:
            values |= {"clifford_leakage": Measured(found.leakage, found.leakage_sigma, "1")}
            text += ", leakage {clifford_leakage}" + said_of_leakage(found)
        else:
            text += "; level 2 is not told from 0 and 1: no leakage"
        text += f"; {np.size(populations.lengths)} lengths, {DRAWS} draws"
        series = series_of("random Cliffords", populations, found, leaks=leaks)
        return values, replace(panel, y_label="population", series=series, text=text, judged=False)

    await analyse(bench, outcome, (edge,), raw, fit)


RANDOMISED_BENCHMARKING = Declaration(
    randomised_benchmarking,
    targets="edges",
    turns_of=(),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS, *EDGE_GATE),
    gives={"clifford_error": Lifetime(1 * DAY_S), "clifford_leakage": Lifetime(1 * DAY_S)},
    places=(),
    cost_s=8.0,
)
