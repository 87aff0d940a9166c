"""Driver of a WRTD node: rules and counters over its host service, events as LXI messages.

What the service is, and what of it is ours, stands in ``firmware_interfaces.wrtd_node``.
"""

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self, TypeVar

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.roles import Examination, Identity, TriggerCounts
from podium.drivers.wrtd_node.transport import Call, DryRunTransport, NetworkTransport, Transport
from podium.firmware_interfaces.exact_time import OffGridError
from podium.firmware_interfaces.tai import Tai
from podium.firmware_interfaces.wrtd import (
    EventMessage,
    EventTime,
    MessageError,
    check_event_id,
    encode,
)
from podium.firmware_interfaces.wrtd_node import (
    DELAY_MAX_NS,
    GLOBAL,
    Attribute,
    LineError,
    Link,
    Timestamp,
    whole,
)

T = TypeVar("T")
RULE_PREFIX = "podium-"
LOSSES: Call = ("link_losses",)
A = Attribute

COUNTS = {
    "received": A.STAT_RULE_RX_EVENTS,
    "raised": A.STAT_RULE_TX_EVENTS,
    "late": A.STAT_RULE_MISSED_LATE,
    "held_off": A.STAT_RULE_MISSED_HOLDOFF,
    "unsynchronised": A.STAT_RULE_MISSED_NOSYNC,
    "overflowed": A.STAT_RULE_MISSED_OVERFLOW,
}


SHOWN = {
    "source": ("string", A.RULE_SOURCE),
    "destination": ("string", A.RULE_DESTINATION),
    "enabled": ("bool", A.RULE_ENABLED),
    "send_late": ("bool", A.RULE_SEND_LATE),
    "delay": ("tstamp", A.RULE_DELAY),
    "holdoff": ("tstamp", A.RULE_HOLDOFF),
}
"""What a snapshot says of each rule: kind of the value and attribute."""


