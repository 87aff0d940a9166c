"""Measures what is left of a drive at another qubit where its crosstalk is cancelled."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.outcome import Outcome, Panel
from podium.control.calibration.routine import Found, analyse, record_failure
from podium.control.calibration.routines.drive_crosstalk import (
    CHECK_LENGTH,
    DriveWay,
    direct,
    measure_turns,
    ordered_pairs,
    scanned,
    way_of,
)
from podium.control.calibration.runner import CorrectingRunner
from podium.control.calibration.sequences import on_grid_ns
from podium.control.client.drive_crosstalk import QUANTITY, stored_drives
from podium.control.client.line_corrections import with_drives, without_crosstalk
from podium.control.facility.facility import Qubit
from podium.control.facility.line_response import LineResponse
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.runs.errors import RunRefused

SHOTS = 2000
LEFT = 0.1
"""Of what arrived before: more is said to be too much."""
SEEN = 4.0
"""Sigmas of what is left, from which on it is more than noise."""


async def drive_cancellation(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """The turn of each qubit by a drive on another's line, as it is and cancelled as stored.

    For each ordered pair of the node's qubits that were asked for whose crosstalk is in the store
    (:func:`drive_crosstalk`). The second time all that is stored is cancelled where programs are
    compiled, as ``Lab.correct_stored_lines`` has it, in a drive that lasts half as long again.
    Stores ``drive_crosstalk_left`` of each with the other's name behind it: what still arrives, as
    ``drive_crosstalk`` counts it. Lines are corrected afterwards as they were before.
    """
    outcome = Outcome("drive_cancellation", "Cancelled crosstalk of drive lines")
    for source, target in ordered_pairs(qubits):
        await _of_pair(bench, outcome, source, target)
    return outcome


async def _of_pair(bench: Bench, outcome: Outcome, source: Qubit, target: Qubit) -> None:
    way = way_of(bench, source, target)
    panel = Panel(target.element, f"amplitude of {source.element} (of full scale)", "Bloch vector")
    try:
        way.check()
        cancelling = _cancelling(bench, way)
        with _corrected(bench, {}):
            before = await scanned(way, outcome)
        length_ns = on_grid_ns(CHECK_LENGTH * before.length_ns * 1e-9)
        with _corrected(bench, cancelling):
            after = await measure_turns(way, outcome, length_ns, before.top, 0j, SHOTS)
    except (FitFailed, NotMeasured, RunRefused) as error:
        record_failure(outcome, target.name, panel, str(error))
        return

    def raw(_: Qubit) -> Panel:
        return replace(panel, series=after.lines(0))

    def fit(_: Qubit, raw_panel: Panel) -> Found:
        controls = range(len(way.controls))
        was, was_sigma = direct(way, [before.turn(control) for control in controls])
        turns = [after.turn(control) for control in controls]
        value, sigma = direct(way, turns)
        left = abs(value)
        quantity = f"{QUANTITY}_left_{source.element}"
        text = f"{abs(was):.4f} ± {was_sigma:.4f} of the drive of {source.element}; "
        text += f"cancelled, {{{quantity}}} is left"
        if left > SEEN * sigma and left > LEFT * abs(was):
            text += ": measure drive_crosstalk anew"
        series = after.lines(0, turns[0])
        return {quantity: Measured(left, sigma, "1")}, replace(
            raw_panel, series=series, text=text, judged=False
        )

    await analyse(bench, outcome, (target,), raw, fit)


def _cancelling(bench: Bench, way: DriveWay) -> dict[str, LineResponse]:
    """Return what is stored; raises FitFailed where that is nothing of this way."""
    epoch = bench.known_now.epoch_of(f"{way.target.qubit.name}.{QUANTITY}")
    lines = stored_drives(bench.runner.facility, bench.record, epoch)
    port, source = way.target.qubit.drive_port, way.source.qubit
    if port not in lines or all(one.source != source.drive_port for one in lines[port].cancels):
        raise FitFailed(
            f"no crosstalk of {source.element} at {way.target.qubit.element} is stored that is of "
            "this epoch and not too old: run drive_crosstalk first"
        )
    return lines


@contextmanager
def _corrected(bench: Bench, drives: Mapping[str, LineResponse]) -> Iterator[None]:
    """Cancel these drives and no others meanwhile."""
    runner = bench.runner
    if not isinstance(runner, CorrectingRunner):
        raise FitFailed("whoever runs this corrects no lines")
    before = dict(runner.corrected_lines())
    runner.correct_lines(with_drives(without_crosstalk(before), drives))
    try:
        yield
    finally:
        runner.correct_lines(before)


DRIVE_CANCELLATION = Declaration(
    drive_cancellation,
    targets="qubits",
    needs=(*DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={f"{QUANTITY}_left": Lifetime(1 * DAY_S, of_epoch=True)},
    places=(),
    cost_s=10.0,
)
