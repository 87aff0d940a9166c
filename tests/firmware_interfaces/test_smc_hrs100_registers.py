from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces import smc_hrs100 as box
from podium.firmware_interfaces.smc_hrs100 import Chiller, RegisterError, Status

CHILLER = Chiller(
    temperature_k=291.15,
    flow_m3_s=10 * box.L_PER_MIN,
    pressure_pa=0.25e6,
    conductivity_s_m=25e-4,
    status=Status.RUNNING | Status.SERIAL_MODE,
    alarms=(0, 0, 0, 0),
    set_temperature_k=291.15,
    wanted=True,
)


def test_registers_have_the_steps_that_the_manual_gives() -> None:
    assert box.encode(CHILLER) == (180, 100, 25, 250, 0x21, 0, 0, 0, 0, 0, 0, 180, 1, 0, 0, 0)
    cold = Chiller(261.15, 0, 0, 0, Status(0), (0, 0, 0, 0), 278.15, False)
    assert box.encode(cold)[0] == 0x10000 - 120


@given(
    st.builds(
        Chiller,
        temperature_k=st.floats(163.2, 423.1),
        flow_m3_s=st.floats(0, 195 * box.L_PER_MIN),
        pressure_pa=st.floats(0, 3e6),
        conductivity_s_m=st.floats(0, 48e-4),
        status=st.lists(st.sampled_from(list(Status))).map(lambda bits: Status(sum(set(bits)))),
        alarms=st.tuples(*4 * [st.integers(0, 0xFFFF)]),
        set_temperature_k=st.floats(278.15, 308.15),
        wanted=st.booleans(),
    )
)
def test_what_a_chiller_shows_is_read_to_half_a_step(chiller) -> None:
    registers = box.encode(chiller)
    assert all(0 <= one <= 0xFFFF for one in registers)
    read = box.decode(registers)
    assert (read.status, read.alarms, read.wanted) == (
        chiller.status,
        chiller.alarms,
        chiller.wanted,
    )
    assert read.temperature_k == pytest.approx(chiller.temperature_k, abs=0.0501)
    assert read.set_temperature_k == pytest.approx(chiller.set_temperature_k, abs=0.0501)
    assert read.flow_m3_s == pytest.approx(chiller.flow_m3_s, abs=0.0501 * box.L_PER_MIN)
    step_pa = 6895 if chiller.status & Status.PSI else 10_000
    assert read.pressure_pa == pytest.approx(chiller.pressure_pa, abs=0.501 * step_pa)


@given(st.lists(st.integers(-5, 0x1FFFF), max_size=20))
def test_any_registers_are_a_chiller_or_an_error(registers) -> None:
    with suppress(RegisterError):
        box.decode(registers)


@pytest.mark.parametrize("registers", [[0] * 15, [0] * 17, [0] * 15 + [0x10000]])
def test_registers_of_no_chiller_are_refused(registers) -> None:
    with pytest.raises(RegisterError):
        box.decode(registers)


def test_a_set_temperature_is_within_what_the_manual_allows() -> None:
    celsius = Status(0)
    assert box.set_temperature_k(50, celsius) == pytest.approx(278.15)
    assert box.set_temperature_k(350, celsius) == pytest.approx(308.15)
    assert box.set_temperature_k(49, celsius) is None
    assert box.set_temperature_k(351, celsius) is None
    assert box.set_temperature_k(680, Status.FAHRENHEIT) == pytest.approx(293.15)


def test_alarms_are_told_in_words_and_unnamed_bits_by_their_place() -> None:
    assert box.alarm_words((1 | 1 << 12, 1 << 11, 0, 0)) == (
        "low level in tank",
        "high compressor discharge pressure",
        "pump maintenance",
    )
    assert box.alarm_words((1 << 13, 0, 4, 0)) == ("alarm flag 1, bit 13", "alarm flag 3, bit 2")
