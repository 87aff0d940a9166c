import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces import white_rabbit_switch as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.snmp import (
    END_OF_MIB_VIEW,
    NO_SUCH_INSTANCE,
    NO_SUCH_OBJECT,
    Binding,
    ErrorStatus,
    Kind,
    Message,
    Oid,
    Operation,
    Value,
    decode,
    encode,
)
from podium.firmware_interfaces.white_rabbit_switch import (
    PortLink,
    PortLocked,
    PortMode,
    ServoState,
    SpllAlignment,
    SpllMode,
    SpllSequence,
    Status,
)
from podium.sim_instruments.physics.clock_makes import WHITE_RABBIT
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.twins.snmp_agent import RESPONSE_MAX, Agent
from podium.sim_instruments.twins.twin import IDLE, TakesDatagrams, Twin
from podium.sim_instruments.twins.white_rabbit_switch import WhiteRabbitSwitch

NOW_FS = 1_800_000_000 * FS_PER_S
SLAVE = {"mode": "slave", "links": {1: "wrs_main", 5: "wrtd_a"}}


def a_switch(seed: int = 1, **options) -> WhiteRabbitSwitch:
    return WhiteRabbitSwitch("0007", lambda make: Clock(seed, "wrs_a", make, Room(seed)), **options)


def ask(
    switch: WhiteRabbitSwitch | Agent,
    operation: Operation,
    *oids: Oid,
    now_fs: int = NOW_FS,
    community: bytes = b"public",
    first: int = 0,
    second: int = 0,
) -> Message:
    bindings = tuple(Binding(oid) for oid in oids)
    request = encode(Message(operation, community, 99, bindings, first, second))
    answer = (
        switch.hear("snmp", request, now_fs)
        if isinstance(switch, WhiteRabbitSwitch)
        else switch.answer(request, now_fs)
    )
    response = decode(answer)
    assert (response.operation, response.number) == (Operation.RESPONSE, 99)
    return response


def shown(switch: WhiteRabbitSwitch, oid: Oid, now_fs: int = NOW_FS) -> object:
    (one,) = ask(switch, Operation.GET, oid, now_fs=now_fs).bindings
    return one.value.content


def test_it_is_a_twin_whose_one_port_takes_datagrams() -> None:
    switch = a_switch()
    twin: Twin = switch
    assert isinstance(twin, TakesDatagrams)
    assert twin.ports == {"snmp": 161}
    assert twin.horizon(NOW_FS) is IDLE
    with pytest.raises(KeyError, match="snmp takes datagrams"):
        twin.open("snmp")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"mode": "master"}, "a switch is a grandmaster or a slave"),
        ({"links": {19: "x"}}, "fibre 19: a switch has 1 to 18"),
        ({"mode": "slave", "links": {2: "x"}}, "from fibre 1, and nothing is there"),
    ],
)
def test_a_switch_that_there_cannot_be_is_refused(options, says) -> None:
    with pytest.raises(ValueError, match=says):
        a_switch(**options)


def test_a_locked_grandmaster_is_well_and_has_no_servo() -> None:
    switch = a_switch(links={3: "wrtd_a"})
    assert shown(switch, box.MAIN_STATUS) == Status.OK
    assert shown(switch, box.SPLL_MODE) == SpllMode.GRANDMASTER
    assert shown(switch, box.SPLL_SEQUENCE) == SpllSequence.READY
    assert shown(switch, box.SPLL_ALIGNMENT) == SpllAlignment.LOCKED
    (none,) = ask(switch, Operation.GET, box.SERVO_STATE_NUMBER).bindings
    assert none.value == NO_SUCH_OBJECT
    links = [shown(switch, (*box.PORT_COLUMNS["link"], n)) for n in range(1, 19)]
    assert links == [PortLink.UP if n == 3 else PortLink.DOWN for n in range(1, 19)]
    assert shown(switch, (*box.PORT_COLUMNS["name"], 3)) == b"wri3"


def test_a_slaves_servo_tracks_and_sees_its_noise_not_its_error() -> None:
    switch = a_switch(**SLAVE)
    assert shown(switch, box.SERVO_STATE) == b"TRACK_PHASE"
    assert shown(switch, box.SERVO_STATE_NUMBER) == ServoState.TRACK_PHASE
    assert shown(switch, (*box.PORT_COLUMNS["mode"], 1)) == PortMode.SLAVE
    assert shown(switch, (*box.PORT_COLUMNS["locked"], 1)) == PortLocked.LOCKED
    assert shown(switch, (*box.PORT_COLUMNS["locked"], 5)) == PortLocked.NOT_LOCKED
    offsets = []
    for number in range(200):
        at_fs = NOW_FS + number * 5 * FS_PER_S
        offset_ps = shown(switch, box.SERVO_OFFSET_PS_HUMAN, at_fs)
        unsigned = shown(switch, box.SERVO_OFFSET_PS, at_fs)
        assert offset_ps == (unsigned + 2**63) % 2**64 - 2**63
        offsets.append(offset_ps)
    rms_ps = (sum(one**2 for one in offsets) / len(offsets)) ** 0.5
    assert rms_ps == pytest.approx(WHITE_RABBIT.white_fs / 1000, rel=0.3)


