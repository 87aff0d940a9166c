"""States of alarms against a slow reference, and what must hold of each by itself."""

import random
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.supervision.alarm_reference import ReferenceAlarm

from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision import alarm_states
from podium.control.supervision.alarm_conditions import Found
from podium.control.supervision.alarm_rules import (
    AlarmRule,
    Arming,
    Contradiction,
    Limit,
    NoValue,
    OwnFailure,
    Rate,
    Silence,
)
from podium.control.supervision.alarm_states import (
    AlarmsState,
    Instant,
    NotPossible,
    acknowledge,
    reset,
    set_service,
    shelve,
    state_of,
    step,
)

STILL = "temperature.still"
COMMANDS = ("acknowledge", "reset", "shelve", "service")
ALL_STATES = {
    *("normal", "unacknowledged", "acknowledged", "returned", "latched"),
    *("shelved", "suppressed", "out_of_service"),
}
RULE = AlarmRule(
    "fridge_a.still_warm",
    "fridge_a",
    Limit(STILL, "K", "above", 1.0, 0.25),
    "high",
    "the still is warm",
    "heat",
    "look",
)


def view(value: float | None, now_s: float, signal: str = STILL, fridge: str = "fridge_a"):
    quality = "good" if value is not None else "out_of_range"
    latest = Latest("thermometry_a.still", value, "K", quality, (int(now_s), 0))
    return {fridge: FridgeView(fridge, (int(now_s), 0), {signal: latest}, {})}


def at(now_s: float, wall_s: float = 0.0) -> Instant:
    return Instant((int(now_s), round((now_s % 1) * 1e15)), wall_s)


def run(state, rule, value, now_s, **more):
    signal = getattr(rule.condition, "signal", STILL)
    return step(state, (rule,), view(value, now_s, signal), {}, at(now_s), **more)


def carry_out(state: AlarmsState, rule: AlarmRule, command, now_s: float) -> AlarmsState:
    what, number = command
    match what:
        case "acknowledge":
            return acknowledge(state, (rule,), rule.name, "ann")
        case "reset":
            return reset(state, (rule,), rule.name, "ann")
        case "shelve":
            return shelve(state, (rule,), rule.name, number, "ann", at(now_s))
    return set_service(state, (rule,), rule.name, bool(number), "ann")


VALUES = st.sampled_from([None, 0.5, 0.75, 0.9, 1.0, 1.1, 2.0])
DOES = st.one_of(
    st.none(),
    st.tuples(st.sampled_from(["acknowledge", "reset"]), st.just(0)),
    st.tuples(st.just("shelve"), st.sampled_from([0, 3, 8])),
    st.tuples(st.just("service"), st.sampled_from([0, 1])),
)
STORY = st.lists(
    st.tuples(st.integers(0, 4), VALUES, DOES, st.sampled_from([False, False, False, True])),
    max_size=40,
)


def compare(story, on_s: int, off_s: int, latching: bool) -> set[str]:
    """Play a story to both; return the states that were seen."""
    rule = replace(RULE, on_delay_s=on_s, off_delay_s=off_s, latching=latching)
    reference = ReferenceAlarm(1.0, 0.25, on_s, off_s, latching)
    state, now_s, seen = AlarmsState(), 0.0, set()
    for wait_s, value, command, suppressed in story:
        now_s += wait_s
        if command is not None:
            try:
                state, possible = carry_out(state, rule, command, now_s), True
            except NotPossible:
                possible = False
            assert reference.command(command, now_s) == possible
            stands = state_of(state.of(rule.name), rule.name in state.suppressed)
            assert stands == reference.state, command
        by_design = {rule.name} if suppressed else ()
        state, news = run(state, rule, value, now_s, suppressed=by_design)
        reference.step(now_s, value, suppressed)
        stands = state_of(state.of(rule.name), rule.name in state.suppressed)
        assert stands == reference.state
        assert stands == "normal" or news or stands == "suppressed"
        seen.add(stands)
    return seen


@given(STORY, st.integers(0, 6), st.integers(0, 6), st.booleans())
def test_states_are_those_of_the_slow_reference(story, on_s, off_s, latching) -> None:
    compare(story, on_s, off_s, latching)


def test_random_stories_reach_every_state_sometimes() -> None:
    rng = random.Random(18)
    seen: set[str] = set()
    for _ in range(60):
        story = [
            (
                rng.randrange(5),
                rng.choice([None, 0.5, 0.9, 1.1, 2.0, 2.0]),
                rng.choice(
                    [None] * 6
                    + [("acknowledge", 0), ("reset", 0), ("shelve", 6), ("service", 0)]
                    + [("service", 1)]
                ),
                rng.random() < 0.1,
            )
            for _ in range(60)
        ]
        seen |= compare(story, rng.randrange(4), rng.randrange(4), rng.random() < 0.5)
    assert seen == ALL_STATES


