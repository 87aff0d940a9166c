"""Prepares states of the second end by reading the first half of a pair: the result travels.

The first end is read along an axis of its equator. That leaves the second in one of two opposite
states; half a turn of its frame, where the result says so, makes them one. The axis is chosen at
the first end alone (Bennett et al., Phys. Rev. Lett. 87, 077902 (2001)).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.entangled_pair import ones, pair_body
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.program.conditions import is_one
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    If,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

SHOTS = 60
AXES = 4
"""Along which each end is read, in all pairs: a quarter turn apart."""
CLEAR = 3.0
"""Sigma of a contrast that is there."""


@dataclass(frozen=True, slots=True)
class PreparedPhase:
    """The second end's phase, as it follows the axis of the first."""

    contrast: float
    sigma: float
    products: NDArray[np.float64]
    """Mean of the second's outcome (+1, -1) by the angle between both axes, shape (AXES,)."""


def prepared_phase(
    first: NDArray[np.bool_], second: NDArray[np.bool_], errors: tuple[float, float]
) -> tuple[PreparedPhase, PreparedPhase]:
    """Return the phase of the second as it is, and with the first's result put to use afterwards.

    ``first``, ``second`` (shots, AXES * AXES): read as 1, the second's axes next to each other;
    ``errors``: how often the second's 0 is read as 1, and 1 as 0: taken out.
    """
    up, down = errors
    sign = (1 - 2.0 * second - (down - up)) / (1 - up - down)
    told = [sign, sign * (1 - 2.0 * first)]
    angle = np.subtract.outer(np.arange(AXES), np.arange(AXES)).T.ravel() % AXES
    found = []
    for one in told:
        means, weight = one.mean(axis=0), 2 / (AXES * AXES)
        wave = np.exp(2j * np.pi * angle / AXES)
        amplitude = weight * np.sum(means * wave)
        along = np.real(wave * np.conj(amplitude)) / max(abs(amplitude), 1e-12)
        variance = np.sum((weight * along) ** 2 * one.var(axis=0)) / len(one)
        products = np.array([means[angle == k].mean() for k in range(AXES)])
        found.append(PreparedPhase(float(abs(amplitude)), float(np.sqrt(variance)), products))
    return found[0], found[1]


def preparation_program(bench: LinkBench, latency_ns: int, shots: int) -> Program:
    """Return a pair, the first end's reading along its axis, and the second's once that has told.

    ``latency_ns``: from the end of the first's window to the second's branch. The axis is
    ``setting``: all of the second's axes for each of the first's.
    """
    around = np.arange(AXES) / AXES
    turns = np.repeat(around, AXES), np.tile(around, AXES)
    first, second = bench.ends
    variables = [
        Variable(f"{end.node.qubit.name}_turn", "turn", Table(tuple(axes.tolist())))
        for end, axes in zip(bench.ends, turns, strict=True)
    ]
    discriminator = first.node.discriminator()
    body: list[Statement] = [
        *pair_body(bench),
        ShiftPhase(first.node.drive, Affine(variables[0].name)),
        first.node.half_pi(),
        Barrier(first.names),
        *first.node.measure(name=first.capture, discriminator=discriminator),
        Barrier(bench.names),
        Delay(bench.names, latency_ns * FS_PER_NS),
        If(is_one(first.capture), (ShiftPhase(second.node.drive, 0.5),)),
        ShiftPhase(second.node.drive, Affine(variables[1].name)),
        second.node.half_pi(),
        Barrier(bench.names),
        *second.node.measured(),
    ]
    axis = Axis("setting", tuple(variables))
    return Program(
        "remote preparation", bench.frames(), tuple(body), (axis,), shots=shots, keep_shots=True
    )


async def remote_preparation(bench: LinkBench) -> Outcome:
    """Prepare states of the second end by reading the first, whose result turns the second.

    Needs both ends' thresholds, :func:`.photon_transfer` and :func:`.result_latency` before, and a
    wire that carries results. Stores ``prepared_fidelity`` (1), the mean over states of the
    equator, the second's readout errors taken out: what lacks is the pair's, the first readout's,
    and of what decays while the result travels. Its phase is free.
    """
    bench.check_phase()
    outcome = Outcome("remote_preparation", "States prepared by a result that travels")
    wait_ns = bench.result_wait_ns("result_latency")
    program = preparation_program(bench, wait_ns, bench.shots(SHOTS))
    data = await bench.run(outcome, program)

    def seen() -> tuple[PreparedPhase, PreparedPhase]:
        first, second = (ones(end, iq_of(data, end.capture)) for end in bench.ends)
        node = bench.second
        up, down = (
            node.bench.known(node.node.qubit, one).value
            for one in ("false_excited", "false_ground")
        )
        return prepared_phase(first, second, (up, down))

    angles = np.arange(AXES) / AXES

    def raw(_: Link) -> Panel:
        series = tuple(
            Series(name, angles, one.products)
            for name, one in zip(("as it is", "result used once more"), seen(), strict=True)
        )
        label = "second's axis from the first's (turns)"
        return Panel(bench.link.name, label, "mean of the second", series, judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        found, undone = seen()
        if not outcome.notes:
            outcome.notes.append(
                f"the result was waited for {wait_ns} ns; contrast {found.contrast:.3f} ± "
                f"{found.sigma:.3f}, and {undone.contrast:.3f} ± {undone.sigma:.3f} where its turn "
                "is taken back afterwards: without the result no phase is left"
            )
        if not found.contrast > CLEAR * found.sigma:
            raise FitFailed(
                f"the second end's phase does not follow the first's axis: contrast "
                f"{found.contrast:.3f} ± {found.sigma:.3f}; is there a pair, and does the result "
                "arrive?"
            )
        fidelity = Measured(0.5 * (1 + found.contrast), 0.5 * found.sigma, "1")
        return {"prepared_fidelity": fidelity}, replace(panel, text="fidelity {prepared_fidelity}")

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
