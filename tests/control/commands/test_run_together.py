"""``podium run`` of a program on several nodes: in one piece, corrected unless told otherwise."""

from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import xarray
from tests.benches.links.linked_ends import LINKED
from tests.benches.nodes.triggered import Node, together
from tests.benches.nodes.two_nodes_up import TWO_NODES

from podium.control import cli
from podium.control.facility.load import load_facility
from podium.control.facility.state_file import UpState, write_state
from podium.control.parameters.store import StoreError
from podium.control.program.parameters import parameters_of
from podium.control.program.program import Delay, Parameter, Play, Program
from podium.control.program.serialise import to_json
from podium.control.program.waveforms import Square
from podium.control.runs.errors import RunRefused


class Lab:
    """Runs, and does not stream."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.programs: list[Program] = []
        self.refusal = ""
        self.facility = load_facility(str(TWO_NODES), None)
        self.stores: list[Path] = []

    def use_stored_latencies(self, store: Path) -> None:
        if not store.exists():
            raise StoreError(f"there is no store {store}")
        self.stores.append(store)

    def at_priority(self, priority: int) -> "Lab":
        assert priority == 0
        return self

    async def run(self, program, *, corrected) -> xarray.Dataset:
        self.asked.append((program.name, corrected))
        self.programs.append(program)
        if self.refusal:
            raise RunRefused(self.refusal)
        return xarray.Dataset({"x": ("x", [1.0])}, attrs={"run": "7-00001"})


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    lab = Lab()

    @asynccontextmanager
    async def joined(*where: object):
        yield lab

    monkeypatch.setattr("podium.control.client.facility_access.join_facility", joined)
    write_state(tmp_path / "up.json", UpState(str(TWO_NODES), None, "tcp/127.0.0.1:1"))
    (tmp_path / "bell.json").write_text(to_json(together([Node("a"), Node("b")])))
    return lab


def test_latencies_of_lines_that_carry_results_come_from_the_store(lab, tmp_path, capsys) -> None:
    program, state, store = (tmp_path / n for n in ("bell.json", "up.json", "parameters.sqlite"))
    words = ["run", str(TWO_NODES), str(program), "--state", str(state), "--store", str(store)]
    assert cli.main(words) == 0
    assert not lab.stores, "no line carries results"
    lab.facility = load_facility(str(LINKED.parent / "facility_wired.yaml"), None)
    assert cli.main(words) == 1
    assert capsys.readouterr().err == f"podium run: there is no store {store}\n"
    store.touch()
    assert cli.main(words) == 0
    assert lab.stores == [store]


@pytest.mark.parametrize(("words", "corrected"), [((), True), (("--uncorrected",), False)])
def test_skews_are_taken_out_unless_told_otherwise(lab, tmp_path, words, corrected) -> None:
    program, state = tmp_path / "bell.json", tmp_path / "up.json"
    assert cli.main(["run", str(TWO_NODES), str(program), "--state", str(state), *words]) == 0
    assert lab.asked == [("together", corrected)]
    assert (tmp_path / "bell.nc").exists()


def test_a_refusal_is_one_line(lab, tmp_path, capsys) -> None:
    lab.refusal = "the skew was never measured: podium skew measure FACILITY"
    program, state = tmp_path / "bell.json", tmp_path / "up.json"
    assert cli.main(["run", str(TWO_NODES), str(program), "--state", str(state)]) == 1
    assert capsys.readouterr().err == f"podium run: {lab.refusal}\n"
    assert not (tmp_path / "bell.nc").exists()


@pytest.fixture
def turned(lab, tmp_path) -> list[str]:
    """The words of a run of a program with an angle and a wait."""
    bell = together([Node("a"), Node("b")])
    more = (
        Delay(("d_a",), Parameter("wait", 100 * 10**6)),
        Play("d_a", Square(100 * 10**6), Parameter("theta", 0.1)),
    )
    program = tmp_path / "turned.json"
    program.write_text(to_json(replace(bell, body=(*bell.body, *more))))
    return ["run", str(TWO_NODES), str(program), "--state", str(tmp_path / "up.json")]


def test_parameters_are_put_to_what_the_command_line_says(lab, turned) -> None:
    assert cli.main([*turned, "--parameter", "theta=-2.5e-1", "--parameter", "wait=40300000"]) == 0
    assert cli.main(turned) == 0
    assert [parameters_of(one) for one in lab.programs] == [
        {"wait": 40_300_000, "theta": -0.25},
        {"wait": 100_000_000, "theta": 0.1},
    ]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("phi=1", "no parameter 'phi'; there are: "),
        ("theta", "--parameter theta: a name and a number are wanted"),
        ("theta=a lot", "--parameter theta=a lot: a name and a number are wanted"),
    ],
)
def test_a_parameter_that_is_none_is_wrong_use(lab, turned, capsys, word, told) -> None:
    assert cli.main([*turned, "--parameter", word]) == 2
    assert told in capsys.readouterr().err
    assert lab.programs == []