def test_disabling_beats_a_running_delay() -> None:
    rule = replace(RULE, on_delay_s=10)
    for command in ("shelve", 100.0), ("service", 0):
        state, _ = run(AlarmsState(), rule, 2.0, 0)
        state = carry_out(state, rule, command, 5)
        state, news = run(state, rule, 2.0, 11)
        assert [one.state for one in news] == [
            "shelved" if command[0] == "shelve" else "out_of_service"
        ]
        state = carry_out(state, rule, ("shelve", 0) if command[1] else ("service", 1), 12)
        state, news = run(state, rule, 2.0, 12)
        assert news == ()  # the delay begins anew
        state, news = run(state, rule, 2.0, 22)
        assert [one.state for one in news] == ["unacknowledged"]


def test_shelving_ends_by_itself_and_tells_again() -> None:
    state, news = run(AlarmsState(), RULE, 2.0, 0)
    assert news[0].state == "unacknowledged"
    state = shelve(state, (RULE,), RULE.name, 60.0, "ann", at(1))
    state, news = run(state, RULE, 2.0, 60)
    assert (news[0].state, news[0].by, news[0].until) == ("shelved", "ann", (61, 0))
    assert news[0].active
    _, news = run(state, RULE, 2.0, 61)
    assert (news[0].state, news[0].until) == ("unacknowledged", None)


@pytest.mark.parametrize("for_s", [-1.0, float("nan"), float("inf"), 1e9])
def test_shelving_for_ever_is_refused(for_s) -> None:
    with pytest.raises(NotPossible, match="days at most"):
        shelve(AlarmsState(), (RULE,), RULE.name, for_s, "ann", at(0))


def test_an_unknown_alarm_is_refused_with_those_that_are() -> None:
    with pytest.raises(NotPossible, match=r"no alarm 'nobody'; there are fridge_a\.still_warm"):
        acknowledge(AlarmsState(), (RULE,), "nobody", "ann")


def test_a_lost_reading_neither_raises_nor_ends_an_alarm() -> None:
    state, news = run(AlarmsState(), RULE, 2.0, 0)
    state, news = run(state, RULE, None, 500)
    assert (news[0].state, news[0].active, news[0].value) == ("unacknowledged", True, 2.0)
    state, news = run(AlarmsState(), RULE, None, 500)
    assert news == ()


def test_a_clock_that_jumps_back_ends_nothing_and_breaks_no_delay() -> None:
    rule = replace(RULE, on_delay_s=10)
    state, _ = run(AlarmsState(), rule, 2.0, 1000)
    state, news = run(state, rule, 2.0, 100)
    assert news == ()
    state, news = run(state, rule, 2.0, 110)
    assert news[0].since == (110, 0)


def test_what_is_told_has_value_limit_cause_and_what_to_do() -> None:
    _, (told,) = run(AlarmsState(), RULE, 2.0, 7)
    assert told.what == "the still is warm: 2 K, limit 1 K"
    assert (told.value, told.limit, told.unit, told.reading) == (
        2.0,
        1.0,
        "K",
        "thermometry_a.still",
    )
    assert (told.kind, told.priority, told.cause, told.to_do) == ("limit", "high", "heat", "look")


def test_a_slope_is_taken_over_its_time() -> None:
    rule = replace(RULE, condition=Rate(STILL, "K", "above", 0.1, 60.0))
    state, seen = AlarmsState(), []
    for second in range(0, 200, 5):
        value = 1.0 if second < 100 else 1.0 + 0.2 * (second - 100)
        state, news = run(state, rule, value, second)
        seen.append((second, bool(news)))
    first = next(second for second, on in seen if on)
    assert 130 < first <= 135  # half of 60 s at 0.2 K/s are 0.1 K/s
    assert len(state.rates[rule.name].samples) < 40


def test_falling_faster_is_an_alarm_too() -> None:
    rule = replace(RULE, condition=Rate(STILL, "K", "below", -0.1, 10.0))
    state = AlarmsState()
    for second in range(30):
        state, news = run(state, rule, 100.0 - 0.2 * second, second)
    assert news[0].value == pytest.approx(-0.2)


