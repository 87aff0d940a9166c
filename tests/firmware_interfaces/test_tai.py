"""Instants of TAI: exact to the femtosecond today and in a hundred years."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

instants = st.builds(Tai, st.integers(-(2**40), 2**40), st.integers(0, FS_PER_S - 1))


@given(instants)
def test_an_instant_comes_back_from_its_femtoseconds(instant: Tai) -> None:
    assert Tai.from_fs(instant.total_fs) == instant


@given(instants, st.integers(-(10**20), 10**20))
def test_a_difference_is_exact_and_positive_where_the_other_is_earlier(
    instant: Tai, later_fs: int
) -> None:
    other = Tai.from_fs(instant.total_fs + later_fs)
    assert other - instant == later_fs
    assert (other > instant) == (later_fs > 0)


def test_instants_of_today_are_told_apart_by_a_femtosecond() -> None:
    now = Tai(1_900_000_000, 999_999_999_999_999)
    assert now.total_fs == 1_900_000_000_999_999_999_999_999
    assert Tai.from_fs(now.total_fs + 1) == Tai(1_900_000_001, 0)
    assert str(now) == "1900000000.999999999999999 TAI"
    assert Tai(1_795_174_827, 164_794_194_000_000).date() == ("2026-11-20 11:40:27.164794194 TAI")


@pytest.mark.parametrize("femtoseconds", [-1, FS_PER_S, FS_PER_S + 1])
def test_an_instant_has_one_name(femtoseconds: int) -> None:
    with pytest.raises(ValueError, match=r"lie in 0 \.\.\. 999999999999999"):
        Tai(0, femtoseconds)


@given(instants)
def test_a_written_instant_is_read_back_to_the_femtosecond(instant: Tai) -> None:
    assert Tai.parse(str(instant)) == instant


@pytest.mark.parametrize("text", ["", "12", "12.5 TAI", "a.000000000000000 TAI", "1e3.5"])
def test_another_text_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match="no instant"):
        Tai.parse(text)
