"""What drives bring to other qubits is cancelled by the inverse of all that arrives near them."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.docs.pages import ROOT

from podium.control.client.drive_crosstalk import stored_drives
from podium.control.client.drive_power import line_begin_dbm
from podium.control.client.line_corrections import check_lines
from podium.control.facility.facility import Facility
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.line_response import Cancel, LineResponse
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.runs.errors import RunRefused

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility_fixed.yaml")
DRIVES = ("node_a.q0.drive", "node_a.q1.drive")
RATIOS = (0.05 * np.exp(0.4j * np.pi), 0.08 * np.exp(-1.2j))
"""At q0 of the drive of q1, and at q1 of that of q0."""


def record_of(f01_hz: tuple[float, float], epoch: int = 3) -> MemoryRecord:
    record = MemoryRecord()
    values = {}
    for own, other, ratio, hz in ((0, 1, RATIOS[0], f01_hz[0]), (1, 0, RATIOS[1], f01_hz[1])):
        values[f"q{own}.drive_crosstalk_q{other}"] = abs(ratio)
        values[f"q{own}.drive_crosstalk_phase_q{other}"] = float(np.angle(ratio)) / (2 * np.pi)
        values[f"q{own}.f01"] = hz
    record.put(
        ParameterEntry(f"node_a.{name}", value, 1e-6, "1", "r", "drive_crosstalk", 1.8e9, epoch)
        for name, value in values.items()
    )
    return record


def turned(one: Cancel) -> complex:
    return one.part * complex(np.exp(2j * np.pi * one.turns))


def attenuated(db: float) -> Facility:
    """Return the facility with so much more attenuation at the output of q0, dB."""
    wiring = FACILITY.drive_wiring(DRIVES[0])
    weaker = replace(wiring, output_attenuation_db=wiring.output_attenuation_db + db)
    return replace(FACILITY, wiring=FrozenMap({**FACILITY.wiring, DRIVES[0]: weaker}))


@pytest.mark.parametrize("db", [0.0, 20.0])
def test_each_line_cancels_what_arrives_at_its_qubit_s_frequency(db: float) -> None:
    """The store counts fields where lines begin, a program full scales of outputs."""
    facility = attenuated(db)
    apart_db = line_begin_dbm(facility, DRIVES[1]) - line_begin_dbm(facility, DRIVES[0])
    assert apart_db == pytest.approx(db)
    lines = stored_drives(facility, record_of((4.9e9, 5.1e9)))
    assert lines.keys() == set(DRIVES)
    check_lines(facility, lines)
    for own, scale in ((0, 10 ** (db / 20)), (1, 10 ** (-db / 20))):
        (one,) = lines[DRIVES[own]].cancels
        assert one.source == DRIVES[1 - own]
        assert one.at_hz == (4.9e9, 5.1e9)[own]
        assert turned(one) == pytest.approx(-RATIOS[own] * scale)


def test_an_oscillator_of_another_frequency_and_another_epoch_are_refused() -> None:
    wiring = FACILITY.drive_wiring(DRIVES[0])
    moved = replace(wiring, lo_hz=wiring.lo_hz + 10e6)
    facility = replace(FACILITY, wiring=FrozenMap({**FACILITY.wiring, DRIVES[0]: moved}))
    with pytest.raises(RunRefused, match="differ from shot to shot; give both the same 'lo'"):
        stored_drives(facility, record_of((4.9e9, 5.1e9)))
    assert stored_drives(FACILITY, record_of((4.9e9, 5.1e9)), 3)
    with pytest.raises(RunRefused, match=r"is of epoch 3, .* run `drive_crosstalk` anew"):
        stored_drives(FACILITY, record_of((4.9e9, 5.1e9)), 4)


def test_without_a_phase_or_a_frequency_nothing_is_cancelled() -> None:
    whole = record_of((4.9e9, 5.1e9))
    for left_out, cancelled in (("phase_q0", {DRIVES[0]}), ("f01", set())):
        record = MemoryRecord()
        record.put(one for name, one in whole.all().items() if left_out not in name)
        assert stored_drives(FACILITY, record).keys() == cancelled


def test_a_drive_line_has_nothing_to_undo_but_the_drives_of_others() -> None:
    check_lines(FACILITY, {DRIVES[0]: LineResponse(cancels=(Cancel(DRIVES[1], 0.1, 0.0, 5e9),))})
    with pytest.raises(RunRefused, match="no flux line that pulses are played on"):
        check_lines(FACILITY, {DRIVES[0]: LineResponse(delay_s=1e-9)})
