"""Procedures operate the plant itself: base is reached, nothing is lost, nothing bursts."""

from dataclasses import replace

import pytest
from tests.benches.supervision.plant_operator import PARTS, PlantOperator, begun, scaled
from tests.benches.thoroughness import sampled

from podium.control.facility.fridge_procedures import PROCEDURE_NEEDS
from podium.control.supervision.procedure import PROCEDURES
from podium.control.supervision.procedure_run import ProcedureRun
from podium.control.supervision.procedures.heater_powers import HEATER_POWERS
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import (
    LD250,
    LD400,
    MODELS,
    XLD1000,
    CryostatParameters,
)
from podium.sim_instruments.physics.cryostat.plant import Cryostat

HOUR_S = 3600
LOST_MOL = 1e-9
HIGHEST_PA = 2.3e5
"""Where check valves of the condensing line open: a procedure stays below."""
CHAMBER = signals.temperature_of("mixing_chamber")


def operated(operator: PlantOperator, run: ProcedureRun) -> ProcedureRun:
    """Run it to its end; at no time anything is lost or near bursting, and nothing is refused."""
    highest = [0.0]

    def look(_: PlantOperator, __: ProcedureRun) -> None:
        state = operator.plant.state(operator.now_fs)
        highest[0] = max(
            highest[0], state.still_pa, state.back_pa, state.condensing_pa, state.tank_pa
        )

    run = operator.run(run, look)
    assert operator.plant.state(operator.now_fs).lost_mol <= LOST_MOL
    assert highest[0] < HIGHEST_PA
    assert run.state == "done", (run.words, run.step)
    assert operator.refused == []
    return run


def cooled_down(parameters: CryostatParameters) -> float:
    """Return how many hours a cooldown from room temperature takes; base was reached."""
    operator = PlantOperator(Cryostat(parameters, 0, start="warm"))
    operated(operator, begun("cooldown", parameters.model))
    assert operator.plant.read(CHAMBER, operator.now_fs) < 0.01
    return operator.now_fs / FS_PER_S / HOUR_S


def test_a_cooldown_takes_a_day() -> None:
    assert 20 < cooled_down(LD400) <= 26


@pytest.mark.slow
@pytest.mark.parametrize(("parameters", "hours"), [(LD250, 26), (XLD1000, 48)])
def test_a_cooldown_of_other_models_takes_as_long_as_their_makers_say(
    parameters: CryostatParameters, hours: float
) -> None:
    assert cooled_down(parameters) <= hours


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("masses", [0.8, 1.2])
@pytest.mark.parametrize("conductances", [0.8, 1.2])
def test_a_fridge_that_differs_from_its_model_is_cooled_down_too(
    model: str, masses: float, conductances: float
) -> None:
    usual_h = 48 if model == "XLD1000" else 26
    assert cooled_down(scaled(MODELS[model], masses, conductances)) <= 1.2 * usual_h


def recovered(
    parameters: CryostatParameters, outage_s: int, begins_s: int, fault: str = "compressor_trip"
) -> float:
    """Return the hours from the fault to base; it is repaired after ``outage_s``."""
    plant = Cryostat(parameters, 0)
    plant.fault(fault, HOUR_S * FS_PER_S)
    plant.repair(fault, (HOUR_S + outage_s) * FS_PER_S)
    operator = PlantOperator(plant, (HOUR_S + begins_s) * FS_PER_S, look_s=10)
    operated(operator, begun("recover", parameters.model))
    assert plant.read(CHAMBER, operator.now_fs) < 0.01
    assert plant.read(signals.power_of("still"), operator.now_fs) == pytest.approx(
        HEATER_POWERS[parameters.model].still_w
    )
    return operator.now_fs / FS_PER_S / HOUR_S - 1


@pytest.mark.parametrize(
    ("outage_s", "begins_s", "hours"),
    sampled(
        [(30, 0, 0.3), (300, 0, 3.0), (3600, 0, 6.0), (1200, 7200, 8.0)],
        kept=[(30, 0, 0.3), (1200, 7200, 8.0)],
    ),
    ids=["short", "half boiled off", "all boiled off", "begun late"],
)
def test_recovery_from_a_trip(outage_s: int, begins_s: int, hours: float) -> None:
    assert recovered(LD400, outage_s, begins_s) < hours


def test_recovery_from_a_power_cut_that_emptied_the_battery() -> None:
    assert recovered(LD250, 4 * HOUR_S, 4 * HOUR_S, "power_cut") < 14


@pytest.mark.slow
def test_pumps_that_a_power_cut_stopped_under_a_recovery_go_on_when_it_is_over() -> None:
    assert recovered(LD250, 4 * HOUR_S, 0, "power_cut") < 12


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [LD250, XLD1000])
@pytest.mark.parametrize(("outage_s", "begins_s"), [(100, 0), (900, 0), (20_000, 0)])
def test_recovery_of_other_models(
    parameters: CryostatParameters, outage_s: int, begins_s: int
) -> None:
    assert recovered(parameters, outage_s, begins_s) < 16 + outage_s / HOUR_S


