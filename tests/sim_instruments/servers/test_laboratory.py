"""The laboratory of the example: twins, cables and world together, without sockets."""

import gc
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.physics.bench_world import bench_world
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.physics.truth import MovingTruth, Span, mixer_truth, truth
from podium.sim_instruments.physics.world_file import read_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.laboratory_truth import truth_now
from podium.sim_instruments.servers.signal_log import PULSES_KEPT
from podium.sim_instruments.wiring import PlanError, plan_of, read_plan

SHOTS = 200
LO_HZ = 7.0e9


@pytest.fixture
def laboratory(facility, twin_file) -> Iterator[Laboratory]:
    laboratory = Laboratory.of_files(facility, twin_file, WorldClock(ClockMode.MANUAL))
    yield laboratory
    laboratory.close()


def test_boxes_on_a_bench_look_for_partners_without_the_physics_of_chips() -> None:
    tree = facility_of("yokogawa_gs200")
    world = bench_world(tree, 0)
    assert world is not None
    bench = Laboratory(plan_of(tree), world, WorldClock(ClockMode.MANUAL))
    bench.look_for_partners()
    assert "world" not in vars(bench)
    bench.close()


def readout(
    connector: str = "slot2.in0", scope: bool = False, run: int = 1, shots: int = SHOTS
) -> RunSignals:
    """A tone far off all resonators, listened to 200 times: what comes back is its amplitude."""
    start = 10_000 * np.arange(shots, dtype=np.int64)
    one = np.zeros(shots, np.int32)
    tone = Piece(LO_HZ, np.zeros(0, complex), 3e-4 + 0j, 2_000)
    turns = np.asarray(LO_HZ * 1e-9 * start % 1)
    window = Window(LO_HZ, 1_000, None)
    return RunSignals(
        run=run,
        start_tai_fs=0,
        duration_ns=10_000 * shots,
        drives=(PulseTrain("slot2.out0", start, one, turns, (tone,)),),
        captures=(CaptureTrain(connector, start + 500, one, turns, (window,), scope),),
        biases_v={},
    )


def test_what_is_kept_of_a_run_holds_none_of_its_long_arrays(laboratory) -> None:
    signals = readout(shots=PULSES_KEPT + 100)
    held = weakref.ref(signals.drives[0].phase_turns)
    heard(laboratory, signals)
    del signals
    gc.collect()
    assert held() is None
    (kept,) = laboratory.signals.runs()
    assert kept.left_out == 200
    assert kept.when(7) == 7 * 10**6


def heard(laboratory: Laboratory, signals: RunSignals) -> CaptureAnswer:
    (answer,) = laboratory.submit("cluster_a", lambda play: play(signals)).result(60)
    return answer


def loudness(answer: CaptureAnswer) -> float:
    """Mean amplitude, sqrt(W); noise averages down by the square root of the shots."""
    return float(abs(answer.integrated.mean()))


def test_what_leaves_an_output_comes_back_to_the_input(laboratory) -> None:
    answer = heard(laboratory, readout())
    assert answer.integrated.shape == (SHOTS,)
    assert loudness(answer) > 1e-5


def test_with_the_feedline_unplugged_only_noise_comes_back(laboratory) -> None:
    plugged = heard(laboratory, readout())
    laboratory.unplugged.add("node_a.feedline")
    unplugged = heard(laboratory, readout())
    laboratory.unplugged.discard("node_a.feedline")
    again = heard(laboratory, readout())
    # 6 sigma of the mean of the noise: a false alarm in 1e8 runs
    assert loudness(unplugged) < 6 * np.std(unplugged.integrated) / np.sqrt(SHOTS)
    assert np.std(unplugged.integrated) > 0
    np.testing.assert_array_equal(again.integrated, plugged.integrated)


def test_an_input_that_nothing_is_plugged_into_hears_nothing(laboratory) -> None:
    plan = laboratory.plan
    laboratory.plan = replace(plan, inputs={**plan.inputs, "cluster_a": {}})
    answer = heard(laboratory, readout(scope=True))
    assert not answer.integrated.any()
    assert not answer.trace.any()


def test_answers_come_in_the_order_of_the_captures_also_past_a_missing_cable(laboratory) -> None:
    signals = readout()
    nowhere = replace(signals.captures[0], line="slot8.in0")
    signals = replace(signals, captures=(nowhere, signals.captures[0], nowhere))
    answers = laboratory.submit("cluster_a", lambda play: play(signals)).result(60)
    assert [bool(one.integrated.any()) for one in answers] == [False, True, False]


