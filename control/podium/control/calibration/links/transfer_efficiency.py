"""Measures how much of f at one end of a link comes to f at the other, by pulses as calibrated."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.photon_transfer import (
    SIGNIFICANT,
    WAIT_NS,
    reference_program,
    transfer_body,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.program.program import Affine, Axis, Delay, Play, Program, Table, Variable
from podium.firmware_interfaces.exact_time import FS_PER_NS

SHOTS = 10_000
LEAST_READY = 0.5
"""Of f that is prepared and brought back to 1; below it pulses on the qubit are wrong."""


def efficiency_program(bench: LinkBench, shots: int) -> Program:
    """Return a transfer at the best lag, first with the first end left in 0, then with it in f."""
    first, second = bench.first, bench.second
    lag = Delay((second.sideband,), (WAIT_NS + bench.flight_ns()) * FS_PER_NS)
    heights = {
        first.node.drive: Variable("height", "1", Table((0.0, first.node.pi_amplitude()))),
        first.node.ef: Variable("ef_height", "1", Table((0.0, first.node.ef_pi_amplitude()))),
    }
    body = tuple(
        replace(one, amplitude=Affine(heights[one.frame].name))
        if isinstance(one, Play) and one.frame in heights
        else one
        for one in transfer_body(bench, lag, [bench.catch(bench.photon())])
    )
    axis = Axis("state", tuple(heights.values()))
    return Program("transfer efficiency", bench.frames(), body, (axis,), shots=shots)


def efficiency(
    caught: tuple[float, float], ready: tuple[float, float], sigma: tuple[float, float]
) -> tuple[float, float]:
    """Return the part of f that comes to f, and its sigma; raises FitFailed.

    ``caught``: what the second end reads (0: 0, 1: 1) with the first in 0 and in f; ``ready``: what
    each end reads of its own f, brought there and back by two pulses on 1-2. A transfer has one of
    these at each end: the root of the product of both is taken out. ``sigma``: of a number of
    ``caught``, of one of ``ready``.
    """
    worst = min(ready)
    if worst < LEAST_READY:
        raise FitFailed(f"only {worst:.2f} of an end comes to f and back: look at its 1-2 pulses")
    rise, scale = caught[1] - caught[0], float(np.sqrt(ready[0] * ready[1]))
    if rise < SIGNIFICANT * np.sqrt(2) * sigma[0]:
        raise FitFailed("no photon arrives: calibrate delay and detuning of the catch")
    relative = np.hypot(np.sqrt(2) * sigma[0] / rise, sigma[1] / scale)
    return rise / scale, rise / scale * float(relative)


async def transfer_efficiency(bench: LinkBench) -> Outcome:
    """Send f many times, by all that has been found, and count what is caught.

    Needs :func:`.photon_detuning` before. Stores ``transfer`` (1, of f to f).
    """
    outcome = Outcome("transfer_efficiency", "Transfer efficiency")
    shots = bench.shots(SHOTS)
    references = [await bench.run(outcome, reference_program(end, shots)) for end in bench.ends]
    data = await bench.run(outcome, efficiency_program(bench, shots))
    places = np.arange(2.0)

    def raw(_: Link) -> Panel:
        series = (
            *(
                Series(f"{end.capture}, f and back", places, end.fraction(one))
                for end, one in zip(bench.ends, references, strict=True)
            ),
            Series("sent and caught", places, bench.second.fraction(data)),
        )
        return Panel(bench.link.name, "first end in 0, in f", "read as 1", series, judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        seen = [end.fraction(one) for end, one in zip(bench.ends, references, strict=True)]
        caught = bench.second.fraction(data)
        of_ready = max(
            float(np.max(end.fraction_sigma(one, shots)))
            for end, one in zip(bench.ends, seen, strict=True)
        )
        found, sigma = efficiency(
            (float(caught[0]), float(caught[1])),
            (float(seen[0][1] - seen[0][0]), float(seen[1][1] - seen[1][0])),
            (float(np.max(bench.second.fraction_sigma(caught, shots))), of_ready),
        )
        text = "{transfer} of f comes to f"
        return {"transfer": Measured(found, sigma, "1")}, replace(panel, text=text)

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
