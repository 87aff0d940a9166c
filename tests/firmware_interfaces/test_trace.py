"""Golden traces as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.trace import (
    Head,
    Piece,
    TraceError,
    head_line,
    piece_line,
    read_trace,
)

HEAD = Head("cluster_a", "qblox_cluster", {"modules": {"2": "QRM-RF"}})
pieces = st.builds(
    Piece,
    at_s=st.floats(0, 1e6).map(lambda value: round(value, 6)),
    connection=st.integers(1, 99),
    port=st.sampled_from(["scpi", "slot2"]),
    to=st.sampled_from(["instrument", "client"]),
    data=st.binary(min_size=1, max_size=60),
)


@given(st.lists(pieces, max_size=5))
def test_what_is_written_is_read(passed: list[Piece]) -> None:
    lines = [head_line(HEAD), *map(piece_line, passed)]
    assert read_trace(lines) == (HEAD, tuple(passed))


def test_plain_text_stays_readable() -> None:
    line = piece_line(Piece(0.25, 1, "scpi", "instrument", b"*IDN?\n"))
    assert line == '{"t": 0.25, "c": 1, "port": "scpi", "to": "instrument", "text": "*IDN?\\n"}\n'


def test_a_last_line_that_was_cut_is_left_out() -> None:
    one = piece_line(Piece(0.25, 1, "scpi", "instrument", b"*IDN?\n"))
    assert len(read_trace([head_line(HEAD), one, one[:20]])[1]) == 1


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "empty"),
        (["{}\n"], "line 1"),
        ([head_line(HEAD), "nonsense\n"], "line 2"),
        ([head_line(HEAD), "cut", piece_line(Piece(0, 1, "scpi", "client", b"x"))], "line 2"),
        ([head_line(HEAD), '{"t": 0, "c": 1, "port": "p", "to": "me", "text": ""}\n'], "line 2"),
    ],
)
def test_what_is_no_trace_is_told_with_its_line(lines: list[str], complaint: str) -> None:
    with pytest.raises(TraceError, match=complaint):
        read_trace(lines)
