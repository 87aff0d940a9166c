from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
import xarray
from rich.console import Console
from tests.benches.demo.fake_runner import FakeRunner

from podium.control.calibration.bench import Bench
from podium.control.calibration.catalogue import VALIDITY
from podium.control.calibration.outcome import Outcome, Panel
from podium.control.calibration.readiness import NotCold, ramp_biases
from podium.control.demo import session as session_module
from podium.control.demo.session import Session, told_step
from podium.control.parameters.entry import BadEntry, Measured
from podium.control.parameters.store import ParameterStore
from podium.control.parameters.validity import Validities
from podium.control.program.program import Program
from podium.control.report.page import Drawings
from podium.control.report.progress import display
from podium.control.report.story import Step, Story
from podium.control.runs.errors import RunFailed

WAIT = Program("wait", (), ())


async def two_steps(bench: Bench, steps: tuple[str, ...], *_: object) -> AsyncIterator[Outcome]:
    """Stand in for the bring-up: T1 of all qubits, then a spectroscopy that fails on one."""
    relaxation = Outcome("relaxation", "T1")
    await bench.run(relaxation, WAIT)
    await bench.commit(
        relaxation, {f"{q.name}.t1": Measured(33e-6, 1e-6, "s") for q in bench.qubits}
    )
    relaxation.panels.append(Panel("q0", "x", "y", text="T1 33 ± 1 µs"))
    yield relaxation
    spectroscopy = Outcome("qubit_spectroscopy", "Qubit spectroscopy")
    await bench.run(spectroscopy, WAIT)
    await bench.run(spectroscopy, WAIT)
    spectroscopy.failures["node_a.q1"] = "no line"
    spectroscopy.panels.append(Panel("q1", "x", "y", text="no line", failed=True))
    yield spectroscopy


@dataclass
class At:
    """A session at work, and what it is told on."""

    session: Session
    runner: FakeRunner
    store: ParameterStore
    story: Story
    folder: Path
    screen: StringIO


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[At]:
    monkeypatch.setattr(session_module, "bring_up", two_steps)
    runner, screen = FakeRunner(), StringIO()
    qubits = tuple(runner.facility.qubits().values())
    story = Story("first_light", 1, tuple(q.name for q in qubits))
    with ExitStack() as stack:
        store = stack.enter_context(ParameterStore(tmp_path / "parameters.sqlite"))
        shown = stack.enter_context(display(Console(file=screen, width=200), 5))
        drawings = stack.enter_context(Drawings())
        session = Session(runner, qubits, store, tmp_path / "datasets", story, shown, drawings)
        yield At(session, runner, store, story, tmp_path, screen)


async def test_a_session_tells_what_was_found_and_how_long_it_took(at: At) -> None:
    await at.session.work()
    assert [step.outcome.title for step in at.story.steps] == ["T1", "Qubit spectroscopy"]
    assert [step.lab_s for step in at.story.steps] == [7.0, 14.0]
    assert at.story.lab_s == 21.0
    assert at.story.fridge_k == {"fridge_a": 0.015}
    found = {row.name for row in at.story.comparisons if row.found is not None}
    assert found == {f"node_a.{q}.t1" for q in ("q0", "q1", "q2")}
    assert len(at.story.comparisons) == 33
    assert [str(failure) for failure in at.story.failures()] == [
        "qubit_spectroscopy node_a.q1: no line"
    ]
    assert not at.story.good


async def test_the_data_of_every_run_are_on_disk_under_its_id(at: At) -> None:
    await at.session.work()
    runs = [run for step in at.story.steps for run in step.outcome.runs]
    assert sorted(path.stem for path in (at.folder / "datasets").iterdir()) == runs
    with xarray.open_dataset(at.folder / "datasets" / f"{runs[0]}.nc") as data:
        assert data["q0_i"].attrs["units"] == "V"


async def test_parameters_are_stored_with_run_routine_time_and_epoch(at: At) -> None:
    await at.session.work()
    entry = at.store.get("node_a.q2.t1")
    assert entry is not None
    assert entry.run == "1767225637-00001"
    assert entry.routine == "relaxation"
    assert entry.epoch == 4
    assert entry.tai_s == 1_767_225_637 + 7


