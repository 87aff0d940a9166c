"""Each fault of a fridge does what it does in a laboratory, and can be put right."""

from collections.abc import Callable

import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat import machines
from podium.sim_instruments.physics.cryostat.faults import FAULTS
from podium.sim_instruments.physics.cryostat.parameters import LD400
from podium.sim_instruments.physics.cryostat.plant import Cryostat

MIN_FS = 60 * FS_PER_S
Read = Callable[[str, float], float]


def after(fault: str, size: float | None = None, magnet: bool = False) -> tuple[Cryostat, Read]:
    """Return a cold fridge with a fault at time 0, and what reads it so many minutes later."""
    plant = Cryostat(LD400, 0, magnet=magnet)
    if not magnet:
        plant.fault(fault, 0, size)
    return plant, lambda name, minutes: plant.read(name, round(minutes * MIN_FS))


def test_a_trip_stops_the_compressor_and_the_mixture_boils_off_into_the_tank() -> None:
    _, read = after("compressor_trip")
    assert read("compressor.running", 0) == 0.0
    assert int(read("compressor.errors", 0)) & machines.THREE_PHASE
    assert read("compressor.motor_current", 1) == 0.0
    low, high = read("compressor.low_pressure", 5), read("compressor.high_pressure", 5)
    assert low == pytest.approx(high, rel=1e-3)
    in_tank = read("pressure.p5", 5)
    assert read("pressure.p2", 10) > 1e4
    assert read("pressure.p5", 40) > 2 * in_tank  # relief valves have let it in


def test_a_tripped_compressor_starts_only_when_it_is_put_right() -> None:
    plant, read = after("compressor_trip")
    plant.write("pulse_tube.on", 1.0, MIN_FS)
    assert read("compressor.running", 1) == 0.0
    plant.repair("compressor_trip", 2 * MIN_FS)
    assert read("compressor.running", 2) == 0.0
    plant.write("pulse_tube.on", 1.0, 2 * MIN_FS)
    assert read("compressor.running", 2) == 1.0
    assert read("temperature.second_stage", 30) < 4.0


def test_a_short_trip_is_survived_and_the_fridge_comes_back_to_base() -> None:
    plant, read = after("compressor_trip")
    plant.recover(2 * MIN_FS)
    assert read("temperature.mixing_chamber", 240) < 0.01


def test_warm_water_stops_the_compressor_by_its_own_limit() -> None:
    _, read = after("warm_water")
    assert read("compressor.coolant_in", 0) == 315.0
    assert read("compressor.running", 1) == 0.0
    assert int(read("compressor.errors", 1)) & machines.COOLANT_IN_HIGH


def test_lukewarm_water_is_a_warning() -> None:
    _, read = after("warm_water", 305.0)
    assert read("compressor.running", 20) == 1.0
    assert int(read("compressor.warnings", 20)) & machines.COOLANT_IN_HIGH
    assert read("compressor.errors", 20) == 0.0


