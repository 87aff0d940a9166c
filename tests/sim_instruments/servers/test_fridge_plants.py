"""A fridge with a plant, behind the twins of a facility."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import LD400
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.physics.cryostat.stride import STRIDES_S
from podium.sim_instruments.physics.cryostat.variation import varied
from podium.sim_instruments.physics.fridge import Fridge
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import (
    WorldFileError,
    parse_world,
    read_world,
    write_world,
)
from podium.sim_instruments.servers.back_door import BackDoor, BadRequest
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.clock_rate import check_rate
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.laboratory_truth import truth_now
from podium.sim_instruments.servers.serving import ServedLaboratory, open_serving
from podium.sim_instruments.servers.twin_needs import twin_needs
from podium.sim_instruments.wiring import PlanError, read_plan

FACILITY = """
facility: cold
fridges:
  fridge_a: {thermometer: thermometry_a.mixing_chamber, cold_below: 30 mK, model: LD400,
    instruments: [controller_a]}
  fridge_b: {thermometer: thermometry_b.mxc, cold_below: 30 mK}
instruments:
  thermometry_a:
    model: lakeshore_372
    address: 192.168.0.2
    channels: {1: 50K, 2: 4K, 5: still, 6: mixing_chamber}
    heaters: {0: mixing_chamber, 2: still}
  controller_a: {model: lakeshore_336, address: 192.168.0.4, channels: {1: 4K, 2: still}}
  thermometry_b: {model: lakeshore_372, address: 192.168.0.3, channels: {6: mxc}}
