"""Makes the alarm rules of a facility: the usual ones, with what its file lays over them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from podium.control.agent.owners import owners_of
from podium.control.bus.cold import Priority
from podium.control.facility.alarm_signals import ALARM_SIGNALS, SILENT, UNKNOWN
from podium.control.facility.facility import AlarmSetting, Facility, Fridge
from podium.control.facility.fridge_wiring import FridgeWiring, wiring_of
from podium.control.supervision.alarm_rules import (
    NO_FRIDGE,
    AlarmRule,
    Condition,
    Contradiction,
    Limit,
    NoValue,
    OwnFailure,
    Rate,
    Silence,
)
from podium.control.supervision.default_alarms import (
    COLD,
    DEFAULT_ALARMS,
    FLOOR_K,
    MARGIN,
    DefaultAlarm,
)
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import SECOND_STAGE

SILENT_S = 20.0
"""On-delay of an instrument that tells nothing, after its readings have become stale; wall."""
NO_VALUE_S = 60.0
CONTRADICTED_S = 60.0
"""On-delay of what physics contradicts, in the facility's time: the observer filters by itself."""
RECORDER, ALARM_STORE = "recorder", "alarm_store"
"""Parts of the supervision that may fail."""
CORRIDOR = "corridor"
"""What a running procedure leaves: the courses that its rehearsal promised."""


def rules_of(facility: Facility) -> tuple[AlarmRule, ...]:
    """Return the rules of all fridges and of the supervision itself, causes before followers."""
    found = list(_of_supervision(facility))
    for fridge in facility.fridges.values():
        if fridge.model is not None:
            found += _of_fridge(fridge, wiring_of(facility, fridge), _agents_of(facility))
    return _of_known_causes(found)


def fridge_rules(
    fridge: Fridge, wiring: FridgeWiring, agents: Mapping[str, str]
) -> tuple[AlarmRule, ...]:
    """Return the rules of one fridge; ``agents``: the owner of each of its instruments."""
    return _of_known_causes(list(_of_fridge(fridge, wiring, agents)))


def _of_known_causes(rules: list[AlarmRule]) -> tuple[AlarmRule, ...]:
    known = {one.name for one in rules}
    return tuple(
        replace(one, caused_by=tuple(name for name in one.caused_by if name in known))
        for one in rules
    )


def _agents_of(facility: Facility) -> Mapping[str, str]:
    """Return the owner of each instrument."""
    return {one: agent for agent, owned in owners_of(facility).items() for one in owned}


def _agent_silent(agent: str) -> str:
    return f"{NO_FRIDGE}.{agent.replace('+', '_')}{SILENT}"


def _of_supervision(facility: Facility) -> Iterator[AlarmRule]:
    yield AlarmRule(
        f"{NO_FRIDGE}.recorder_dead",
        "",
        OwnFailure(RECORDER),
        "high",
        "readings are not recorded",
        "the disk is full or cannot be written",
        "Make room on the supervisor's disk; alarms work on, history has a gap.",
    )
    yield AlarmRule(
        f"{NO_FRIDGE}.alarm_store_dead",
        "",
        OwnFailure(ALARM_STORE),
        "high",
        "alarms are not written down",
        "the disk is full or cannot be written",
        "Make room on the supervisor's disk; until then a restart forgets acknowledgements.",
    )
    for agent, instruments in owners_of(facility).items():
        if len(instruments) > 1:
            yield AlarmRule(
                _agent_silent(agent),
                "",
                Silence(instruments),
                "high",
                f"the agent {agent} tells nothing",
                "its process, its computer, or the network",
                "Look at `podium status`. Instruments stay as they were set.",
                on_delay_s=SILENT_S,
            )


def _of_fridge(
    fridge: Fridge, wiring: FridgeWiring, agents: Mapping[str, str]
) -> Iterator[AlarmRule]:
    settings = {one.name: one for one in fridge.alarms}
    told = (reading for readings in wiring.readings.values() for reading in readings)
    telling = {reading.partition(".")[0] for reading in told}
    for name in dict.fromkeys((fridge.thermometer.instrument, *fridge.instruments)):
        if name not in telling:
            continue
        yield from _laid_over(_silent(fridge, name, agents[name]), settings)
    for one in DEFAULT_ALARMS:
        if ALARM_SIGNALS[one.name].signal in wiring.readings:
            yield from _laid_over(_usual(fridge, one), settings)
    known = {signals.temperature_of(SECOND_STAGE), wiring.signal_of(str(fridge.thermometer))}
    for signal in sorted(known & wiring.readings.keys()):
        yield from _laid_over(_unknown(fridge, signal, wiring), settings)
    for signal in wiring.readings:
        if signal.startswith("temperature."):
            yield from _laid_over(_contradicted(fridge, signal), settings)
    yield from _laid_over(_left_corridor(fridge), settings)
    for setting in settings.values():
        if setting.signal is not None and setting.enabled and setting.signal in wiring.readings:
            yield _own(fridge, setting)