class WrtdNode:
    """A TriggerPlane and a Clock. It uses one rule for each output, named ``podium-LC-O1``."""

    def __init__(
        self, name: str, host: str, ports: Mapping[str, int], group: str = "", domain: str = "0"
    ) -> None:
        """Connect by reading. ``group``: a multicast group for events, empty for this node only."""
        number = _domain(name, domain)
        self._begin(name, NetworkTransport(name, host, ports, group), number)
        try:
            self._synced()
        except BaseException:
            self.close()
            raise

    @classmethod
    def rehearse(
        cls, name: str, note: Callable[[str], None], group: str = "", domain: str = "0"
    ) -> Self:
        """Return a driver of no node; ``note`` gets every message that would change something."""
        driver = cls.__new__(cls)
        driver._begin(name, DryRunTransport(note), _domain(name, domain))
        return driver

    def _begin(self, name: str, transport: Transport, domain: int) -> None:
        self._name = name
        self._transport = transport
        self._domain = domain
        self._sequence = itertools.count(random.SystemRandom().randrange(2**31))
        self._known: list[str] = []
        """The rules that there were when they were listed last."""
        self._looks = False
        """Whether a function's last packet asks for the losses of the link as well."""
        self._losses: object = None
        """What the last packet of all has said of them, if it was asked."""

    # --- as any instrument ------------------------------------------------------------

    def identity(self) -> Identity:
        """Return who answers: the service says the firmware's name, which holds the serial."""
        firmware = str(self._transport.call("get_fw_name", 1))
        version = ".".join(
            str(self._int(GLOBAL, one)) for one in (A.FW_MAJOR_VERSION, A.FW_MINOR_VERSION)
        )
        product, _, serial = firmware.rpartition("-")
        return Identity("CERN", product or firmware, serial, version)

    def snapshot(self) -> dict[str, object]:
        """Return the rules and what the node as a whole says."""
        rules, (link, *values) = self._with_rules(
            lambda rules: [
                ("link_state",),
                *(_getting(kind, rule, one) for rule in rules for kind, one in SHOWN.values()),
            ]
        )
        found: dict[str, object] = {"link": str(link), "rules": rules}
        told = iter(values)
        for rule in rules:
            for word, (kind, attribute) in SHOWN.items():
                value = next(told)
                if kind == "tstamp":
                    found[f"{rule}.{word}_ns"] = self._stamp(value).ns
                elif kind == "bool":
                    found[f"{rule}.{word}"] = self._truth(attribute, value)
                else:
                    found[f"{rule}.{word}"] = value
        return found

    def examine(self) -> Examination:
        """Return what it can, and whether it has its time."""
        link = self.link()
        complaints = () if link == Link.SYNCED.name.lower() else (f"White Rabbit link is {link}",)
        options = str(self._get("string", GLOBAL, A.FW_CAPABILITIES))
        return Examination((options,), reference="external", complaints=complaints)

    def close(self) -> None:
        """Close the connection; rules and outputs stay as they are."""
        self._transport.close()

    def safe(self) -> None:
        """Let no further event raise anything."""
        self._transport.call("disable_all_rules")

    def now(self) -> Tai:
        """Return its time of day; raises :class:`Refused` while it has none."""
        asked = (("bool", A.IS_TIME_SYNCHRONIZED), ("tstamp", A.SYS_TIME))
        synced, stamp = self._last([_getting(kind, GLOBAL, one) for kind, one in asked])
        if not self._truth(A.IS_TIME_SYNCHRONIZED, synced):
            raise Refused(f"{self._name} has no time: its White Rabbit link is {self.link()}")
        return Tai.from_fs(self._stamp(stamp).total_fs)

    def clock_signs(self) -> dict[str, int]:
        """Return how often its link was lost since the service began to watch it, and when."""
        return self._signs(self._transport.call(*LOSSES))

    def signs_behind(self, ask: Callable[[Self], T]) -> tuple[T, dict[str, int]]:
        """Return what ``ask`` has asked, and the same signs after it; see the role."""
        self._looks, self._losses = True, None
        try:
            told = ask(self)
        finally:
            self._looks = False
        return told, self.clock_signs() if self._losses is None else self._signs(self._losses)

    def _last(self, calls: Sequence[Call]) -> list[object]:
        """Send the last packet of a function, and look at the clock behind it where that is due."""
        if not self._looks:
            return self._transport.several(calls)
        *told, self._losses = self._transport.several([*calls, LOSSES])
        return told

    def _signs(self, told: object) -> dict[str, int]:
        try:
            if not isinstance(told, Mapping):
                raise LineError(f"an object is wanted, got {told!r}")
            return {name: whole(told.get(name), name) for name in ("losses", "since_s")}
        except LineError as error:
            raise self._nonsense(error) from error

    # --- as a trigger plane -----------------------------------------------------------

    def link(self) -> str:
        """Return the state of its White Rabbit link."""
        return str(self._transport.call("link_state"))

    def prepare_trigger(
        self, output: str, event_id: str, holdoff_ns: int, delay_ns: int = 0
    ) -> None:
        """Let ``output`` rise after the time stamp of each event; see the role."""
        try:
            check_event_id(event_id)
        except MessageError as error:
            raise Refused(f"{self._name}: {error}") from error
        for what, span_ns in (("hold-off", holdoff_ns), ("delay", delay_ns)):
            if not 0 <= span_ns <= DELAY_MAX_NS:
                most = f"0 to {DELAY_MAX_NS} ns"
                raise Refused(f"{self._name}: a {what} is {most}, not {span_ns} ns")
        rule = self._rule(output)
        wanted: tuple[tuple[str, Attribute, object], ...] = (
            ("string", A.RULE_SOURCE, event_id),
            ("string", A.RULE_DESTINATION, output),
            ("bool", A.RULE_SEND_LATE, False),
            ("int32", A.RULE_REPEAT_COUNT, 0),
            ("tstamp", A.RULE_DELAY, Timestamp(0, delay_ns).as_json()),
            ("tstamp", A.RULE_HOLDOFF, Timestamp(0, holdoff_ns).as_json()),
            ("tstamp", A.RULE_RESYNC_PERIOD, Timestamp(0, 0).as_json()),
            ("bool", A.RULE_ENABLED, True),
        )
        setting: list[Call] = [
            (f"set_attr_{kind}", rule, int(attribute), value) for kind, attribute, value in wanted
        ]
        reading = [_getting(kind, rule, attribute) for kind, attribute, _ in wanted]
        *first, enabling = setting
        # Only if all is taken is it switched on.
        rules, _ = self._with_rules(
            lambda rules: [*_releasing(rule, rules), ("add_rule", rule), *first]
        )
        self._known = [*(one for one in rules if one != rule), rule]
        _, *told = self._last([enabling, *reading])
        for (_, attribute, value), held in zip(wanted, told, strict=True):
            if held != value:
                self._transport.call("disable_all_rules")
                raise ProtocolError(
                    f"{self._name} was told {attribute.name} {value!r} and has {held!r}; "
                    "all its rules are switched off"
                )

    def release_trigger(self, output: str) -> None:
        """Forget the rule of ``output``, if there is one."""
        rule = self._rule(output)
        rules, _ = self._with_rules(lambda rules: _releasing(rule, rules))
        self._known = [one for one in rules if one != rule]

    def send_event(self, event_id: str, at: Tai) -> None:
        """Send the message of an event; raises :class:`Refused` for a time that it cannot say."""
        try:
            when = EventTime.from_fs(at.total_fs)
            sequence = next(self._sequence) % 2**32
            message = EventMessage(event_id, when, sequence, self._domain)
        except (MessageError, OffGridError) as error:
            raise Refused(f"{self._name}: no event {event_id!r} at {at}: {error}") from error
        self._transport.send(encode(message))

    def trigger_counts(self, output: str) -> TriggerCounts:
        """Return what became of the events of ``output`` since it was prepared."""
        rule = self._rule(output)
        told = self._last([_getting("int32", rule, one) for one in COUNTS.values()])
        return TriggerCounts(
            **{
                word: self._whole(attribute, value)
                for (word, attribute), value in zip(COUNTS.items(), told, strict=True)
            }
        )

    # --- the library's words ----------------------------------------------------------

    def _rule(self, output: str) -> str:
        return f"{RULE_PREFIX}{output}"

    def _with_rules(
        self, asking: Callable[[Sequence[str]], list[Call]]
    ) -> tuple[list[str], list[object]]:
        """Return the names of all rules, and the answers to what is asked of rules of these names.

        It takes one packet where the rules are those of last time. Where they are not, what is
        asked is asked again by the names that there are.
        """
        counting = _getting("int32", GLOBAL, A.RULE_COUNT)
        known = self._known
        with suppress(Refused):  # one of them is gone, or one is there that was not
            count, *told = self._transport.several([counting, *_naming(len(known)), *asking(known)])
            if count == len(known) and told[: len(known)] == known:
                return list(known), told[len(known) :]
        # Counted again: what was asked may have made one.
        count = self._whole(A.RULE_COUNT, self._transport.several([counting])[0])
        self._known = [str(one) for one in self._transport.several(_naming(count))]
        return list(self._known), self._transport.several(asking(self._known))

    def _synced(self) -> bool:
        return self._bool(GLOBAL, A.IS_TIME_SYNCHRONIZED)

    def _get(self, kind: str, owner: str, attribute: Attribute) -> object:
        return self._transport.several([_getting(kind, owner, attribute)])[0]

    def _int(self, owner: str, attribute: Attribute) -> int:
        return self._whole(attribute, self._get("int32", owner, attribute))

    def _whole(self, attribute: Attribute, value: object) -> int:
        try:
            return whole(value, attribute.name)
        except LineError as error:
            raise self._nonsense(error) from error

    def _bool(self, owner: str, attribute: Attribute) -> bool:
        return self._truth(attribute, self._get("bool", owner, attribute))

    def _truth(self, attribute: Attribute, value: object) -> bool:
        if not isinstance(value, bool):
            raise self._nonsense(f"{attribute.name} is {value!r}, neither true nor false")
        return value

    def _stamp(self, value: object) -> Timestamp:
        try:
            return Timestamp.of(value)
        except LineError as error:
            raise self._nonsense(error) from error

    def _nonsense(self, what: object) -> ProtocolError:
        self.close()
        return ProtocolError(f"{self._name}: {what}")


def _releasing(rule: str, rules: Sequence[str]) -> list[Call]:
    """Return the calls by which a rule goes; none if it is not among those that there are."""
    if rule not in rules:
        return []
    return [("set_attr_bool", rule, int(A.RULE_ENABLED), False), ("remove_rule", rule)]


def _getting(kind: str, owner: str, attribute: Attribute) -> Call:
    """Return the call that reads an attribute."""
    return (f"get_attr_{kind}", owner, int(attribute))


def _naming(count: int) -> list[Call]:
    """Return the calls that name so many rules, the first ones."""
    return [("get_rule_name", number) for number in range(1, count + 1)]


def _domain(name: str, domain: str) -> int:
    try:
        return EventMessage("x", EventTime(0, 0), domain=int(domain)).domain
    except ValueError as error:
        raise Refused(
            f"{name}: the LXI domain is a number from 0 to 255, not {domain!r}"
        ) from error
