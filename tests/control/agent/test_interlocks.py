"""Interlocks of a fridge act by themselves: each rule is tripped on the plant's own physics."""

import asyncio
from collections.abc import Callable

import pytest
from tests.benches.nodes.plant_room import FridgePlant, PlantRoom, fridge_facility, plant_room

from podium.control.agent.interlock_state import InterlockState
from podium.control.agent.interlocks import Interlocks
from podium.control.agent.operation_journal import OperationJournal
from podium.control.bus.messages import AgentStatus, Status, agent_key, ask
from podium.control.bus.operations import Operated
from podium.control.facility.interlock_rules import (
    CONDENSING_PA,
    RULES,
    STAGE_HOT_K,
    STILL_LINE_BACK_PA,
    STILL_LINE_PA,
    TURBO_INLET_PA,
    UNSEEN_W,
)
from podium.control.facility.valve_rules import UNSEEN_HEATER_W, forbidden
from podium.control.records.latest_readings import FridgeView, Latest
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_stages import HEATERS
from podium.sim_instruments.physics.cryostat.cooldown import Cooldown
from podium.sim_instruments.physics.cryostat.parameters import MODELS
from podium.sim_instruments.physics.cryostat.plant import Cryostat

V1, V2, V9, V11, V12 = (signals.open_of(f"v{n}") for n in (1, 2, 9, 11, 12))
V13, V14, V18 = (signals.open_of(f"v{n}") for n in (13, 14, 18))
STILL, MIXER = signals.power_of("still"), signals.power_of("mixing_chamber")
STILL_K, MIXER_K = (f"temperature.{one}" for one in ("still", "mixing_chamber"))
TURBO1 = signals.on_of("turbo1")
TURBO2, SCROLL2 = signals.on_of("turbo2"), signals.on_of("scroll2")
COMPRESSOR = signals.on_of("compressor")


@pytest.fixture
def fridge() -> FridgePlant:
    return FridgePlant.of()


@pytest.fixture
def soon(monkeypatch) -> None:
    monkeypatch.setattr("podium.control.agent.interlocks.AGAIN_S", 0.1)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # a plant announces nothing
            await asyncio.sleep(0.005)


async def notes(room: PlantRoom) -> tuple[str, ...]:
    key = agent_key(room.facility.name, "room")
    status = await ask(room.bus, key, Status(), AgentStatus, timeout_s=5.0)
    assert isinstance(status, AgentStatus)
    return status.notes


async def some_readings(room: PlantRoom) -> None:
    """Let every box be read a few times: what could act has acted."""
    publisher = room.agent._readings
    for _ in range(3):
        for name in publisher.names:
            await publisher.refresh(name)
        await asyncio.sleep(0.01)


async def test_a_fridge_in_usual_operation_trips_nothing(fridge) -> None:
    async with plant_room(fridge) as room:
        for _ in range(6):
            fridge.advance(3600)
            await some_readings(room)
        assert await notes(room) == ()
    assert fridge.written == []


def test_a_cooldown_trips_nothing() -> None:
    plant = Cryostat(MODELS["LD400"], 0, start="warm", seed=1)
    cooldown = Cooldown(plant, 0)
    rules = [InterlockState("fridge_a", rule) for rule in RULES]
    for at_s in range(600, 26 * 3600, 600):
        cooldown.advance(at_s * FS_PER_S)
        shown = {name: plant.read(name, at_s * FS_PER_S) for name in signals.OUTPUTS}
        latest = {n: Latest(n, v, "", "good", (at_s, 0)) for n, v in shown.items()}
        view = FridgeView("fridge_a", (at_s, 0), latest, {})
        assert not [one.rule.name for one in rules if one.step(view, shown, float(at_s))], at_s
    assert shown[MIXER_K] < 0.01


async def test_a_turbo_is_cut_off_from_a_still_line_that_is_too_high(fridge, caplog) -> None:
    caplog.set_level("INFO")
    async with plant_room(fridge) as room:
        fridge.plant.write(signals.open_of("v18"), 1.0, fridge.now_fs)  # by hand, at the panel
        fridge.advance(60)
        assert fridge.plant.read("pressure.p2", fridge.now_fs) > TURBO_INLET_PA
        await until(lambda: len(fridge.written) == 2)
        assert fridge.written == [(V1, 0.0), (TURBO1, 0.0)]
        await until(lambda: "part='v2' why=" in caplog.text)
        assert caplog.text.count("interlock could not act") == 1
        said = await room.refusal("v1", 1)
        assert "the interlock turbo1_inlet keeps it at 0: pressure.p2 is" in said
        assert any("fridge_a.turbo1_inlet: pressure.p2 is" in one for one in await notes(room))
        assert "by='interlock turbo1_inlet'" in caplog.text
        fridge.shown["pressure.p2"] = 10.0
        await until(lambda: "interlock over" in caplog.text)
        assert await notes(room) == ()
        assert await room.operate("v1", 1) == Operated(1.0)


