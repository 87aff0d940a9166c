"""Channel lists of SCPI: what is understood, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.ieee4882.channel_list import (
    ENTRIES_MAX,
    ChannelList,
    ChannelRange,
    channel_numbers,
    parse_channel_list,
)
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.program_message import Expression, Number


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("(@1:4,7)", (1, 2, 3, 4, 7)),
        ("( @ 1 : 3 , 2 )", (1, 2, 3, 2)),
        ("(@24)", (24,)),
        ("(@4:2)", (4, 3, 2)),
        ("(@)", ()),
    ],
)
def test_channels_come_in_the_order_of_the_list(text, channels) -> None:
    assert channel_numbers(text, 24) == channels


def test_dimensions_are_kept_apart() -> None:
    assert parse_channel_list("(@1!0:24!0,3!9)") == (
        ChannelRange((1, 0), (24, 0)),
        ChannelRange((3, 9), (3, 9)),
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((text, -171) for text in ("(1)", "(@1", "(@1,)", "(@1:2:3)", "(@1!2)", "(@a)", "(@1!)")),
        *((text, -171) for text in ("(@(@1))", "(@1 2)", "(@-1)", "(@99999)", "(@1!2:3)")),
        *((text, -222) for text in ("(@0)", "(@25)", "(@1:25)", "(@9999:1)")),
        (f"(@{'1,' * ENTRIES_MAX}1)", -223),
    ],
)
def test_what_is_no_list_of_channels_is_refused(text, code) -> None:
    with pytest.raises(ScpiError) as error:
        channel_numbers(text, 24)
    assert error.value.code == code


@given(st.text(alphabet="(@)0123456789!:, ", max_size=40))
def test_any_text_is_a_list_or_refused(text: str) -> None:
    try:
        found = channel_numbers(f"(@{text})", 24)
    except ScpiError:
        return
    assert all(1 <= channel <= 24 for channel in found)


def test_a_parameter_is_a_list_or_refused() -> None:
    assert ChannelList().take(Expression("(@1)")) == Expression("(@1)")
    with pytest.raises(ScpiError):
        ChannelList().take(Number(1))  # type: ignore[arg-type]