async def test_biases_go_where_the_sweet_spots_should_be(at: At) -> None:
    await at.session.work()
    expected = {q.flux_port: q.design["flux_offset"].value for q in at.session.qubits}
    assert at.runner.biases[0] == expected


async def test_biases_go_to_sweet_spots_that_are_known_and_never_beyond_a_limit(at: At) -> None:
    outcome = Outcome("sweet_spot", "Sweet spot")
    bench = Bench(at.runner, "node_a", at.session.qubits, at.store, keep=lambda data: None)
    far = {"node_a.q0.sweet_spot": 0.25, "node_a.q1.sweet_spot": -99.0}
    await bench.commit(outcome, {name: Measured(v, 0.001, "V") for name, v in far.items()})
    levels, _ = await ramp_biases(at.runner, at.session.qubits, at.store, Validities(VALIDITY))
    assert levels["node_a.q0.flux"] == 0.25
    limit = at.runner.facility.flux_wiring("node_a.q1.flux").limit_v
    assert levels["node_a.q1.flux"] == -limit


async def test_others_of_the_node_are_biased_too_where_their_sweet_spots_are_measured(
    at: At,
) -> None:
    """In a row of three a gate lost 1.3 % of 11: crosstalk of a line at 0 V was 0.4 mV."""
    bench = Bench(at.runner, "node_a", at.session.qubits, at.store, keep=lambda data: None)
    known = {"node_a.q0.sweet_spot": Measured(0.157, 0.001, "V")}
    await bench.commit(Outcome("sweet_spot", "Sweet spot"), known)
    one = (at.runner.facility.qubits()["node_a.q2"],)
    levels, _ = await ramp_biases(at.runner, one, at.store, Validities(VALIDITY))
    assert levels.keys() == {"node_a.q0.flux", "node_a.q2.flux"}
    assert levels["node_a.q0.flux"] == 0.157


@pytest.mark.parametrize("kelvin", [0.030, 4.2, float("nan")])
async def test_in_a_warm_fridge_nothing_moves_and_nothing_plays(at: At, kelvin: float) -> None:
    at.runner.kelvin = kelvin
    with pytest.raises(NotCold, match=r"fridge_a is at .* by thermometry_a\.mixing_chamber"):
        await at.session.work()
    assert at.runner.biases == []
    assert at.runner.runs == 0


async def test_what_was_found_before_the_facility_failed_is_told(at: At) -> None:
    at.runner.dies_at = 2
    with pytest.raises(RunFailed):
        await at.session.work()
    assert len(at.story.steps) == 1
    assert at.story.lab_s == 7.0
    assert sum(row.found is not None for row in at.story.comparisons) == 3


async def test_a_sigma_that_means_nothing_is_not_stored(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sloppy(bench: Bench, steps: tuple[str, ...], *_: object) -> AsyncIterator[Outcome]:
        outcome = Outcome("relaxation", "T1")
        await bench.commit(outcome, {"node_a.q0.t1": Measured(33e-6, 0.0, "s")})
        yield outcome

    monkeypatch.setattr(session_module, "bring_up", sloppy)
    with pytest.raises(BadEntry, match="sigma"):
        await at.session.work()
    assert at.store.all() == {}


async def test_without_a_terminal_progress_is_plain_lines(at: At) -> None:
    await at.session.work()
    said = at.screen.getvalue()
    assert "\x1b" not in said
    assert "T1\n" in said
    assert "q0: T1 33 ± 1 µs" in said
    assert "q1: FAILED: no line" in said


def test_a_live_display_shows_what_is_done_and_leaves_the_lines_behind() -> None:
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    with display(console, 3) as shown:
        shown.doing("Rabi", "amplitude")
        shown.done("Rabi", ("q0: half a volt [not markup]",))
    said = screen.getvalue()
    assert "Rabi" in said
    assert "q0: half a volt [not markup]" in said


def test_a_failure_that_is_drawn_is_told_once() -> None:
    outcome = Outcome("rabi", "Rabi", failures={"node_a.q1": "flat", "node_a.q2": "no f01"})
    outcome.panels.append(Panel("q1", "x", "y", text="flat", failed=True))
    assert told_step(Step(outcome, 1.0, 1.0)) == (
        "q1: FAILED: flat",
        "node_a.q2: FAILED: no f01",
    )