def test_a_step_forward_of_the_clock_is_no_slope_of_its_own() -> None:
    rule = replace(RULE, condition=Rate(STILL, "K", "above", 0.1, 60.0))
    state = AlarmsState()
    for second in (0, 30, 60, 90, 3690, 30, 60, 100):
        state, news = run(state, rule, 1.0, second)
        assert news == ()


def test_silence_is_by_the_walls_clock_and_one_channel_breaks_it() -> None:
    rule = replace(RULE, condition=Silence(("thermometry_a",)), on_delay_s=20)
    told = Latest("thermometry_a.still", 1.0, "K", "stale", (0, 0))
    state, news = step(AlarmsState(), (rule,), {}, {told.name: told}, at(0, 100.0))
    state, news = step(state, (rule,), {}, {told.name: told}, at(100_000, 119.0))
    assert news == ()
    state, news = step(state, (rule,), {}, {told.name: told}, at(100_001, 121.0))
    assert [one.kind for one in news] == ["staleness"]
    empty = replace(told, quality="out_of_range")
    _, news = step(state, (rule,), {}, {told.name: empty}, at(100_001, 122.0))
    assert [one.state for one in news] == ["returned"]


def test_a_signal_that_nobody_knows_is_an_alarm_with_its_reason() -> None:
    rule = replace(RULE, condition=NoValue(STILL))
    bad = Latest("thermometry_a.still", None, "K", "out_of_range", None, "T_OVER")
    seen = {"fridge_a": FridgeView("fridge_a", (0, 0), {STILL: bad}, {})}
    _, (told,) = step(AlarmsState(), (rule,), seen, {}, at(0))
    assert told.what.endswith("T_OVER")
    assert told.value is None


def test_physics_and_own_parts_are_conditions_as_well() -> None:
    model = replace(RULE, condition=Contradiction(STILL))
    found = MappingProxyType({("fridge_a", STILL): Found(True, 0.8, 0.1, "K", words=": 0.8 K")})
    _, (told,) = run(AlarmsState(), model, 0.8, 0, contradictions=found)
    assert (told.kind, told.what) == ("model", "the still is warm: 0.8 K")
    own = replace(RULE, condition=OwnFailure("recorder"))
    _, (told,) = run(AlarmsState(), own, 0.8, 0, failures={"recorder": "disk full"})
    assert told.what.endswith("disk full")


ARMED = replace(
    RULE,
    arming=Arming(Limit(STILL, "K", "below", 0.9), Limit(STILL, "K", "above", 100.0)),
)


def test_a_fridge_that_is_warm_or_cools_down_alarms_nobody_before_it_was_cold() -> None:
    state = AlarmsState()
    for second, kelvin in enumerate((295.0, 150.0, 50.0, 2.0, 1.05)):
        state, news = run(state, ARMED, kelvin, second)
        assert {one.state for one in news} == {"suppressed"}
    state, news = run(state, ARMED, 0.8, 10)
    assert news == ()
    state, news = run(state, ARMED, 2.0, 11)
    assert [one.state for one in news] == ["unacknowledged"]


def test_an_alarm_that_nobody_has_seen_is_not_disarmed() -> None:
    state, _ = run(AlarmsState(), ARMED, 0.8, 0)
    state, news = run(state, ARMED, 200.0, 1)
    state, news = run(state, ARMED, 200.0, 2)
    assert [one.state for one in news] == ["unacknowledged"]
    state = acknowledge(state, (ARMED,), ARMED.name, "ann")
    state, news = run(state, ARMED, 200.0, 3)
    assert [one.state for one in news] == ["suppressed"]


def test_a_fridge_that_is_found_warming_up_is_an_alarm() -> None:
    _, news = run(AlarmsState(), ARMED, 12.0, 0)
    assert [one.state for one in news] == ["unacknowledged"]


def test_a_latched_alarm_is_reset_only_when_seen_and_over() -> None:
    rule = replace(RULE, latching=True)
    state, _ = run(AlarmsState(), rule, 2.0, 0)
    with pytest.raises(NotPossible, match="its condition still holds"):
        reset(state, (rule,), rule.name, "ann")
    state, news = run(state, rule, 0.5, 1)
    assert news[0].state == "latched"
    with pytest.raises(NotPossible, match="before somebody has acknowledged"):
        reset(state, (rule,), rule.name, "ann")
    state = acknowledge(state, (rule,), rule.name, "ann")
    state, news = run(state, rule, 0.5, 2)
    assert (news[0].state, news[0].by) == ("latched", "ann")
    state = reset(state, (rule,), rule.name, "bob")
    assert alarm_states.news_of(state, (rule,)) == ()
