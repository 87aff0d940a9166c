"""Benchmarks a link by random sequences that go there and back, with the frame tracked.

Heya et al., arXiv:2502.15034: transfers between random Cliffords, whose decay no preparation or
readout is in. What is unknown of the phase of a way is tracked by the frame of the drive.
"""

from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.round_trip_decay import (
    RoundTripDecay,
    fit_round_trips,
    returned,
)
from podium.control.calibration.links.entangled_pair import ones
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.photon_transfer import PhotonWay, found_lag, lags_of
from podium.control.calibration.links.round_trip import Draw, RoundTrip, sequences
from podium.control.calibration.links.transfer_process import SeenProcess, phase_of_way
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured

if TYPE_CHECKING:
    import xarray

LENGTHS = (0, 1, 2)
"""Round trips of a sequence. Of a link that loses a quarter, 0.2 of the signal is left by two."""
SHOTS, TOMOGRAPHY_SHOTS, SCAN_SHOTS = 24_000, 2000, 1500
"""Of all sequences of a length; of each setting; of each lag of the way back."""


async def link_benchmark(bench: LinkBench) -> Outcome:
    """Send a qubit there and back between random Cliffords, and see by how much that decays.

    Needs :func:`.photon_transfer` before, a readout of the first end whose errors have been
    counted, and a link without a circulator. First the lag of the way back, then the phase of a
    round trip, and its process, are found; the drive's frame follows that phase. Stores
    ``round_trip_fidelity`` (1), of the process of a round trip with the one that changes nothing,
    and ``benchmarked_fidelity`` (1), of one transfer, both ways taken alike; a note has the
    tomography's.
    """
    bench.check_reference()  # what turns the way there turns the way back the other way
    trip = RoundTrip.of(bench)
    outcome = Outcome("link_benchmark", "Benchmark of the link")
    scan_shots = bench.shots(SCAN_SHOTS)
    back = await bench.run(outcome, trip.back_program(scan_shots))
    trip = RoundTrip.of(bench, lag_back_ns(trip, back, scan_shots))
    seen_shots = bench.shots(TOMOGRAPHY_SHOTS)
    seen = await bench.run(outcome, trip.tomography_program(seen_shots))
    ahead = phase_of_trip(bench, seen, seen_shots)
    rng = np.random.default_rng(crc32(str(seen.attrs["run"]).encode()))
    drawn: list[list[Draw]] = []
    data: list[xarray.Dataset] = []
    for length in LENGTHS:
        drawn.append(sequences(length, rng))
        shots = bench.shots(SHOTS // len(drawn[-1]))
        data.append(
            await bench.run(outcome, trip.benchmark_program(length, drawn[-1], ahead, shots))
        )

    def signals() -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        scale = 1 - sum(bench.first.bench.known(bench.first.node.qubit, q).value for q in ERRORS)
        found = [
            returned(_ones(bench, one), np.array([each.target for each in draws]))
            for one, draws in zip(data, drawn, strict=True)
        ]
        return [(values / scale, variances / scale**2) for values, variances in found]

    def raw(_: Link) -> Panel:
        values = [one for one, _ in signals()]
        lengths = np.repeat(np.array(LENGTHS, float), [one.size for one in values])
        points = Series("sequences", lengths, np.concatenate(values))
        return Panel(bench.link.name, "round trips", "signal", (points,), judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        found = fit_round_trips(np.array(LENGTHS, float), signals())
        if not outcome.notes:
            outcome.notes.append(_beside(bench, seen, seen_shots, found))
        grid = np.linspace(LENGTHS[0], LENGTHS[-1], 41)
        curve = Series("fit", grid, found.height * found.decay**grid, line=True)
        text = "round trip {round_trip_fidelity}, one transfer {benchmarked_fidelity}"
        return {
            "round_trip_fidelity": Measured(
                found.process_fidelity, found.process_fidelity_sigma, "1"
            ),
            "benchmarked_fidelity": Measured(
                found.transfer_fidelity, found.transfer_fidelity_sigma, "1"
            ),
        }, panel.fitted(curve, text=text)

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome


ERRORS = ("false_excited", "false_ground")


def _ones(bench: LinkBench, data: "xarray.Dataset") -> NDArray[np.bool_]:
    return ones(bench.first, iq_of(data, bench.first.capture))


def lag_back_ns(trip: RoundTrip, data: "xarray.Dataset", shots: int) -> int:
    """Return by how much later than the second end's emission the first catches best, ns."""
    turned = trip.turned
    arrived = turned.second.fraction(data)
    found = found_lag(turned, PhotonWay.of(turned), lags_of(data), arrived, shots)
    return round(found.best_lag_s * 1e9)


def phase_of_trip(bench: LinkBench, data: "xarray.Dataset", shots: int) -> float:
    """Return by how many turns a round trip turns a qubit ahead of its drive; raises FitFailed."""
    one = _ones(bench, data)
    return phase_of_way(SeenProcess.phase_means(one), shots)


def _beside(bench: LinkBench, data: "xarray.Dataset", shots: int, found: RoundTripDecay) -> str:
    """Return in words what tomography of the same round trip finds; it has pulses in it."""
    try:
        seen = SeenProcess.of(bench.first, _ones(bench, data), shots)
    except FitFailed as error:
        return f"tomography of the round trip: {error}"
    return (
        f"by tomography, pulses that prepare and read in it, the round trip has a process fidelity "
        f"of {seen.found.fidelity:.3f} ± {seen.found.fidelity_sigma:.3f}; sequences begin with "
        f"{found.height:.3f} ± {found.height_sigma:.3f} of their signal"
    )
