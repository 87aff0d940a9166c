import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS, FS_PER_S, FS_PER_US
from podium.firmware_interfaces.wrtd import EventMessage, EventTime, encode
from podium.firmware_interfaces.wrtd_node import (
    GLOBAL,
    LATENCY_NS,
    LINE_MAX,
    LOG_MAX,
    PULSE_WIDTH_NS,
    QUEUE_MAX,
    RULES_MAX,
    Attribute,
    ErrorCode,
    Request,
    ServiceError,
    Timestamp,
    decode_answer,
    encode_request,
)
from podium.sim_instruments.physics.clock_makes import ClockMake
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room, still_air
from podium.sim_instruments.twins.twin import IDLE, TakesDatagrams, Twin
from podium.sim_instruments.twins.wrtd_node.node import GUARD_FS, WrtdNode

NOW_FS = 1_800_000_000 * FS_PER_S
LEAD_FS = 25 * FS_PER_MS
A = Attribute


class Cable:
    def __init__(self) -> None:
        self.edges: list[int] = []

    def edge(self, at_fs: int) -> None:
        self.edges.append(at_fs)


class Lab:
    """A node whose clock is right, a cable in LC-O1, and the library's calls."""

    def __init__(self, make: ClockMake | None = ClockMake(), seed: int = 1) -> None:  # noqa: B008
        room = still_air() if make is not None else Room(seed)
        self.node = WrtdNode("0042", lambda usual: Clock(seed, "wrtd_a", make or usual, room))
        self.cable = Cable()
        self.node.connect("LC-O1", self.cable)
        self.now_fs = NOW_FS
        self.session = self.node.open("service")

    def call(self, call: str, *args: object) -> object:
        return decode_answer(
            self.session.feed(encode_request(Request(1, call, args)), self.now_fs), 1
        )

    def refused(self, code: ErrorCode, call: str, *args: object) -> str:
        with pytest.raises(ServiceError) as told:
            self.call(call, *args)
        assert told.value.code == code
        return told.value.message

    def rule(self, name: str = "start", source: str = "START", **settings: object) -> None:
        kinds = {bool: "bool", int: "int32", str: "string", dict: "tstamp"}
        self.call("add_rule", name)
        wanted = {"source": source, "destination": "LC-O1", "send_late": False, **settings}
        for word, value in wanted.items():
            number = A[f"RULE_{word.upper()}"]
            self.call(f"set_attr_{kinds[type(value)]}", name, number, value)
        self.call("set_attr_bool", name, A.RULE_ENABLED, True)

    def event(
        self, at_fs: int, event_id: str = "START", sequence: int = 1, domain: int = 0
    ) -> None:
        message = EventMessage(event_id, EventTime.from_fs(at_fs), sequence, domain)
        assert self.node.hear("events", encode(message), self.now_fs) == b""

    def counts(self, name: str = "start") -> dict[str, int]:
        words = (
            "RX_EVENTS",
            "TX_EVENTS",
            "MISSED_LATE",
            "MISSED_HOLDOFF",
            "MISSED_NOSYNC",
            "MISSED_OVERFLOW",
        )
        found = {w: self.call("get_attr_int32", name, A[f"STAT_RULE_{w}"]) for w in words}
        return {word: count for word, count in found.items() if count}  # type: ignore[misc]


@pytest.fixture
def lab() -> Lab:
    return Lab()


def ns(number: int) -> dict[str, int]:
    return Timestamp(0, number).as_json()


def test_it_is_a_twin_with_a_udp_port(lab: Lab) -> None:
    twin: Twin = lab.node
    assert isinstance(twin, TakesDatagrams)
    assert twin.ports == {"service": 5045, "events": 5044}
    with pytest.raises(KeyError, match="there is service"):
        twin.open("events")


def test_an_event_raises_its_output_at_its_time_stamp(lab: Lab) -> None:
    lab.rule()
    lab.event(NOW_FS + LEAD_FS)
    assert lab.cable.edges == [NOW_FS + LEAD_FS]
    assert lab.node.outputs["LC-O1"].edges() == (NOW_FS + LEAD_FS,)
    assert lab.counts() == {"RX_EVENTS": 1, "TX_EVENTS": 1}
    last = Timestamp.of(lab.call("get_attr_tstamp", "start", A.STAT_RULE_TX_LAST))
    assert last.total_fs == NOW_FS + LEAD_FS


def test_a_delay_is_added(lab: Lab) -> None:
    lab.rule(delay=ns(500_000))
    lab.event(NOW_FS)
    assert lab.cable.edges == [NOW_FS + 500 * FS_PER_US]


