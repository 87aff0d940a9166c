"""The driver over real TCP and UDP against the twin."""

import asyncio
import json
import socket
import threading

import pytest

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.roles import Clock as ClockRole
from podium.drivers.roles import (
    Examinable,
    Identity,
    Instrument,
    MakesSafe,
    ShowsClock,
    TriggerPlane,
)
from podium.drivers.wrtd_node import transport
from podium.drivers.wrtd_node.node import WrtdNode
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai
from podium.sim_instruments.physics.clock_makes import ClockMake
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import still_air
from podium.sim_instruments.twins.wrtd_node.node import WrtdNode as Twin

HOLDOFF_NS = 1_000_000


class Tap:
    """A node whose wires can be listened to, tampered with and cut."""

    def __init__(self) -> None:
        self.twin = Twin("0042", lambda make: Clock(1, "wrtd_a", ClockMake(), still_air()))
        self.heard: list[bytes] = []
        self.events: list[bytes] = []
        self.came = threading.Event()
        self.tamper = lambda answer: answer

    def open(self, port):
        self.session = self.twin.open(port)
        return self

    def feed(self, data, now_fs):
        self.heard.append(data)
        return self.tamper(self.session.feed(data, now_fs))

    def horizon(self, now_fs):
        return self.twin.horizon(now_fs)

    def hear(self, port, datagram, now_fs):
        self.events.append(datagram)
        answer = self.twin.hear(port, datagram, now_fs)
        self.came.set()
        return answer

    def calls(self) -> list[str]:
        heard, self.heard = self.heard, []
        return [json.loads(line)["call"] for line in b"".join(heard).splitlines()]


@pytest.fixture
def tap():
    return Tap()


@pytest.fixture
def place(twin_servers, tap):
    service = twin_servers.serve(tap, "service")
    events = twin_servers.serve_datagrams(tap, "events")
    return service.host, {"service": service.port, "events": events.port}


@pytest.fixture
def driver(place):
    driver = WrtdNode("wrtd_a", *place)
    yield driver
    driver.close()


def test_it_plays_its_roles(driver):
    instrument: Instrument = driver
    plane: TriggerPlane = driver
    clock: ClockRole = driver
    examined: Examinable = driver
    safe: MakesSafe = driver
    assert instrument.identity() == Identity("CERN", "podium-wrtd", "0042", "1.0")
    assert plane.link() == "synced"
    assert clock.now() > Tai(0, 0)
    assert examined.examine().complaints == ()
    safe.safe()


def test_connecting_only_reads(driver, tap):
    driver.identity()
    driver.snapshot()
    calls = tap.calls()
    assert calls
    assert all(call.startswith(("get_", "link_state")) for call in calls)


