import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.benches.demo.fake_runner import EXAMPLE, FakeRunner

from podium.control import cli
from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import BRING_UP, ROUTINES
from podium.control.calibration.declaration import Routine
from podium.control.calibration.outcome import Outcome
from podium.control.demo import session as session_module
from podium.control.facility.facility import Qubit
from podium.control.facility.load import load_facility
from podium.control.facility.qubit_names import UnknownQubit, chosen_qubits
from podium.control.facility.state_file import UpState, kept_up, write_state
from podium.control.facility.state_folder import default_state_file
from podium.control.parameters.entry import Measured, ParameterEntry
from podium.control.parameters.store import ParameterStore
from podium.control.processes import lab_access
from podium.control.program.program import Program
from podium.control.runs.errors import RunFailed


class Asked:
    """What the routines were asked for."""

    def __init__(self) -> None:
        self.runner = FakeRunner()
        self.qubits: list[str] = []
        self.routines: tuple[str, ...] = ()
        self.reached: tuple[object, ...] = ()
        self.told: object = None
        self.fails = False


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found = Asked()

    async def steps(
        bench: Bench, names: tuple[str, ...], routines: Mapping[str, Routine]
    ) -> AsyncIterator[Outcome]:
        found.qubits, found.routines = [q.name for q in bench.qubits], names
        assert set(names) <= set(routines)
        outcome = Outcome("relaxation", "T1")
        await bench.run(outcome, Program("T1", (), ()))
        times = {f"{q.name}.t1": Measured(33e-6, 1e-6, "s") for q in bench.qubits}
        await bench.commit(outcome, times)
        if found.fails:
            outcome.failures["node_a.q0"] = "too little contrast"
        yield outcome

    @asynccontextmanager
    async def reached(*where: object, store: object) -> AsyncIterator[FakeRunner]:
        found.reached, found.told = where, store
        yield found.runner

    monkeypatch.setattr(session_module, "bring_up", steps)
    monkeypatch.setattr(lab_access, "reached", reached)
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


def test_the_facility_that_is_up_needs_no_name(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    words = ["calibrate", "--only", "rabi", "node_a.q1", "--out", str(tmp_path / "out")]
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 2
    state_file = default_state_file(EXAMPLE)
    with kept_up(state_file):
        write_state(state_file, UpState(str(EXAMPLE), None, "tcp/127.0.0.1:1"))
        assert cli.main(words) == 0
    assert asked.qubits == ["node_a.q1"]
    assert asked.routines == ("rabi",)
    assert asked.reached[0] == EXAMPLE


def test_a_parameter_older_than_its_validity_is_said_to_be(
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(session_module, "bring_up", bring_up)

    async def relaxation(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
        for qubit in qubits:
            bench.best(qubit, "t1")
            bench.best(qubit, "f01")
        return Outcome("relaxation", "T1")

    monkeypatch.setitem(ROUTINES, "relaxation", relaxation)
    store = tmp_path / "lab.sqlite"
    with ParameterStore(store) as kept:
        then = 1_767_225_637.0 - 7200
        t1 = ParameterEntry("node_a.q1.t1", 3e-5, 1e-6, "s", "r", "relaxation", then, 1)
        f01 = replace(t1, name="node_a.q2.f01", value=5e9, sigma=1e3, unit="Hz")
        spot = replace(t1, name="node_a.q0.sweet_spot", value=0.1, sigma=1e-3, unit="V")
        kept.put([t1, f01, spot])
    ages = [f"--validity={name}=1h" for name in ("t1", "f01", "sweet_spot")]
    words = ["--store", str(store), "--only", "relaxation"]
    assert calibrate(tmp_path / "out", *words) == 0
    assert "too old" not in capsys.readouterr().out
    assert calibrate(tmp_path / "out", *words, *ages) == 1
    said = capsys.readouterr().out
    assert "too old: node_a.q0.sweet_spot is 2 h old, and valid for 60 min: the bias goes" in said
    assert "node_a.q0.sweet_spot is 2 h old" in said
    assert "note: node_a.q1.t1 is 2 h old, and valid for 60 min: not used" in said
    assert "node_a.q2.f01 is 2 h old, and valid for 60 min; run qubit_spectroscopy first" in said
    assert "sweet_spot is 2 h old" in (tmp_path / "out" / "index.html").read_text()
    assert calibrate(tmp_path / "out", *words, "--validity", "f01=soon") == 2
    assert "'soon' is no length of time" in capsys.readouterr().err
    assert calibrate(tmp_path / "out", *words, "--validity", "f10=1h") == 2
    assert "did you mean 'f01'?" in capsys.readouterr().err


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
    async def silent(*_: object, store: object) -> AsyncIterator[FakeRunner]:
        raise RunFailed("cluster_a is lost: connection refused")
        yield FakeRunner()

    monkeypatch.setattr(lab_access, "reached", silent)
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


OWN = """
from lengths import LIFETIME_S
from podium.control.parameters.entry import Measured
from podium.control.calibration.outcome import Outcome
from podium.control.program.program import Program


async def my_t1(bench, qubits):
    outcome = Outcome("my_t1", "My T1")
    await bench.run(outcome, Program("T1", (), ()))
    await bench.commit(outcome, {f"{q.name}.t1": Measured(LIFETIME_S, 1e-6, "s") for q in qubits})
    return outcome
"""


def test_a_file_of_ones_own_is_a_routine_too(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "bring_up", bring_up)
    (tmp_path / "my_t1.py").write_text(OWN)
    (tmp_path / "lengths.py").write_text("LIFETIME_S = 42e-6")
    assert calibrate(tmp_path / "out", "--only", str(tmp_path / "my_t1.py"), "q1") == 0
    with ParameterStore(tmp_path / "out" / "parameters.sqlite") as kept:
        entry = kept.get("node_a.q1.t1")
    assert entry is not None
    assert (entry.value, entry.routine) == (42e-6, "my_t1")
    assert "My T1" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("gone.py", None, "gone.py is not a file; it would hold `async def gone(bench, qubits)`"),
        ("rabi.py", OWN, "'rabi' is a routine already; name the file otherwise"),
        ("other.py", OWN.replace("from lengths import", "#"), "it has my_t1"),
        ("plain.py", "def plain(bench, qubits): ...", "it has no async function"),
        ("one.py", "async def one(bench): ...", "one(bench) must take the bench and the qubits"),
        ("wrong.py", "async def wrong(bench qubits): ...", "cannot be read: SyntaxError"),
        ("raises.py", "1 / 0", "cannot be read: ZeroDivisionError: division by zero"),
    ],
)
def test_a_file_without_a_routine_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str | None, says: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    assert calibrate(tmp_path / "out", "--only", str(tmp_path / name)) == 2
    assert says in capsys.readouterr().err
