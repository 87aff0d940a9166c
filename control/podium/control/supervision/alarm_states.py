"""Steps the states of alarms as ANSI/ISA-18.2-2016 (figure 3) has them. Pure.

::

    normal ──on-delay──▶ unacknowledged ──acknowledge──▶ acknowledged ──off-delay──▶ normal
                              │ off-delay                      │ off-delay, latching
                              ▼                                ▼
                       returned or latched ──acknowledge──▶ normal, or latched ──reset──▶ normal

An alarm that is shelved, suppressed or out of service is disabled: its delays do not run, it
begins anew from normal when it is enabled again, and its delays then begin anew. Where nothing is
known of a condition (no good reading) an alarm stays as it is, and its delays begin anew.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from podium.control.bus.cold import AlarmNews, AlarmState, TaiFs
from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision.alarm_conditions import Found, Rated, examine, fresh_instruments
from podium.control.supervision.alarm_groups import leaders_of
from podium.control.supervision.alarm_rules import AlarmRule, Limit, Rate
from podium.firmware_interfaces.exact_time import FS_PER_S

SHELVED_MAX_S = 7 * 86_400.0
"""Shelving ends after a week at most. # ASSUMED: ISA-18.2 asks for an end, not for this one."""


class NotPossible(Exception):
    """An alarm cannot be acknowledged, reset or shelved like this. The message says why."""


@dataclass(frozen=True, slots=True)
class Instant:
    """Now, by the facility's clock and by a clock of the wall that never goes back."""

    tai: TaiFs
    wall_s: float

    @property
    def tai_s(self) -> float:
        """TAI in s, for durations."""
        return self.tai[0] + self.tai[1] / FS_PER_S


@dataclass(frozen=True, slots=True)
class Alarm:
    """Holds the state of one alarm. All but ``changing_s`` survives a restart."""

    active: bool = False
    """Its condition holds, delays and deadband considered."""
    acknowledged: bool = True
    latched: bool = False
    """It has been on since it was last reset, and has to be reset."""
    armed: bool | None = None
    """None: never judged."""
    in_service: bool = True
    shelved_until: TaiFs | None = None
    since: TaiFs | None = None
    """When it was last raised."""
    by: str = ""
    """Who acknowledged, shelved or took it out of service."""
    leader: str = ""
    found: Found = field(default_factory=Found)
    """As of the last step; of an alarm whose reading is lost, as it was known last."""
    changing_s: float | None = None
    """Since when the condition differs from ``active``, by the rule's clock, s."""

    def disabled(self, suppressed: bool) -> bool:
        """Tell whether it is shelved, suppressed or out of service."""
        return not self.in_service or self.shelved_until is not None or suppressed


NEW = Alarm()


@dataclass(frozen=True, slots=True)
class AlarmsState:
    """All alarms of a facility, by name."""

    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    rates: Mapping[str, Rated] = field(default_factory=dict)
    """By the name of a rule of kind rate: what its slope is taken from."""
    suppressed: frozenset[str] = frozenset()
    """Names of those that are suppressed by design, as of the last step."""

    def of(self, name: str) -> Alarm:
        """Return what is remembered of an alarm."""
        return self.alarms.get(name, NEW)


def state_of(alarm: Alarm, suppressed: bool) -> AlarmState:
    """Return the state that ISA-18.2 names."""
    if not alarm.in_service:
        return "out_of_service"
    if alarm.shelved_until is not None:
        return "shelved"
    if suppressed:
        return "suppressed"
    if alarm.active:
        return "acknowledged" if alarm.acknowledged else "unacknowledged"
    if alarm.latched:
        return "latched"
    return "normal" if alarm.acknowledged else "returned"


