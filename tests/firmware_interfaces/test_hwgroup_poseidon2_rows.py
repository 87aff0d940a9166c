import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.hwgroup_poseidon2 import (
    Reading,
    SensorState,
    Unit,
    model_and_firmware,
    si_reading,
)


@pytest.mark.parametrize(
    ("unit", "text", "tenths", "expected"),
    [
        (Unit.CELSIUS, "C", -223, (250.85, "K")),  # a freezer, of a public script's head
        (Unit.DEW_POINT, "C", 95, (282.65, "K")),
        (Unit.FAHRENHEIT, "F", 500, (283.15, "K")),
        (Unit.KELVIN, "K", 2950, (295.0, "K")),
        (Unit.PERCENT, "%RH", 303, (0.303, "1")),  # of the recording
        (Unit.VOLT, "V", 2301, (230.1, "V")),
        (Unit.MILLIAMPERE, "mA", 125, (0.0125, "A")),
        (Unit.SWITCH, "s", 10, (1.0, "1")),
        (Unit.ABSOLUTE_HUMIDITY, "g/m3", 88, (0.0088, "kg/m^3")),
        (Unit.PRESSURE, "kPa", 985, (98_500.0, "Pa")),
        (Unit.PRESSURE, "hPa", 9850, (98_500.0, "Pa")),
    ],
)
def test_values_are_si(unit, text, tenths, expected) -> None:
    value, si_unit = si_reading(Reading(SensorState.NORMAL, tenths, unit, text)) or (math.nan, "")
    assert (value, si_unit) == (pytest.approx(expected[0]), expected[1])


@pytest.mark.parametrize(
    "row",
    [
        Reading(SensorState.INVALID, 200, Unit.CELSIUS, "C"),
        Reading(SensorState.NORMAL, 9999, Unit.CELSIUS, "C"),
        Reading(SensorState.ALARM, -9999, Unit.PERCENT, "%RH"),
        Reading(SensorState.NORMAL, 10, Unit.UNIVERSAL, ""),
        Reading(SensorState.NORMAL, 10, Unit.PRESSURE, "fathom"),
        Reading(SensorState.NORMAL, 10, 77, "C"),
    ],
)
def test_what_is_no_reading_is_none_and_never_nought(row) -> None:
    assert si_reading(row) is None


@given(st.builds(Reading, st.integers(), st.integers(), st.integers(-3, 15), st.text(max_size=6)))
def test_any_row_is_a_reading_or_none(row) -> None:
    found = si_reading(row)
    assert found is None or math.isfinite(found[0])


def test_the_description_says_model_and_firmware() -> None:
    recorded = "Poseidon 4002 SNMP Supervisor v2.0.15"
    assert model_and_firmware(recorded) == ("Poseidon 4002", "2.0.15")
    assert model_and_firmware("a printer") == ("a printer", "")
