"""Groups alarms of one cause: one leads, the others follow. Pure.

The causal order is the plant's structure, as the rules have it (``caused_by``): the helium
compressor before the 4 K plate before the still before the pressures.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

from podium.control.bus.cold import TaiFs
from podium.control.supervision.alarm_rules import AlarmRule


class GroupedAlarm(Protocol):
    """Defines what a group is made from."""

    @property
    def since(self) -> TaiFs | None:
        """When it was raised; None: it is over, and was seen."""
        ...

    @property
    def leader(self) -> str:
        """Whom it has followed so far; empty: nobody."""
        ...


def leaders_of(rules: tuple[AlarmRule, ...], alarms: Mapping[str, GroupedAlarm]) -> dict[str, str]:
    """Return the leader of each alarm that follows one; empty for the others.

    The leader is the first cause that is on, up the causal order; of several first ones that
    which was raised first. Who has followed somebody who is still on goes on to follow him. Of
    alarms that may bring each other about, only an earlier one is the cause of a later one.
    """
    found: dict[str, str] = dict.fromkeys(alarms, "")
    if all(alarm.since is None for alarm in alarms.values()):
        return found
    causes = _causes(rules)
    for name, alarm in alarms.items():
        if alarm.since is None:
            continue
        first = [one for one in _first_causes(name, causes, alarms) if one != name]
        if alarm.leader in first:
            found[name] = alarm.leader
        elif first:
            found[name] = min(first, key=lambda one: (alarms[one].since or (0, 0), one))
    return found


@lru_cache(maxsize=8)
def _causes(rules: tuple[AlarmRule, ...]) -> Mapping[str, tuple[tuple[str, bool], ...]]:
    """Return the causes of each alarm, each with whether it may also be brought about by it."""
    direct = {rule.name: rule.caused_by for rule in rules}
    above: dict[str, set[str]] = {}
    for name in direct:
        reached: set[str] = set()
        ahead = list(direct[name])
        while ahead:
            one = ahead.pop()
            if one not in reached:
                reached.add(one)
                ahead.extend(direct.get(one, ()))
        above[name] = reached
    return {
        name: tuple((one, name in above.get(one, ())) for one in causes)
        for name, causes in direct.items()
    }


def _first_causes(
    name: str,
    causes: Mapping[str, tuple[tuple[str, bool], ...]],
    alarms: Mapping[str, GroupedAlarm],
) -> list[str]:
    """Return the alarms that are on, bring ``name`` about, and have no such cause themselves.

    A cause that is not on is passed through: what it would bring about may be on without it.
    """
    seen: set[str] = {name}
    roots: dict[str, None] = {}
    ahead = [name]
    while ahead:
        here = ahead.pop()
        above = _on_above(here, causes, alarms)
        if not above:
            roots[here] = None
        ahead.extend(one for one in above if one not in seen)
        seen.update(above)
    return list(roots)


def _on_above(
    name: str,
    causes: Mapping[str, tuple[tuple[str, bool], ...]],
    alarms: Mapping[str, GroupedAlarm],
) -> list[str]:
    """Return the nearest causes of ``name`` that are on, through those that are not."""
    found: dict[str, None] = {}
    passed: set[str] = {name}
    ahead = list(causes.get(name, ()))
    since = alarms[name].since or (0, 0)
    while ahead:
        one, mutual = ahead.pop()
        if one in passed:
            continue
        passed.add(one)
        raised = alarms[one].since if one in alarms else None
        if raised is None:
            ahead.extend(causes.get(one, ()))
        elif not (mutual or name in {other for other, _ in causes.get(one, ())}) or (
            (raised, one) < (since, name)
        ):
            found[one] = None
    return list(found)
