"""Takes crosstalk of flux pulses away: what each line plays with the pulses of the others."""

from collections.abc import Mapping

import numpy as np

from podium.control.facility.facility import DriveWiring, Facility, FluxWiring
from podium.control.facility.line_response import Cancel, LineResponse
from podium.control.parameters.entry import ParameterRecord
from podium.control.runs.errors import RunRefused

QUANTITY = "pulsed_crosstalk_amplitude"
Cancels = tuple[Cancel, ...]


def flux_outputs(facility: Facility) -> dict[str, str]:
    """Return the controllers of flux lines that pulses are played on, by port."""
    return {
        port: wiring.pulses.output.instrument
        for port, wiring in facility.wiring.items()
        if isinstance(wiring, FluxWiring) and wiring.pulses is not None
    }


def stored_crosstalk(facility: Facility, record: ParameterRecord) -> dict[str, Cancels]:
    """Return what lines play with pulses of others, by port, where the store has crosstalk.

    Of the inverse of what arrives in loops the columns, each over its own line's part: the pulse
    itself stays as it is, and no other loop has any of it left. Raises ``RunRefused`` where
    crosstalk is so strong that nothing undoes it.
    """
    ports = list(flux_outputs(facility))
    arrives = np.eye(len(ports))
    for number, port in enumerate(ports):
        element = port.removesuffix(".flux")
        node = element.rpartition(".")[0]
        values = record.all(element)
        for other, source in enumerate(ports):
            name = source.removesuffix(".flux").removeprefix(f"{node}.")
            entry = values.get(f"{element}.{QUANTITY}_{name}")
            if other != number and entry is not None:
                arrives[number, other] = entry.value
    if np.array_equal(arrives, np.eye(len(ports))):
        return {}
    if np.abs(arrives - np.eye(len(ports))).sum(axis=0).max() >= 1:
        raise RunRefused(
            "crosstalk of flux pulses is stored with which other loops together have as much of a "
            "pulse as its own: measure it anew by `pulsed_crosstalk`"
        )
    played = np.linalg.inv(arrives)
    played /= np.diag(played)
    return {
        port: cancels
        for number, port in enumerate(ports)
        if (
            cancels := tuple(
                Cancel(source, float(played[number, other]))
                for other, source in enumerate(ports)
                if other != number and played[number, other]
            )
        )
    }


def check_crosstalk(facility: Facility, lines: Mapping[str, LineResponse]) -> None:
    """Raise ``RunRefused`` where another controller would have to play what takes a pulse away."""
    wired = facility.wiring.items()
    drives = {port: one.output.instrument for port, one in wired if isinstance(one, DriveWiring)}
    at = flux_outputs(facility) | drives
    for port, line in lines.items():
        for one in line.cancels:
            if at.get(one.source) != at[port]:
                raise RunRefused(
                    f"{port} of {at[port]} is to take away what arrives of pulses on {one.source}, "
                    f"which {at.get(one.source, 'nothing')} plays: both have to be of one "
                    "controller; run without this crosstalk"
                )
