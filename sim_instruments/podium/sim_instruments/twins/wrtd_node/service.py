"""The host service of a WRTD node: the library's calls, carried out on the node's rules."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from podium.firmware_interfaces.wrtd import is_local_channel
from podium.firmware_interfaces.wrtd_node import (
    GLOBAL,
    LINE_MAX,
    RULES_MAX,
    Attribute,
    ErrorCode,
    LineError,
    Request,
    ServiceError,
    decode_request,
    encode_answer,
    whole,
)
from podium.sim_instruments.twins.command_observer import CommandObserver
from podium.sim_instruments.twins.wrtd_node.attributes import (
    OF_NODE,
    OF_RULES,
    Kind,
    OfNode,
    OfRule,
    event_id,
    truth,
)
from podium.sim_instruments.twins.wrtd_node.rules import Counts, Rule

if TYPE_CHECKING:
    from podium.sim_instruments.twins.wrtd_node.node import WrtdNode

FIRMWARE_NAME = "podium-wrtd"  # ASSUMED: any name
A = Attribute
Found = TypeVar("Found", OfNode, OfRule)


class Service:
    """Carries out calls, for all connections to one node."""

    def __init__(self, node: "WrtdNode") -> None:
        self._node = node
        self._commands = 0
        self._unknown = 0
        self.ear: CommandObserver[bytes] = CommandObserver(self.tallies, line_words)
        self._calls: dict[str, Callable[[tuple[object, ...], int], object]] = {
            "add_rule": self._add_rule,
            "remove_rule": self._remove_rule,
            "remove_all_rules": self._remove_all_rules,
            "disable_all_rules": self._disable_all_rules,
            "get_rule_name": self._get_rule_name,
            "reset_rule_stats": self._reset_rule_stats,
            "add_alarm": self._add_alarm,
            "clear_event_log_entries": self._clear_log,
            "get_next_event_log_entry": self._next_log_entry,
            "get_fw_name": lambda args, now_fs: f"{FIRMWARE_NAME}-{self._node.serial}",
            "link_state": lambda args, now_fs: self._node.link(now_fs).name.lower(),
            "link_losses": lambda args, now_fs: {
                "losses": self._node.clock.losses(now_fs),
                "since_s": 0,  # as long as there is time
            },
        }
        kinds: tuple[Kind, ...] = ("bool", "int32", "string", "tstamp")
        for kind in kinds:
            self._calls[f"get_attr_{kind}"] = self._getter(kind)
            self._calls[f"set_attr_{kind}"] = self._setter(kind)

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on; every call means something."""
        return {"commands": self._commands, "unknown": self._unknown, "unmeant": 0}

    def answer(self, line: bytes, now_fs: int) -> bytes:
        """Carry out the call in a line; return the line of its answer."""
        before = self.ear.begin()
        answer, refused = self._answer(line, now_fs)
        self.ear.end(before, line, refused)
        return answer

    def _answer(self, line: bytes, now_fs: int) -> tuple[bytes, bool]:
        self._commands += 1
        number: int | None = None
        try:
            request = decode_request(line)
            number = request.number
            return encode_answer(number, self._carry_out(request, now_fs)), False
        except LineError as error:
            self._unknown += number is None
            bad = ServiceError(ErrorCode.SERVICE_BAD_REQUEST, str(error))
            return encode_answer(number, bad), True
        except ServiceError as error:
            self._unknown += error.code == ErrorCode.SERVICE_UNKNOWN_CALL
            return encode_answer(number, error), True

    def _carry_out(self, request: Request, now_fs: int) -> object:
        if request.call not in self._calls:
            known = ", ".join(sorted(self._calls))
            raise ServiceError(
                ErrorCode.SERVICE_UNKNOWN_CALL, f"no call {request.call!r}; there are {known}"
            )
        return self._calls[request.call](request.args, now_fs)

    # --- rules ------------------------------------------------------------------------

    def _add_rule(self, args: tuple[object, ...], now_fs: int) -> None:
        (name,) = _exactly(1, args)
        rule = Rule(event_id(name))
        if rule.name in self._node.rules or rule.name == GLOBAL:
            raise ServiceError(ErrorCode.RULE_EXISTS, f"there is a rule {rule.name!r}")
        if len(self._node.rules) == RULES_MAX:
            raise ServiceError(ErrorCode.OUT_OF_RESOURCES, f"there are {RULES_MAX} rules already")
        self._node.rules[rule.name] = rule

    def _remove_rule(self, args: tuple[object, ...], now_fs: int) -> None:
        rule = self._rule(*_exactly(1, args))
        _refuse_enabled(rule)
        del self._node.rules[rule.name]

    def _remove_all_rules(self, args: tuple[object, ...], now_fs: int) -> None:
        for rule in self._node.rules.values():
            _refuse_enabled(rule)
        self._node.rules.clear()

    def _disable_all_rules(self, args: tuple[object, ...], now_fs: int) -> None:
        for rule in self._node.rules.values():
            rule.enabled = False

    def _get_rule_name(self, args: tuple[object, ...], now_fs: int) -> str:
        (index,) = _exactly(1, args)
        number = whole(index, "index")
        if not 1 <= number <= len(self._node.rules):  # ASSUMED: counted from 1, as IVI does
            raise ServiceError(
                ErrorCode.RULE_DOES_NOT_EXIST,
                f"there are {len(self._node.rules)} rules, none of index {number}",
            )
        return list(self._node.rules)[number - 1]

    def _reset_rule_stats(self, args: tuple[object, ...], now_fs: int) -> None:
        rule = self._rule(*_exactly(1, args))
        _refuse_enabled(rule)
        rule.counts = Counts()

    def _add_alarm(self, args: tuple[object, ...], now_fs: int) -> None:
        raise ServiceError(ErrorCode.OUT_OF_RESOURCES, "this firmware has no alarms")

    def _clear_log(self, args: tuple[object, ...], now_fs: int) -> None:
        self._node.log.clear()

    def _next_log_entry(self, args: tuple[object, ...], now_fs: int) -> str:
        return self._node.log.popleft() if self._node.log else ""

    # --- attributes -------------------------------------------------------------------

    def _getter(self, kind: Kind) -> Callable[[tuple[object, ...], int], object]:
        def get(args: tuple[object, ...], now_fs: int) -> object:
            owner, number = _exactly(2, args)
            attribute = _attribute(number)
            if owner == GLOBAL:
                of_node = self._of_node(attribute, kind)
                return of_node.get(self._node, now_fs)
            rule = self._rule(owner)
            if attribute is A.RULE_ENABLED and kind == "bool":
                return rule.enabled
            if attribute is A.RULE_DESTINATION and kind == "string":
                return rule.destination
            return self._of_rule(attribute, kind).get(rule)

        return get

    def _setter(self, kind: Kind) -> Callable[[tuple[object, ...], int], None]:
        def put(args: tuple[object, ...], now_fs: int) -> None:
            owner, number, value = _exactly(3, args)
            attribute = _attribute(number)
            if owner == GLOBAL:
                self._of_node(attribute, kind)
                if attribute is not A.EVENT_LOG_ENABLED:
                    raise ServiceError(
                        ErrorCode.ATTR_NOT_WRITEABLE, f"{attribute.name} is read only"
                    )
                self._node.logging = truth(value)
                return
            rule = self._rule(owner)
            if attribute is A.RULE_ENABLED and kind == "bool":
                self._enable(rule, truth(value))
                return
            if attribute is A.RULE_DESTINATION and kind == "string":
                _refuse_enabled(rule)
                rule.destination = self._destination(value)
                return
            of_rule = self._of_rule(attribute, kind)
            if of_rule.put is None:
                raise ServiceError(ErrorCode.ATTR_NOT_WRITEABLE, f"{attribute.name} is read only")
            _refuse_enabled(rule)
            of_rule.put(rule, value)

        return put

    def _of_node(self, attribute: Attribute, kind: Kind) -> OfNode:
        if attribute not in OF_NODE:
            raise ServiceError(
                ErrorCode.INVALID_ATTRIBUTE, f"{attribute.name} is an attribute of a rule"
            )
        return _of_kind(OF_NODE[attribute], attribute, kind)

    def _of_rule(self, attribute: Attribute, kind: Kind) -> OfRule:
        if attribute in OF_NODE:
            raise ServiceError(ErrorCode.ATTR_GLOBAL, f"{attribute.name} is of the node: {GLOBAL}")
        if attribute not in OF_RULES:
            raise ServiceError(ErrorCode.INVALID_ATTRIBUTE, f"{attribute.name} is no {kind}")
        return _of_kind(OF_RULES[attribute], attribute, kind)

    def _destination(self, value: object) -> str:
        destination = event_id(value)
        if destination not in self._node.outputs:
            what = (
                "no output of it" if is_local_channel(destination) else "no output: it sends none"
            )
            raise ServiceError(
                ErrorCode.INVALID_VALUE,
                f"{destination} is {what}; there are {', '.join(self._node.outputs)}",
            )
        return destination

    def _enable(self, rule: Rule, on: bool) -> None:
        if on and not (rule.source and rule.destination):
            raise ServiceError(
                ErrorCode.INVALID_VALUE, f"rule {rule.name} needs a source and a destination first"
            )
        if on:
            rule.enable()
        else:
            rule.enabled = False

    def _rule(self, name: object) -> Rule:
        if not isinstance(name, str) or name not in self._node.rules:
            known = ", ".join(self._node.rules) or "none"
            raise ServiceError(
                ErrorCode.RULE_DOES_NOT_EXIST, f"there is no rule {name!r}; there are: {known}"
            )
        return self._node.rules[name]


