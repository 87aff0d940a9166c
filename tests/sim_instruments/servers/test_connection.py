import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.servers.box_on_a_wire import Bench, Box, Wire

from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_S
from podium.sim_instruments.servers import connection as connection_module
from podium.sim_instruments.servers.clock import ANSWER_FS, ClockMode
from podium.sim_instruments.servers.connection import BEHIND_MAX, TwinConnection
from podium.sim_instruments.servers.leaps import HOLDS_FOR_S, MANY_LINES, Timekeeper, TimeOf
from podium.sim_instruments.twins.answer_pace import AnswerPace, lines_with_rests
from podium.sim_instruments.twins.twin import IDLE, Horizon


@pytest.fixture(params=list(ClockMode), ids=lambda mode: mode.value)
def mode(request) -> ClockMode:
    return request.param


def test_what_is_complete_is_answered_in_one_write(mode) -> None:
    connection, wire = Bench(mode).connect()
    connection.data_received(b"A?\nB")
    assert wire.sent == [b"A?\n"]
    connection.data_received(b"?\n")
    assert wire.sent == [b"A?\n", b"B?\n"]


def test_commands_in_one_packet_are_carried_out_in_their_order(mode) -> None:
    lab = Bench(mode)
    connection, _ = lab.connect()
    connection.data_received(b"A\nB?\nC\n")
    assert [command for command, _ in lab.box.done] == ["A", "B?", "C"]


def test_a_command_is_carried_out_at_world_time() -> None:
    lab = Bench(ClockMode.LEAP)
    connection, _ = lab.connect()
    lab.wall_ns += 1_500
    connection.data_received(b"A\n")
    assert lab.box.done == [("A", lab.clock.start_fs + 1_500 * 10**6)]


def test_each_connection_has_a_session_of_its_own(mode) -> None:
    lab = Bench(mode)
    (one, wire), (other, other_wire) = lab.connect(), lab.connect()
    assert lab.box.opened == 2
    one.data_received(b"HAL")
    other.data_received(b"B?\n")
    one.data_received(b"F?\n")
    assert (wire.sent, other_wire.sent) == ([b"HALF?\n"], [b"B?\n"])


def test_time_leaps_over_what_a_command_has_started() -> None:
    lab = Bench(ClockMode.LEAP)
    connection, wire = lab.connect()
    connection.data_received(b"RUN 3600\n")
    assert lab.since_start_s == 3600
    assert lab.leaps == 1
    connection.data_received(b"BUSY?\n")
    assert wire.sent == [b"0\n"]
    assert lab.leaps == 1


def test_a_paced_program_ends_in_its_own_time() -> None:
    lab = Bench(ClockMode.PACED)
    connection, wire = lab.connect()
    connection.data_received(b"RUN 2\nBUSY?\n")
    lab.wall_ns += 1_999_999_999
    connection.data_received(b"BUSY?\n")
    lab.wall_ns += 1
    connection.data_received(b"BUSY?\n")
    assert wire.sent == [b"1\n", b"1\n", b"0\n"]


def test_a_late_reply_is_sent_when_it_is_due() -> None:
    lab = Bench(ClockMode.PACED)
    connection, wire = lab.connect()
    connection.data_received(b"RUN 2\nDONE?\nA?\n")
    connection.poll()
    assert wire.sent == []
    lab.wall_ns += 2 * 10**9
    connection.poll()
    assert wire.sent == [b"DONE?\nA?\n"]
    connection.poll()
    assert len(wire.sent) == 1


def test_a_frozen_box_swallows_and_goes_on_after_the_thaw(mode) -> None:
    lab = Bench(mode)
    connection, wire = lab.connect()
    lab.faults.frozen = True
    connection.data_received(b"A?\n")
    connection.poll()
    assert not wire.aborted
    lab.faults.frozen = False
    connection.poll()
    connection.data_received(b"B?\n")
    assert wire.sent == [b"B?\n"]
    assert [command for command, _ in lab.box.done] == ["B?"]