async def test_what_boils_off_gets_a_way_out_once_the_turbo_stands(fridge, soon) -> None:
    async with plant_room(fridge) as room:
        fridge.plant.fault("compressor_trip", fridge.now_fs)
        for _ in range(60):
            fridge.advance(30)
            await some_readings(room)
            if (V2, 1.0) in fridge.written:
                break
        await until(lambda: (V2, 1.0) in fridge.written)
        assert fridge.plant.read("turbo1.speed", fridge.now_fs) < 100
        assert fridge.written == [(V1, 0.0), (TURBO1, 0.0), (V2, 1.0)]
        assert await room.operate("v2", 0) == Operated(0.0)  # it is set once
        await some_readings(room)
    assert fridge.written[3:] == [(V2, 0.0)]


async def test_a_still_line_is_pumped_past_a_turbo_that_stands(fridge) -> None:
    async with plant_room(fridge) as room:
        fridge.shown |= {"turbo1.speed": 0.0, "pressure.p2": 1e3}
        fridge.shown[signals.on_of("turbo1")] = 0.0
        await some_readings(room)
        assert fridge.written == []  # nothing is at stake
        fridge.shown[signals.on_of("turbo1")] = 1.0
        await until(lambda: fridge.written)
    assert (V1, 0.0) in fridge.written


async def test_the_can_s_turbo_is_cut_off_from_a_can_that_is_too_high(fridge) -> None:
    for signal in (SCROLL2, TURBO2, V14):
        fridge.plant.write(signal, 1.0, fridge.now_fs)
    async with plant_room(fridge) as room:
        fridge.advance(1800)
        await some_readings(room)
        assert fridge.written == []
        fridge.shown["pressure.p1"] = 2 * TURBO_INLET_PA
        await until(lambda: fridge.written)
    assert fridge.written == [(V14, 0.0)]


async def test_mixture_goes_back_to_the_tank_before_a_disc_bursts(fridge) -> None:
    async with plant_room(fridge) as room:
        fridge.shown["pressure.p3"] = CONDENSING_PA * 1.01
        await until(lambda: (V12, 1.0) in fridge.written and (V11, 1.0) in fridge.written)
        said = await room.refusal("v12", 0)
        assert "keeps it at 1" in said
        said = await room.refusal("v13", 1)
        assert "keeps it at 0" in said
        fridge.shown["pressure.p3"] = 1.4e5
        await some_readings(room)
        assert await notes(room) == ()
    assert not any(signal == V13 for signal, _ in fridge.written)  # it was shut already


async def test_what_boils_off_goes_to_the_tank_before_the_still_line_s_valve_opens(
    fridge, soon
) -> None:
    async with plant_room(fridge) as room:
        fridge.shown["pressure.p2"] = STILL_LINE_PA * 1.01
        await until(lambda: {(V9, 0.0), (V12, 1.0)} <= {*fridge.written})
        assert (V18, 1.0) not in fridge.written  # gas would come to a turbo that turns
        fridge.shown["turbo1.speed"] = 0.0
        await until(lambda: (V18, 1.0) in fridge.written)
        fridge.shown["pressure.p2"] = STILL_LINE_BACK_PA * 0.9
        await some_readings(room)
        assert not any("still_line_pressure" in one for one in await notes(room))
        assert await room.operate("v9", 1) == Operated(1.0)  # it is set once


async def test_the_small_compressor_stops_with_the_pulse_tube(fridge) -> None:
    fridge.plant.write(COMPRESSOR, 1.0, fridge.now_fs)
    async with plant_room(fridge) as room:
        await some_readings(room)
        assert fridge.written == []
        fridge.plant.fault("compressor_trip", fridge.now_fs)
        await until(lambda: fridge.written)
    assert fridge.written == [(COMPRESSOR, 0.0)]


async def test_what_is_forbidden_is_left_out_and_the_rest_is_done(fridge, caplog) -> None:
    """A compressor that runs would take the tank in by v11: that waits until it stands."""
    fridge.plant.write(COMPRESSOR, 1.0, fridge.now_fs)
    async with plant_room(fridge):
        fridge.shown["pressure.p3"] = CONDENSING_PA * 1.01
        await until(lambda: (COMPRESSOR, 0.0) in fridge.written)
    assert fridge.written[:2] == [(V12, 1.0), (COMPRESSOR, 0.0)]
    assert "the compressor would take the tank in unmetered" in caplog.text


