"""Puts carriers of modulators where a routine has moved them, in all runs of a lab."""

from dataclasses import replace

from podium.control.calibration.runner import CorrectingRunner, Runner
from podium.control.client.line_corrections import stored_carriers
from podium.control.parameters.entry import ParameterRecord


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
