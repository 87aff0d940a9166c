import pytest

from podium.firmware_interfaces.exact_time import FS_PER_MS
from podium.firmware_interfaces.modbus import Frame, encode
from podium.sim_instruments.twins.answer_pace import (
    HELD_MAX,
    AnswerPace,
    AnswerTimes,
    PacedSession,
    line_end,
    lines_with_rests,
    modbus_end,
)
from podium.sim_instruments.twins.twin import IDLE, HangsUp, Horizon


class Echo:
    """Answers each line that has a question mark with itself; keeps when it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, float]] = []
        self.ended = False
        self.left = False

    def feed(self, data: bytes, now_fs: int) -> bytes:
        if data:
            self.asked.append((data, now_fs / FS_PER_MS))
        self.ended |= data == b"BYE\n"
        return data if b"?" in data else b""

    def hung_up(self) -> None:
        self.left = True


class Box:
    def __init__(self) -> None:
        self.pace = AnswerPace(lines_with_rests(0.010, 0.050))
        self.echoes: list[Echo] = []

    def open(self) -> PacedSession:
        self.echoes.append(Echo())
        return self.pace.through(self.echoes[-1])

    def due_ms(self, at_ms: int) -> float | None:
        until_fs = self.pace.horizon(at_ms * FS_PER_MS).busy_until_fs
        return None if until_fs is None else until_fs / FS_PER_MS


def at(session: PacedSession, ms: int, data: bytes = b"") -> bytes:
    return session.feed(data, ms * FS_PER_MS)


def test_an_answer_begins_when_the_box_has_it_and_then_it_wants_quiet() -> None:
    box = Box()
    session = box.open()
    assert at(session, 0, b"A?\n") == b""
    assert box.due_ms(0) == 10
    assert at(session, 9) == b""
    assert at(session, 10) == b"A?\n"
    assert box.due_ms(10) is None
    assert at(session, 20, b"B?\n") == b""
    assert box.due_ms(20) == 60
    assert at(session, 59) == b""
    assert at(session, 60) == b""
    assert at(session, 70) == b"B?\n"
    assert box.echoes[0].asked == [(b"A?\n", 0), (b"B?\n", 60)]


def test_commands_are_carried_out_one_by_one_and_empty_lines_cost_nothing() -> None:
    box = Box()
    session = box.open()
    at(session, 0, b"\nSET\n\r\nSET\nSET\nA?\n")
    for ms in range(170):
        assert at(session, ms) == (b"A?\n" if ms == 160 else b"")
    asked = [one for one in box.echoes[0].asked if one[0].strip()]
    assert asked == [(b"SET\n", 0), (b"SET\n", 50), (b"SET\n", 100), (b"A?\n", 150)]


def test_two_clients_share_the_box_and_come_in_turn() -> None:
    box = Box()
    one, other = box.open(), box.open()
    at(one, 0, b"A?\nA?\nA?\n")
    at(other, 1, b"B?\n")
    heard = [
        (ms, said) for ms in range(200) for said in (at(one, ms), at(other, ms)) if said != b""
    ]
    assert heard == [(10, b"A?\n"), (70, b"A?\n"), (130, b"B?\n"), (190, b"A?\n")]


def test_a_client_that_leaves_holds_nobody_up() -> None:
    box = Box()
    one, other = box.open(), box.open()
    at(one, 0, b"A?\nA?\nA?\n")
    one.hung_up()
    assert box.echoes[0].left
    assert box.due_ms(0) is None
    at(other, 1, b"B?\n")
    assert box.due_ms(1) == 60
    at(other, 60)
    assert at(other, 70) == b"B?\n"


def test_it_ends_when_the_last_answer_is_out() -> None:
    box = Box()
    session = box.open()
    assert isinstance(session, HangsUp)
    at(session, 0, b"A?\nBYE\n")
    at(session, 10)
    assert (session.behind, session.ended) == (1, False)
    at(session, 60)
    assert (session.behind, session.ended) == (0, True)


def test_what_the_twin_does_besides_stays_on_the_horizon() -> None:
    box = Box()
    of_twin = Horizon(armed=True, busy_until_fs=3 * FS_PER_MS, computing=True)
    assert box.pace.horizon(0, of_twin) is of_twin
    assert box.pace.horizon(0) is IDLE
    at(box.open(), 0, b"A?\n")
    assert box.pace.horizon(0, of_twin) == of_twin
    assert box.pace.horizon(0).busy_until_fs == 10 * FS_PER_MS


def test_a_message_may_come_in_pieces_and_without_end() -> None:
    box = Box()
    session = box.open()
    for byte in b"A?\n":
        at(session, 0, bytes((byte,)))
    assert at(session, 10) == b"A?\n"
    at(session, 60, b"x" * (HELD_MAX + 1))
    assert box.echoes[0].asked[-1] == (b"x" * (HELD_MAX + 1), 60)


def test_frames_of_modbus_are_cut_by_their_length() -> None:
    frame = encode(Frame(7, 1, b"\x03\0\0\0\1"))
    for cut in range(len(frame)):
        assert modbus_end(bytearray(frame[:cut]), 0) == 0
    assert modbus_end(bytearray(frame + frame[:4]), 0) == len(frame)
    assert line_end(bytearray(b"A\nB\n"), 0) == 2


@pytest.mark.parametrize("broken", [b"GET / HTTP/1.1\r\n", b"\0\1\0\0\xff\xff\1"])
def test_what_is_no_frame_goes_on_at_once(broken: bytes) -> None:
    assert modbus_end(bytearray(broken), 0) == len(broken)


def test_how_long_a_message_takes_may_depend_on_it() -> None:
    pace = AnswerPace(AnswerTimes(line_end, lambda said, answer: len(said) * FS_PER_MS))
    session = pace.through(Echo())
    session.feed(b"ABC?\n", 0)
    assert pace.horizon(0).busy_until_fs == 5 * FS_PER_MS
