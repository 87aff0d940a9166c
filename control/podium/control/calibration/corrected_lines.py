"""Says what of flux lines is undone while a routine runs."""

from dataclasses import replace

from podium.control.calibration.runner import CorrectingRunner, Runner
from podium.control.client.line_corrections import (
    stored_carriers,
    stored_lines,
    without_crosstalk,
    without_delays,
)
from podium.control.parameters.entry import ParameterRecord

OF_LINES = ("cryoscope",)
"""Routines that measure flux lines as they are."""
OF_DELAYS = ("flux_delay",)
"""Those that measure when pulses arrive, in their right shape."""
OF_CROSSTALK = ("pulsed_crosstalk",)
"""Those that measure where else they arrive, in their right shape and at the right time."""


def correct_lines_for(runner: Runner, routine: str, record: ParameterRecord) -> None:
    """Have a lab undo what ``record`` knows of flux lines, in a routine that plays gates.

    Not in those that measure the lines (:data:`OF_LINES`), and all but what a routine measures of
    them (:data:`OF_DELAYS`, :data:`OF_CROSSTALK`). Raises ``RunRefused`` for half an exponential.
    """
    from podium.control.calibration.catalogue import targets_edges  # of routines, on benches

    if isinstance(runner, CorrectingRunner) and targets_edges(routine):
        known = {} if routine in OF_LINES else stored_lines(runner.facility, record)
        if routine in OF_DELAYS:
            known = without_delays(known)
        if routine in OF_CROSSTALK:
            known = without_crosstalk(known)
        runner.correct_lines(known)


def correct_carriers(runner: Runner, record: ParameterRecord) -> None:
    """Have a lab put carriers of modulators where ``record`` has them; its other lines stay."""
    if not isinstance(runner, CorrectingRunner):
        return
    lines = runner.corrected_lines()
    moved = {
        port: replace(lines.get(port, line), carrier_hz=line.carrier_hz)
        for port, line in stored_carriers(runner.facility, record).items()
    }
    if any(lines.get(port) != line for port, line in moved.items()):
        runner.correct_lines({**lines, **moved})