def test_a_frozen_box_sends_no_late_reply_either() -> None:
    lab = Bench(ClockMode.PACED)
    connection, wire = lab.connect()
    connection.data_received(b"RUN 2\nDONE?\n")
    lab.faults.frozen = True
    lab.wall_ns += 3 * 10**9
    connection.poll()
    assert wire.sent == []
    lab.faults.frozen = False
    connection.poll()
    assert wire.sent == [b"DONE?\n"]


def test_of_halved_answers_the_first_half_comes_late_ones_too() -> None:
    lab = Bench(ClockMode.PACED)
    connection, wire = lab.connect()
    lab.faults.half_answers = True
    connection.data_received(b"LONG?\n")
    connection.data_received(b"RUN 2\nDONE?\n")
    lab.wall_ns += 2 * 10**9
    connection.poll()
    lab.faults.half_answers = False
    connection.data_received(b"A?\n")
    assert wire.sent == [b"LON", b"DON", b"A?\n"]


def test_a_refused_connection_is_cut_at_once_and_never_heard(mode) -> None:
    lab = Bench(mode)
    lab.faults.refused = True
    connection, wire = lab.connect()
    assert wire.aborted
    assert lab.box.opened == 0
    connection.data_received(b"A?\n")
    connection.poll()
    assert (wire.sent, lab.box.done, lab.faults.open) == ([], [], set())


def test_dropping_cuts_all_connections() -> None:
    lab = Bench(ClockMode.LEAP)
    wires = [lab.connect()[1] for _ in range(3)]
    lab.faults.drop()
    assert all(wire.aborted for wire in wires)


def test_a_connection_that_is_lost_is_forgotten_with_its_half_command(mode) -> None:
    lab = Bench(mode)
    connection, wire = lab.connect()
    assert lab.faults.open == {connection}
    connection.data_received(b"HALF")
    connection.connection_lost(None)
    assert lab.faults.open == set()
    connection.poll()
    again, wire = lab.connect()
    again.data_received(b"A?\n")
    assert wire.sent == [b"A?\n"]


def test_who_reads_no_answers_is_not_listened_to(mode) -> None:
    connection, wire = Bench(mode).connect()
    connection.pause_writing()
    assert not wire.reading
    connection.resume_writing()
    assert wire.reading


def test_only_a_byte_stream_is_served() -> None:
    lab = Bench(ClockMode.LEAP)
    connection = TwinConnection(
        lambda: lab.box.open("scpi"), lab.timekeeper, lab.faults, lambda: None
    )
    with pytest.raises(TypeError, match="byte streams"):
        connection.connection_made(object())


# A manual clock: what happens depends on the commands alone


def test_each_answer_takes_a_millisecond() -> None:
    lab = Bench(ClockMode.MANUAL)
    connection, _ = lab.connect()
    connection.data_received(b"A\nB?\nC\nD?\n")
    since_ms = [(fs - lab.clock.start_fs) / FS_PER_MS for _, fs in lab.box.done]
    assert since_ms == [0, 0, 1, 1]


async def test_while_a_twin_computes_commands_wait_and_the_clock_stands() -> None:
    lab = Bench(ClockMode.MANUAL)
    (one, wire), (other, other_wire) = lab.connect(), lab.connect()
    one.data_received(b"COMPUTE\nBUSY?\n")
    other.data_received(b"A?\n")
    one.poll()
    assert (wire.sent, other_wire.sent, lab.since_start_s) == ([], [], 0)
    lab.box.computing = False
    lab.box.busy_until_fs = lab.clock.start_fs + FS_PER_S
    lab.timekeeper.leap()
    one.poll()
    other.poll()
    assert (wire.sent, other_wire.sent) == ([b"0\n"], [b"A?\n"])
    assert [fs - lab.clock.start_fs for _, fs in lab.box.done] == [
        0,
        FS_PER_S,
        FS_PER_S + FS_PER_MS,
    ]


def test_a_command_that_comes_before_the_news_of_a_computation_finds_it_over() -> None:
    lab = Bench(ClockMode.MANUAL)
    connection, wire = lab.connect()
    connection.data_received(b"COMPUTE\n")
    lab.box.computing = False  # by another thread, which has told nobody yet
    lab.box.busy_until_fs = lab.clock.start_fs + FS_PER_S
    connection.data_received(b"BUSY?\n")
    assert wire.sent == [b"0\n"]
    assert lab.box.done[-1] == ("BUSY?", lab.clock.start_fs + FS_PER_S)


