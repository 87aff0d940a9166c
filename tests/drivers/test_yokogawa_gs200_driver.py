"""The driver over real TCP against the twin."""

import itertools
import socket
import threading

import pytest

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.roles import FluxSource, Identity, Instrument, RampsByItself
from podium.drivers.yokogawa_gs200 import YokogawaGS200
from podium.sim_instruments.twins.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A as SourceTwin
from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200 as Twin


class Wiretap:
    """A twin that notes what it hears, and can be made to answer wrongly or not at all."""

    def __init__(self, twin) -> None:
        self.twin = twin
        self.heard = b""
        self.replies = {}
        self.asked = threading.Event()

    def open(self, port):
        self.session = self.twin.open(port)
        return self

    def feed(self, data, now_fs):
        self.heard += data
        for message, replies in self.replies.items():
            if message in data and (reply := next(replies, None)) is not None:
                self.asked.set()
                return reply
        return self.session.feed(data, now_fs)

    def horizon(self, now_fs):
        return self.twin.horizon(now_fs)


@pytest.fixture
def tap():
    return Wiretap(Twin("91T1"))


@pytest.fixture
def driver(serve, tap):
    driver = YokogawaGS200("bias_q0", serve(tap).visa)
    yield driver
    driver.close()


def level_v(tap, twin_servers):
    return tap.twin.level_v(twin_servers.clock.now_fs())


def test_a_ramp_may_be_begun_and_asked_for_its_end_later(driver, tap, twin_servers):
    assert isinstance(driver, RampsByItself)
    driver.begin_ramp_v("", 0.1, 1.0)
    assert b"STAT:EVEN?" not in tap.heard
    driver.end_ramp_v("")
    assert level_v(tap, twin_servers) == pytest.approx(0.1)
    driver.begin_ramp_v("", 0.1, 1.0)
    driver.end_ramp_v("")  # it was there
    with pytest.raises(Unreachable, match="no ramp was begun on this connection"):
        driver.end_ramp_v("")


def test_it_plays_its_roles(driver):
    source: FluxSource = driver
    instrument: Instrument = driver
    assert instrument.identity() == Identity("YOKOGAWA", "GS210", "91T1", "2.02")
    assert source.level_v("") == 0.0
    assert source.output_on("") is False


def test_connecting_only_reads(driver, tap):
    driver.identity()
    messages = [unit for line in tap.heard.split(b"\n") if line for unit in line.split(b";")]
    assert messages
    assert all(message.strip().endswith(b"?") for message in messages), messages


def test_the_first_ramp_switches_on_at_0_volts_and_ends_at_its_target(driver, tap, twin_servers):
    began_fs = twin_servers.clock.now_fs()
    driver.ramp_v("", 0.6, 0.5)
    assert (twin_servers.clock.now_fs() - began_fs) / 1e15 >= 1.2
    assert driver.output_on("")
    assert driver.level_v("") == 0.6
    assert level_v(tap, twin_servers) == 0.6
    assert b":SOUR:RANG 1;:SOUR:LEV 0;:OUTP 1" in tap.heard


def test_the_ramp_is_never_faster_than_asked_and_at_most_a_tick_slower(driver, tap):
    driver.ramp_v("", 0.61, 0.5)  # 1.22 s
    assert b":PROG:SLOP 1.3;:PROG:INT 1.3;" in tap.heard


def test_a_level_is_set_to_the_resolution_of_the_range(driver):
    driver.ramp_v("", 0.123456, 1.0)
    assert driver.level_v("") == 0.12346


def test_a_ramp_to_where_it_is_already_does_nothing(driver, tap):
    driver.ramp_v("", 0.5, 1.0)
    programs = tap.heard.count(b":PROG:RUN")
    driver.ramp_v("", 0.5, 1.0)
    assert tap.heard.count(b":PROG:RUN") == programs == 1


