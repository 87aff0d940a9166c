"""Measures how much of f at one end of a link comes to f at the other."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.photon_transfer import (
    SIGNIFICANT,
    PhotonWay,
    kept_in_pulses,
    ready_for_f,
    reference_program,
    share_of_f,
    transfer_body,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Program,
    Statement,
    Table,
    Variable,
)

SHOTS = 10_000


def efficiency_program(bench: LinkBench, shots: int) -> Program:
    """Return a transfer at the best lag, first with the first end left in 0, then with it in f."""
    node = bench.first.node
    heights = (
        Variable("height", "1", Table((0.0, node.pi_amplitude()))),
        Variable("ef_height", "1", Table((0.0, node.ef_pi_amplitude()))),
    )
    prepare: list[Statement] = [
        node.pulse(Affine("height")),
        Barrier(bench.first.names),
        node.ef_pulse(Affine("ef_height")),
        Barrier(bench.first.names),
    ]
    body = tuple(transfer_body(bench, bench.catch_after_fs(), prepare))
    axis = Axis("state", heights)
    return Program("transfer efficiency", bench.frames(), body, (axis,), shots=shots)


def efficiency(
    caught: tuple[float, float], ready: tuple[float, float], sigma: float
) -> tuple[float, float]:
    """Return the part of f that comes to f, and its sigma; raises FitFailed.

    ``caught``: what the second end reads (0: 0, 1: 1) with the first in 0 and in f; ``ready``: what
    one pulse on 1-2 at each end leaves of f, and its sigma. ``sigma``: of a number of ``caught``.
    """
    rise, (scale, of_scale) = caught[1] - caught[0], ready
    if rise < SIGNIFICANT * np.sqrt(2) * sigma:
        raise FitFailed("no photon arrives: calibrate delay and detuning of the catch")
    relative = np.hypot(np.sqrt(2) * sigma / rise, of_scale / scale)
    return rise / scale, rise / scale * float(relative)


async def transfer_efficiency(bench: LinkBench) -> Outcome:
    """Send f many times, by all that has been found, and count what is caught.

    Needs :func:`.photon_detuning` before. Stores ``transfer`` (1, of f to f): what falls from f
    before it is read is taken out, as the ends' lifetimes tell. What each end reads of f is counted
    from the same start as transfers are, both ends in 0: where 1 % is thermal, that reading is 2 %
    less, and the transfer would come out as much too high.
    """
    outcome = Outcome("transfer_efficiency", "Transfer efficiency")
    shots = bench.shots(SHOTS)
    references = [
        await bench.run(outcome, reference_program(end, shots, bench)) for end in bench.ends
    ]
    data = await bench.run(outcome, efficiency_program(bench, shots))
    places, way = np.arange(2.0), PhotonWay.of(bench)
    delay_s = bench.first.bench.measured(bench.link, "delay")
    lag_s = 0.0 if delay_s is None else bench.flight_ns() * 1e-9 - delay_s

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
        caught = bench.second.fraction(data)
        found, sigma = efficiency(
            (float(caught[0]), float(caught[1])),
            ready_for_f(bench, references, shots),
            float(np.max(bench.second.fraction_sigma(caught, shots))),
        )
        in_f = share_of_f(bench, way, lag_s) / kept_in_pulses(bench)
        found, sigma = found * in_f, sigma * in_f
        text = "{transfer} of f comes to f"
        return {"transfer": Measured(found, sigma, "1")}, replace(panel, text=text)

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