COMMANDS = st.lists(
    st.sampled_from([b"A\n", b"A?\n", b"RUN 0.5\n", b"DONE?\n", b"BUSY?\n", b"LONG?\n"])
)


@given(COMMANDS, st.data())
def test_how_commands_lie_in_packets_does_not_tell(commands, data) -> None:
    stream = b"".join(commands)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))))
    outcomes = []
    for packets in (
        [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)],
        commands,
    ):
        lab = Bench(ClockMode.MANUAL)
        connection, wire = lab.connect()
        for packet in packets:
            connection.data_received(packet)
            connection.poll()
        outcomes.append((b"".join(wire.sent), lab.box.done, lab.clock.now_fs()))
    assert outcomes[0] == outcomes[1]


async def test_a_client_that_sends_much_is_served_in_turns_with_others(monkeypatch) -> None:
    monkeypatch.setattr(connection_module, "TURN_S", 0.0)
    lab = Bench(ClockMode.LEAP)
    (greedy, wire), (other, other_wire) = lab.connect(), lab.connect()
    lines = 5 * MANY_LINES
    greedy.data_received(b"A?\n" * lines)
    assert len(lab.box.done) == MANY_LINES
    assert not wire.reading
    greedy.eof_received()
    assert not wire.closed
    other.data_received(b"B?\n")
    assert other_wire.sent == [b"B?\n"]
    for _ in range(lines // MANY_LINES):
        await asyncio.sleep(0)
    assert b"".join(wire.sent) == b"A?\n" * lines
    assert wire.closed


async def test_a_client_that_hangs_up_amid_its_turn_is_forgotten(monkeypatch) -> None:
    monkeypatch.setattr(connection_module, "TURN_S", 0.0)
    lab = Bench(ClockMode.LEAP)
    connection, _ = lab.connect()
    connection.data_received(b"A\n" * (3 * MANY_LINES))
    connection.connection_lost(None)
    await asyncio.sleep(0)
    assert len(lab.box.done) == MANY_LINES


def test_on_a_manual_clock_each_is_served_to_the_end(monkeypatch) -> None:
    monkeypatch.setattr(connection_module, "TURN_S", 0.0)
    lab = Bench(ClockMode.MANUAL)
    connection, _ = lab.connect()
    connection.data_received(b"A\n" * 1000)
    assert len(lab.box.done) == 1000


class Polite:
    """A session that greets, and ends the connection when it hears of it."""

    def __init__(self) -> None:
        self.greeted = self.gone = self.ended = False

    def feed(self, data: bytes, now_fs: int) -> bytes:
        if not self.greeted:
            self.greeted = True
            return b"hello "
        self.ended = data == b"bye"
        return b"bye" if self.ended else b""

    def hung_up(self) -> None:
        self.gone = True


def polite(mode: ClockMode) -> tuple[Polite, TwinConnection, Wire]:
    lab, session, wire = Bench(mode), Polite(), Wire()
    time = TimeOf(lab.timekeeper, "box")
    connection = TwinConnection(lambda: session, time, lab.faults, lambda: None)
    connection.connection_made(wire)
    return session, connection, wire


def test_an_instrument_that_greets_does_so_before_it_is_spoken_to(mode) -> None:
    _, _, wire = polite(mode)
    assert wire.sent == [b"hello "]


def test_an_instrument_that_has_no_more_to_say_ends_the_connection_behind_its_answer(mode) -> None:
    _, connection, wire = polite(mode)
    connection.data_received(b"bye")
    assert wire.sent == [b"hello ", b"bye"]
    assert wire.closed
    assert not wire.aborted


def test_an_instrument_that_minds_hears_that_its_client_is_gone(mode) -> None:
    session, connection, _ = polite(mode)
    connection.connection_lost(None)
    assert session.gone


class Slow:
    """A box that takes 10 ms for an answer."""

    def __init__(self) -> None:
        self.pace = AnswerPace(lines_with_rests(0.010, 0.0))

    def horizon(self, now_fs: int) -> Horizon:
        return self.pace.horizon(now_fs)

    def feed(self, data: bytes, now_fs: int) -> bytes:
        return data


def slow(mode: ClockMode) -> tuple[Bench, TwinConnection, Wire]:
    box = Slow()
    lab, wire = Bench(mode, box), Wire()
    connection = TwinConnection(
        lambda: box.pace.through(box), TimeOf(lab.timekeeper, "box"), lab.faults, lambda: None
    )
    connection.connection_made(wire)
    return lab, connection, wire


def passes(lab: Bench, connection: TwinConnection) -> None:
    """Let 10 ms pass, as :meth:`ServedLaboratory.poll` does."""
    lab.wall_ns += 10_000_000
    connection.due()
    while lab.timekeeper.leap():
        connection.due()


async def test_a_client_that_sends_no_more_hears_what_it_waits_for(mode) -> None:
    lab, connection, wire = slow(mode)
    connection.data_received(b"A\nB\n")
    assert connection.eof_received()
    for _ in range(3):
        assert wire.closed == (b"".join(wire.sent) == b"A\nB\n")
        passes(lab, connection)
    assert wire.closed
    connection.connection_lost(None)


async def test_on_a_manual_clock_a_slow_box_answers_at_once_beside_a_chip() -> None:
    """In a laboratory no program waits for it; there it would."""
    lab, other, _ = slow(ClockMode.MANUAL)
    other.connection_lost(None)
    keeper, wire = Timekeeper(lab.clock, {"box": lab.box}, chip=True), Wire()
    connection = TwinConnection(
        lambda: lab.box.pace.through(lab.box), TimeOf(keeper, "box"), lab.faults, lambda: None
    )
    connection.connection_made(wire)
    before_fs = lab.clock.now_fs()
    for _ in range(3):
        connection.data_received(b"A\n")
    assert wire.sent == [b"A\n"] * 3
    assert lab.clock.now_fs() == before_fs + 3 * ANSWER_FS
    assert lab.box.horizon(lab.clock.now_fs()) == IDLE
    connection.connection_lost(None)


async def test_on_a_manual_clock_it_answers_while_another_one_computes_for_long() -> None:
    lab, other, _ = slow(ClockMode.MANUAL)
    other.connection_lost(None)
    computing, wall_s, wire = Box(), [100.0], Wire()
    computing.computing = True
    keeper = Timekeeper(
        lab.clock, {"box": lab.box, "computing": computing}, monotonic_s=lambda: wall_s[0]
    )
    connection = TwinConnection(
        lambda: lab.box.pace.through(lab.box), TimeOf(keeper, "box"), lab.faults, lambda: None
    )
    connection.connection_made(wire)
    before_fs = lab.clock.now_fs()
    connection.data_received(b"A\n")
    assert wire.sent == []
    wall_s[0] += 1.01 * HOLDS_FOR_S
    connection.due()
    assert wire.sent == [b"A\n"]
    assert lab.clock.now_fs() == before_fs
    connection.connection_lost(None)


async def test_a_client_that_is_far_ahead_of_the_box_is_not_listened_to() -> None:
    lab, connection, wire = slow(ClockMode.PACED)
    connection.data_received((BEHIND_MAX + 2) * b"A\n")
    assert not wire.reading
    for _ in range(BEHIND_MAX + 2):
        passes(lab, connection)
    assert wire.reading
    assert b"".join(wire.sent) == (BEHIND_MAX + 2) * b"A\n"
    connection.connection_lost(None)


async def test_on_a_fast_clock_nobody_waits_for_a_tick() -> None:
    """At 600 times the wall's rate 10 ms of the world are 17 us; no poll is needed."""
    lab, connection, wire = slow(ClockMode.PACED)
    lab.clock.set_rate(600)
    connection.data_received(b"A\n")
    assert wire.sent == []
    lab.wall_ns += 20_000
    for _ in range(100_000):
        if wire.sent:
            break
        await asyncio.sleep(0)
    assert wire.sent == [b"A\n"]
    connection.connection_lost(None)