@pytest.mark.parametrize(
    ("power", "kelvin"), [(STILL, STILL_K), (MIXER, MIXER_K)], ids=("still", "mixing_chamber")
)
async def test_a_heater_of_a_stage_that_is_too_hot_is_switched_off(fridge, power, kelvin) -> None:
    fridge.plant.write(power, 0.02, fridge.now_fs)
    async with plant_room(fridge) as room:
        fridge.shown[kelvin] = STAGE_HOT_K - 1
        await some_readings(room)
        assert fridge.written == []
        fridge.shown[kelvin] = STAGE_HOT_K + 1
        await until(lambda: fridge.written)
        heater = power.split(".")[1]
        box = "control_a" if heater == "still" else "thermometry_a"
        said = await room.refusal(f"heater.{heater}", 0.01, instrument=box)
        assert f"the interlock {heater}_heater_hot keeps it at 0" in said
    assert fridge.written == [(power, 0.0)]


async def test_a_heater_is_switched_off_once_nobody_has_known_the_temperature_for_a_while(
    fridge,
) -> None:
    now_s = [0.0]
    fridge.plant.write(MIXER, 0.02, fridge.now_fs)
    async with plant_room(fridge, clock=lambda: now_s[0]) as room:
        fridge.shown[MIXER_K] = None
        await some_readings(room)
        now_s[0] = 59.0
        await some_readings(room)
        assert fridge.written == []
        now_s[0] = 61.0
        await until(lambda: fridge.written)
        assert await room.operate("heater.mixing_chamber", 0.005, instrument="thermometry_a")
        now_s[0] = 200.0
        await some_readings(room)
    assert fridge.written == [(MIXER, 0.0), (MIXER, 0.005)]  # usual operation needs nobody


async def test_the_still_is_not_heated_while_nothing_circulates(fridge) -> None:
    async with plant_room(fridge) as room:
        for pump in ("turbo1", "scroll1"):
            fridge.plant.write(signals.on_of(pump), 0.0, fridge.now_fs)
        fridge.advance(300)
        assert fridge.plant.read("flow.circulation", fridge.now_fs) < 2e-5
        await some_readings(room)
        assert fridge.written == []  # it may be about to begin
        fridge.advance(700)
        fridge.shown[STILL_K] = 1.0  # at 1000 s it boils: nothing is condensed any longer
        await until(lambda: fridge.written)
    assert fridge.written == [(STILL, 0.0)]


async def test_a_disk_that_is_full_stops_no_interlock(fridge, tmp_path) -> None:
    file = tmp_path / "cold.operations.sqlite"
    file.write_bytes(b"this is no database" * 100)
    async with plant_room(fridge, OperationJournal(file)) as room:
        assert "nothing was sent" in await room.refusal("v13", 1)
        fridge.shown["pressure.p3"] = CONDENSING_PA * 1.01
        await until(lambda: (V12, 1.0) in fridge.written)


async def test_a_session_that_only_reads_sets_nothing(fridge) -> None:
    async with plant_room(fridge, reading_only=True) as room:
        fridge.shown["pressure.p3"] = CONDENSING_PA * 1.01
        await some_readings(room)
        assert any("condensing_pressure" in one for one in await notes(room))
    assert fridge.written == []


async def test_it_acts_again_where_somebody_undoes_it_at_the_panel(fridge, soon) -> None:
    async with plant_room(fridge) as room:
        fridge.shown["pressure.p3"] = CONDENSING_PA * 1.01
        await until(lambda: (V12, 1.0) in fridge.written)
        fridge.plant.write(V12, 0.0, fridge.now_fs)
        await some_readings(room)
        await until(lambda: fridge.written.count((V12, 1.0)) == 2)


async def test_an_agent_acts_on_what_others_read(fridge) -> None:
    """The gauges belong to another agent, and neither coordinator nor supervisor is there."""
    async with plant_room(fridge) as room:
        others = Interlocks("node", room.facility, room.agent._instruments, room.bus)
        assert others._wired >= {"control_a", "gauges_a", "thermometry_a"}
        told = room.agent._readings._latest["gauges_a"]
        others._owners = {"room": ("gauges_a",)}
        others._hear_other("stranger", told)
        assert others._view("fridge_a").good("pressure.p3") is None
        others._hear_other("room", told)
        assert others._view("fridge_a").good("pressure.p3") is not None


def test_rules_name_signals_that_there_are_and_nothing_that_is_always_forbidden() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        for bound in (*rule.armed, rule.leased, rule.back):
            assert bound.signal in signals.OUTPUTS, rule.name
            assert bound.at_least <= bound.at_most
        for signal, value in rule.then:
            assert signal in signals.INPUTS, rule.name
            assert "is nothing that can be set" not in forbidden(signal, value, {})
    assert UNSEEN_W == UNSEEN_HEATER_W
    assert UNSEEN_W.keys() == HEATERS.keys()


def test_an_agent_has_the_interlocks_whose_parts_it_owns(fridge) -> None:
    class Owned:
        names = ("thermometry_a",)

    found = Interlocks("room", fridge_facility(), Owned, None)
    assert {one.rule.name for one in found._all} == {
        "mixing_chamber_heater_hot",
        "mixing_chamber_heater_unseen",
    }