def test_warming_up_ends_at_room_temperature_with_the_mixture_in_its_tank() -> None:
    operator = PlantOperator(Cryostat(LD400, 0))
    all_mol = operator.plant.mixture_mol(0)
    operated(operator, begun("warm_up", "LD400"))
    state = operator.plant.state(operator.now_fs)
    assert min(state.temperatures) > 290
    assert operator.now_fs / FS_PER_S < 48 * HOUR_S
    per_pa = 1 / 2436.0  # mol/(Pa m^3) at 293 K: 8.314 J/(mol K) times that
    tank = state.tank_pa * LD400.gas.tank_m3 * per_pa
    line = state.condensing_pa * LD400.gas.condensing_m3 * per_pa
    assert tank / all_mol > 0.95
    assert (tank + line) / all_mol == pytest.approx(1.0, abs=0.01)
    assert not any(state.commands[signals.open_of(valve)] for valve in signals.VALVES)
    assert not any(state.commands[signals.on_of(pump)] for pump in signals.PUMPS)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [LD250, XLD1000])
def test_what_was_warmed_up_can_be_cooled_down_again(parameters: CryostatParameters) -> None:
    operator = PlantOperator(Cryostat(parameters, 0))
    operated(operator, begun("warm_up", parameters.model))
    operated(operator, replace(begun("cooldown", parameters.model), id="again"))
    assert operator.plant.read(CHAMBER, operator.now_fs) < 0.01


def test_condensing_alone_needs_a_cold_fridge() -> None:
    operator = PlantOperator(Cryostat(LD400, 0, start="warm"))
    run = operator.run(begun("condense", "LD400"))
    assert run.state == "failed"
    assert "the helium compressor does not run" in run.words
    assert not operator.plant.state(operator.now_fs).commands[signals.on_of("scroll1")]


def test_a_trip_in_a_cooldown_ends_it_in_a_safe_state_and_recover_goes_on() -> None:
    plant = Cryostat(LD250, 0)
    plant.fault("compressor_trip", FS_PER_S)
    operator = PlantOperator(plant, 600 * FS_PER_S, look_s=30)
    run = operator.run(begun("condense", "LD250"))
    assert run.state == "failed"
    state = plant.state(operator.now_fs)
    assert state.commands[signals.power_of("still")] == 0.0
    assert state.commands[signals.on_of("compressor")] == 0.0
    plant.repair("compressor_trip", operator.now_fs)
    operated(operator, begun("recover", "LD250"))


@pytest.mark.parametrize("parameters", [LD400, pytest.param(XLD1000, marks=pytest.mark.slow)])
def test_a_second_trip_while_the_compressor_condenses_loses_nothing(
    parameters: CryostatParameters,
) -> None:
    plant = Cryostat(parameters, 0)
    plant.fault("compressor_trip", FS_PER_S)
    plant.repair("compressor_trip", 3000 * FS_PER_S)
    operator = PlantOperator(plant, 60 * FS_PER_S, look_s=30)

    def trip(_: PlantOperator, run: ProcedureRun) -> None:
        pumps = plant.read(signals.on_of("compressor"), operator.now_fs)
        if run.step.name == "condense" and pumps and not run.making_safe:
            plant.fault("compressor_trip", operator.now_fs)

    run = operator.run(begun("recover", parameters.model), trip)
    assert (run.state, run.step.name) == ("failed", "condense")
    plant.repair("compressor_trip", operator.now_fs + 1200 * FS_PER_S)
    operated(operator, replace(begun("recover", parameters.model), id="again"))
    assert plant.read(CHAMBER, operator.now_fs) < 0.01


OPTIONAL = {signals.power_of(heater) for heater in ("mixing_chamber", "4k", "50k")}
"""Parts that a procedure uses where there are any."""


@pytest.mark.parametrize("name", PROCEDURES)
def test_the_table_of_needs_names_what_the_steps_set(name: str) -> None:
    procedure = PROCEDURES[name]
    groups = [*procedure.safe, *(g for step in procedure.steps("LD400") for g in step.settings)]
    sets = {signal for group in groups for signal, _ in group} - OPTIONAL
    assert sets - {signals.open_of("v22")} <= set(PROCEDURE_NEEDS[name].parts)
    assert {one.signal for one in PARTS} >= set(PROCEDURE_NEEDS[name].parts)


@pytest.mark.parametrize("name", PROCEDURES)
def test_names_of_steps_are_told_apart(name: str) -> None:
    names = [step.name for step in PROCEDURES[name].steps("LD400")]
    assert len(set(names)) == len(names)