def step(
    state: AlarmsState,
    rules: tuple[AlarmRule, ...],
    views: Mapping[str, FridgeView],
    readings: Mapping[str, Latest],
    now: Instant,
    *,
    contradictions: Mapping[tuple[str, str], Found] = MappingProxyType({}),
    failures: Mapping[str, str] = MappingProxyType({}),
    suppressed: Collection[str] = (),
) -> tuple[AlarmsState, tuple[AlarmNews, ...]]:
    """Return the state after what is known now, and the alarms that are not normal.

    ``views``: by fridge. ``readings``: by name. ``contradictions``: by fridge and subject, what
    the observer has found. ``failures``: by part of the supervision that does not work, why.
    ``suppressed``: names of alarms that are expected now, as by a procedure that warms up.
    """
    alarms: dict[str, Alarm] = {}
    rates: dict[str, Rated] = {}
    designed: set[str] = set()
    fresh = fresh_instruments(readings.values())
    for rule in rules:
        before = state.of(rule.name)
        view = views.get(rule.fridge)
        if isinstance(rule.condition, Rate):
            rates[rule.name] = state.rates.get(rule.name, Rated()).add(rule.condition, view)
        found = examine(
            rule.condition,
            rule.fridge,
            view,
            fresh,
            before.active,
            rates.get(rule.name),
            contradictions,
            failures,
        )
        armed = _armed(rule, before, view, found, rule.name in state.suppressed)
        if rule.name in suppressed or armed is False:
            designed.add(rule.name)
        judged = before if armed is before.armed else replace(before, armed=armed)
        alarm = _shelving_ended(judged, now)
        if alarm.disabled(rule.name in designed):
            alarms[rule.name] = _disabled(alarm, found)
        else:
            alarms[rule.name] = _moved(rule, alarm, found, now)
    leaders = leaders_of(rules, alarms)
    alarms = {
        name: one if leaders.get(name, "") == one.leader else replace(one, leader=leaders[name])
        for name, one in alarms.items()
    }
    after = AlarmsState(alarms, rates, frozenset(designed))
    return after, news_of(after, rules)


def _armed(
    rule: AlarmRule, alarm: Alarm, view: FridgeView | None, found: Found, suppressed: bool
) -> bool | None:
    """Return whether a rule is armed; None: it needs no arming."""
    if rule.arming is None:
        return None
    arms, disarms = (_test(one, view) for one in (rule.arming.arms, rule.arming.disarms))
    if arms:
        return True
    if alarm.armed is None:
        return not disarms
    disabled = alarm.disabled(suppressed)
    coming = bool(found.holds) and not alarm.active
    unseen = coming or not alarm.acknowledged
    return alarm.armed and not (disarms and (disabled or not unseen))


def _test(limit: Limit, view: FridgeView | None) -> bool:
    value = None if view is None else view.good(limit.signal)
    return value is not None and limit.holds(value, False)


def _shelving_ended(alarm: Alarm, now: Instant) -> Alarm:
    if alarm.shelved_until is None or now.tai < alarm.shelved_until:
        return alarm
    return replace(alarm, shelved_until=None, by="")


def _disabled(alarm: Alarm, found: Found) -> Alarm:
    if _rests(alarm) and not alarm.leader and found.holds is False and alarm.found.holds is False:
        return alarm
    return replace(
        alarm,
        active=False,
        acknowledged=True,
        latched=False,
        since=None,
        leader="",
        found=found,
        changing_s=None,
    )


def _rests(alarm: Alarm) -> bool:
    """Tell whether an alarm is normal, and no delay runs."""
    return (
        alarm.acknowledged
        and not alarm.active
        and not alarm.latched
        and alarm.changing_s is None
        and alarm.since is None
    )


def _moved(rule: AlarmRule, alarm: Alarm, found: Found, now: Instant) -> Alarm:
    """Return an alarm that is enabled after its condition was found."""
    if found.holds is None or found.holds == alarm.active:
        if _rests(alarm) and found.holds is False and alarm.found.holds is False:
            return alarm  # nobody is shown what does not hold
        known = alarm.found if alarm.active and found.holds is None else found
        return replace(alarm, changing_s=None, found=known)
    at_s = now.wall_s if rule.by_wall else now.tai_s
    began_s = at_s if alarm.changing_s is None else min(alarm.changing_s, at_s)
    delay_s = rule.on_delay_s if found.holds else rule.off_delay_s
    if at_s - began_s < delay_s:
        return replace(alarm, changing_s=began_s, found=found)
    if found.holds:
        return replace(
            alarm,
            active=True,
            acknowledged=False,
            latched=rule.latching,
            since=now.tai,
            by="",
            found=found,
            changing_s=None,
        )
    over = replace(alarm, active=False, found=found, changing_s=None)
    return replace(over, since=None, by="") if over.acknowledged and not over.latched else over