def test_an_output_is_moved_on_to_the_grid_of_its_rule(lab: Lab) -> None:
    lab.rule(resync_period=ns(1_000), resync_factor=2)
    lab.event(NOW_FS + LEAD_FS + 1 * FS_PER_NS)
    assert lab.cable.edges == [NOW_FS + LEAD_FS + 3 * FS_PER_US]


@pytest.mark.parametrize(
    ("event_id", "domain"), [("STARTS", 0), ("STAR", 0), ("start", 0), ("START", 1)]
)
def test_other_events_are_nothing_to_it(lab: Lab, event_id: str, domain: int) -> None:
    lab.rule()
    lab.event(NOW_FS + LEAD_FS, event_id, domain=domain)
    assert (lab.cable.edges, lab.counts()) == ([], {})


def test_the_domain_that_it_hears_can_be_another() -> None:
    node = WrtdNode("1", lambda make: Clock(1, "n", make, still_air()), domain="7")
    assert node._domain == 7
    with pytest.raises(ValueError, match="invalid literal"):
        WrtdNode("1", lambda make: Clock(1, "n", make, still_air()), domain="x")


@settings(deadline=None)  # the first clock compiles its kernels
@given(st.binary(max_size=50))
def test_garbage_raises_nothing_and_is_counted(garbage: bytes) -> None:
    lab = Lab()
    lab.rule()
    before = lab.node.tallies()["unknown"]
    lab.node.hear("events", garbage, NOW_FS)
    assert lab.cable.edges == []
    assert lab.node.tallies()["unknown"] == before + 1


def test_an_event_that_comes_too_late_raises_nothing(lab: Lab) -> None:
    lab.rule()
    just_fs = NOW_FS + LATENCY_NS * FS_PER_NS
    lab.event(just_fs - FS_PER_NS)
    assert lab.cable.edges == []
    lab.event(just_fs)
    assert lab.cable.edges == [just_fs]
    assert lab.counts() == {"RX_EVENTS": 2, "TX_EVENTS": 1, "MISSED_LATE": 1}
    missed = Timestamp.of(lab.call("get_attr_tstamp", "start", A.STAT_RULE_MISSED_LAST))
    assert missed.total_fs == just_fs - FS_PER_NS


def test_a_time_stamp_of_zero_is_late_not_now(lab: Lab) -> None:
    lab.rule()
    lab.event(0)
    assert (lab.cable.edges, lab.counts()) == ([], {"RX_EVENTS": 1, "MISSED_LATE": 1})


def test_a_rule_that_sends_late_raises_as_soon_as_it_can(lab: Lab) -> None:
    lab.rule(send_late=True)
    lab.event(NOW_FS - FS_PER_S)
    assert lab.cable.edges == [NOW_FS + LATENCY_NS * FS_PER_NS]
    assert lab.counts() == {"RX_EVENTS": 1, "TX_EVENTS": 1}


def test_a_new_rule_sends_late(lab: Lab) -> None:
    lab.call("add_rule", "start")
    assert lab.call("get_attr_bool", "start", A.RULE_SEND_LATE) is True


def test_what_comes_within_the_hold_off_raises_nothing_a_copy_included(lab: Lab) -> None:
    lab.rule(holdoff=ns(1_000_000))
    for after_fs in (0, 0, FS_PER_MS - FS_PER_NS, FS_PER_MS, -FS_PER_NS):
        lab.event(NOW_FS + LEAD_FS + after_fs)
    assert lab.cable.edges == [NOW_FS + LEAD_FS, NOW_FS + LEAD_FS + FS_PER_MS]
    assert lab.counts() == {"RX_EVENTS": 5, "TX_EVENTS": 2, "MISSED_HOLDOFF": 3}


def test_without_a_hold_off_a_copy_is_raised_into_the_same_pulse(lab: Lab) -> None:
    lab.rule()
    for after_fs in (0, 0, PULSE_WIDTH_NS * FS_PER_NS - FS_PER_NS, PULSE_WIDTH_NS * FS_PER_NS):
        lab.event(NOW_FS + LEAD_FS + after_fs)
    assert lab.cable.edges == [NOW_FS + LEAD_FS, NOW_FS + LEAD_FS + PULSE_WIDTH_NS * FS_PER_NS]
    assert lab.counts() == {"RX_EVENTS": 4, "TX_EVENTS": 4}


