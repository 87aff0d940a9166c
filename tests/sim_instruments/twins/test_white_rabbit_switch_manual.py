"""The twin of the White Rabbit switch against the documents in its open source (wr-switch-sw).

The user's manual (doc/wrs-user-manual.in, "SNMP Support") prints what a walk of 1.3.6.1.4.1.96.100
answers; the chapter on diagnostics (doc/wrs_failures/snmp_objects.tex) says of what each status is
made; both are held against the module white_rabbit_switch.
"""

import pytest

from podium.firmware_interfaces import white_rabbit_switch as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.snmp import Kind, Oid
from podium.firmware_interfaces.white_rabbit_switch import Status, TemperatureWarning
from podium.sim_instruments.physics.clock_makes import WHITE_RABBIT
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.twins import white_rabbit_switch
from podium.sim_instruments.twins.white_rabbit_switch import WhiteRabbitSwitch

NOW_FS = 1_800_000_000 * FS_PER_S
LATER_S = 30
PORTS = 7, 6, 1
COUNTERS = 7, 7, 1
SERVO = 7, 5, 1
PRINTED: tuple[tuple[tuple[int, ...], Kind, object], ...] = (
    ((1, 0), Kind.INTEGER, 1),  # wrsScalar.0 = INTEGER: 1
    ((6, 1, 1, 0), Kind.INTEGER, 1),  # wrsMainSystemStatus.0 = INTEGER: ok(1)
    ((6, 1, 2, 0), Kind.INTEGER, 1),
    ((6, 1, 3, 0), Kind.INTEGER, 1),
    ((7, 1, 2, 6, 0), Kind.INTEGER, None),  # wrsConfigSource.0 = INTEGER: remote(4)
    ((7, 1, 2, 7, 0), Kind.OCTETS, None),  # wrsConfigSourceUrl.0 = STRING: tftp://...
    ((7, 1, 2, 9, 0), Kind.INTEGER, 1),  # wrsBootConfigStatus.0 = INTEGER: ok(1)
    ((7, 1, 2, 10, 0), Kind.INTEGER, 1),
    ((7, 1, 2, 11, 0), Kind.INTEGER, 1),
    ((7, 1, 2, 12, 0), Kind.INTEGER, 1),
    ((*SERVO, 6, 1), Kind.OCTETS, b"TRACK_PHASE"),  # wrsPtpServoState.1
    ((*SERVO, 7, 1), Kind.INTEGER, 4),  # trackPhase(4)
    ((*SERVO, 8, 1), Kind.INTEGER, 2),  # tracking(2)
    ((*SERVO, 10, 1), Kind.COUNTER64, None),
    ((*SERVO, 11, 1), Kind.INTEGER, None),
    ((*SERVO, 12, 1), Kind.INTEGER, None),
    ((*SERVO, 13, 1), Kind.COUNTER64, None),
    ((*SERVO, 14, 1), Kind.UNSIGNED32, None),  # Gauge32: 91
    ((*SERVO, 15, 1), Kind.COUNTER32, None),
    ((*PORTS, 2, 1), Kind.OCTETS, b"wri1"),
    ((*PORTS, 2, 2), Kind.OCTETS, b"wri2"),
    ((*PORTS, 3, 1), Kind.INTEGER, 2),  # wrsPortStatusLink.1 = INTEGER: up(2)
    ((*PORTS, 3, 2), Kind.INTEGER, 2),
    ((*PORTS, 4, 1), Kind.INTEGER, 2),  # wrsPortStatusConfiguredMode.1 = INTEGER: slave(2)
    ((*PORTS, 7, 1), Kind.OCTETS, b"Axcen Photonics"),
    ((*PORTS, 7, 2), Kind.OCTETS, b"Axcen Photonics"),
    ((*PORTS, 8, 1), Kind.OCTETS, None),
    ((*COUNTERS, 2, 1), Kind.OCTETS, b"wri1"),
    ((*COUNTERS, 2, 2), Kind.OCTETS, b"wri2"),
    ((*COUNTERS, 21, 1), Kind.COUNTER64, None),  # wrsPstatsHCTXFrames.1
    ((*COUNTERS, 22, 2), Kind.COUNTER64, None),  # wrsPstatsHCRXFrames.2
)
"""Below 1.3.6.1.4.1.96.100, in the order of the page: type, and the value if the page's is that of
any healthy slave. wrsPtpSyncSource, which is empty there, is not shown here."""