def test_without_water_the_compressor_stops_after_minutes() -> None:
    plant = Cryostat(LD400, 0)
    plant.write("water.on", 0.0, 0)
    assert plant.read("compressor.running", MIN_FS // 2) == 1.0
    assert plant.read("compressor.running", 5 * MIN_FS) == 0.0
    assert int(plant.read("compressor.errors", 5 * MIN_FS)) & (
        machines.COOLANT_OUT_HIGH | machines.OIL_HIGH | machines.HELIUM_HIGH
    )


def test_a_leak_spoils_the_vacuum_warms_the_mixing_chamber_and_loses_mixture() -> None:
    plant, read = after("leak")
    assert read("pressure.p1", 20) > 1e-4
    assert read("temperature.mixing_chamber", 20) > 0.05
    assert plant.state(20 * MIN_FS).lost_mol > 0.0


def test_a_plug_raises_the_condensing_pressure_and_the_other_trap_is_the_remedy() -> None:
    plant, read = after("plug")
    assert read("pressure.p3", 5) > 9e4
    assert read("flow.circulation", 20) < 0.3e-3
    for valve in ("v7", "v8"):
        plant.write(f"valve.{valve}.open", 1.0, 20 * MIN_FS)
    assert read("flow.circulation", 120) == pytest.approx(0.636e-3, rel=0.05)
    assert read("temperature.mixing_chamber", 240) < 0.01


def test_a_turbo_that_stops_says_why_and_the_still_warms_as_its_speed_falls() -> None:
    plant, read = after("turbo_stop")
    assert read("turbo1.error", 1) == machines.TOO_HOT
    assert read("turbo1.speed", 10) < 400
    assert read("temperature.still", 60) > 1.0
    assert read("flow.circulation", 60) < 0.3e-3
    plant.write("pump.turbo1.on", 1.0, 60 * MIN_FS)
    assert read("pump.turbo1.on", 60) == 0.0
    plant.repair("turbo_stop", 60 * MIN_FS)
    plant.write("pump.turbo1.on", 1.0, 60 * MIN_FS)
    assert read("pump.turbo1.on", 60) == 1.0


def test_in_a_power_cut_pumps_live_on_the_battery_and_then_valves_close() -> None:
    plant, read = after("power_cut")
    assert read("compressor.running", 0.2) == 0.0
    assert read("pump.scroll1.on", 10) == 1.0
    assert 0.5 < read("ups.charge", 10) < 0.8
    assert read("ups.charge", 31) == 0.0
    assert read("pump.scroll1.on", 31) == 0.0
    assert read("valve.v9.open", 31) == 0.0
    plant.write("valve.v9.open", 1.0, 32 * MIN_FS)
    assert read("valve.v9.open", 32) == 0.0
    plant.repair("power_cut", 33 * MIN_FS)
    assert read("compressor.running", 40) == 0.0  # nobody has started it
    plant.write("pulse_tube.on", 1.0, 40 * MIN_FS)
    assert read("compressor.running", 41) == 1.0
    assert read("ups.charge", 60) > 0.0


def test_a_touch_heats_the_still_and_drives_the_flow() -> None:
    _, read = after("touch")
    assert read("flow.circulation", 60) > 0.8e-3
    assert read("temperature.still", 60) > 0.76
    assert read("temperature.second_stage", 60) > 3.06


def test_a_quench_heats_the_second_stage_by_the_magnets_energy() -> None:
    plant, _ = after("quench", magnet=True)
    with_current = Cryostat(LD400, 0, magnet=True)
    with_current.write("magnet.z.current", 40.0, 0)
    for one in (plant, with_current):
        one.fault("quench", MIN_FS)
    at_fs = MIN_FS + FS_PER_S
    assert plant.read("temperature.second_stage", at_fs) < 3.2  # nothing was stored
    hot = with_current.state(MIN_FS)
    cold = plant.state(MIN_FS)
    heat = with_current._heat.enthalpies(hot.temperatures, hot.liquid_mol)
    rest = plant._heat.enthalpies(cold.temperatures, cold.liquid_mol)
    assert heat[1] - rest[1] == pytest.approx(LD400.magnet_henry * 40.0**2 / 2, rel=1e-6)
    assert with_current.read("magnet.z.current", at_fs) == 0.0


def test_without_a_magnet_nothing_quenches() -> None:
    with pytest.raises(ValueError, match="no magnet"):
        Cryostat(LD400, 0).fault("quench", 0)


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "quench"])
def test_sizes_that_cannot_be_are_refused(name: str) -> None:
    for size in (-1.0, FAULTS[name].most * 1.01, float("nan")):
        with pytest.raises(ValueError, match=name):
            Cryostat(LD400, 0).fault(name, 0, size)


def test_an_open_vent_warms_everything() -> None:
    plant = Cryostat(LD400, 0)
    plant.write("valve.v15.open", 1.0, 0)
    temperatures = plant.state(240 * MIN_FS).temperatures
    assert min(temperatures) > 20.0
    assert plant.read("pressure.p1", 240 * MIN_FS) > 100.0
