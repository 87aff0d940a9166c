import math
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.cryomech_cpa import (
    FLOATS_END,
    LAST,
    QUANTITIES,
    Panel,
    PressureScale,
    RegisterError,
    State,
    TemperatureScale,
    Trouble,
    decode_panel,
    encode_panel,
    product,
)

VALUES = dict.fromkeys(QUANTITIES, 300.0)
PANEL = Panel(State.RUNNING, True, Trouble(0), Trouble(0), VALUES, 4321, (4, 19), (3, 10))


@given(
    st.builds(
        Panel,
        state=st.sampled_from(list(State)).map(int),
        running=st.booleans(),
        # a float of 32 bits holds 24 of them
        warnings=st.integers(0, 2**24 - 1).map(Trouble),
        errors=st.integers(0, 2**24 - 1).map(Trouble),
        values=st.fixed_dictionaries({name: st.floats(0, 1e7) for name in QUANTITIES}),
        serial=st.integers(0, 0xFFFF),
        model=st.tuples(st.integers(0, 255), st.integers(0, 255)),
        software=st.tuples(st.integers(0, 255), st.integers(0, 255)),
        pressure_scale=st.sampled_from(PressureScale),
        temperature_scale=st.sampled_from(TemperatureScale),
    )
)
def test_what_a_panel_shows_is_read_as_it_was(panel) -> None:
    registers = encode_panel(panel)
    assert len(registers) == LAST
    assert all(0 <= one <= 0xFFFF for one in registers)
    read = decode_panel(registers[:FLOATS_END])
    assert replace(read, values={}) == replace(panel, values={})
    for name, value in panel.values.items():
        assert read.values[name] == pytest.approx(value, rel=1e-6, abs=1e-4), name


@given(st.lists(st.integers(0, 0xFFFF), max_size=60))
def test_any_registers_are_a_panel_or_an_error(registers) -> None:
    with suppress(RegisterError):
        decode_panel(registers)


def test_a_sensor_that_is_no_number_stays_one_and_a_mask_that_is_none_is_an_error() -> None:
    shown = list(encode_panel(PANEL))
    shown[6:8] = (0, 0x7FC0)
    assert math.isnan(decode_panel(shown).values["coolant_in"])
    shown[2:4] = (0, 0x7FC0)
    with pytest.raises(RegisterError):
        decode_panel(shown)


def test_no_trouble_is_no_minus_zero() -> None:
    """A client that reads the float as bits would see trouble in the sign."""
    assert encode_panel(PANEL)[2:6] == (0, 0, 0, 0)


def test_the_names_of_models_are_the_labels() -> None:
    assert [product(model) for model in ((4, 19), (5, 18), (9, 99))] == [
        "CPA1110",
        "CPA289C",
        "CPA-9--99",
    ]
