"""A recorded session as a test: what the twin answers otherwise is told command by command."""

from pathlib import Path

import pytest

from podium.firmware_interfaces.trace import Head, Piece, head_line, piece_line
from podium.sim_instruments.testing import TwinDiffers, TwinPool, TwinRefused

RECORDED = (
    (b"*IDN?\n", b"YOKOGAWA,GS210,91T926460,2.02\n"),
    (b":SOUR:FUNC?\n", b"VOLT\n"),
    (b":SOUR:LEV?\n", b"+0.1000E+0\n"),
    (b":SOUR:RANG?\n", b"a range\n"),
    (b":OUTP?\n", b"on\n"),
)
"""As if of a real box, the last two answers made up."""


@pytest.fixture(scope="module")
def pool():
    with TwinPool() as pool:
        yield pool


def trace(folder: Path, exchanges: tuple[tuple[bytes, bytes], ...]) -> Path:
    path = folder / "gs200.trace"
    with path.open("w") as lines:
        lines.write(head_line(Head("bias_q0", "yokogawa_gs200", {})))
        for number, (sent, answered) in enumerate(exchanges):
            lines.write(piece_line(Piece(0.1 * number, 1, "scpi", "instrument", sent)))
            lines.write(piece_line(Piece(0.1 * number + 0.05, 1, "scpi", "client", answered)))
    return path


def test_a_session_that_the_twin_answers_alike_passes(pool: TwinPool, tmp_path: Path) -> None:
    found = pool.replay(trace(tmp_path, RECORDED[:3]))
    assert (found.instrument, found.model) == ("bias_q0", "yokogawa_gs200")
    assert [one.verdict for one in found.commands] == ["same", "same", "numbers"]
    found.check()
    with pytest.raises(TwinDiffers, match="answers 1 of 3 commands otherwise"):
        found.check(numbers=True)


def test_differences_are_told_command_by_command(pool: TwinPool, tmp_path: Path) -> None:
    found = pool.replay(trace(tmp_path, RECORDED))
    with pytest.raises(TwinDiffers) as told:
        found.check()
    lines = str(told.value).splitlines()
    assert lines[0] == "the twin of bias_q0 (yokogawa_gs200) answers 2 of 5 commands otherwise:"
    assert lines[1:3] == ["4 scpi: :SOUR:RANG?", "    recorded: a range"]
    assert lines[3].startswith("    twin:     ")
    assert lines[4:] == ["5 scpi: :OUTP?", "    recorded: on", "    twin:     0"]
    found.check(ignoring=[r"RANG\?", r"^:OUTP"])


def test_a_session_without_a_word_tests_nothing(pool: TwinPool, tmp_path: Path) -> None:
    with pytest.raises(TwinDiffers, match="nothing was sent to bias_q0"):
        pool.replay(trace(tmp_path, ())).check()


def test_what_is_no_trace_is_refused(pool: TwinPool, tmp_path: Path) -> None:
    other = tmp_path / "other.trace"
    other.write_text("{}\n")
    with pytest.raises(TwinRefused, match="line 1 is no line of a trace"):
        pool.replay(other)
    with pytest.raises(TwinRefused, match="No such file"):
        pool.replay(tmp_path / "none")
