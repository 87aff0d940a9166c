"""One routine, carried out from a notebook as ``podium calibrate`` does it."""

from pathlib import Path

import numpy as np
import pytest
from tests.benches.demo.fake_runner import FakeRunner

from podium.control.calibration.bench import Bench
from podium.control.calibration.catalogue import VALIDITY
from podium.control.calibration.one_routine import OneRoutine, calibrated
from podium.control.calibration.outcome import Outcome, Panel, Picture, Series
from podium.control.calibration.readiness import NotCold
from podium.control.calibration.routine_result import Calibrated
from podium.control.calibration.user_routines import NoRoutine
from podium.control.facility.facility import Qubit
from podium.control.facility.qubit_names import UnknownQubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.store import ParameterStore
from podium.control.parameters.validity import Validities
from podium.control.program.program import Program
from podium.control.records.calibration_folder import CalibrationFolder

X = np.linspace(0.0, 1.0, 5)


async def relaxes(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Find a T1 of the first qubit, and fail on the others."""
    outcome = Outcome("relaxes", "T1 <of some>")
    await bench.run(outcome, Program("wait", (), ()))
    await bench.commit(outcome, {f"{qubits[0].name}.t1": Measured(33.2e-6, 1.4e-6, "s")})
    lines = (Series("data", X, X), Series("fit", X, X, line=True))
    outcome.panels.append(Panel(qubits[0].element, "x", "y", lines, text="T1 33.2 ± 1.4 µs"))
    grid = Picture(X, X[1:], np.ones((4, 5)), "z", y_log=True, best=(0.5, 0.5))
    outcome.panels.append(Panel("feedline", "x", "y", picture=grid, marks=(("here", 0.5),)))
    for qubit in qubits[1:]:
        outcome.failures[qubit.name] = "no <decay>"
        outcome.panels.append(Panel(qubit.element, "x", "y", text="no decay", failed=True))
    return outcome


async def carried_out(
    runner: FakeRunner, folder: Path, begun: list[tuple[int, str]], **options
) -> Calibrated:
    qubits = tuple(runner.facility.qubits().values())[:2]
    place = CalibrationFolder(folder, folder / "parameters.sqlite", None)

    async def begin_step(number: int, name: str) -> None:
        begun.append((number, name))

    one = OneRoutine("relaxes", relaxes, qubits)
    return await calibrated(runner, one, place, begin_step, 1.0, False, Validities(VALIDITY))


async def test_what_was_found_is_in_hand_and_in_the_store(tmp_path: Path) -> None:
    begun: list[tuple[int, str]] = []
    found = await carried_out(FakeRunner(), tmp_path, begun)
    assert begun == [(1, "relaxes")]
    assert found.values == {"node_a.q0.t1": Measured(33.2e-6, 1.4e-6, "s")}
    assert found.failures == {"node_a.q1": "no <decay>"}
    (run,) = found.runs
    assert (tmp_path / "datasets" / f"{run}.nc").exists()
    with ParameterStore(tmp_path / "parameters.sqlite") as store:
        entry = store.get("node_a.q0.t1")
    assert entry is not None
    assert (entry.value, entry.run) == (33.2e-6, run)


async def test_it_is_told_in_words_in_html_and_in_a_figure(tmp_path: Path) -> None:
    found = await carried_out(FakeRunner(), tmp_path, [])
    assert "node_a.q0.t1 = 33.2 ± 1.4 µs" in repr(found)
    assert "node_a.q1: FAILED: no <decay>" in repr(found)
    html = found._repr_html_()
    assert "33.2 ± 1.4 µs" in html
    assert "no &lt;decay&gt;" in html
    assert "<decay>" not in html
    assert 'src="data:image/png;base64,' in html
    drawn = [axes.get_title() for axes in found.figure().axes if axes.get_title()]
    assert drawn == ["q0: T1 33.2 ± 1.4 µs", "feedline", "q1: FAILED: no decay"]


async def test_in_a_warm_fridge_nothing_moves_and_nothing_plays(tmp_path: Path) -> None:
    runner = FakeRunner(kelvin=4.2)
    with pytest.raises(NotCold, match="fridge_a"):
        await carried_out(runner, tmp_path, [])
    assert runner.biases == []
    assert runner.runs == 0


async def test_biases_are_at_the_sweet_spots_before_it_plays(tmp_path: Path) -> None:
    runner = FakeRunner()
    await carried_out(runner, tmp_path, [])
    assert [sorted(levels) for levels in runner.biases] == [["node_a.q0.flux", "node_a.q1.flux"]]


def test_a_routine_and_qubits_are_found_by_their_names() -> None:
    facility = FakeRunner().facility
    one = OneRoutine.of(facility, "rabi", ["q1"])
    assert [qubit.name for qubit in one.qubits] == ["node_a.q1"]
    assert (one.nodes, one.title) == (("node_a",), "rabi of node_a.q1")
    with pytest.raises(NoRoutine, match="no routine 'rabbi'; did you mean 'rabi'"):
        OneRoutine.of(facility, "rabbi", ["q1"])
    with pytest.raises(UnknownQubit, match="no qubit 'q9'"):
        OneRoutine.of(facility, "rabi", ["q9"])
