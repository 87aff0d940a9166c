"""Attributes of a WRTD node as its library has them: kind, how to read, how to set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from podium.firmware_interfaces.wrtd import MessageError, check_event_id
from podium.firmware_interfaces.wrtd_node import (
    DELAY_MAX_NS,
    RULES_MAX,
    Attribute,
    ErrorCode,
    LineError,
    Link,
    ServiceError,
    Timestamp,
    whole,
)
from podium.sim_instruments.twins.wrtd_node.rules import Counts, Miss, Rule

if TYPE_CHECKING:
    from podium.sim_instruments.twins.wrtd_node.node import WrtdNode

CAPABILITIES = "NET-RX,LOC-TX"  # ASSUMED: the words
Kind = Literal["bool", "int32", "string", "tstamp"]
A = Attribute


@dataclass(frozen=True, slots=True)
class OfRule:
    """An attribute of a rule: where it stands, and how it may be set."""

    kind: Kind
    get: Callable[[Rule], object]
    put: Callable[[Rule, object], None] | None = None


@dataclass(frozen=True, slots=True)
class OfNode:
    """An attribute of the node as a whole; read only, except the log's switch."""

    kind: Kind
    get: Callable[["WrtdNode", int], object]


def _span(name: str) -> OfRule:
    def put(rule: Rule, value: object) -> None:
        stamp = Timestamp.of(value)
        if stamp.seconds or stamp.frac or stamp.ns > DELAY_MAX_NS:
            raise ServiceError(
                ErrorCode.INVALID_VALUE, f"{name} is whole nanoseconds below a second, got {stamp}"
            )
        setattr(rule, name, stamp.ns)

    return OfRule("tstamp", lambda rule: Timestamp(0, getattr(rule, name)).as_json(), put)


def _number(name: str) -> OfRule:
    def put(rule: Rule, value: object) -> None:
        number = whole(value, name)
        if not 0 <= number < 2**31:
            raise ServiceError(ErrorCode.INVALID_VALUE, f"{name} is 0 or more, got {number}")
        setattr(rule, name, number)

    return OfRule("int32", lambda rule: getattr(rule, name), put)


def truth(value: object) -> bool:
    """Return ``value`` if it is true or false; raises :class:`LineError`."""
    if not isinstance(value, bool):
        raise LineError(f"true or false is wanted, got {value!r}")
    return value


def _put_source(rule: Rule, value: object) -> None:
    rule.source = event_id(value)


def _put_send_late(rule: Rule, value: object) -> None:
    rule.send_late = truth(value)


def event_id(value: object) -> str:
    """Return ``value`` if it can be an event's id; raises :class:`ServiceError`."""
    try:
        return check_event_id(str(value))
    except MessageError as error:
        raise ServiceError(ErrorCode.INVALID_VALUE, str(error)) from error


def _count(get: Callable[[Counts], int]) -> OfRule:
    return OfRule("int32", lambda rule: get(rule.counts))


def _when(get: Callable[[Counts], int]) -> OfRule:
    return OfRule("tstamp", lambda rule: Timestamp.from_fs(get(rule.counts)).as_json())


OF_RULES: Mapping[Attribute, OfRule] = {
    A.RULE_REPEAT_COUNT: _number("repeat_count"),
    A.RULE_SOURCE: OfRule("string", lambda rule: rule.source, _put_source),
    A.RULE_SEND_LATE: OfRule("bool", lambda rule: rule.send_late, _put_send_late),
    A.RULE_DELAY: _span("delay_ns"),
    A.RULE_HOLDOFF: _span("holdoff_ns"),
    A.RULE_RESYNC_PERIOD: _span("resync_period_ns"),
    A.RULE_RESYNC_FACTOR: _number("resync_factor"),
    A.STAT_RULE_RX_EVENTS: _count(lambda counts: counts.received),
    A.STAT_RULE_RX_LAST: _when(lambda counts: counts.received_last_fs),
    A.STAT_RULE_TX_EVENTS: _count(lambda counts: counts.raised),
    A.STAT_RULE_TX_LAST: _when(lambda counts: counts.raised_last_fs),
    A.STAT_RULE_MISSED_LATE: _count(lambda counts: counts.missed[Miss.LATE]),
    A.STAT_RULE_MISSED_HOLDOFF: _count(lambda counts: counts.missed[Miss.HOLDOFF]),
    A.STAT_RULE_MISSED_NOSYNC: _count(lambda counts: counts.missed[Miss.NO_SYNC]),
    A.STAT_RULE_MISSED_OVERFLOW: _count(lambda counts: counts.missed[Miss.OVERFLOW]),
    A.STAT_RULE_MISSED_LAST: _when(lambda counts: counts.missed_last_fs),
}
"""Attributes of a rule, but for those that need the node: destination and whether it is on."""

OF_NODE: Mapping[Attribute, OfNode] = {
    A.EVENT_LOG_EMPTY: OfNode("bool", lambda node, now_fs: not node.log),
    A.EVENT_LOG_ENABLED: OfNode("bool", lambda node, now_fs: node.logging),
    A.IS_TIME_SYNCHRONIZED: OfNode("bool", lambda node, now_fs: node.link(now_fs) is Link.SYNCED),
    A.SYS_TIME: OfNode("tstamp", lambda node, now_fs: node.time_of_day(now_fs).as_json()),
    A.ALARM_COUNT: OfNode("int32", lambda node, now_fs: 0),
    A.RULE_COUNT: OfNode("int32", lambda node, now_fs: len(node.rules)),
    A.FW_COUNT: OfNode("int32", lambda node, now_fs: 1),
    A.FW_MAJOR_VERSION: OfNode("int32", lambda node, now_fs: 1),
    A.FW_MINOR_VERSION: OfNode("int32", lambda node, now_fs: 0),
    A.FW_MAX_RULES: OfNode("int32", lambda node, now_fs: RULES_MAX),
    A.FW_MAX_ALARMS: OfNode("int32", lambda node, now_fs: 0),
    A.FW_CAPABILITIES: OfNode("string", lambda node, now_fs: CAPABILITIES),
    A.FW_LOCAL_INPUTS: OfNode("int32", lambda node, now_fs: 0),
    A.FW_LOCAL_OUTPUTS: OfNode("int32", lambda node, now_fs: len(node.outputs)),
}