def test_an_event_raises_the_output_that_was_prepared_for_it(driver, tap):
    driver.prepare_trigger("LC-O2", "START", HOLDOFF_NS)
    at = Tai.from_fs(driver.now().total_fs // 8_000_000 * 8_000_000 + FS_PER_S)
    driver.send_event("START", at)
    assert tap.came.wait(30)
    assert tap.twin.outputs["LC-O2"].edges() == (at.total_fs,)
    counts = driver.trigger_counts("LC-O2")
    assert (counts.received, counts.raised, counts.missed) == (1, 1, 0)


def test_an_output_can_be_delayed_by_nanoseconds(driver, tap):
    driver.prepare_trigger("LC-O1", "START", HOLDOFF_NS, delay_ns=3)
    at = Tai(driver.now().seconds + 1, 0)
    driver.send_event("START", at)
    assert tap.came.wait(30)
    assert tap.twin.outputs["LC-O1"].edges() == (at.total_fs + 3_000_000,)
    with pytest.raises(Refused, match="a delay is 0 to 999999999 ns, not -1 ns"):
        driver.prepare_trigger("LC-O1", "START", HOLDOFF_NS, delay_ns=-1)


def test_a_prepared_output_drops_what_is_late_and_copies(driver, tap):
    driver.prepare_trigger("LC-O1", "START", HOLDOFF_NS)
    driver.send_event("START", Tai(0, 0))
    assert tap.came.wait(30)
    counts = driver.trigger_counts("LC-O1")
    assert (counts.received, counts.late, counts.raised) == (1, 1, 0)
    assert driver.snapshot() == {
        "link": "synced",
        "rules": ["podium-LC-O1"],
        "podium-LC-O1.source": "START",
        "podium-LC-O1.destination": "LC-O1",
        "podium-LC-O1.enabled": True,
        "podium-LC-O1.send_late": False,
        "podium-LC-O1.delay_ns": 0,
        "podium-LC-O1.holdoff_ns": HOLDOFF_NS,
    }


def test_what_is_asked_together_is_one_message(driver, tap):
    driver.prepare_trigger("LC-O1", "START", HOLDOFF_NS)
    tap.heard.clear()
    driver.trigger_counts("LC-O1")
    driver.now()
    driver.release_trigger("LC-O1")
    assert len(tap.heard) == 3  # counts; the time; which rules, off and away
    assert len(tap.calls()) == 6 + 2 + 1 + 1 + 2


def test_preparing_again_takes_two_messages(driver, tap):
    for _ in range(2):
        driver.prepare_trigger("LC-O1", "START", HOLDOFF_NS)
    tap.heard.clear()
    driver.prepare_trigger("LC-O1", "START", HOLDOFF_NS)
    assert len(tap.heard) == 2  # which rules, off, away, anew and as wanted; on, and what it has
    tap.twin.rules.clear()  # by somebody else
    driver.prepare_trigger("LC-O1", "OTHER", HOLDOFF_NS)
    assert driver.snapshot()["rules"] == ["podium-LC-O1"]
    assert tap.twin.rules["podium-LC-O1"].source == "OTHER"


ASKED = {
    "time": lambda node: node.now(),
    "counts": lambda node: node.trigger_counts("LC-O1"),
    "trigger": lambda node: node.prepare_trigger("LC-O1", "OTHER", HOLDOFF_NS),
    "nothing": lambda node: None,
}


@pytest.mark.parametrize("what", ASKED)
def test_its_clock_is_looked_at_in_the_packet_of_what_was_asked_before(driver, tap, what) -> None:
    driver.prepare_trigger("LC-O1", "START", HOLDOFF_NS)
    tap.heard.clear()
    told, signs = driver.signs_behind(ASKED[what])
    assert signs == driver.clock_signs()
    assert (told is None) == (what in ("trigger", "nothing"))
    *asked, last = (json.loads(line)["call"] for line in tap.heard[-2].splitlines())
    assert last == "link_losses"
    assert "link_losses" not in asked
    assert len(tap.heard) == (2 if what == "trigger" else 1) + 1


def test_a_look_at_its_clock_comes_with_the_last_of_several_questions(
    driver, tap, twin_servers
) -> None:
    driver.prepare_trigger("LC-O1", "START", HOLDOFF_NS)

    def ask(node: WrtdNode) -> int:
        node.now()
        tap.twin.unplug(twin_servers.clock.now_fs())
        return node.trigger_counts("LC-O1").received

    assert driver.signs_behind(ask) == (0, driver.clock_signs())
    assert driver.clock_signs()["losses"] == 1


def test_who_asks_in_vain_looks_at_nothing_later(driver, tap) -> None:
    with pytest.raises(Refused):
        driver.signs_behind(lambda node: node.trigger_counts("LC-O1"))
    tap.heard.clear()
    driver.now()
    assert "link_losses" not in tap.calls()


def test_a_rule_that_was_refused_in_part_is_not_switched_on(driver, tap):
    with pytest.raises(Refused, match="LC-O9 is no output of it"):
        driver.prepare_trigger("LC-O9", "START", HOLDOFF_NS)
    assert not tap.twin.rules["podium-LC-O9"].enabled
    assert driver.identity().serial == "0042", "and all answers have been read"


def test_preparing_again_begins_anew_and_leaves_rules_of_others_alone(driver, tap):
    tap.twin.open("service").feed(b'{"id": 1, "call": "add_rule", "args": ["theirs"]}\n', 0)
    for event_id in ("START", "OTHER"):
        driver.prepare_trigger("LC-O1", event_id, HOLDOFF_NS)
    assert set(driver.snapshot()["rules"]) == {"theirs", "podium-LC-O1"}
    assert tap.twin.rules["podium-LC-O1"].source == "OTHER"
    driver.release_trigger("LC-O1")
    driver.release_trigger("LC-O1")
    assert driver.snapshot()["rules"] == ["theirs"]
    with pytest.raises(Refused, match="there is no rule 'podium-LC-O1'"):
        driver.trigger_counts("LC-O1")


def test_making_safe_lets_nothing_be_raised(driver, tap):
    driver.prepare_trigger("LC-O1", "START", HOLDOFF_NS)
    driver.safe()
    driver.send_event("START", Tai(driver.now().seconds + 1, 0))
    assert tap.came.wait(30)
    assert tap.twin.outputs["LC-O1"].edges() == ()


@pytest.mark.parametrize(
    ("output", "event_id", "holdoff_ns", "says"),
    [
        ("LC-O9", "START", 1, "LC-O9 is no output of it; there are LC-O1, LC-O2"),
        ("LC-O1", "two words", 1, "an event id has 1 to 15 printable"),
        ("LC-O1", "START", -1, "a hold-off is 0 to 999999999 ns, not -1 ns"),
        ("LC-O1", "START", 10**9, "not 1000000000 ns"),
    ],
)
def test_what_the_node_cannot_do_is_refused(driver, output, event_id, holdoff_ns, says):
    with pytest.raises(Refused, match=says):
        driver.prepare_trigger(output, event_id, holdoff_ns)
    assert driver.identity().serial == "0042", "and the connection is still good"


def test_an_event_at_a_time_that_no_message_can_say_is_refused_and_not_sent(driver, tap):
    for event_id, at in (("START", Tai(1_800_000_000, 1)), ("no blanks", Tai(1, 0))):
        with pytest.raises(Refused, match="no event"):
            driver.send_event(event_id, at)
    assert tap.events == []


def test_events_count_up_and_carry_the_domain(place, tap):
    driver = WrtdNode("wrtd_a", *place, domain="9")
    try:
        for _ in range(2):
            tap.came.clear()
            driver.send_event("START", Tai(1, 0))
            assert tap.came.wait(30)
    finally:
        driver.close()
    first, second = tap.events
    assert (first[3], second[3]) == (9, 9)
    numbers = [int.from_bytes(one[20:24], "little") for one in (first, second)]
    assert numbers[1] == numbers[0] + 1


@pytest.mark.parametrize("domain", ["256", "-1", "x", ""])
def test_a_domain_that_there_is_not_is_refused(place, domain):
    with pytest.raises(Refused, match="LXI domain is a number from 0 to 255"):
        WrtdNode("wrtd_a", *place, domain=domain)


def test_without_its_network_it_has_no_time_and_says_so(driver, tap, twin_servers):
    tap.twin.unplug(twin_servers.clock.now_fs())
    with pytest.raises(Refused, match="wrtd_a has no time: its White Rabbit link is offline"):
        driver.now()
    assert driver.examine().complaints == ("White Rabbit link is offline",)


def test_it_shows_how_often_its_link_was_lost_and_another_connection_as_well(
    driver, tap, place, twin_servers
):
    shows: ShowsClock = driver
    assert shows.clock_signs() == {"losses": 0, "since_s": 0}
    tap.twin.unplug(twin_servers.clock.now_fs())
    assert shows.clock_signs()["losses"] == 1
    tap.twin.plug(twin_servers.clock.now_fs())
    assert shows.clock_signs()["losses"] == 1, "it was lost once, and is on its way back"
    other = WrtdNode("wrtd_a", *place)
    assert other.clock_signs() == shows.clock_signs()
    other.close()


@pytest.mark.parametrize("value", [b"2", b'{"losses": 1}', b'{"losses": "1", "since_s": 0}'])
def test_losses_that_are_no_numbers_are_an_error_of_the_protocol(driver, tap, value):
    tap.tamper = lambda answer: answer.replace(b'{"losses": 0, "since_s": 0}', value)
    with pytest.raises(ProtocolError, match="wrtd_a: "):
        driver.clock_signs()


def test_a_setting_that_does_not_read_back_switches_all_off(driver, tap):
    tap.tamper = lambda answer: answer.replace(b'"START"', b'"STOP"')
    with pytest.raises(ProtocolError, match="was told RULE_SOURCE 'START' and has 'STOP'"):
        driver.prepare_trigger("LC-O1", "START", HOLDOFF_NS)
    assert not tap.twin.rules["podium-LC-O1"].enabled


def test_silence_is_unreachable_and_costs_the_connection(driver, tap):
    driver._transport._line.settimeout(0.05)
    tap.tamper = lambda answer: b""
    with pytest.raises(Unreachable, match=r"was asked link_state.*no answer within"):
        driver.link()
    tap.tamper = lambda answer: answer
    with pytest.raises(Unreachable):
        driver.link()


@pytest.mark.parametrize(
    "answer",
    [
        b"what?\n",
        b"[]\n",
        b'{"id": 77777, "ok": "synced"}\n',
        b'{"id": null, "ok": "synced"}\n',
        b'{"error": 5}\n',
        b"x" * (16 * 4096 + 1),
    ],
)
def test_garbage_is_an_error_of_the_protocol_and_costs_the_connection(driver, tap, answer):
    tap.tamper = lambda _: answer
    with pytest.raises(ProtocolError, match="wrtd_a was asked link_state"):
        driver.link()
    with pytest.raises(Unreachable):
        driver.link()


@pytest.mark.parametrize("value", [b'"1"', b"null", b"[]"])
def test_a_value_of_another_kind_is_an_error_of_the_protocol(driver, tap, value):
    tap.tamper = lambda answer: answer.replace(b'"ok": true', b'"ok": ' + value)
    with pytest.raises(ProtocolError, match="IS_TIME_SYNCHRONIZED"):
        driver.now()


def test_an_answer_in_pieces_is_read_whole(driver, tap, twin_servers):
    def in_pieces(answer):
        (writer,) = twin_servers._clients.values()
        asyncio.get_running_loop().call_later(0.01, writer.write, answer[5:])
        return answer[:5]

    tap.tamper = in_pieces
    assert driver.link() == "synced"


def test_a_dropped_connection_is_unreachable(driver, twin_servers):
    twin_servers.drop_clients()
    with pytest.raises(Unreachable, match="was asked link_state"):
        driver.link()


def test_nobody_there_is_unreachable(place):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ports = place[1] | {"service": free.getsockname()[1]}
        with pytest.raises(Unreachable, match=r"wrtd_a: connecting to 127\.0\.0\.1:"):
            WrtdNode("wrtd_a", "127.0.0.1", ports)


def test_closing_wakes_who_waits_and_is_done_once(driver, tap):
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            driver.link()
        except Unreachable as error:
            failed.append(error)

    waits = threading.Event()

    def silent(answer):
        waits.set()
        return b""

    tap.tamper = silent
    asking = threading.Thread(target=ask)
    asking.start()
    assert waits.wait(30)
    driver.close()
    asking.join(transport.ANSWER_S / 2)
    assert failed
    driver.close()


def test_a_rehearsal_tells_what_would_be_sent_and_sends_nothing(tap):
    told: list[str] = []
    driver = WrtdNode.rehearse("wrtd_a", told.append)
    driver.prepare_trigger("LC-O1", "START", HOLDOFF_NS)
    driver.send_event("START", Tai(1_800_000_000, 0))
    assert driver.link() == "synced"
    driver.close()
    assert told[0] == "add_rule('podium-LC-O1',)"
    assert "set_attr_bool('podium-LC-O1', 1150033, True)" in told
    assert told[-1].startswith("event 4c584900535441525400")
    assert tap.heard == []