def _of_kind(found: Found, attribute: Attribute, kind: Kind) -> Found:
    if found.kind != kind:
        raise ServiceError(
            ErrorCode.INVALID_ATTRIBUTE, f"{attribute.name} is a {found.kind}, not a {kind}"
        )
    return found


def _refuse_enabled(rule: Rule) -> None:
    if rule.enabled:  # ASSUMED: of the library's errors this one fits
        raise ServiceError(ErrorCode.RESOURCE_ACTIVE, f"rule {rule.name} is enabled")


def _exactly(count: int, args: tuple[object, ...]) -> tuple[object, ...]:
    if len(args) != count:
        raise LineError(f"{count} arguments are wanted, got {len(args)}")
    return args


def _attribute(number: object) -> Attribute:
    try:
        return Attribute(whole(number, "an attribute"))
    except ValueError as error:
        raise ServiceError(ErrorCode.INVALID_ATTRIBUTE, f"no attribute {number!r}") from error


class ServiceSession:
    """One connection: a call a line, an answer a line."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._buffer = b""

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return the answers; a line without end is given up."""
        self._buffer += data
        answers = b""
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if len(line) > LINE_MAX:
                self._buffer = rest
                error = f"a line has at most {LINE_MAX} bytes"
                bad = ServiceError(ErrorCode.SERVICE_BAD_REQUEST, error)
                answers += encode_answer(None, bad)
                if newline:
                    continue
                return answers
            if not newline:
                return answers
            self._buffer = rest
            if line.strip():
                answers += self._service.answer(line, now_fs)


def line_words(line: bytes) -> str:
    """Return the line of a call as a person reads it."""
    return line.decode("utf-8", "backslashreplace").strip()
