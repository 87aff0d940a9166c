"""Tests Bell's inequality between two nodes, by pairs that each end reads along axes of its own."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.chsh_test import AXES, LOCAL, chsh_test
from podium.control.calibration.fits.two_qubit_state import READ_TURNS
from podium.control.calibration.links.entangled_pair import ones, pair_body, read_both
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.program.program import (
    Affine,
    Axis,
    Program,
    ShiftPhase,
    Table,
    Variable,
)

SHOTS = 3000


def chsh_program(bench: LinkBench, shots: int) -> Program:
    """Return a pair, read along x or y at the first end and along all :data:`AXES` at the second.

    The axis is ``setting``: all axes with x, then all with y. Every shot is kept.
    """
    around = np.arange(AXES) / AXES
    turns = (np.repeat([READ_TURNS["x"], READ_TURNS["y"]], AXES), np.tile(around, 2))
    body = pair_body(bench)
    variables = []
    for end, axes in zip(bench.ends, turns, strict=True):
        name = f"{end.node.qubit.name}_turn"
        variables.append(Variable(name, "turn", Table(tuple(axes.tolist()))))
        body += [ShiftPhase(end.node.drive, Affine(name)), end.node.half_pi()]
    body += read_both(bench)
    axis = Axis("setting", tuple(variables))
    return Program("CHSH", bench.frames(), tuple(body), (axis,), shots=shots, keep_shots=True)


async def link_chsh(bench: LinkBench) -> Outcome:
    """Read pairs along axes of the equator at both ends, and count S with nothing corrected.

    Needs :func:`.photon_transfer` before. Half of the shots choose the axes, by which the unknown
    phase of this start is met; the other half make S. Stores ``chsh_counted`` (1). An S below 2 is
    an answer too: readouts' errors are in it.
    """
    bench.check_phase()
    outcome = Outcome("link_chsh", "CHSH over the link")
    data = await bench.run(outcome, chsh_program(bench, bench.shots(SHOTS)))

    def seen() -> list[NDArray[np.bool_]]:
        return [ones(end, iq_of(data, end.capture)) for end in bench.ends]

    around = np.arange(AXES) / AXES

    def raw(_: Link) -> Panel:
        products = chsh_test(*seen()).products
        series = tuple(
            Series(f"first along {axis}", around, row)
            for axis, row in zip("xy", products, strict=True)
        )
        label = "axis of the second (turns)"
        return Panel(bench.link.name, label, "mean product", series, judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        found = chsh_test(*seen())
        above = (found.s - LOCAL) / found.sigma
        if not outcome.notes:
            outcome.notes.append(
                f"S = {found.s:.3f} ± {found.sigma:.3f}, {above:+.1f} sigma from what local models "
                "reach; raw, all shots of half of the run, axes chosen by the other half; the ends "
                "are no further apart than light travels while they are read: no loophole is closed"
            )
        return {"chsh_counted": Measured(found.s, found.sigma, "1")}, replace(
            panel, text="S {chsh_counted}"
        )

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
