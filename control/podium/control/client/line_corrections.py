"""Corrects flux lines in runs: responses that controllers undo, given or found in the store."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from podium.control.client.pulsed_crosstalk import (
    check_crosstalk,
    flux_outputs,
    stored_crosstalk,
)
from podium.control.facility.facility import DriveWiring, Facility
from podium.control.facility.line_response import LineResponse, response_of
from podium.control.facility.mixers import modulator_of
from podium.control.parameters.entry import ParameterRecord
from podium.control.program.program import Program
from podium.control.runs.errors import RunRefused

CARRIER = "drive_carrier"
"""Frequency at which the carrier of the modulator behind a qubit's drive line is put, Hz."""


class LineCorrections:
    """The flux lines that a lab's runs correct, by port."""

    def __init__(self, facility: Facility, lines: Mapping[str, LineResponse]) -> None:
        self._facility = facility
        self._lines = dict(lines)

    def replace(self, lines: Mapping[str, LineResponse]) -> None:
        """Correct these from now on; raises ``RunRefused`` for a port that plays no pulses."""
        check_lines(self._facility, lines)
        self._lines = dict(lines)

    def all(self) -> Mapping[str, LineResponse]:
        """Return all of them."""
        return self._lines

    def of(self, program: Program) -> dict[str, LineResponse]:
        """Return those that ``program`` plays on."""
        ports = {frame.port for frame in program.frames}
        return {
            port: line
            for port, line in self._lines.items()
            if port in ports or any(one.source in ports for one in line.cancels)
        }

    def refuse(self, program: Program, what: str) -> None:
        """Raise ``RunRefused`` where there are such, for ``what`` does not correct any."""
        if lines := self.of(program):
            raise RunRefused(
                f"{what} does not correct flux lines, and {', '.join(lines)} would be corrected; "
                "use run, or correct_lines({}) first"
            )


def stored_lines(
    facility: Facility, record: ParameterRecord, *, high_pass: bool = False
) -> dict[str, LineResponse]:
    """Return the responses in the store, by flux port, of lines that play pulses.

    Without the high-pass of their bias tees: what undoes it sums up all that was ever played, one
    step of a converter a shot among it, and net-zero gates give it nothing to follow.
    ``high_pass``: with it, for pulses whose means are zero over a run, and that are long. They are
    not judged by their age: a correction that is some days old is better than none.
    Raises ``RunRefused`` for half an exponential.
    """
    found: dict[str, LineResponse] = {}
    for port in _pulsed(facility):
        element = port.removesuffix(".flux")
        values = {
            name.rpartition(".")[2]: entry.value for name, entry in record.all(element).items()
        }
        if not high_pass:
            values.pop("flux_high_pass", None)
        try:
            line = response_of(values)
        except ValueError as error:
            raise RunRefused(f"{port}: {error}; measure the line anew") from error
        if line is not None:
            found[port] = line
    for port, cancels in stored_crosstalk(facility, record).items():
        found[port] = replace(found.get(port, LineResponse()), cancels=cancels)
    return found | stored_carriers(facility, record)


def stored_carriers(facility: Facility, record: ParameterRecord) -> dict[str, LineResponse]:
    """Return where carriers of modulators are put, by drive port, where a routine has moved one."""
    found: dict[str, LineResponse] = {}
    for qubit in facility.qubits().values():
        if modulator_of(facility, qubit.drive_port) is None:
            continue
        entry = record.get(f"{qubit.name}.{CARRIER}")
        if entry is not None:
            found[qubit.drive_port] = LineResponse(carrier_hz=entry.value)
    return found


def with_drives(
    lines: Mapping[str, LineResponse], drives: Mapping[str, LineResponse]
) -> dict[str, LineResponse]:
    """Return ``lines`` with what ``drives`` cancels."""
    cancelling = {
        port: replace(lines.get(port, LineResponse()), cancels=line.cancels)
        for port, line in drives.items()
    }
    return {**lines, **cancelling}


def without_delays(lines: Mapping[str, LineResponse]) -> dict[str, LineResponse]:
    """Return responses of lines by which pulses arrive when they did: what tells by how much."""
    left = {port: replace(line, delay_s=0.0) for port, line in lines.items()}
    return {port: line for port, line in left.items() if not line.is_plain}


def without_crosstalk(lines: Mapping[str, LineResponse]) -> dict[str, LineResponse]:
    """Return responses of lines that take nothing away: what tells how much arrives."""
    left = {port: replace(line, cancels=()) for port, line in lines.items()}
    return {port: line for port, line in left.items() if not line.is_plain}


def check_lines(facility: Facility, lines: Mapping[str, LineResponse]) -> None:
    """Raise ``RunRefused`` for a port that plays no pulses on a flux line."""
    pulsed = list(_pulsed(facility))
    for port, line in lines.items():
        if line.carrier_hz is not None and modulator_of(facility, port) is None:
            raise RunRefused(f"{port} has no modulator, whose carrier could be put elsewhere")
        drives = isinstance(facility.wiring.get(port), DriveWiring)
        if port not in pulsed and not (drives and line.is_as_played):
            have = ", ".join(pulsed) or "none"
            raise RunRefused(
                f"{port} is no flux line that pulses are played on, so there is nothing to undo "
                "(on a drive line, what it cancels of others' drives alone); "
                f"{facility.name} has {have}"
            )
    check_crosstalk(facility, lines)


def _pulsed(facility: Facility) -> Iterator[str]:
    yield from flux_outputs(facility)