def test_an_output_has_room_for_so_many_pulses_and_no_more(lab: Lab) -> None:
    lab.rule()
    for number in range(QUEUE_MAX + 1):
        lab.event(NOW_FS + LEAD_FS + number * FS_PER_MS)
    assert len(lab.cable.edges) == QUEUE_MAX
    assert lab.counts()["MISSED_OVERFLOW"] == 1
    lab.now_fs = NOW_FS + LEAD_FS
    lab.event(NOW_FS + 2 * LEAD_FS)
    assert len(lab.cable.edges) == QUEUE_MAX + 1


def test_a_rule_ends_after_so_many_repetitions(lab: Lab) -> None:
    lab.rule(repeat_count=2)
    for number in range(3):
        lab.event(NOW_FS + LEAD_FS + number * FS_PER_MS)
    assert len(lab.cable.edges) == 2
    assert lab.call("get_attr_bool", "start", A.RULE_ENABLED) is False


def test_a_disabled_rule_raises_nothing_but_what_was_accepted_is_raised(lab: Lab) -> None:
    lab.rule()
    lab.event(NOW_FS + LEAD_FS)
    lab.call("disable_all_rules")
    lab.event(NOW_FS + 2 * LEAD_FS)
    assert lab.cable.edges == [NOW_FS + LEAD_FS]
    assert lab.node.horizon(NOW_FS).not_beyond_fs is not None


def test_two_rules_of_one_event_raise_two_outputs(lab: Lab) -> None:
    other = Cable()
    lab.node.connect("LC-O3", other)
    lab.rule()
    lab.rule("again", destination="LC-O3", delay=ns(10))
    lab.event(NOW_FS + LEAD_FS)
    assert (lab.cable.edges, other.edges) == (
        [NOW_FS + LEAD_FS],
        [NOW_FS + LEAD_FS + 10 * FS_PER_NS],
    )
    with pytest.raises(KeyError, match="no output 'LC-O9', there are LC-O1"):
        lab.node.connect("LC-O9", other)


def test_world_time_may_leap_up_to_the_guard_before_an_edge(lab: Lab) -> None:
    assert lab.node.horizon(NOW_FS) is IDLE
    lab.rule()
    lab.event(NOW_FS + FS_PER_S)
    horizon = lab.node.horizon(NOW_FS)
    assert (horizon.armed, horizon.busy_until_fs) == (False, None)
    assert horizon.not_beyond_fs == NOW_FS + FS_PER_S - GUARD_FS
    assert lab.node.horizon(NOW_FS + FS_PER_S) is IDLE


# Its clock


def test_edges_are_off_by_the_error_of_the_nodes_clock() -> None:
    lab = Lab(make=None)
    lab.rule(holdoff=ns(1_000))
    due_fs = [NOW_FS + LEAD_FS + number * FS_PER_S for number in range(5)]
    for at_fs in due_fs:
        lab.event(at_fs)
    late_fs = [edge_fs - at_fs for edge_fs, at_fs in zip(lab.cable.edges, due_fs, strict=True)]
    assert all(late_fs)
    assert max(map(abs, late_fs)) < 150_000, "some standard deviations of 13 ps and of the offset"
    assert len(set(late_fs)) == 5


def test_without_its_fibre_it_has_no_time_and_raises_nothing(lab: Lab) -> None:
    lab.rule()
    lab.node.unplug(NOW_FS)
    lab.event(NOW_FS + LEAD_FS)
    assert (lab.cable.edges, lab.counts()) == ([], {"RX_EVENTS": 1, "MISSED_NOSYNC": 1})
    assert lab.call("link_state") == "offline"
    assert lab.call("get_attr_bool", GLOBAL, A.IS_TIME_SYNCHRONIZED) is False


def test_a_link_comes_up_state_by_state(lab: Lab) -> None:
    lab.node.unplug(NOW_FS)
    lab.node.plug(NOW_FS + FS_PER_S)
    seen = []
    for tenths in range(125):
        lab.now_fs = NOW_FS + tenths * FS_PER_S // 10
        state = lab.call("link_state")
        if seen[-1:] != [state]:
            seen.append(state)
    assert seen == ["offline", "online", "syncing", "wait", "synced"]
    assert lab.node.clock.epoch(lab.now_fs) == 1


def test_its_time_of_day_counts_cycles_of_8_ns(lab: Lab) -> None:
    lab.now_fs = NOW_FS + 8 * FS_PER_NS * 1_000 - 1
    shown = Timestamp.of(lab.call("get_attr_tstamp", GLOBAL, A.SYS_TIME))
    assert shown.total_fs == NOW_FS + 8 * FS_PER_NS * 999


# The library's refusals