def test_a_larger_range_is_reached_by_way_of_0_volts(driver, tap, twin_servers):
    driver.ramp_v("", 1.0, 10.0)
    tap.heard = b""
    driver.ramp_v("", 2.0, 10.0)
    assert level_v(tap, twin_servers) == 2.0
    levels = [part.split(b";")[0] for part in tap.heard.split(b":SOUR:LEV ")[1:]]
    assert [float(level) for level in levels] == [0.0, 2.0]
    driver.ramp_v("", 0.5, 10.0)  # a smaller one is not gone back to
    assert driver.snapshot()["function"] == "VOLT"
    assert level_v(tap, twin_servers) == 0.5


def test_an_output_that_is_on_already_keeps_its_range_and_starts_where_it_is(driver, tap):
    tap.twin.open("scpi").feed(b":SOUR:RANG 10;LEV 0.3;:OUTP 1\n", 0)
    driver.ramp_v("", 0.4, 1.0)
    assert b":SOUR:RANG 1" not in tap.heard.replace(b":SOUR:RANG?", b"")
    assert b":PROG:SLOP 0.1;" in tap.heard


@pytest.mark.parametrize(
    ("channel", "target_v", "slew", "why"),
    [
        ("out1", 0.1, 0.1, "no channel 'out1'"),
        ("", 40.0, 1.0, "from -32 to 32 V"),
        ("", 0.1, 0.0, "above 0"),
        ("", 1.0, 1e-4, "3600"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_moves(
    driver, tap, channel, target_v, slew, why
):
    with pytest.raises(Refused, match=why):
        driver.ramp_v(channel, target_v, slew)
    assert b":PROG:RUN" not in tap.heard


def test_a_box_that_sources_current_is_left_alone(driver, tap):
    tap.twin.open("scpi").feed(b":SOUR:FUNC CURR\n", 0)
    with pytest.raises(Refused, match="CURR"):
        driver.ramp_v("", 0.1, 0.1)
    with pytest.raises(Refused, match="CURR"):
        driver.level_v("")


def test_safe_holds_a_ramp_where_it_is(tap, twin_servers):
    driver = YokogawaGS200("bias_q0", twin_servers.serve(tap, leaping=False).visa)
    tap.twin.open("scpi").feed(b":SOUR:RANG 1;:OUTP 1\n", 0)
    driver._session.write(":PROG:SLOP 100;INT 100;EDIT:STAR;:SOUR:LEV 1;:PROG:EDIT:END;:PROG:RUN")
    driver.safe()
    held_v = driver.level_v("")
    assert 0.0 <= held_v < 0.5
    assert driver.output_on("")
    now_fs = twin_servers.clock.now_fs()
    assert tap.twin.level_v(now_fs) == tap.twin.level_v(now_fs + 50 * 10**15)
    driver.safe()  # nothing runs: no error
    assert driver.level_v("") == held_v
    driver.close()


def test_a_refusal_of_the_box_is_told_with_its_own_words(driver, tap):
    tap.twin.open("scpi").feed(b":SOUR:RANG 1;:OUTP 1\n", 0)
    tap.replies = {b"SYST:ERR?": iter([b'-221,"Settings conflict"\n'])}
    with pytest.raises(Refused, match='bias_q0 refused a ramp: -221,"Settings conflict"'):
        driver.ramp_v("", 0.1, 1.0)


def test_an_error_queue_that_never_empties_is_a_protocol_error(driver, tap):
    tap.replies = {b"SYST:ERR?": itertools.repeat(b'-221,"Settings conflict"\n')}
    with pytest.raises(ProtocolError, match="never empties"):
        driver.safe()


def test_a_ramp_that_ends_elsewhere_is_a_protocol_error(driver, tap):
    driver.ramp_v("", 0.1, 1.0)
    tap.replies = {b":SOUR:LEV?": iter([b"+0.10000E+0\n", b"+0.17000E+0\n"])}
    with pytest.raises(ProtocolError, match=r"0\.2 V .* 0\.17000 V"):
        driver.ramp_v("", 0.2, 1.0)


def test_an_answer_that_is_no_number_is_a_protocol_error(driver, tap):
    tap.replies = {b":SOUR:LEV?": itertools.repeat(b"about one volt\n")}
    with pytest.raises(ProtocolError, match=r"bias_q0 .*:SOUR:LEV\?.*makes no sense"):
        driver.level_v("")


@pytest.mark.parametrize("question", [b":OUTP?", b":SOUR:FUNC?", b":SOUR:LEV?"])
@pytest.mark.parametrize("nonsense", [b"?\n", b"NAN\n"])
def test_nonsense_moves_nothing(driver, tap, question, nonsense):
    driver.ramp_v("", 0.5, 10.0)
    tap.heard = b""
    tap.replies = {question: itertools.repeat(nonsense)}
    with pytest.raises(ProtocolError, match=question.decode().replace("?", r"\?")):
        driver.ramp_v("", 0.1, 1.0)
    assert b":OUTP 1" not in tap.heard
    assert b":PROG:RUN" not in tap.heard


def test_a_box_of_another_kind_is_asked_for_its_name_and_nothing_else(serve):
    tap = Wiretap(SourceTwin("1"))
    with pytest.raises(Refused, match=r"bias_q0 at TCPIP.*SGS100A.*says a Yokogawa GS200"):
        YokogawaGS200("bias_q0", serve(tap).visa)
    assert tap.heard.split() == [b"*IDN?"]


def test_a_box_that_does_not_answer_is_unreachable(driver, tap):
    driver._session.instrument.timeout(0.2)
    tap.replies = {b":SOUR:LEV?": itertools.repeat(b"")}
    with pytest.raises(Unreachable, match="bias_q0 at TCPIP"):
        driver.level_v("")


def test_a_late_reply_is_never_taken_for_the_next_answer(driver, tap):
    driver._session.instrument.timeout(0.2)
    tap.replies = {b":SOUR:LEV?": iter([b""]), b":OUTP?": iter([b"+0.70000E+0\n1\n"])}
    with pytest.raises(Unreachable):
        driver.level_v("")
    with pytest.raises(Unreachable, match="was closed"):
        driver.output_on("")


def test_a_connection_that_is_dropped_is_unreachable(driver, twin_servers):
    driver._session.instrument.timeout(0.3)
    twin_servers.drop_clients()
    with pytest.raises(Unreachable):
        driver.level_v("")


def test_a_box_that_is_not_there_is_unreachable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        visa = f"TCPIP::127.0.0.1::{taken.getsockname()[1]}::SOCKET"
        with pytest.raises(Unreachable, match="to connect"):
            YokogawaGS200("bias_q0", visa)


def test_a_box_that_hangs_up_at_once_is_unreachable():
    def hang_up(listening):
        listening.accept()[0].close()

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        serving = threading.Thread(target=hang_up, args=(listening,))
        serving.start()
        visa = f"TCPIP::127.0.0.1::{listening.getsockname()[1]}::SOCKET"
        with pytest.raises(Unreachable, match="was asked to connect"):
            YokogawaGS200("bias_q0", visa)
        serving.join()


def test_closing_from_another_thread_frees_a_call_that_hangs(driver, tap):
    tap.replies = {b":SOUR:LEV?": itertools.repeat(b"")}
    raised: list[BaseException] = []

    def hang() -> None:
        try:
            driver.level_v("")
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=hang)
    thread.start()
    assert tap.asked.wait(5)
    driver.close()
    thread.join(1)
    assert not thread.is_alive()
    assert isinstance(raised[0], Unreachable)


def test_a_closed_driver_says_so_and_may_be_closed_again(driver):
    driver.close()
    driver.close()
    with pytest.raises(Unreachable, match="was closed"):
        driver.level_v("")


def test_two_drivers_of_the_same_name_live_in_one_process(serve, driver):
    other = YokogawaGS200("bias_q0", serve(Twin("91T2")).visa)
    assert other.identity().serial == "91T2"
    assert driver.identity().serial == "91T1"
    other.close()
