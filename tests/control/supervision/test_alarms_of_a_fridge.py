"""Alarms of a fridge against a simulated plant: what is raised, by what cause, and what never."""

import random

import pytest
from tests.benches.supervision.plant_story import COLD, START_FS, PlantStory, cold_story
from tests.benches.thoroughness import sampled

from podium.control.facility.alarm_signals import ALARM_SIGNALS
from podium.control.facility.load import load_facility
from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision.alarm_rules import AlarmRule, Limit
from podium.control.supervision.alarm_states import (
    AlarmsState,
    Instant,
    acknowledge,
    reset,
    step,
)
from podium.control.supervision.default_alarms import DEFAULT_ALARMS
from podium.control.supervision.facility_alarms import rules_of
from podium.sim_instruments.physics.cryostat.cooldown import Cooldown
from podium.sim_instruments.physics.cryostat.parameters import LD400
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.physics.cryostat.sensor_panel import GAUGE_NOISE


def test_every_usual_alarm_has_a_signal_words_and_known_causes() -> None:
    assert [one.name for one in DEFAULT_ALARMS] == list(ALARM_SIGNALS)
    for one in DEFAULT_ALARMS:
        assert all((one.what, one.cause))
        assert one.to_do.endswith(".")
        assert set(one.caused_by) <= set(ALARM_SIGNALS)
        assert one.deadband >= 0
    rules = rules_of(load_facility(COLD))
    assert len({rule.name for rule in rules}) == len(rules)


def test_a_cold_fridge_that_circulates_is_quiet() -> None:
    story = cold_story()
    story.go_on(1200)
    assert (story.raised, story.shown()) == ([], {})


def test_a_trip_is_one_alarm_with_its_followers_until_all_is_well_again() -> None:
    story = cold_story()
    story.go_on(60)
    story.plant.fault("compressor_trip", story.now_fs)
    story.go_on(10)
    assert story.raised[0] == ("compressor_stopped", "")
    story.go_on(1200)
    followers = {name for name, leader in story.raised if leader == "compressor_stopped"}
    assert {leader for _, leader in story.raised} == {"", "compressor_stopped"}
    assert {
        *("second_stage_warm", "still_warm", "still_pressure_high", "mixing_chamber_warm"),
        *("mixture_returns", "flow_lost", "turbo1_slow", "pulse_tube_off"),
    } <= followers
    leader = "fridge_a.compressor_stopped"
    story.state = acknowledge(story.state, story.rules, leader, "ann")
    story.plant.repair("compressor_trip", story.now_fs)
    story.plant.write("pulse_tube.on", 1.0, story.now_fs)
    story.every_s = 60
    story.go_on(8 * 3600)
    assert story.shown() == {"compressor_stopped": "latched"}
    story.state = reset(story.state, story.rules, leader, "ann")
    story.go_on(60)
    assert story.shown() == {}


@pytest.mark.parametrize(
    ("fault", "leader", "some"),
    [
        ("plug", "condensing_pressure_high", {"flow_lost", "still_warm", "mixing_chamber_warm"}),
        ("turbo_stop", "turbo1_slow", {"still_warm", "still_pressure_high"}),
        ("leak", "vacuum_lost", {"mixing_chamber_warm"}),
        ("warm_water", "water_warm", {"compressor_stopped", "second_stage_warm", "still_warm"}),
    ],
)
def test_each_fault_has_one_leader(fault, leader, some) -> None:
    story = cold_story(every_s=20)
    story.go_on(60)
    story.plant.fault(fault, story.now_fs)
    story.go_on(5000)
    assert [name for name, above in story.raised if not above] == [leader]
    assert some <= {name for name, above in story.raised if above == leader}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "within_s"), sampled([(1e-7, 600), (1e-4, 120)], kept=[(1e-7, 600)])
)
def test_mixture_that_returns_after_a_leak_is_one_alarm_though_gauges_are_noisy(
    size: float, within_s: int
) -> None:
    """ISA-18.2: no chattering. The tank ends at 8 kPa, where 0.5 % are 1 Pa/s over a minute."""
    story = cold_story(gauge_seed=7)
    story.go_on(400)
    story.plant.fault("leak", story.now_fs, size)
    story.go_on(within_s)
    assert story.begun["mixture_returns"] == 1
    story.go_on(5400)
    assert story.begun["mixture_returns"] == 1
    assert not story.state.of("fridge_a.mixture_returns").active


