import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.benches.demo.fake_runner import FakeRunner
from tests.benches.docs.pages import named_in
from tests.benches.links.linked_ends import LINKED

from podium.control.calibration import bring_up as bring_up_module
from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import DECLARATIONS, VALIDITY, needs_of
from podium.control.calibration.outcome import Outcome
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import Measured, NotMeasured, ParameterEntry
from podium.control.parameters.known_values import KnownValues, StaleParameter
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.validity import Validities, told_age
from podium.control.program.program import Program

NOW_S = 1_767_225_637.0
HOUR_S = 3600.0
F01 = ParameterEntry("node_a.q0.f01", 6.02e9, 1e3, "Hz", "run-1", "ramsey", NOW_S - 3 * HOUR_S, 4)
T1 = replace(F01, name="node_a.q0.t1", value=20e-6, sigma=1e-6, unit="s", routine="relaxation")
LEVEL = replace(F01, name="node_a.q0.ground_i", value=1e-3, sigma=1e-6, unit="V")


HOUSE = Validities(VALIDITY)


def bench_of(runner: FakeRunner, record: MemoryRecord, **lasts_s: float) -> Bench:
    qubits = tuple(runner.facility.qubits().values())
    validities = Validities(VALIDITY, lasts_s)
    return Bench(runner, "node_a", qubits, record, keep=lambda _: None, validities=validities)


def test_a_parameter_is_good_for_its_time_and_no_longer() -> None:
    validities = Validities(VALIDITY, {"f01": 4 * HOUR_S, "node_a.q1.f01": HOUR_S})
    assert validities.complaint(F01, NOW_S, None) is None
    assert validities.complaint(F01, NOW_S + 2 * HOUR_S, None) == (
        "node_a.q0.f01 is 5 h old, and valid for 4 h"
    )
    of_q1 = replace(F01, name="node_a.q1.f01")
    assert validities.complaint(of_q1, NOW_S, None) is not None


def test_a_quantity_that_ends_with_another_element_is_good_for_the_time_of_its_kind() -> None:
    name = "node_a.q1.pulsed_crosstalk_q0"
    assert HOUSE.of(name).measured_by == "pulsed_crosstalk"
    assert HOUSE.of(name).lasts_s == VALIDITY["pulsed_crosstalk"].lasts_s
    over = Validities.laid_over(VALIDITY, {"pulsed_crosstalk": HOUR_S}, {name: 2 * HOUR_S})
    assert over.of("node_a.q0.pulsed_crosstalk_q1").lasts_s == HOUR_S
    assert over.of(name).lasts_s == 2 * HOUR_S


def test_ratio_and_phase_of_a_drive_that_reaches_another_are_two_quantities() -> None:
    ratio = HOUSE.of("node_a.q1.drive_crosstalk_q0")
    phase = HOUSE.of("node_a.q1.drive_crosstalk_phase_q0")
    assert ratio.measured_by == phase.measured_by == "drive_crosstalk"
    assert phase.of_epoch
    assert not ratio.of_epoch


def test_a_parameter_from_a_clock_that_was_set_back_is_judged_by_its_distance() -> None:
    soon, far = (replace(F01, tai_s=NOW_S + hours * HOUR_S) for hours in (1, 48))
    assert HOUSE.complaint(soon, NOW_S, None) is None
    assert "in the future" in (HOUSE.complaint(far, NOW_S, None) or "")


def test_only_what_depends_on_phases_ends_with_an_epoch() -> None:
    assert HOUSE.complaint(F01, NOW_S, 5) is None
    assert "of epoch 4 of the controllers' clock" in (HOUSE.complaint(LEVEL, NOW_S, 5) or "")
    assert HOUSE.complaint(LEVEL, NOW_S, None) is None


async def test_an_old_value_gives_way_to_what_is_expected_and_that_is_said() -> None:
    runner = FakeRunner()
    bench = bench_of(runner, MemoryRecord([T1]), t1=HOUR_S)
    qubit = bench.qubits[0]
    await bench.begin(needs_of("rabi"), bench.qubits)
    assert bench.best(qubit, "t1") == qubit.design["t1"].value
    assert bench.measured(qubit, "t1") is None
    assert list(bench.known_now.said.values()) == [
        "node_a.q0.t1 is 3 h old, and valid for 60 min: not used"
    ]
    with pytest.raises(StaleParameter, match="valid for 60 min; run relaxation first"):
        bench.known(qubit, "t1")


async def test_what_a_routine_stands_on_is_refused_when_old() -> None:
    bench = bench_of(FakeRunner(), MemoryRecord([F01]), f01=HOUR_S)
    await bench.begin(needs_of("rabi"), bench.qubits)
    with pytest.raises(StaleParameter, match=r"node_a\.q0\.f01 is 3 h old.*qubit_spectroscopy"):
        bench.best(bench.qubits[0], "f01")
    await bench.begin(needs_of("resonator_spectroscopy"), bench.qubits)
    assert bench.best(bench.qubits[0], "f01") == bench.qubits[0].design["f01"].value


async def test_a_value_measured_anew_is_used_at_once() -> None:
    bench = bench_of(FakeRunner(), MemoryRecord([F01]), f01=HOUR_S)
    await bench.begin(needs_of("rabi"), bench.qubits)
    bench.record.put([replace(F01, value=6.0e9, tai_s=NOW_S)])
    assert bench.best(bench.qubits[0], "f01") == 6.0e9


