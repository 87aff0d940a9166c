"""``podium campaign cold``: faults drawn, a world supervised, verdicts by the truth."""

import json
import random
from itertools import pairwise
from typing import Any

import pytest

from podium.control.campaign.cold_faults import FAULTS, WorldFault, drawn_faults
from podium.control.campaign.cold_plant import ColdPlant, cold_plant
from podium.control.campaign.cold_report import cold_report
from podium.control.campaign.cold_story import ColdWorld, tell
from podium.control.campaign.cold_verdicts import FaultRecord, WorldRecord, judged, summed
from podium.sim_instruments.physics.cryostat.fridge_dialogue import dialogue
from podium.sim_instruments.physics.cryostat.parameters import LD400

HOUR_S = 3600.0


class PlantHere(ColdPlant):
    """The plant of a world in this process."""

    def __init__(self, seed: int) -> None:
        self.about = dialogue(LD400, seed, 0.2)
        told = self.about.answer({"do": "hello"})["readings"]
        self.signals = {reading: one["signal"] for reading, one in told.items()}
        self.units = {reading: one["unit"] for reading, one in told.items()}

    async def _ask(self, request: Any) -> dict[str, Any]:
        return self.about.answer(request)


def world(seed: int) -> ColdWorld:
    return ColdWorld.begun(PlantHere(seed), "LD400", random.Random(seed))


def test_faults_depend_on_the_seed_alone_and_all_kinds_come() -> None:
    assert drawn_faults(3, 20) == drawn_faults(3, 20)
    assert drawn_faults(3, 20) != drawn_faults(4, 20)
    many = drawn_faults(1, 400)
    assert {one.kind for one in many} == set(FAULTS)
    times = [(one.at_s, one.repaired_s) for one in many]
    assert all(before[1] + 20 * HOUR_S < after[0] for before, after in pairwise(times))


async def test_a_world_with_a_trip_is_protected_and_judged() -> None:
    one = world(31)
    fault = WorldFault("compressor_trip", 2 * HOUR_S, 2.2 * HOUR_S)
    await tell(one, (fault,), after_s=0.2 * HOUR_S)
    one.record.alarms = one.alarms.raised
    truth = await one.plant.truth()
    (verdict,) = judged(one.record, truth)
    assert verdict["blame_right"]
    assert verdict["should_act"]
    assert verdict["acted_in_time"]
    assert verdict["alarmed_in_time"]
    assert verdict["harmed"] == []
    assert verdict["harm_alone_s"]["turbo_overloaded"] < HOUR_S
    counted = verdict["countdowns"]["second_stage_above_10K"]
    assert counted["low"] < counted["high"]
    assert counted["true"] == pytest.approx(2 * HOUR_S + 60.0, abs=30.0)
    assert json.loads(json.dumps(verdict))["kind"] == "compressor_trip"


async def test_a_silent_instrument_is_never_shown_as_good() -> None:
    one = world(32)
    fault = WorldFault("silent", 3 * HOUR_S, 3.5 * HOUR_S, None, "thermometry_b")
    await tell(one, (fault,), after_s=600.0)
    assert one.record.stale_shown_good == 0
    (verdict,) = judged(one.record, await one.plant.truth())
    assert verdict["blame_right"]
    assert not verdict["should_act"]
    assert one.interlocks.actions == []


def record(kind: str, named: dict[str, float]) -> FaultRecord:
    return FaultRecord(WorldFault(kind, 100.0, 5000.0), named)


def truth(alone: dict[str, float], happened: dict[str, list[float]]) -> dict[str, Any]:
    return {
        "unattended": [{"fault": "plug", "at_s": 100.0, "events_s": alone}],
        "outcome": {"all_s": happened},
    }


def test_verdicts_are_by_what_came_of_a_copy_left_alone() -> None:
    named = {"fault/plug/": 4000.0, "extra_heat/still/": 300.0}
    of = WorldRecord([record("plug", named)], [(400.0, "trap")], 0, [], 1.0)
    (one,) = judged(of, truth({"overpressure": 900.0}, {}))
    assert (one["should_act"], one["acted_in_time"], one["blame_right"]) == (True, True, True)
    (late,) = judged(
        WorldRecord([record("plug", {})], [(950.0, "trap")], 0, [], 1.0),
        truth({"overpressure": 900.0}, {"overpressure": [900.0]}),
    )
    assert (late["should_act"], late["acted_in_time"], late["blame_right"]) == (True, False, False)
    assert late["harmed"] == ["overpressure"]
    unneeded = WorldRecord([record("plug", named)], [], 0, [], 1.0)  # repaired at 5000 s
    for harm_s, kept in ((4000.0, False), (6000.0, True)):
        (one,) = judged(unneeded, truth({"overpressure": harm_s}, {}))
        assert (one["should_act"], one["acted_in_time"], one["acted_s"]) == (True, kept, None)
    (idle,) = judged(of, truth({"second_stage_above_10K": 200.0}, {}))
    assert (idle["should_act"], idle["acted_in_time"]) == (False, False)


def test_worlds_are_summed_and_what_is_broken_is_told() -> None:
    fault = {
        "kind": "plug", "should_act": True, "acted_in_time": False, "harmed": ["helium_lost"],
        "alarmed_in_time": False, "blame_right": False,
        "countdowns": {"second_stage_above_10K": {"low": 1.0, "high": 2.0, "true": 1.5},
                       "mixture_boils_off": {"low": 1.0, "high": 2.0, "true": None},
                       "turbo_overloaded": {"low": 1.0, "high": None, "true": None},
                       "check_valves_open": {"low": 1.0, "high": None, "true": 0.5},
                       "last_moment": {"low": 1.0, "high": 2.0, "true": None}},
    }  # fmt: skip
    told = summed(
        [{"faults": [fault], "false_trips": 1, "stale_shown_good": 0, "false_alarms": [],
          "false_findings": [], "days": 3.0}]
    )  # fmt: skip
    assert told["faults"] == told["should_act"] == told["helium_lost"] == told["false_trips"] == 1
    assert told["acted_in_time"] == told["overpressure"] == 0
    assert (told["blame_right"], told["countdown_in_interval"]) == (0.0, 0.5)
    assert (told["countdowns"], told["countdowns_by_fault"]) == (4, {"plug": [2, 4]})
    world_ = {
        "faults": [fault], "false_trips": 1, "stale_shown_good": 0, "false_alarms": [],
        "false_findings": [], "days": 3.0,
    }  # fmt: skip
    complaints = cold_report([world_], None).complaints  # type: ignore[arg-type]
    assert any(said.startswith("acted_in_time") for said in complaints)
    assert any(said.startswith("helium_lost") for said in complaints)
    assert cold_report([], None).complaints == ("no world was supervised",)  # type: ignore[arg-type]


async def test_the_plant_answers_from_a_process_of_its_own() -> None:
    async with cold_plant("LD250", 5, 0.1) as plant:
        shown = await plant.advance(60.0)
        assert plant.wiring().readings["temperature.still"] == (
            "thermometry_a.still",
            "thermometry_b.still",
        )
        assert 0.5 < (shown["thermometry_a.still"] or 0.0) < 1.0
        await plant.write({"heater.still.power": 0.0})
        assert (await plant.truth())["outcome"]["lost_mol"] == 0.0
    assert plant.process.returncode is not None