def test_a_rule_is_added_once_and_removed_when_it_is_off(lab: Lab) -> None:
    lab.rule()
    assert "there is a rule 'start'" in lab.refused(ErrorCode.RULE_EXISTS, "add_rule", "start")
    lab.refused(ErrorCode.RESOURCE_ACTIVE, "remove_rule", "start")
    lab.refused(ErrorCode.RESOURCE_ACTIVE, "remove_all_rules")
    lab.refused(ErrorCode.RESOURCE_ACTIVE, "reset_rule_stats", "start")
    lab.call("disable_all_rules")
    lab.event(NOW_FS + LEAD_FS)
    lab.call("remove_rule", "start")
    lab.refused(ErrorCode.RULE_DOES_NOT_EXIST, "remove_rule", "start")
    assert lab.call("get_attr_int32", GLOBAL, A.RULE_COUNT) == 0


def test_there_is_room_for_so_many_rules(lab: Lab) -> None:
    for number in range(RULES_MAX):
        lab.call("add_rule", f"rule{number}")
    lab.refused(ErrorCode.OUT_OF_RESOURCES, "add_rule", "one more".replace(" ", "_"))
    assert lab.call("get_rule_name", 1) == "rule0"
    assert lab.call("get_rule_name", RULES_MAX) == f"rule{RULES_MAX - 1}"
    for index in (0, RULES_MAX + 1):
        lab.refused(ErrorCode.RULE_DOES_NOT_EXIST, "get_rule_name", index)


def test_an_enabled_rule_is_not_changed(lab: Lab) -> None:
    lab.rule()
    lab.refused(ErrorCode.RESOURCE_ACTIVE, "set_attr_string", "start", A.RULE_SOURCE, "OTHER")
    lab.refused(ErrorCode.RESOURCE_ACTIVE, "set_attr_string", "start", A.RULE_DESTINATION, "LC-O2")
    lab.refused(ErrorCode.RESOURCE_ACTIVE, "set_attr_tstamp", "start", A.RULE_DELAY, ns(5))
    lab.event(NOW_FS + LEAD_FS)
    assert lab.cable.edges == [NOW_FS + LEAD_FS]