def test_a_run_is_played_with_the_cables_of_its_beginning(laboratory) -> None:
    plugged = heard(laboratory, readout())
    gate = threading.Event()

    def later(play):
        gate.wait(30)
        return play(readout())

    future = laboratory.submit("cluster_a", later)
    laboratory.unplugged.add("node_a.feedline")
    gate.set()
    (answer,) = future.result(60)
    np.testing.assert_array_equal(answer.integrated, plugged.integrated)


def test_the_time_that_programs_take_is_counted(laboratory) -> None:
    for run in range(3):
        heard(laboratory, readout(run=run))
    assert laboratory.running_fs == 3 * 10_000 * SHOTS * 10**6


def test_work_that_fails_fails_its_future_and_is_announced(laboratory) -> None:
    announced = threading.Event()
    laboratory.workers.after_work = announced.set
    future = laboratory.submit("cluster_a", lambda play: play(replace(readout(), drives=(5,))))
    assert future.exception(60) is not None
    assert announced.wait(10)


def test_slow_sources_bias_the_chip_and_show_in_the_truth(laboratory) -> None:
    source = laboratory.twins["bias_q0"].open("scpi")
    source.feed(b":SOUR:FUNC VOLT;:SOUR:RANG 1;:SOUR:LEV 0.2;:OUTP 1\n", 0)
    laboratory.twins["cluster_a"].open("slot6").feed(b"AFE:OFFSet:DAC2 -0.1\n", 0)
    biases_v = laboratory.cabling().biases_v
    assert biases_v["node_a.q0.flux"] == 0.2
    assert biases_v["node_a.q1.flux"] == pytest.approx(-0.1, abs=1e-4)
    assert set(biases_v) == {f"node_a.q{k}.flux" for k in range(3)}
    elsewhere = laboratory.chip.at(biases_v)[0].qubits[0].levels_hz[1]
    assert laboratory.chip.at({})[0].qubits[0].levels_hz[1] != elsewhere


@pytest.mark.parametrize("span", [None, Span(1.9e9, 30.0)], ids=["now", "a span"])
def test_the_truth_at_rest_is_that_of_the_twin_file(laboratory, twin_file, span) -> None:
    source = laboratory.twins["bias_q0"].open("scpi")
    source.feed(b":SOUR:FUNC VOLT;:SOUR:RANG 1;:SOUR:LEV 0.2;:OUTP 1\n", 0)
    world = read_world(twin_file)
    chip = world.chip()
    moving = None if span is None else MovingTruth(world.seed, span, world.drift(chip))
    of_file = truth(chip, None, False, moving) | mixer_truth(world.mixers)
    assert truth_now(laboratory, False, span, at_rest=True)() == of_file
    biased = truth_now(laboratory, False, span)()
    assert biased["node_a.q0.f01"] != of_file["node_a.q0.f01"]


def test_a_thermometer_reads_its_fridge(laboratory) -> None:
    reading = laboratory.twins["thermometry_a"].open("scpi")
    cold_k = float(reading.feed(b"KRDG? 6\n", laboratory.clock.now_fs()))
    assert 0.005 < cold_k < 0.03
    laboratory.fridges["fridge_a"].fail(laboratory.clock.now_fs())
    laboratory.clock.advance(6 * 3600 * FS_PER_S)
    assert float(reading.feed(b"KRDG? 6\n", laboratory.clock.now_fs())) > 100


def test_each_instrument_has_a_serial_number_that_stays(facility, twin_file) -> None:
    def asked() -> list[bytes]:
        laboratory = Laboratory.of_files(facility, twin_file, WorldClock(ClockMode.MANUAL))
        laboratory.close()
        return [twin.open("scpi").feed(b"*IDN?\n", 0) for twin in laboratory.twins.values()]

    assert asked() == asked()
    assert len(set(asked())) == 4


def test_a_world_that_was_drawn_for_another_facility_is_refused(facility, twin_file) -> None:
    plan = read_plan(facility)
    outputs = {name: dict(cables) for name, cables in plan.outputs.items()}
    cable = outputs["cluster_a"]["slot4.out0"]
    outputs["cluster_a"]["slot4.out0"] = replace(cable, line="node_b.q0.drive")
    thermometer = plan.thermometers["thermometry_a"]
    stages = {"thermometry_a": replace(thermometer, stages={6: "attic"})}
    wrong = replace(plan, name="other", outputs=outputs, thermometers=stages)
    with pytest.raises(
        PlanError,
        match=r"the world of first_light has no fridge_a\.attic, node_b\.q0\.drive, which other",
    ):
        Laboratory(wrong, read_world(twin_file), WorldClock(ClockMode.LEAP))