def news_of(state: AlarmsState, rules: tuple[AlarmRule, ...]) -> tuple[AlarmNews, ...]:
    """Return the alarms that are not normal; suppressed ones only while their condition holds."""
    found = []
    for rule in rules:
        alarm = state.of(rule.name)
        stands = state_of(alarm, rule.name in state.suppressed)
        holds = bool(alarm.found.holds)
        if stands == "normal" or (stands == "suppressed" and not holds):
            continue
        found.append(
            AlarmNews(
                name=rule.name,
                fridge=rule.fridge,
                kind=rule.kind,
                state=stands,
                priority=rule.priority,
                active=alarm.active
                or (stands in ("shelved", "out_of_service") and holds)
                or stands == "suppressed",
                reading=alarm.found.reading,
                value=alarm.found.value,
                limit=alarm.found.limit,
                unit=alarm.found.unit,
                since=alarm.since,
                what=f"{rule.what}{alarm.found.words}",
                cause=rule.cause,
                to_do=rule.to_do,
                leader=alarm.leader,
                by=alarm.by,
                until=alarm.shelved_until,
            )
        )
    return tuple(found)


# What people do


def acknowledge(
    state: AlarmsState, rules: tuple[AlarmRule, ...], name: str, by: str
) -> AlarmsState:
    """Return the state after somebody has seen an alarm, with those that follow it.

    Raises :class:`NotPossible` for an alarm that there is not, or that is not on.
    """
    _known(rules, name)
    stands = state_of(state.of(name), name in state.suppressed)
    if stands in ("normal", "shelved", "suppressed", "out_of_service"):
        raise NotPossible(f"{name} is {stands.replace('_', ' ')}: there is nothing to acknowledge")
    changed = dict(state.alarms)
    for rule in rules:
        alarm = state.of(rule.name)
        if (rule.name == name or alarm.leader == name) and not alarm.acknowledged:
            changed[rule.name] = _seen(alarm, by)
    return replace(state, alarms=changed)


def _seen(alarm: Alarm, by: str) -> Alarm:
    if alarm.active or alarm.latched:
        return replace(alarm, acknowledged=True, by=by)
    return replace(alarm, acknowledged=True, by="", since=None, leader="")


def reset(state: AlarmsState, rules: tuple[AlarmRule, ...], name: str, by: str) -> AlarmsState:
    """Return the state after a latched alarm was reset; raises :class:`NotPossible`."""
    _known(rules, name)
    alarm = state.of(name)
    stands = state_of(alarm, name in state.suppressed)
    if stands != "latched":
        why = "its condition still holds" if alarm.active else f"it is {stands.replace('_', ' ')}"
        raise NotPossible(f"{name} cannot be reset: {why}")
    if not alarm.acknowledged:
        raise NotPossible(f"{name} cannot be reset before somebody has acknowledged it")
    after = replace(alarm, latched=False, by="", since=None, leader="")
    return replace(state, alarms={**state.alarms, name: after})


def shelve(
    state: AlarmsState, rules: tuple[AlarmRule, ...], name: str, for_s: float, by: str, now: Instant
) -> AlarmsState:
    """Return the state with an alarm shelved for a while of the facility's time; 0 s ends it.

    Raises :class:`NotPossible`.
    """
    _known(rules, name)
    alarm = state.of(name)
    if not 0 <= for_s <= SHELVED_MAX_S:
        raise NotPossible(
            f"{name} cannot be shelved for {for_s} s: shelving ends, after "
            f"{SHELVED_MAX_S / 86_400:.0f} days at most"
        )
    if not alarm.in_service:
        raise NotPossible(f"{name} is out of service: it cannot be shelved")
    if for_s == 0:
        after = replace(alarm, shelved_until=None, by="" if alarm.shelved_until else alarm.by)
    else:
        total_fs = now.tai[0] * FS_PER_S + now.tai[1] + round(for_s * 1e6) * (FS_PER_S // 10**6)
        until = divmod(total_fs, FS_PER_S)
        after = replace(_disabled(alarm, alarm.found), shelved_until=until, by=by)
    return replace(state, alarms={**state.alarms, name: after})


def set_service(
    state: AlarmsState, rules: tuple[AlarmRule, ...], name: str, in_service: bool, by: str
) -> AlarmsState:
    """Return the state with an alarm taken out of service, or back; raises :class:`NotPossible`."""
    _known(rules, name)
    alarm = _disabled(state.of(name), state.of(name).found)
    if in_service and state.of(name).in_service:
        return state
    after = replace(alarm, in_service=in_service, shelved_until=None, by="" if in_service else by)
    return replace(state, alarms={**state.alarms, name: after})


def _known(rules: tuple[AlarmRule, ...], name: str) -> None:
    if all(rule.name != name for rule in rules):
        some = ", ".join(rule.name for rule in rules[:6])
        raise NotPossible(f"there is no alarm {name!r}; there are {some} ...")
