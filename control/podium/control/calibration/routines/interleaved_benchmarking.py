"""Finds the error of the gate alone, by benchmarking with and without it between Cliffords."""

from dataclasses import replace

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import (
    DRIVE,
    EDGE_GATE,
    LEVELS,
    READOUT_SETTINGS,
    Declaration,
)
from podium.control.calibration.edge_benchmarking import (
    benchmark,
    raw_panel,
    said_of_leakage,
    series_of,
)
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.benchmarking import (
    decay_ratio,
    fit_decay_of,
    gate_error,
)
from podium.control.calibration.outcome import Outcome, Panel
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime


async def interleaved_benchmarking(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Random Cliffords, each sequence once as it is and once with a gate behind each Clifford.

    Stores ``gate_error`` (1), the mean error of the gate, ``gate_error_bound`` (1), within which of
    it the true one lies whatever the errors are like (Magesan et al., Phys. Rev. Lett. 109, 080505
    (2012)), and, where the readout tells level 2 at both ends, ``gate_leakage`` (1).
    """
    outcome = Outcome("interleaved_benchmarking", "Interleaved benchmarking")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    plain, gated = await benchmark(EdgePulses.of(bench, edge), outcome, (False, True))

    def raw(_: Edge) -> Panel:
        return raw_panel(edge, (plain, gated))

    def fit(_: Edge, panel: Panel) -> Found:
        leaks = plain.leaks
        populations = plain.populations(), gated.populations()
        reference, interleaved = (fit_decay_of(one, leaks=leaks) for one in populations)
        series = series_of("reference", populations[0], reference, leaks=leaks)
        series += series_of("interleaved", populations[1], interleaved, leaks=leaks)
        ratio = decay_ratio(*populations, (reference, interleaved))
        found = gate_error(reference, interleaved, ratio)
        values = {
            "gate_error": Measured(found.error, found.error_sigma, "1"),
            "gate_error_bound": Measured(found.bound, found.bound_sigma, "1"),
        }
        text = "error of the gate {gate_error}, systematically within {gate_error_bound}"
        if leaks:
            values |= {"gate_leakage": Measured(found.leakage, found.leakage_sigma, "1")}
            text += ", leakage {gate_leakage}" + said_of_leakage(reference, interleaved)
        return values, replace(panel, y_label="population", series=series, text=text, judged=False)

    await analyse(bench, outcome, (edge,), raw, fit)


INTERLEAVED_BENCHMARKING = Declaration(
    interleaved_benchmarking,
    targets="edges",
    turns_of=(),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS, *EDGE_GATE),
    gives={
        "gate_error": Lifetime(1 * DAY_S),
        "gate_error_bound": Lifetime(1 * DAY_S),
        "gate_leakage": Lifetime(1 * DAY_S),
    },
    places=(),
    cost_s=16.0,
)
