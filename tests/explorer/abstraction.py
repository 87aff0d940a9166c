"""Which states of the machines are the same: their values, rewritten.

- **Time.** A state holds instants only as far as they lie from now. When time goes on,
  :func:`later` moves all instants of a state towards the past, and those that nobody can tell from
  each other any longer become one.
- **Reasons** are text for people. :func:`without_reasons` leaves whether there is one.
- **Exchange.** :func:`exchanged` gives agents, jobs and runs each other's names.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from operator import is_
from typing import Any

from tests.explorer.machines import NOW, NOW_S, PER_S, QUANTUM_FS, QUANTUM_S

from podium.control.bus.messages import RunId
from podium.control.runs.agent_values import Margins
from podium.control.runs.attendance import Attendant
from podium.control.runs.journal import JobAccepted, JobEnded
from podium.control.runs.messages import Prepared, Token
from podium.control.runs.run_values import NodeOfRun, Patience
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.tai import Tai

LONG_AGO = 4 * PER_S
"""What was more quanta ago is as old as this: longer than any deadline below."""
LONG_AGO_OF = {"greeted_s": 65, "beaten_s": 80, "said_s": 129, "asked_s": 16, "read_s": 16}
"""Instants that nobody looks back to so far."""
LONG_AGO_TAI = 8
"""As well: what was to start so long ago has started, or never will. What lies between two ticks
of the quanta is kept: a start that was 1 ns late still differs from one that was not."""

INSTANTS = frozenset(
    {
        "lease_ends_s",
        "safe_at_s",
        "said_s",
        "deadline_s",
        "recalled_s",
        "since_s",
        "awake_s",
        "beaten_s",
        "greeted_s",
        "asked_s",
        "read_s",
        "read_from_s",
        "paused_s",
        "due_s",
        "back_s",
    }
)
"""Fields that hold an instant of wall time. 0 stands for: none."""
REASONS = frozenset({"reason", "why", "ended", "failed", "unsafe", "quarantined"})
ORDERED: dict[type, Callable[[Any], Any]] = {
    NodeOfRun: lambda one: one.agent,
    Attendant: lambda one: one.agent,
}
"""Values that stand in the order of their agents' names."""


NO_TIME = frozenset({Margins, Patience, Epochs, Token, Prepared, JobAccepted, JobEnded, RunId})
"""Values in which nothing depends on the time, and ..."""
NO_NAME = frozenset({Margins, Patience, int, float, bool, type(None)})
"""... in which nothing depends on names."""


@dataclass(frozen=True, slots=True)
class _Rules:
    kept: frozenset[type]
    """Values of these types stay what they are, with all that is in them."""
    instant: Callable[[str, float], float] | None = None
    tai: Callable[[Tai], Tai] | None = None
    reason: Callable[[str], str] | None = None
    name: Callable[[str], str] | None = None
    run: Callable[[RunId], RunId] | None = None
    known: dict[Any, Any] = field(default_factory=dict)
    """What values that states have in common become; None: they stay what they are."""


@cache
def _fields_of(kind: type) -> tuple[tuple[str, str], ...]:
    """Return the fields of a value that is made of others, and what each is."""
    if not is_dataclass(kind):
        return ()
    return tuple((one.name, _role(one.name)) for one in fields(kind))


def _role(name: str) -> str:
    return "instant" if name in INSTANTS else "reason" if name in REASONS else ""


def _rewritten(value: Any, rules: _Rules) -> Any:
    kind = type(value)
    kept = rules.kept
    if kind in kept:
        return value
    if kind is tuple:
        new = tuple([one if type(one) in kept else _rewritten(one, rules) for one in value])
        if rules.name is not None:
            return _in_order(new)
        return value if all(map(is_, new, value)) else new
    if kind is str:
        return value if rules.name is None else rules.name(value)
    if kind is Tai:
        return value if rules.tai is None else rules.tai(value)
    if kind is RunId:
        return value if rules.run is None else rules.run(value)
    if kind is bytes:
        return value if rules.name is None else rules.name(value.decode()).encode()
    known = rules.known.get(value, rules)
    if known is rules:
        known = _with_fields_rewritten(value, rules)
        rules.known[value] = None if known is value else known
    return value if known is None else known


def _with_fields_rewritten(value: Any, rules: _Rules) -> Any:
    kind, kept, values, changed = type(value), rules.kept, [], False
    for name, role in _fields_of(kind):
        before = getattr(value, name)
        if role == "instant" and before is not None:
            after = before if rules.instant is None or not before else rules.instant(name, before)
        elif role == "reason" and type(before) is str:
            after = before if rules.reason is None or not before else rules.reason(before)
        elif type(before) in kept:
            after = before
        else:
            after = _rewritten(before, rules)
        changed = changed or after is not before
        values.append(after)
    return kind(*values) if changed else value


def _in_order(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return values that stand in the order of names in the order of their new names."""
    if len(values) < 2:
        return values
    first = values[0]
    if type(first) in ORDERED:
        return tuple(sorted(values, key=ORDERED[type(first)]))
    if all(type(one) is str for one in values):
        return tuple(sorted(values))
    named = all(type(one) is tuple and one and type(one[0]) is str for one in values)
    if named and first[0] not in ("prepare", "arm", "fire"):  # what was answered has its order
        return tuple(sorted(values, key=lambda one: one[0]))
    return values


IN_TIME = NO_NAME | NO_TIME | {str, bytes}
"""What does not depend on the time of what a state holds."""
ONE_REASON = _Rules(NO_NAME | {str, bytes, Tai, RunId}, reason=lambda reason: "some reason")


def later(value: Any, count: int) -> Any:
    """Return what a value is ``count`` quanta later."""
    return _rewritten(value, _later_by(count))


@cache
def _later_by(count: int) -> _Rules:
    by_s, by_fs = count * QUANTUM_S, count * QUANTUM_FS
    oldest_fs = NOW.total_fs - LONG_AGO_TAI * QUANTUM_FS

    def instant(name: str, before_s: float) -> float:
        return max(before_s - by_s, NOW_S - LONG_AGO_OF.get(name, LONG_AGO) * QUANTUM_S)

    def tai(before: Tai) -> Tai:
        after_fs = before.total_fs - by_fs
        if after_fs < oldest_fs:
            after_fs = oldest_fs - QUANTUM_FS + after_fs % QUANTUM_FS
        return Tai.from_fs(after_fs)

    return _Rules(IN_TIME, instant=instant, tai=tai)


def without_reasons(value: Any) -> Any:
    """Return a value in which every reason is the same."""
    return _rewritten(value, ONE_REASON)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Whose names are given to whom: agents and jobs; runs by their numbers in a session."""

    names: tuple[tuple[str, str], ...]
    runs: tuple[tuple[RunId, RunId], ...] = ()


def exchanged(value: Any, exchange: Exchange) -> Any:
    """Return a value with the names exchanged."""
    return _rewritten(value, _exchanged_by(exchange))


@cache
def _exchanged_by(exchange: Exchange) -> _Rules:
    runs = dict(exchange.runs)
    names = dict(exchange.names) | {str(one): str(other) for one, other in exchange.runs}
    names |= {f"program of {one}": f"program of {other}" for one, other in exchange.names}
    names |= {f"hash of program of {a}": f"hash of program of {b}" for a, b in exchange.names}
    return _Rules(
        NO_NAME, name=lambda name: names.get(name, name), run=lambda run: runs.get(run, run)
    )
