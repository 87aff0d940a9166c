"""Takes crosstalk of drives away: what each drive line plays with the drives of other qubits."""

from collections.abc import Iterator
from math import pi

import numpy as np
from numpy.typing import NDArray

from podium.control.client.drive_power import line_begin_dbm
from podium.control.facility.facility import DriveWiring, Facility, Qubit
from podium.control.facility.line_response import CANCEL_REACH_HZ, Cancel, LineResponse
from podium.control.parameters.entry import ParameterEntry, ParameterRecord
from podium.control.runs.errors import RunRefused

QUANTITY, PHASE = "drive_crosstalk", "drive_crosstalk_phase"


def stored_drives(
    facility: Facility, record: ParameterRecord, epoch: int | None = None
) -> dict[str, LineResponse]:
    """Return what drive lines play with drives of others, by port, where the store has crosstalk.

    Amplitudes are of full scale of either output. A tone is for pulses near the frequency of the
    qubit that it protects (``f01`` of the store), where its amplitude and its phase were measured.
    Of qubits within :data:`.CANCEL_REACH_HZ` of each other a tone on one line reaches the others as
    well: there it is the inverse of the matrix of all of them. ``epoch``: the present one (None: it
    is not asked for). Raises ``RunRefused`` for a phase of another epoch, where crosstalk is as
    strong as the drive itself, and where two oscillators are not at one frequency.
    """
    found: dict[str, LineResponse] = {}
    for node in facility.nodes:
        qubits = [
            one
            for one in facility.qubits().values()
            if one.node == node and isinstance(facility.wiring.get(one.drive_port), DriveWiring)
        ]
        arrives, f01_hz = _arriving(facility, record, qubits, epoch)
        for target, one in enumerate(qubits):
            cancels = tuple(_cancels(qubits, arrives, f01_hz, target))
            if cancels:
                _check_oscillators(facility, one.drive_port, cancels)
                found[one.drive_port] = LineResponse(cancels=cancels)
    return found


def _arriving(
    facility: Facility, record: ParameterRecord, qubits: list[Qubit], epoch: int | None
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Return what arrives at each qubit (rows) of each line, and the qubits' frequencies, Hz.

    Over what the own line brings, both at full scale. A frequency that is not known is NaN.
    """
    arrives = np.eye(len(qubits), dtype=np.complex128)
    f01_hz = np.full(len(qubits), np.nan)
    for row, target in enumerate(qubits):
        values = {name.rpartition(".")[2]: one for name, one in record.all(target.name).items()}
        if "f01" in values:
            f01_hz[row] = values["f01"].value
        own_dbm = line_begin_dbm(facility, target.drive_port)
        for column, source in enumerate(qubits):
            size = values.get(f"{QUANTITY}_{source.element}")
            turns = values.get(f"{PHASE}_{source.element}")
            if size is not None and turns is not None and row != column:
                _check_epoch(turns, epoch)
                scale = 10 ** ((line_begin_dbm(facility, source.drive_port) - own_dbm) / 20)
                arrives[row, column] = size.value * scale * np.exp(2j * pi * turns.value)
    return arrives, f01_hz


def _check_epoch(turns: ParameterEntry, epoch: int | None) -> None:
    if epoch is not None and turns.epoch != epoch:
        raise RunRefused(
            f"{turns.name} is of epoch {turns.epoch}, and outputs have other phases in epoch "
            f"{epoch}: run `drive_crosstalk` anew"
        )


def _cancels(
    qubits: list[Qubit],
    arrives: NDArray[np.complex128],
    f01_hz: NDArray[np.float64],
    target: int,
) -> Iterator[Cancel]:
    """Yield what the line of one qubit plays with pulses on those of others."""
    for source, one in enumerate(qubits):
        if source == target or not arrives[target, source]:
            continue
        near = [
            k
            for k in range(len(qubits))
            if k == target or (k != source and abs(f01_hz[k] - f01_hz[target]) <= CANCEL_REACH_HZ)
        ]
        among = arrives[np.ix_(near, near)]
        if np.abs(among - np.eye(len(near))).sum(axis=0).max(initial=0) >= 1:
            raise RunRefused(
                f"what drives of others bring to {qubits[target].name} and its neighbours in "
                "frequency is as much as their own: measure it anew by `drive_crosstalk`"
            )
        played = complex(np.linalg.solve(among, -arrives[near, source])[near.index(target)])
        if np.isfinite(f01_hz[target]):
            turns = float(np.angle(played)) / (2 * pi)
            yield Cancel(one.drive_port, abs(played), turns, float(f01_hz[target]))


def _check_oscillators(facility: Facility, port: str, cancels: tuple[Cancel, ...]) -> None:
    """Raise ``RunRefused`` where a phase between two outputs is another in each shot."""
    own_hz = facility.drive_wiring(port).lo_hz
    for one in cancels:
        other_hz = facility.drive_wiring(one.source).lo_hz
        if own_hz != other_hz:
            raise RunRefused(
                f"{port} is to cancel what arrives of drives on {one.source}, and their local "
                f"oscillators are at {own_hz / 1e9:.6g} and {other_hz / 1e9:.6g} GHz: their phases "
                "differ from shot to shot; give both the same 'lo', or run without this crosstalk"
            )
