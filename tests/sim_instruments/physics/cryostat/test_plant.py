"""The plant depends on its seed and on events, and on nobody's looking."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_stages import COLD_PLATE, FIRST_STAGE, SECOND_STAGE, STILL
from podium.sim_instruments.physics.cryostat.faults import FAULTS
from podium.sim_instruments.physics.cryostat.parameters import LD400, MODELS
from podium.sim_instruments.physics.cryostat.plant import HISTORY_FS, Cryostat, positions_of
from podium.sim_instruments.physics.cryostat.stride import STRIDES_S, Calmness

MIN_FS = 60 * FS_PER_S
START_FS = 1_767_225_637 * FS_PER_S + 123_456_789
END_FS = START_FS + 20 * MIN_FS


def eventful() -> Cryostat:
    """Return a fridge that has a trip, a restart, a heater and a plug before it."""
    plant = Cryostat(LD400, START_FS, seed=3)
    plant.write("heater.mixing_chamber.power", 2e-5, START_FS + 7 * FS_PER_S + 11)
    plant.fault("compressor_trip", START_FS + 3 * MIN_FS + 5)
    plant.repair("compressor_trip", START_FS + 5 * MIN_FS + 1)
    plant.write("pulse_tube.on", 1.0, START_FS + 5 * MIN_FS + 1)
    plant.fault("plug", START_FS + 12 * MIN_FS + 17, 0.5)
    return plant


UNSEEN = eventful().state(END_FS)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(START_FS, END_FS), max_size=6))
def test_looking_changes_no_bit(times: list[int]) -> None:
    plant = eventful()
    for at_fs in sorted(times):
        plant.read("temperature.still", at_fs)
    assert plant.state(END_FS) == UNSEEN


def test_a_thousand_steps_give_what_one_gives() -> None:
    plant = eventful()
    for number in range(1, 1001):
        at_fs = START_FS + number * (END_FS - START_FS) // 1000
        plant.advance(at_fs)
        plant.read("pressure.p2", at_fs)
    assert plant.state(END_FS) == UNSEEN


def test_a_write_that_comes_in_time_is_the_same_as_one_that_was_put_before() -> None:
    before, in_time = (Cryostat(LD400, START_FS) for _ in range(2))
    at_fs = START_FS + 61 * FS_PER_S + 12_345
    before.write("heater.still.power", 0.02, at_fs)
    in_time.read("temperature.still", at_fs - 1)
    in_time.write("heater.still.power", 0.02, at_fs)
    assert before.state(END_FS) == in_time.state(END_FS)


def test_events_happen_at_their_exact_time() -> None:
    plant = Cryostat(LD400, START_FS)
    at_fs = START_FS + 3 * FS_PER_S + 1
    plant.write("valve.v12.open", 1.0, at_fs)
    assert plant.read("valve.v12.open", at_fs - 1) == 0.0
    assert plant.read("valve.v12.open", at_fs) == 1.0


def test_steps_are_long_while_nothing_changes_and_short_after_an_event() -> None:
    plant = Cryostat(LD400, 0)
    calm_fs = 120 * MIN_FS
    assert plant.next_point_fs(calm_fs) - calm_fs == STRIDES_S[-1] * FS_PER_S
    plant.fault("plug", calm_fs + 31 * FS_PER_S, 1.0)
    points = [calm_fs]
    for _ in range(4):
        points.append(plant.next_point_fs(points[-1]))
    assert [(one - calm_fs) // FS_PER_S for one in points] == [0, 31, 40, 50, 60]


def test_long_steps_give_what_short_ones_give(monkeypatch: pytest.MonkeyPatch) -> None:
    """A heater, and what follows for hours; both against steps of 10 s."""
    strided, fine = Cryostat(LD400, 0), Cryostat(LD400, 0)
    for plant in (strided, fine):
        plant.write("heater.mixing_chamber.power", 2e-5, 90 * MIN_FS)
    times = [90 * MIN_FS + minutes * MIN_FS for minutes in (-1, 2, 10, 30, 60, 150)]
    found = [strided.state(at_fs) for at_fs in times]
    monkeypatch.setattr(Calmness, "stride_to", lambda *_: STRIDES_S[0])
    for one, at_fs in zip(found, times, strict=True):
        asked = fine.state(at_fs)
        assert one.temperatures == pytest.approx(asked.temperatures, rel=2e-3)
        assert one.still_pa == pytest.approx(asked.still_pa, rel=5e-3)


def test_another_seed_wanders_otherwise() -> None:
    one, same, other = (Cryostat(LD400, 0, seed=seed) for seed in (1, 1, 2))
    at_fs = 30 * MIN_FS
    assert one.state(at_fs) == same.state(at_fs)
    assert one.state(at_fs).temperatures[4] != other.state(at_fs).temperatures[4]


@pytest.mark.parametrize("model", MODELS)
def test_a_cold_start_is_a_steady_state(model: str) -> None:
    plant = Cryostat(MODELS[model], 0)
    first, later = plant.state(0).temperatures, plant.state(240 * MIN_FS).temperatures
    assert later == pytest.approx(first, rel=0.01)


@pytest.mark.parametrize("model", MODELS)
def test_mixture_is_neither_made_nor_lost(model: str) -> None:
    plant = Cryostat(MODELS[model], 0)
    filled = MODELS[model].dilution.mixture_mol
    plant.fault("compressor_trip", MIN_FS)
    for name in ("valve.v17.open", "valve.v16.open", "pump.scroll2.on"):
        plant.write(name, 1.0, 30 * MIN_FS)  # pumped out of the vent: it is lost, and counted
    lost = []
    for minutes in (0, 10, 29, 60):
        assert plant.mixture_mol(minutes * MIN_FS) == pytest.approx(filled, rel=1e-9)
        lost.append(plant.state(minutes * MIN_FS).lost_mol)
    assert lost[:3] == [0.0, 0.0, 0.0]
    assert lost[3] > 0.01


def test_heat_is_kept_while_heat_capacities_change_hundredfold() -> None:
    """What a fridge takes up is what its balance of powers adds up to, from 3 K to 15 K."""
    plant = Cryostat(LD400, 0)
    plant.fault("compressor_trip", 0)
    heat = plant._heat
    step_fs, count = FS_PER_S // 2, 240
    state = plant.state(0)
    before = heat.enthalpies(state.temperatures, state.liquid_mol)
    taken, last = 0.0, None
    for number in range(count + 1):
        state = plant.state(number * step_fs)
        given_now = plant._surroundings(state, positions_of(state), 0.5)
        power = heat.powers(state.temperatures, given_now)[1]
        if last is not None:
            taken += 0.5 * (power + last) / 2
        last = power
    after = heat.enthalpies(state.temperatures, state.liquid_mol)
    assert state.temperatures[1] > 10
    assert after[1] - before[1] == pytest.approx(taken, rel=0.02)


HEATED = [
    ("heater.mixing_chamber.power", signals.STAGES[4], 1e-3),
    ("dissipation.cold_plate", COLD_PLATE, 1e-3),
    ("heater.still.power", STILL, 0.05),
    ("heater.4k.power", SECOND_STAGE, 1.0),
    ("heater.50k.power", FIRST_STAGE, 30.0),
]


@pytest.mark.parametrize(("name", "stage", "most"), HEATED)
def test_more_heat_is_never_colder(name: str, stage: str, most: float) -> None:
    draw = random.Random(name)
    powers = sorted(draw.uniform(0, most) for _ in range(3))
    reached = []
    for power in powers:
        plant = Cryostat(LD400, 0)
        before = plant.read(name, 0) if name in plant.outputs else 0.0
        plant.write(name, before + power, 0)
        reached.append([plant.read(f"temperature.{stage}", m * MIN_FS) for m in (1, 10, 30)])
    for colder, warmer in pairwise(reached):
        assert all(low <= high for low, high in zip(colder, warmer, strict=True))


def test_time_goes_forward_only() -> None:
    plant = Cryostat(LD400, 100 * FS_PER_S)
    plant.advance(200 * FS_PER_S)
    with pytest.raises(ValueError, match="cannot change"):
        plant.write("heat_switch.on", 1.0, 150 * FS_PER_S)
    assert plant.read("heat_switch.on", 200 * FS_PER_S) == 0.0
    plant.advance(200 * FS_PER_S + HISTORY_FS + STRIDES_S[-1] * FS_PER_S)
    with pytest.raises(ValueError, match="cannot tell"):
        plant.read("temperature.still", 150 * FS_PER_S)


def test_what_was_passed_reads_as_it_was() -> None:
    plant, later = eventful(), eventful()
    times = [START_FS, *range(START_FS + 7 * FS_PER_S + 10, END_FS, 71 * FS_PER_S)]
    then = [plant.state(at_fs) for at_fs in times]
    later.advance(END_FS)
    assert END_FS - START_FS <= HISTORY_FS
    assert [later.state(at_fs) for at_fs in times] == then
    assert later.state(END_FS) == UNSEEN


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("valve.v1.open", 0.5),
        ("heater.still.power", -1.0),
        ("heater.still.power", float("nan")),
        ("water.temperature", float("inf")),
    ],
)
def test_what_cannot_be_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        Cryostat(LD400, 0).write(name, value, 0)


def test_names_that_there_are_not_are_answered_by_those_there_are() -> None:
    plant = Cryostat(LD400, 0)
    with pytest.raises(KeyError, match=r"pressure\.p6"):
        plant.read("pressure.p7", 0)
    with pytest.raises(KeyError, match=r"valve\.v23\.open"):
        plant.write("temperature.still", 1.0, 0)
    with pytest.raises(KeyError, match="compressor_trip"):
        plant.fault("flood", 0)
    with pytest.raises(ValueError, match="warm"):
        Cryostat(LD400, 0, start="hot")


@pytest.mark.parametrize("magnet", [False, True])
def test_every_signal_can_be_read_and_every_input_written(magnet: bool) -> None:
    plant = Cryostat(LD400, 0, start="warm", magnet=magnet)
    values = {name: plant.read(name, 0) for name in plant.outputs}
    assert all(isinstance(value, float | int) for value in values.values())
    for name, unit in plant.inputs.items():
        plant.write(name, 1.0 if unit == "1" else 300.0, 0)
        if name in plant.outputs and not name.startswith("pump.turbo"):
            assert plant.read(name, 0) == (1.0 if unit == "1" else 300.0)


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(["cold", "warm"]), st.integers(0, 2**32))
def test_whatever_is_done_nothing_is_negative_endless_or_out_of_nothing(
    start: str, seed: int
) -> None:
    draw, now_fs = random.Random(seed), 0
    plant = Cryostat(LD400, 0, start=start, magnet=True)
    for _ in range(12):
        now_fs += int(draw.choice([1e-6, 1, 30, 600]) * draw.random() * FS_PER_S)
        if draw.random() < 0.7:
            name = draw.choice(list(plant.inputs))
            most = {"1": 1.0, "W": 10 ** draw.uniform(-7, 2), "K": 370.0, "A": 90.0, "share": 1.0}
            unit = plant.inputs[name]
            value = float(draw.random() < 0.6) if unit == "1" else draw.random() * most[unit]
            plant.write(name, value, now_fs)
        else:
            fault = draw.choice(list(FAULTS))
            plant.fault(fault, now_fs, FAULTS[fault].most * draw.random())
        values = [plant.read(name, now_fs) for name in plant.outputs]
        assert all(math.isfinite(value) and value >= -1e-9 for value in values)
        assert min(plant.state(now_fs).temperatures) > 1e-4
        kept = plant.mixture_mol(now_fs)
        assert kept == pytest.approx(LD400.dilution.mixture_mol, rel=1e-6)