def test_noise_of_a_full_tank_is_no_mixture_that_returns() -> None:
    """All of it is in the tank, and the fridge is still cold."""
    rule = next(
        one for one in rules_of(load_facility(COLD)) if one.name == "fridge_a.mixture_returns"
    )
    noise, state = random.Random(1), AlarmsState()
    for second in range(0, 20_000, 5):
        at = Instant((1_800_000_000 + second, 0), float(second))
        shown = 80e3 * (1.0 + noise.gauss(0.0, GAUGE_NOISE))
        read = {rule.condition.signal: Latest("gauges_a.p5", shown, "Pa", "good", at.tai)}
        state, news = step(
            state, (rule,), {"fridge_a": FridgeView("fridge_a", at.tai, read, {})}, {}, at
        )
        assert news == ()


def test_a_cooldown_from_room_temperature_raises_nothing() -> None:
    story = PlantStory(Cryostat(LD400, START_FS, start="warm"), every_s=60)
    cooldown = Cooldown(story.plant, START_FS)
    while story.now_fs < START_FS + 27 * 3600 * 10**15:
        cooldown.advance(story.now_fs)
        story.go_on(60)
    assert cooldown.began[-1][0] == "base"
    assert story.raised == []


def _rules(tmp_path, alarms: str) -> dict[str, AlarmRule]:
    path = tmp_path / "facility.yaml"
    text = COLD.read_text().replace(
        "    cold_below: 30 mK\n", f"    cold_below: 30 mK\n    alarms: {alarms}\n"
    )
    path.write_text(text)
    return {rule.name: rule for rule in rules_of(load_facility(path))}


def test_a_facility_file_lays_its_own_over_the_usual(tmp_path) -> None:
    rules = _rules(
        tmp_path,
        "{second_stage_warm: {above: 5 K, on_delay: 1 min, priority: critical}, "
        "turbo1_slow: {enabled: false}, gauges_a_silent: {on_delay: 2 min}, "
        "mixture_returns: {above: 3 kPa, over: 10 min}, "
        "puck: {signal: temperature.still, above: 800 mK, deadband: 10 mK, to_do: Call Ann.}}",
    )
    warm = rules["fridge_a.second_stage_warm"]
    assert isinstance(warm.condition, Limit)
    assert (warm.condition.limit, warm.condition.deadband) == (5.0, 0.5)
    assert (warm.on_delay_s, warm.priority, warm.cause) == (
        60.0,
        "critical",
        "the pulse tube, a leak, or heat from the magnet",
    )
    assert "fridge_a.turbo1_slow" not in rules
    assert all("fridge_a.turbo1_slow" not in rule.caused_by for rule in rules.values())
    assert rules["fridge_a.gauges_a_silent"].on_delay_s == 120.0
    assert rules["fridge_a.mixture_returns"].condition.limit == pytest.approx(5.0)
    puck = rules["fridge_a.puck"]
    assert puck.condition == Limit("temperature.still", "K", "above", 0.8, 0.01)
    assert puck.to_do == "Call Ann."


def test_an_agent_that_is_dead_is_one_alarm_and_its_boxes_follow() -> None:
    rules = {rule.name: rule for rule in rules_of(load_facility(COLD))}
    assert rules["fridge_a.gauges_a_silent"].caused_by == ("supervisor.room_silent",)
    assert rules["fridge_a.second_stage_unknown"].caused_by == (
        "fridge_a.thermometry_a_silent",
        "fridge_a.control_a_silent",
    )


def test_a_model_that_is_off_while_something_else_is_wrong_follows_that() -> None:
    rules = {rule.name: rule for rule in rules_of(load_facility(COLD))}
    assert "fridge_a.compressor_stopped" in rules["fridge_a.model_still"].caused_by