async def test_an_old_parameter_fails_its_qubit_only_and_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def rabi(bench: Bench, qubits: tuple[object, ...]) -> Outcome:
        for qubit in qubits:
            bench.best(qubit, "t1")  # type: ignore[arg-type]
            bench.best(qubit, "f01")  # type: ignore[arg-type]
        return Outcome("rabi", "Rabi")

    monkeypatch.setitem(bring_up_module.ROUTINES, "rabi", rabi)
    record = MemoryRecord([F01, replace(T1, name="node_a.q1.t1")])
    bench = bench_of(FakeRunner(), record, f01=HOUR_S, t1=HOUR_S)
    outcomes = [outcome async for outcome in bring_up(bench, ("rabi",))]
    assert list(outcomes[0].failures) == ["node_a.q0"]
    assert "run qubit_spectroscopy first" in outcomes[0].failures["node_a.q0"]
    assert outcomes[0].notes == ["node_a.q1.t1 is 3 h old, and valid for 60 min: not used"]


def test_a_run_that_shows_another_epoch_refuses_what_it_was_laid_out_with() -> None:
    delay = replace(F01, name="node_a.feedline.time_of_flight", value=1e-7, unit="s")
    known = KnownValues(MemoryRecord([LEVEL, delay]), HOUSE)
    known.begin(needs_of("ramsey"), NOW_S)
    known.get("node_a.feedline.time_of_flight")
    known.learn(NOW_S + 1, 5)
    assert "this run was still laid out with it" in known.said[delay.name]
    known = KnownValues(MemoryRecord([LEVEL]), HOUSE)
    known.begin(needs_of("ramsey"), NOW_S)
    known.get("node_a.q0.ground_i")
    with pytest.raises(StaleParameter, match=r"in epoch 5: .*run single_shot first"):
        known.learn(NOW_S + 1, 5)
    assert known.all() == {}


def test_each_node_s_parameters_stand_on_its_own_clock_and_a_link_s_on_both() -> None:
    clocks = {"node_a": ("ticks_a",), "node_b": ("ticks_b",), "link_ab": ("ticks_a", "ticks_b")}
    names = ("node_a.q0.ground_i", "node_b.q0.ground_i", "link_ab.best_lag")
    known = KnownValues(MemoryRecord([LEVEL]), HOUSE, clocks=clocks)
    assert [known.epoch_of(name) for name in names] == [None, None, None]
    known.learn(NOW_S, 9, {"ticks_a": 4, "ticks_b": 6, "plane_a": 9})
    assert [known.epoch_of(name) for name in names] == [4, 6, 9]
    assert known.get("node_a.q0.ground_i") == LEVEL, (
        "of epoch 4: what node_b's clock does is its own"
    )
    known.learn(NOW_S, 9, {"ticks_b": 7})  # a run of node_b alone
    assert [known.epoch_of(name) for name in names] == [4, 7, 10]
    known.learn(NOW_S, 9, {"ticks_a": 5})
    assert known.get("node_a.q0.ground_i") is None
    assert known.epoch_of("link_ab.best_lag") == 11, "up with each of both"


async def test_a_run_of_two_nodes_tells_the_epochs_of_both() -> None:
    runner = FakeRunner()
    run = runner.run

    async def told(program: Program):
        data = await run(program)
        data.attrs |= {"epoch": 6, "epochs": json.dumps({"ticks_a": 4, "ticks_b": 6})}
        return data

    runner.run = told
    runner.facility = load_facility(LINKED)
    bench = bench_of(runner, MemoryRecord([LEVEL]))
    await bench.run(Outcome("x", "X"), Program("wait", (), ()))
    assert bench.known_now.get("node_a.q0.ground_i") == LEVEL
    await bench.commit(Outcome("x", "X"), {"node_b.q0.ground_i": Measured(1e-3, 1e-5, "V")})
    assert bench.known_now.record.get("node_b.q0.ground_i").epoch == 6
    await bench.commit(Outcome("x", "X"), {"link_ab.best_lag": Measured(1e-9, 1e-11, "s")})
    assert bench.known_now.record.get("link_ab.best_lag").epoch == 9


async def test_the_epoch_is_that_of_the_latest_run() -> None:
    bench = bench_of(FakeRunner(), MemoryRecord([LEVEL]))
    await bench.run(Outcome("x", "X"), Program("wait", (), ()))
    assert bench.known_now.epoch == 4


async def test_what_was_never_measured_is_not_called_old() -> None:
    bench = bench_of(FakeRunner(), MemoryRecord())
    with pytest.raises(NotMeasured, match="has not been measured yet"):
        bench.known(bench.qubits[0], "t1")


def test_the_reference_page_has_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "parameters.md").read_text()
    rows = re.findall(
        r"^\| (`\w.*) \| (\S+ \w+)(, of one epoch)? \| `(\w+)` \|$", page, re.MULTILINE
    )
    listed = {
        quantity: (lasts, bool(of_epoch), by)
        for quantities, lasts, of_epoch, by in rows
        for quantity in named_in(quantities)
    }
    assert listed == {
        quantity: (told_age(one.lasts_s), one.of_epoch, one.measured_by)
        for quantity, one in VALIDITY.items()
    }


def test_every_need_is_a_quantity_with_a_routine_that_measures_it() -> None:
    for one in DECLARATIONS.values():
        assert {*one.needs, *one.refines} <= VALIDITY.keys()
    given = [quantity for one in DECLARATIONS.values() for quantity in one.gives]
    assert len(given) == len(set(given)), "a quantity is given by one routine, refined by others"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(7, "7 s"), (5400, "90 min"), (9000, "2.5 h"), (43200, "12 h"), (5 * 86400, "5 d")],
)
def test_ages_are_told_in_the_unit_that_suits(seconds: float, told: str) -> None:
    assert told_age(seconds) == told