def _usual(fridge: Fridge, one: DefaultAlarm) -> AlarmRule:
    watched, limit, deadband = ALARM_SIGNALS[one.name], one.limit, one.deadband
    if one.name == "mixing_chamber_warm":
        limit = max(FLOOR_K, MARGIN * fridge.cold_below_k)
        deadband = 0.2 * limit
    condition: Condition = Limit(watched.signal, watched.unit, watched.side, limit, deadband)
    if one.over_s:
        condition = Rate(watched.signal, watched.unit, watched.side, limit, one.over_s, deadband)
    return AlarmRule(
        f"{fridge.name}.{one.name}",
        fridge.name,
        condition,
        one.priority,
        one.what,
        one.cause,
        one.to_do,
        one.on_delay_s,
        one.off_delay_s,
        one.latching,
        one.arming,
        tuple(f"{fridge.name}.{cause}" for cause in one.caused_by),
    )


def _silent(fridge: Fridge, instrument: str, agent: str) -> AlarmRule:
    priority: Priority = "high" if instrument == fridge.thermometer.instrument else "medium"
    return AlarmRule(
        f"{fridge.name}.{instrument}{SILENT}",
        fridge.name,
        Silence((instrument,)),
        priority,
        f"{instrument} tells nothing",
        "a cable, the box itself, or its agent",
        "Look at the box and at `podium status`. Its readings are old: trust none of them.",
        on_delay_s=SILENT_S,
        off_delay_s=SILENT_S,
        caused_by=(_agent_silent(agent),),
    )


def _unknown(fridge: Fridge, signal: str, wiring: FridgeWiring) -> AlarmRule:
    short = signal.removeprefix("temperature.").replace(".", "_")
    boxes = dict.fromkeys(one.partition(".")[0] for one in wiring.readings[signal])
    return AlarmRule(
        f"{fridge.name}.{short}{UNKNOWN}",
        fridge.name,
        NoValue(signal),
        "high",
        f"nobody knows {signal.replace('.', ' of ').replace('_', ' ')}",
        "a sensor, its cable, or its range",
        "Look at another thermometer; treat the fridge as warm until it is known.",
        on_delay_s=NO_VALUE_S,
        off_delay_s=SILENT_S,
        arming=COLD if signal != COLD.arms.signal else None,
        caused_by=tuple(f"{fridge.name}.{one}{SILENT}" for one in boxes),
    )


def _contradicted(fridge: Fridge, signal: str) -> AlarmRule:
    stage = signal.removeprefix("temperature.")
    return AlarmRule(
        f"{fridge.name}.model_{stage}",
        fridge.name,
        Contradiction(signal),
        "medium",
        f"physics contradicts the thermometer of {stage.replace('_', ' ')}",
        "a sensor that drifts or sticks, or heat that nobody knows of",
        "Compare with other thermometers; see what the observer has found.",
        on_delay_s=CONTRADICTED_S,
        off_delay_s=CONTRADICTED_S,
        caused_by=tuple(f"{fridge.name}.{one.name}" for one in DEFAULT_ALARMS),
    )


def _left_corridor(fridge: Fridge) -> AlarmRule:
    return AlarmRule(
        f"{fridge.name}.left_{CORRIDOR}",
        fridge.name,
        Contradiction(CORRIDOR),
        "medium",
        "a procedure goes otherwise than it was rehearsed",
        "a part that does not do what it was told, or a model that is off",
        "Look at its steps and at the signal that left the corridor; stop it if in doubt.",
    )


def _own(fridge: Fridge, one: AlarmSetting) -> AlarmRule:
    signal = str(one.signal)
    side = "above" if one.above is not None else "below"
    limit = one.above if one.above is not None else one.below
    rule = AlarmRule(
        f"{fridge.name}.{one.name}",
        fridge.name,
        Limit(signal, signals.OUTPUTS[signal], "above" if side == "above" else "below", limit or 0),
        "medium",
        one.name.replace("_", " "),
        "not described in the facility file",
        "not described in the facility file",
    )
    return _with(rule, one)


def _laid_over(rule: AlarmRule, settings: Mapping[str, AlarmSetting]) -> Iterator[AlarmRule]:
    setting = settings.get(rule.name.partition(".")[2])
    if setting is None:
        yield rule
    elif setting.enabled:
        yield _with(rule, setting)


def _with(rule: AlarmRule, one: AlarmSetting) -> AlarmRule:
    """Return the rule with what a setting says otherwise."""
    condition = rule.condition
    limit = one.above if one.above is not None else one.below
    if isinstance(condition, Limit | Rate):
        over_s = one.over_s or (condition.over_s if isinstance(condition, Rate) else None)
        scale = 1.0 if over_s is None else 1 / over_s
        was_rate = isinstance(condition, Rate)
        kept = condition.limit if was_rate or over_s is None else condition.limit * scale
        band = condition.deadband if was_rate or over_s is None else condition.deadband * scale
        level = kept if limit is None else limit * scale
        deadband = band if one.deadband is None else one.deadband * scale
        what = condition.signal, condition.unit, condition.side, level
        condition = Limit(*what, deadband) if over_s is None else Rate(*what, over_s, deadband)
    given = {
        "on_delay_s": one.on_delay_s,
        "off_delay_s": one.off_delay_s,
        "latching": one.latching,
        "priority": one.priority,
        "what": one.what,
        "cause": one.cause,
        "to_do": one.to_do,
    }
    changed = {name: value for name, value in given.items() if value is not None}
    return replace(rule, condition=condition, **changed)  # type: ignore[arg-type]