@pytest.mark.parametrize(
    ("code", "call", "args"),
    [
        (ErrorCode.INVALID_ATTRIBUTE, "get_attr_bool", ("start", 5)),
        (ErrorCode.INVALID_ATTRIBUTE, "get_attr_bool", ("start", A.RULE_SOURCE)),
        (ErrorCode.INVALID_ATTRIBUTE, "get_attr_bool", (GLOBAL, A.RULE_ENABLED)),
        (ErrorCode.INVALID_ATTRIBUTE, "get_attr_int32", (GLOBAL, A.SYS_TIME)),
        (ErrorCode.INVALID_ATTRIBUTE, "set_attr_int32", ("start", A.RULE_ENABLED, 1)),
        (ErrorCode.ATTR_GLOBAL, "get_attr_tstamp", ("start", A.SYS_TIME)),
        (ErrorCode.ATTR_NOT_WRITEABLE, "set_attr_tstamp", (GLOBAL, A.SYS_TIME, ns(0))),
        (ErrorCode.ATTR_NOT_WRITEABLE, "set_attr_int32", ("start", A.STAT_RULE_RX_EVENTS, 0)),
        (ErrorCode.INVALID_VALUE, "add_rule", ("a rule with a long name",)),
        (ErrorCode.RULE_EXISTS, "add_rule", (GLOBAL,)),
        (ErrorCode.INVALID_VALUE, "set_attr_string", ("start", A.RULE_SOURCE, "")),
        (ErrorCode.INVALID_VALUE, "set_attr_string", ("start", A.RULE_DESTINATION, "LC-O5")),
        (ErrorCode.INVALID_VALUE, "set_attr_string", ("start", A.RULE_DESTINATION, "MESSAGE")),
        (
            ErrorCode.INVALID_VALUE,
            "set_attr_tstamp",
            ("start", A.RULE_DELAY, Timestamp(1, 0).as_json()),
        ),
        (
            ErrorCode.INVALID_VALUE,
            "set_attr_tstamp",
            ("start", A.RULE_HOLDOFF, Timestamp(0, 1, 1).as_json()),
        ),
        (ErrorCode.INVALID_VALUE, "set_attr_int32", ("start", A.RULE_REPEAT_COUNT, -1)),
        (ErrorCode.INVALID_VALUE, "set_attr_bool", ("start", A.RULE_ENABLED, True)),
        (ErrorCode.RULE_DOES_NOT_EXIST, "get_attr_bool", ("other", A.RULE_ENABLED)),
        (ErrorCode.OUT_OF_RESOURCES, "add_alarm", ("ALARM-1",)),
        (ErrorCode.SERVICE_UNKNOWN_CALL, "reboot", ()),
        (ErrorCode.SERVICE_BAD_REQUEST, "add_rule", ()),
        (ErrorCode.SERVICE_BAD_REQUEST, "set_attr_bool", ("start", A.RULE_ENABLED, 1)),
        (ErrorCode.SERVICE_BAD_REQUEST, "set_attr_tstamp", ("start", A.RULE_DELAY, 5)),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(lab: Lab, code, call, args) -> None:
    lab.call("add_rule", "start")
    before = replace(lab.node.rules["start"])
    lab.refused(code, call, *args)
    assert lab.node.rules == {"start": before}


def test_every_setting_reads_back_as_it_was_set(lab: Lab) -> None:
    settings = {
        "delay": ns(5),
        "holdoff": ns(6),
        "resync_period": ns(7),
        "resync_factor": 8,
        "repeat_count": 9,
    }
    lab.rule(**settings)
    assert lab.call("get_attr_string", "start", A.RULE_SOURCE) == "START"
    assert lab.call("get_attr_string", "start", A.RULE_DESTINATION) == "LC-O1"
    for word, value in settings.items():
        kind = "tstamp" if isinstance(value, dict) else "int32"
        assert lab.call(f"get_attr_{kind}", "start", A[f"RULE_{word.upper()}"]) == value


def test_the_log_says_what_became_of_each_event(lab: Lab) -> None:
    lab.rule()
    lab.event(NOW_FS + LEAD_FS, sequence=1)
    assert lab.call("get_attr_bool", GLOBAL, A.EVENT_LOG_EMPTY) is True
    lab.call("set_attr_bool", GLOBAL, A.EVENT_LOG_ENABLED, True)
    lab.event(NOW_FS + 2 * LEAD_FS, sequence=2)
    lab.event(NOW_FS, sequence=3)
    entries = [str(lab.call("get_next_event_log_entry")).split("|") for _ in range(5)]
    assert [(one[1], *one[-2:]) for one in entries[:4]] == [
        ("2", "NETWORK", "RX"),
        ("2", "CONSUMED", "START"),
        ("3", "NETWORK", "RX"),
        ("3", "DISCARDED", "LATE"),
    ]
    assert entries[4] == [""]
    for _ in range(LOG_MAX):
        lab.event(NOW_FS)
    assert len(lab.node.log) == LOG_MAX
    lab.call("clear_event_log_entries")
    assert lab.call("get_attr_bool", GLOBAL, A.EVENT_LOG_EMPTY) is True


# Its lines


@settings(deadline=None)  # the first clock compiles its kernels
@given(st.lists(st.integers(0, 200), max_size=6))
def test_chopping_the_stream_changes_nothing(cuts) -> None:
    lines = b"".join(
        encode_request(Request(n, *call))
        for n, call in enumerate(
            [("add_rule", ("a",)), ("get_rule_name", (1,)), ("link_state", ())]
        )
    )
    edges = sorted({0, len(lines), *(cut % (len(lines) + 1) for cut in cuts)})
    lab = Lab()
    answers = b"".join(lab.session.feed(lines[a:b], NOW_FS) for a, b in itertools.pairwise(edges))
    assert [json.loads(line).get("ok") for line in answers.splitlines()] == [None, "a", "synced"]


@settings(deadline=None)  # the first clock compiles its kernels
@given(st.binary(max_size=200))
def test_garbage_is_answered_line_by_line_and_the_node_goes_on(garbage: bytes) -> None:
    lab = Lab()
    answers = lab.session.feed(garbage + b"\n", NOW_FS)
    assert all("error" in json.loads(line) for line in answers.splitlines())
    assert lab.call("link_state") == "synced"


def test_a_line_without_end_is_given_up(lab: Lab) -> None:
    answers = lab.session.feed(b"x" * (LINE_MAX + 1), NOW_FS)
    assert json.loads(answers)["error"]["message"] == f"a line has at most {LINE_MAX} bytes"
    assert lab.session.feed(b"\n", NOW_FS) == b""
    assert lab.call("link_state") == "synced"


def test_sessions_share_the_node_and_not_their_lines(lab: Lab) -> None:
    other = lab.node.open("service")
    lab.session.feed(b'{"id": 1, "call": ', NOW_FS)
    assert b'"ok": null' in other.feed(encode_request(Request(2, "add_rule", ("a",))), NOW_FS)
    assert b'"ok": "a"' in lab.session.feed(b'"get_rule_name", "args": [1]}\n', NOW_FS)
