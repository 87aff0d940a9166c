import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.control.demo.fake_runner import EXAMPLE, FakeRunner

from podium.control import cli
from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import BRING_UP
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.runner import RunFailed
from podium.control.calibration.store import ParameterStore
from podium.control.demo import reaching
from podium.control.demo import session as session_module
from podium.control.demo.calibrate import UnknownQubit, chosen_qubits
from podium.control.facility.load import load_facility
from podium.control.program.program import Program


class Asked:
    """What the routines were asked for."""

    def __init__(self) -> None:
        self.runner = FakeRunner()
        self.qubits: list[str] = []
        self.routines: tuple[str, ...] = ()
        self.reached: tuple[object, ...] = ()
        self.fails = False


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found = Asked()

    async def steps(bench: Bench, routines: tuple[str, ...]) -> AsyncIterator[Outcome]:
        found.qubits, found.routines = [q.name for q in bench.qubits], routines
        outcome = Outcome("relaxation", "T1")
        await bench.run(outcome, Program("T1", (), ()))
        times = {f"{q.name}.t1": Measured(33e-6, 1e-6, "s") for q in bench.qubits}
        await bench.commit(outcome, times)
        if found.fails:
            outcome.failures["node_a.q0"] = "too little contrast"
        yield outcome

    @asynccontextmanager
    async def reached(*where: object) -> AsyncIterator[FakeRunner]:
        found.reached = where
        yield found.runner

    monkeypatch.setattr(session_module, "bring_up", steps)
    monkeypatch.setattr(reaching, "reached", reached)
    return found


def calibrate(folder: Path, *words: str) -> int:
    return cli.main(["calibrate", str(EXAMPLE), "--out", str(folder), *words])


def test_the_whole_bring_up_on_all_qubits_is_the_default(asked: Asked, tmp_path: Path) -> None:
    assert calibrate(tmp_path) == 0
    assert asked.qubits == ["node_a.q0", "node_a.q1", "node_a.q2"]
    assert asked.routines == BRING_UP


@pytest.mark.parametrize(
    "words",
    [
        ["--only", "relaxation", "--only", "echo", "q2", "node_a.q0"],
        ["q2", "node_a.q0", "--only", "relaxation", "--only", "echo"],
        ["q2", "--only", "relaxation", "node_a.q0", "--only", "echo"],
    ],
    ids=["options first", "qubits first", "mixed"],
)
def test_routines_and_qubits_are_chosen_in_any_order(
    asked: Asked, tmp_path: Path, words: list[str]
) -> None:
    assert calibrate(tmp_path, *words) == 0
    assert asked.qubits == ["node_a.q2", "node_a.q0"]
    assert asked.routines == ("relaxation", "echo")


def test_what_is_found_is_stored_beside_what_was_known(asked: Asked, tmp_path: Path) -> None:
    store = tmp_path / "lab.sqlite"
    for _ in range(2):
        assert calibrate(tmp_path / "out", "--store", str(store), "q1") == 0
    with ParameterStore(store) as kept:
        assert len(kept.history("node_a.q1.t1")) == 2
    assert (tmp_path / "out" / "index.html").exists()
    assert len(list((tmp_path / "out" / "datasets").glob("*.nc"))) == 2


def test_endpoints_and_state_are_passed_on(asked: Asked, tmp_path: Path) -> None:
    endpoints = tmp_path / "endpoints.json"
    endpoints.write_text('{"instruments": {}}')
    calibrate(tmp_path, "--endpoints", str(endpoints), "--state", "up.json")
    assert asked.reached == (EXAMPLE, endpoints, Path("up.json"))


def test_a_failed_routine_is_status_1(asked: Asked, tmp_path: Path) -> None:
    asked.fails = True
    assert calibrate(tmp_path, "--only", "relaxation") == 1


def test_a_facility_that_does_not_answer_is_status_1_and_named(
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @asynccontextmanager
    async def silent(*_: object) -> AsyncIterator[FakeRunner]:
        raise RunFailed("cluster_a is lost: connection refused")
        yield FakeRunner()

    monkeypatch.setattr(reaching, "reached", silent)
    assert calibrate(tmp_path) == 1
    assert "cluster_a is lost: connection refused" in capsys.readouterr().out


def test_json_is_all_that_stands_on_standard_output(
    asked: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(tmp_path, "--json", "q0") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["parameters"]["node_a.q0.t1"] == {"value": 33e-6, "sigma": 1e-6, "unit": "s"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--only", "relaxatoin"], "no routine 'relaxatoin'; did you mean 'relaxation'?"),
        (["q7"], "no qubit 'q7' in first_light; it has node_a.q0, node_a.q1, node_a.q2"),
    ],
)
def test_wrong_names_are_status_2_and_nothing_is_reached(
    asked: Asked, tmp_path: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(tmp_path, *words) == 2
    assert says in capsys.readouterr().err
    assert asked.reached == ()


def test_a_qubit_is_named_once_however_often_it_is_asked_for() -> None:
    facility = load_facility(EXAMPLE)
    assert [q.name for q in chosen_qubits(facility, ["q1", "node_a.q1"])] == ["node_a.q1"]
    with pytest.raises(UnknownQubit):
        chosen_qubits(facility, ["q1", "node_b.q1"])