def test_a_slave_without_its_fibre_says_what_is_wrong_and_finds_back_state_by_state() -> None:
    switch = a_switch(**SLAVE)
    switch.unplug(1, NOW_FS)
    for oid in (box.MAIN_STATUS, box.TIMING_STATUS, box.SOFT_PLL_STATUS, box.SLAVE_LINKS_STATUS):
        assert shown(switch, oid) == Status.ERROR
    assert shown(switch, box.NETWORKING_STATUS) == Status.OK
    assert shown(switch, box.SPLL_DELOCKS) == 1
    assert shown(switch, (*box.PORT_COLUMNS["link"], 1)) == PortLink.DOWN
    assert shown(switch, box.SERVO_STATE_NUMBER) == ServoState.UNINITIALIZED
    plugged_fs = NOW_FS + 60 * FS_PER_S
    switch.plug(1, plugged_fs)
    seen = [switch.servo_state(plugged_fs + n * FS_PER_S) for n in range(12)]
    assert list(dict.fromkeys(seen)) == [
        ServoState.SYNC_SEC,
        ServoState.SYNC_NSEC,
        ServoState.SYNC_PHASE,
        ServoState.WAIT_OFFSET_STABLE,
        ServoState.TRACK_PHASE,
    ]
    later_fs = plugged_fs + 20 * FS_PER_S
    assert shown(switch, box.MAIN_STATUS, later_fs) == Status.OK
    assert shown(switch, box.SPLL_DELOCKS, later_fs) == 1


def test_what_it_shows_is_up_to_five_seconds_old() -> None:
    switch = a_switch(**SLAVE)
    switch.unplug(1, NOW_FS + FS_PER_S)
    assert shown(switch, box.MAIN_STATUS, NOW_FS + 5 * FS_PER_S - 1) == Status.OK
    assert shown(switch, (*box.PORT_COLUMNS["link"], 1), NOW_FS + 4 * FS_PER_S) == PortLink.UP
    assert shown(switch, box.MAIN_STATUS, NOW_FS + 5 * FS_PER_S) == Status.ERROR
    assert shown(switch, box.DATE_TAI, NOW_FS + 7 * FS_PER_S) == 1_800_000_005
    assert shown(switch, box.DATE_TAI_STRING, NOW_FS) == b"2027-01-15-08:00:00"


# The agent


OBJECTS = {
    (1, 3, 1, 0): Value(Kind.INTEGER, 1),
    (1, 3, 2, 1, 1): Value(Kind.OCTETS, b"one"),
    (1, 3, 2, 1, 2): Value(Kind.OCTETS, b"two"),
    (1, 3, 3, 0): Value(Kind.COUNTER64, 2**63),
}


def an_agent() -> Agent:
    return Agent("public", lambda now_fs: OBJECTS)


def test_get_answers_for_each_object_by_itself() -> None:
    oids = ((1, 3, 1, 0), (1, 3, 1, 1), (1, 4, 9), (1, 3, 2, 1, 3))
    found = ask(an_agent(), Operation.GET, *oids)
    assert [one.value for one in found.bindings] == [
        Value(Kind.INTEGER, 1),
        NO_SUCH_INSTANCE,
        NO_SUCH_OBJECT,
        NO_SUCH_INSTANCE,
    ]
    assert [one.oid for one in found.bindings] == list(oids)


def test_walking_finds_every_object_once_and_then_the_end() -> None:
    agent, oid, seen = an_agent(), (1, 3), []
    for _ in range(len(OBJECTS) + 1):
        (one,) = ask(agent, Operation.GET_NEXT, oid).bindings
        oid = one.oid
        seen.append(one)
    assert seen[:-1] == [Binding(o, v) for o, v in sorted(OBJECTS.items())]
    assert seen[-1] == Binding((1, 3, 3, 0), END_OF_MIB_VIEW)


def test_bulk_reads_some_once_and_repeats_the_others() -> None:
    found = ask(an_agent(), Operation.GET_BULK, (1, 3), (1, 3, 2), first=1, second=2)
    assert [one.oid for one in found.bindings] == [(1, 3, 1, 0), (1, 3, 2, 1, 1), (1, 3, 2, 1, 2)]
    rest = ask(an_agent(), Operation.GET_BULK, (1, 3, 3), first=0, second=9)
    assert [one.value for one in rest.bindings] == [Value(Kind.COUNTER64, 2**63), END_OF_MIB_VIEW]
    assert ask(an_agent(), Operation.GET_BULK, (1, 3), first=0, second=0).bindings == ()


def test_a_bulk_response_stays_within_a_frame() -> None:
    switch = a_switch(**SLAVE)
    request = encode(Message(Operation.GET_BULK, b"public", 1, (Binding((1, 3)),), 0, 2**31 - 1))
    answer = switch.hear("snmp", request, NOW_FS)
    assert RESPONSE_MAX - 100 < len(answer) <= RESPONSE_MAX


def test_a_response_that_no_datagram_holds_is_too_big() -> None:
    agent = Agent("public", lambda now_fs: {(1, 3, 1, 0): Value(Kind.OCTETS, b"x" * 2000)})
    response = ask(agent, Operation.GET, *[(1, 3, 1, 0)] * 40)
    assert (response.first, response.bindings) == (ErrorStatus.TOO_BIG, ())


def test_nothing_can_be_set() -> None:
    response = ask(an_agent(), Operation.SET, (1, 3, 1, 0))
    assert (response.first, response.second) == (ErrorStatus.NO_ACCESS, 1)


def test_who_does_not_know_the_community_gets_no_answer() -> None:
    agent = an_agent()
    request = Message(Operation.GET, b"private", 1, (Binding((1, 3, 1, 0)),))
    assert agent.answer(encode(request), NOW_FS) == b""
    response = Message(Operation.RESPONSE, b"public", 1, ())
    assert agent.answer(encode(response), NOW_FS) == b""


@given(st.binary(max_size=80))
def test_garbage_gets_no_answer(garbage) -> None:
    agent = an_agent()
    assert agent.answer(garbage, NOW_FS) == b""
    assert agent.tallies() == {"commands": 1, "unknown": 1, "unmeant": 0}
