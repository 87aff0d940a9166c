"""How a drive reaches another qubit is kept apart from what the exchange of both hands on."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.driven_pair import FACILITY, Pair
from tests.benches.calibration.synthetic_data import MadeRunner, known
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.outcome import Outcome
from podium.control.facility.facility import Facility
from podium.control.facility.frozen_map import FrozenMap


async def found(pair: Pair, seed: int, facility: Facility = FACILITY) -> tuple[Outcome, Bench]:
    runner = MadeRunner(pair, seed, facility=facility)
    qubits = tuple(facility.qubits().values())
    bench = Bench(runner, "node_a", qubits, known(facility), keep=lambda _: None)
    [outcome] = [one async for one in bring_up(bench, ("drive_crosstalk",))]
    return outcome, bench


RATIOS = (0.03 * np.exp(0.2j * np.pi), 0.07 * np.exp(-0.7j * np.pi))
WAYS = (("q0", "q1", RATIOS[0]), ("q1", "q0", RATIOS[1]))


@pytest.mark.parametrize("seed", sampled([5, 6, 7], kept=[5]))
async def test_ratio_and_phase_are_found_beside_an_exchange_as_large(seed: int) -> None:
    outcome, bench = await found(Pair(RATIOS), seed)
    assert outcome.failures == {}
    for own, other, ratio in WAYS:
        size = bench.record.all()[f"node_a.{own}.drive_crosstalk_{other}"]
        turn = bench.record.all()[f"node_a.{own}.drive_crosstalk_phase_{other}"]
        assert abs(size.value - abs(ratio)) < 4 * size.sigma
        assert size.sigma < 0.005
        assert abs(turn.value - np.angle(ratio) / (2 * np.pi)) < 4 * turn.sigma
        assert turn.sigma < 0.02


async def test_where_there_is_none_no_phase_is_stored() -> None:
    """The exchange alone turns the target by as much as a crosstalk of 0.03 would."""
    outcome, bench = await found(Pair((0j, 0j)), 8)
    assert outcome.failures == {}
    for own, other, _ in WAYS:
        size = bench.record.all()[f"node_a.{own}.drive_crosstalk_{other}"]
        assert size.value < 4 * size.sigma < 0.02
    assert not any("drive_crosstalk_phase" in name for name in bench.record.all())


async def test_a_drive_that_is_not_cancelled_is_not_believed() -> None:
    outcome, bench = await found(Pair(RATIOS, in_check=0.5), 9)
    assert outcome.failures.keys() == {"node_a.q0", "node_a.q1"}
    assert all("the crosstalk is not believed" in one for one in outcome.failures.values())
    assert not any("drive_crosstalk" in name for name in bench.record.all())


async def test_phases_that_differ_from_shot_to_shot_are_named() -> None:
    outcome, _ = await found(Pair((0.3 + 0j, 0.3 + 0j), coherent=False), 10)
    assert outcome.measured == {}
    assert any("is another in each shot" in one for one in outcome.failures.values())


@pytest.mark.parametrize(
    ("lo_hz", "says"),
    [
        (4.86e9, "their phases differ from shot to shot; give both the same 'lo'"),
        (5.59e9, "a 'lo' that reaches both qubits"),
    ],
)
async def test_an_oscillator_that_does_not_fit_is_named_before_anything_is_played(
    lo_hz: float, says: str
) -> None:
    port = "node_a.q0.drive"
    drive = replace(FACILITY.drive_wiring(port), lo_hz=lo_hz)
    facility = replace(FACILITY, wiring=FrozenMap({**FACILITY.wiring, port: drive}))
    runner = MadeRunner(Pair(RATIOS), 11, facility=facility)
    qubits = tuple(facility.qubits().values())
    bench = Bench(runner, "node_a", qubits, known(facility), keep=lambda _: None)
    [outcome] = [one async for one in bring_up(bench, ("drive_crosstalk",))]
    assert says in outcome.failures["node_a.q1"]
    assert runner.datasets == []


async def test_one_qubit_alone_has_none() -> None:
    runner = MadeRunner(Pair(RATIOS), 12, facility=FACILITY)
    one = FACILITY.qubits()["node_a.q0"]
    bench = Bench(runner, "node_a", (one,), known(FACILITY), keep=lambda _: None)
    [outcome] = [each async for each in bring_up(bench, ("drive_crosstalk",))]
    assert "ask for two" in str(outcome.failures)
