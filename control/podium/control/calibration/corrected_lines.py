"""Says what of flux lines is undone while a routine runs."""

from podium.control.calibration.catalogue import targets_edges
from podium.control.calibration.runner import CorrectingRunner, Runner
from podium.control.client.line_corrections import stored_lines, without_crosstalk, without_delays
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
    if isinstance(runner, CorrectingRunner) and targets_edges(routine):
        known = {} if routine in OF_LINES else stored_lines(runner.facility, record)
        if routine in OF_DELAYS:
            known = without_delays(known)
        if routine in OF_CROSSTALK:
            known = without_crosstalk(known)
        runner.correct_lines(known)