def a_switch(**options) -> WhiteRabbitSwitch:
    return WhiteRabbitSwitch("0007", lambda make: Clock(1, "wrs_a", make, Room(1)), **options)


@pytest.fixture
def slave() -> WhiteRabbitSwitch:
    return a_switch(mode="slave", links={1: "wrs_main", 2: "wrtd_a"})


def shown(switch: WhiteRabbitSwitch, oid: Oid, after_s: float = 0.0) -> object:
    return switch.objects(NOW_FS + round(after_s * FS_PER_S))[oid].content


def test_the_walk_of_the_user_s_manual_answers_what_is_printed(slave: WhiteRabbitSwitch) -> None:
    objects = slave.objects(NOW_FS)
    for place, kind, value in PRINTED:
        found = objects[(*box.SWITCH, *place)]
        assert found.kind is kind, place
        assert value in (None, found.content), place


def test_a_status_says_nothing_of_what_is_well(slave: WhiteRabbitSwitch) -> None:
    for switch in (slave, a_switch(), a_switch(links={1: "wrtd_a"})):
        for oid in (box.MAIN_STATUS, box.PTP_STATUS, box.SOFT_PLL_STATUS, box.SLAVE_LINKS_STATUS):
            assert shown(switch, oid) == Status.OK


def test_a_slave_that_loses_its_master(slave: WhiteRabbitSwitch) -> None:
    """wrsSlaveLinksStatus, wrsSoftPLLStatus, wrsPTPStatus; of frames only active links count."""
    before = shown(slave, box.SERVO_UPDATES)
    slave.unplug(1, NOW_FS)
    for oid in (box.SLAVE_LINKS_STATUS, box.SOFT_PLL_STATUS, box.PTP_STATUS, box.MAIN_STATUS):
        assert shown(slave, oid, LATER_S) == Status.ERROR
    assert shown(slave, box.PTP_FRAMES_FLOWING, LATER_S) == Status.OK
    assert shown(slave, box.SERVO_UPDATES, LATER_S) == before  # the counter is not increasing
    sent = (*box.SWITCH, *COUNTERS, 21)
    assert shown(slave, (*sent, 1), LATER_S) == shown(slave, (*sent, 1))
    assert shown(slave, (*sent, 2), LATER_S) == shown(slave, (*sent, 2)) + LATER_S
    slave.plug(1, NOW_FS + LATER_S * FS_PER_S)
    assert shown(slave, box.SERVO_UPDATES, 3 * LATER_S) == before + 2 * LATER_S
    assert shown(slave, box.MAIN_STATUS, 3 * LATER_S) == Status.OK


def test_a_lock_that_was_lost_in_between_is_a_warning_once(slave: WhiteRabbitSwitch) -> None:
    """wrsSoftPLLStatus: a warning when wrsSpllDelCnt has changed, at the first look after it."""
    slave.clock.lose(NOW_FS + 6 * FS_PER_S)
    slave.clock.lock(NOW_FS + 7 * FS_PER_S, FS_PER_S)
    seen = [shown(slave, box.SOFT_PLL_STATUS, after_s) for after_s in (5, 9, 10, 14, 15)]
    assert seen == [Status.OK, Status.OK, Status.WARNING, Status.WARNING, Status.OK]
    assert shown(slave, box.TIMING_STATUS, 12) == shown(slave, box.MAIN_STATUS, 12) == 3
    assert shown(slave, box.SPLL_DELOCKS, 10) == shown(slave, box.SPLL_DELOCKS, 5) + 1


def test_a_temperature_above_its_threshold_is_a_warning(
    slave: WhiteRabbitSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """wrsTemperatureWarning: thresholds are 80 degrees by default."""
    assert {shown(slave, oid) for oid in box.THRESHOLDS.values()} == {80}
    assert shown(slave, box.TEMPERATURE_WARNING) == TemperatureWarning.OK
    monkeypatch.setitem(white_rabbit_switch.TEMPERATURES_C, "pll", 95)
    assert shown(slave, box.TEMPERATURE_WARNING) == TemperatureWarning.TOO_HIGH
    assert shown(slave, box.OS_STATUS) == shown(slave, box.MAIN_STATUS) == Status.WARNING
    assert shown(slave, box.TIMING_STATUS) == Status.OK


def test_its_clock_is_a_white_rabbit_switch_s() -> None:
    makes = []
    WhiteRabbitSwitch("1", lambda make: makes.append(make) or Clock(1, "wrs", make, Room(1)))
    assert makes == [WHITE_RABBIT]