"""
EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
Opened = Callable[..., AbstractAsyncContextManager[ServedLaboratory]]


@pytest.fixture
def facility(tmp_path: Path) -> Path:
    path = tmp_path / "facility.yaml"
    path.write_text(FACILITY)
    return path


@pytest.fixture
def opened(facility: Path, tmp_path: Path) -> Opened:
    def start(
        warm: bool = False, mode: ClockMode = ClockMode.MANUAL, vary: float = 0.0
    ) -> AbstractAsyncContextManager[ServedLaboratory]:
        twin = tmp_path / "twin.yaml"
        write_world(sample(facility, 4, warm=warm, vary=vary), twin)
        return open_serving(facility, twin, WorldClock(mode))

    return start


def reading_k(serving: ServedLaboratory, channel: int) -> float:
    reading = serving.laboratory._reading("thermometry_a")
    assert reading is not None
    return reading(channel, serving.laboratory.clock.now_fs())


async def test_a_fridge_with_a_model_is_a_plant_and_one_without_keeps_temperatures(opened) -> None:
    async with opened() as serving:
        fridges = serving.laboratory.fridges
        assert isinstance(fridges["fridge_a"], Cryostat)
        assert isinstance(fridges["fridge_b"], Fridge)
        assert 0.005 < reading_k(serving, 6) < 0.01
        assert 2.8 < reading_k(serving, 2) < 4.2


async def test_a_warm_world_begins_at_room_temperature(opened) -> None:
    async with opened(warm=True) as serving:
        assert reading_k(serving, 6) == pytest.approx(295.0)


async def test_a_plant_is_drawn_within_the_part_that_the_twin_file_says(opened) -> None:
    async with opened(vary=0.2) as serving:
        plant = serving.laboratory.fridges["fridge_a"]
        assert isinstance(plant, Cryostat)
        assert plant.parameters == varied(LD400, 0.2, 4) != LD400
    async with opened() as serving:
        plant = serving.laboratory.fridges["fridge_a"]
        assert isinstance(plant, Cryostat)
        assert plant.parameters == LD400


async def test_what_a_fridges_instruments_can_reach_is_its_plant(opened) -> None:
    async with opened() as serving:
        ends = serving.laboratory._supplies("thermometry_a")
        now_fs = serving.laboratory.clock.now_fs()
        assert ends.read is not None
        assert ends.write is not None
        ends.write("heater.mixing_chamber.power", 2e-5, now_fs)
        assert ends.read("heater.mixing_chamber.power", now_fs) == 2e-5
        without = serving.laboratory._supplies("thermometry_b")
        assert without.read is None
        assert without.write is None


async def test_a_second_thermometer_reads_the_same_plant(opened) -> None:
    async with opened() as serving:
        laboratory = serving.laboratory
        now_fs, plant = laboratory.clock.now_fs(), laboratory.fridges["fridge_a"]
        session = laboratory.twins["controller_a"].open("scpi")
        said = session.feed(b"KRDG? A;KRDG? B\n", now_fs).decode().split(";")
        for kelvin, stage in zip(said, ("4K", "still"), strict=True):
            assert float(kelvin) == pytest.approx(plant.temperature_k(stage, now_fs), rel=0.01)


async def test_a_day_at_once_and_in_pieces_is_the_same_day(opened) -> None:
    found = []
    for pieces in (1, 7):
        async with opened() as serving:
            door = BackDoor(serving)
            await door.do({"do": "fault", "fault": "compressor_trip", "on": "fridge_a"})
            for _ in range(pieces):
                await door.do({"do": "advance", "seconds": 21_000 / pieces})
            found.append([reading_k(serving, channel) for channel in (1, 2, 5, 6)])
    assert found[0] == found[1]
    assert found[0][3] > 10.0


REGULATE = b"INTYPE 6,0,2,1,1,0,1;SCAN 6,0;OUTMODE 0,5,6;PID 0,2,60,0;SETP 0,0.05;RANGE 0,6\n"


async def after_a_trip(
    opened: Opened, seconds: float, steps: int, say: bytes = b""
) -> dict[str, float]:
    """Return all outputs of a fridge, and the time, so long after its compressor tripped."""
    async with opened() as serving:
        laboratory, door = serving.laboratory, BackDoor(serving)
        laboratory.twins["thermometry_a"].open("scpi").feed(say, laboratory.clock.now_fs())
        await door.do({"do": "fault", "fault": "compressor_trip", "on": "fridge_a"})
        for _ in range(steps):
            await door.do({"do": "advance", "seconds": seconds / steps})
        plant = laboratory.plants.get("fridge_a")
        assert plant is not None
        now_fs = laboratory.clock.now_fs()
        found = {name: plant.read(name, now_fs) for name in plant.plant.outputs}
        found["channel 6"] = reading_k(serving, 6)
        return found | {"passed": float(now_fs - laboratory.clock.start_fs)}


async def test_24_hours_in_one_step_and_in_a_thousand_are_the_same_to_the_bit(opened) -> None:
    """What `podium twin advance 24h` does, once or a thousand times for 86.4 s."""
    at_once, bit_by_bit = [await after_a_trip(opened, 86_400, steps) for steps in (1, 1000)]
    assert len(at_once) > 50
    assert bit_by_bit == at_once
    assert at_once["temperature.first_stage"] > 100.0


@pytest.mark.slow
async def test_2_hours_with_a_closed_loop_are_the_same_in_a_thousand_steps(opened) -> None:
    above = REGULATE.replace(b"SETP 0,0.05", b"SETP 0,30")  # it warms to 18 K by itself
    at_once, bit_by_bit = [await after_a_trip(opened, 7200, steps, above) for steps in (1, 1000)]
    assert bit_by_bit == at_once
    assert at_once["heater.mixing_chamber.power"] != 0.0


async def test_a_closed_loop_settles_though_nobody_speaks_to_it(opened) -> None:
    """In one span, in a hundred, and with somebody who looks at the fridge meanwhile."""
    found = []
    for spans, looks in ((1, False), (100, True)):
        async with opened() as serving:
            door, laboratory = BackDoor(serving), serving.laboratory
            ends, clock = laboratory._supplies("thermometry_a"), laboratory.clock
            assert ends.read is not None
            laboratory.twins["thermometry_a"].open("scpi").feed(REGULATE, clock.now_fs())
            settled = []
            for _ in range(spans):
                await door.do({"do": "advance", "seconds": 317 / spans})
                if looks:
                    settled.append(ends.read("temperature.mixing_chamber", clock.now_fs()))
            settled = settled[-20:] or [reading_k(serving, 6)]
            assert settled == pytest.approx([0.05] * len(settled), rel=2e-3)
            found.append((settled[-1], ends.read("heater.mixing_chamber.power", clock.now_fs())))
    assert found[0] == found[1]
    assert found[0][1] > 5e-5


async def test_a_limit_switches_a_heater_off_when_time_leaps(opened) -> None:
    async with opened() as serving:
        clock, plant = serving.laboratory.clock, serving.laboratory.fridges["fridge_a"]
        assert isinstance(plant, Cryostat)
        warming = b"SCAN 6,0;TLIMIT 6,0.1;OUTMODE 0,2,6;MOUT 0,100;RANGE 0,7\n"
        serving.laboratory.twins["thermometry_a"].open("scpi").feed(warming, clock.now_fs())
        assert plant.read("heater.mixing_chamber.power", clock.now_fs()) > 0.0
        begin_fs = clock.now_fs()
        clock.advance(600 * FS_PER_S)
        serving.poll()
        assert plant.read("heater.mixing_chamber.power", clock.now_fs()) == 0.0
        assert plant.temperature_k("mixing_chamber", clock.now_fs()) < 0.1
        hottest = [plant.temperature_k("mxc", begin_fs + n * FS_PER_S) for n in range(60)]
        assert 0.1 < max(hottest) < 0.3


async def test_faults_reach_the_plant_and_are_put_right(opened) -> None:
    async with opened() as serving:
        door, plant = BackDoor(serving), serving.laboratory.fridges["fridge_a"]
        assert isinstance(plant, Cryostat)
        await door.do({"do": "fault", "fault": "turbo_stop", "on": "fridge_a"})
        await door.do({"do": "fault", "fault": "trap_plug", "on": "fridge_a"})
        state = plant.state(serving.laboratory.clock.now_fs())
        assert state.turbo_errors[0]
        assert state.plug
        await door.do({"do": "fault", "fault": "repair", "on": "fridge_a"})
        state = plant.state(serving.laboratory.clock.now_fs())
        assert not state.turbo_errors[0]
        assert not state.plug
        await door.do({"do": "fault", "fault": "warm", "on": "fridge_a"})
        await door.do({"do": "advance", "seconds": 1800})
        assert reading_k(serving, 6) > 1.0
        await door.do({"do": "fault", "fault": "cool", "on": "fridge_a"})
        assert plant.read("compressor.running", serving.laboratory.clock.now_fs()) == 1.0
        with pytest.raises(BadRequest, match="no magnet"):
            await door.do({"do": "fault", "fault": "quench", "on": "fridge_a"})
        with pytest.raises(BadRequest, match="only keeps temperatures"):
            await door.do({"do": "fault", "fault": "leak", "on": "fridge_b"})


async def test_fridges_are_integrated_though_nobody_reads_them(opened, monkeypatch) -> None:
    async with opened(mode=ClockMode.PACED) as serving:
        plant = serving.laboratory.fridges["fridge_a"]
        assert isinstance(plant, Cryostat)
        integrated, loop = asyncio.Event(), asyncio.get_running_loop()
        advance, begin_fs = plant.advance, plant._at_fs

        def noted(to_fs: int) -> None:
            advance(to_fs)
            if plant._at_fs > begin_fs:
                loop.call_soon_threadsafe(integrated.set)

        monkeypatch.setattr(plant, "advance", noted)
        serving.laboratory.clock.advance(1000 * FS_PER_S)
        await integrated.wait()
        behind_fs = serving.laboratory.clock.now_fs() - plant._at_fs
        assert behind_fs < (STRIDES_S[-1] + 5) * FS_PER_S
        assert plant._at_fs < serving.laboratory.clock.now_fs()


def test_a_chip_feels_its_fridge(tmp_path: Path) -> None:
    facility, twin = tmp_path / "facility.yaml", tmp_path / "twin.yaml"
    text = EXAMPLE.read_text()
    facility.write_text(text.replace("cold_below: 30 mK}", "cold_below: 30 mK, model: LD400}"))
    write_world(sample(facility, 1), twin)
    laboratory = Laboratory.of_files(facility, twin, WorldClock(ClockMode.MANUAL))
    try:
        cold = truth_now(laboratory, optima=False)()
        bath = laboratory.cabling().baths["node_a"]
        assert bath.now_k == pytest.approx(bath.cold_k, rel=0.01)
        laboratory.fridges["fridge_a"].fail(laboratory.clock.now_fs())
        laboratory.clock.advance(600 * FS_PER_S)
        assert laboratory.cabling().baths["node_a"].now_k > 0.2
        warm = truth_now(laboratory, optima=False)()
        at = "node_a.q0.thermal_population"
        assert warm[at].value > 5 * cold[at].value
    finally:
        laboratory.close()


def test_a_world_with_plants_is_written_and_read_back(facility: Path, tmp_path: Path) -> None:
    world = sample(facility, 4)
    write_world(world, tmp_path / "twin.yaml")
    assert read_world(tmp_path / "twin.yaml") == world
    assert world.plants["fridge_a"].start == "cold"
    assert "fridge_a" not in world.fridges


@pytest.mark.parametrize(
    ("plants", "why"),
    [
        ("{fridge_a: {model: LD9}}", "no plant of a 'LD9'; there are LD250, LD400, XLD1000"),
        ("{fridge_a: {model: LD400, start: hot}}", "'cold' or 'warm'"),
        ("{fridge_b: {model: LD400}}", "fridge_b is in fridges and in plants"),
    ],
)
def test_a_plant_that_cannot_be_is_refused(plants: str, why: str) -> None:
    text = (
        "facility: cold\nseed: 0\nnodes: {}\nfridges: {fridge_b: {mxc: {value: 0.01, unit: K, "
        f"assumed: true}}}}}}\nplants: {plants}\n"
    )
    with pytest.raises(WorldFileError, match=why):
        parse_world(text)


def test_a_model_without_a_plant_is_an_assumption_that_check_tells(facility: Path) -> None:
    facility.write_text(FACILITY.replace("LD400", "Triton 400"))
    assert any("no plant of a 'Triton 400' is known" in need for need in twin_needs(facility))
    assert "fridge_a" in sample(facility, 4).fridges


def test_a_rate_is_refused_where_nobody_tells_the_time(facility: Path) -> None:
    plan = read_plan(facility)
    check_rate(plan, 1)
    with pytest.raises(PlanError, match=r"role Clock.*qblox_cluster"):
        check_rate(plan, 600)
    check_rate(read_plan(EXAMPLE), 600)


def test_a_rate_is_refused_beside_a_real_instrument(tmp_path: Path) -> None:
    path = tmp_path / "facility.yaml"
    text = EXAMPLE.read_text().replace(
        "instruments:\n",
        "instruments:\n  multimeter:\n    driver: their_drivers.Meter\n    address: 192.168.0.9\n",
        1,
    )
    path.write_text(text)
    with pytest.raises(PlanError, match=r"no real instrument.*multimeter"):
        check_rate(read_plan(path), 2)
