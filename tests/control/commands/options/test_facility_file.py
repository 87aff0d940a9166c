"""Which facility is meant: one rule for all commands."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from podium.control import cli
from podium.control.commands.options.facility_file import facility_in_use
from podium.control.facility import facility_in_use as usual
from podium.control.facility.facility_in_use import WhichFacility
from podium.control.facility.state_file import UpState

BARE = {
    "check": [],
    "doctor": [],
    "up": [],
    "join": [],
    "status": [],
    "calibrate": [],
    "run": ["program.json"],
    "ask": ["cluster_a", "*IDN?"],
    "release": ["cluster_a"],
    "snapshot": ["take"],
    "skew": ["show"],
    "part": ["node_a"],
    "compile": ["program.json"],
    "certificates": [],
    "record": ["cluster_a", "--out", "trace"],
}
"""What else each command needs to be understood."""
VERBS = ("snapshot", "skew")


def parsed(name: str, words: list[str]) -> Namespace:
    return cli.build_parser(name).parse_args([name, *words])


@pytest.fixture(autouse=True)
def nothing_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("PODIUM_FACILITY", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def up(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def up(*files: str) -> None:
        states = [UpState(file, None, "tcp/127.0.0.1:1") for file in files]
        monkeypatch.setattr(usual, "facilities_up", lambda: states)

    return up


def with_file(name: str, file: list[str]) -> list[str]:
    words = BARE[name]
    return [words[0], *file, *words[1:]] if name in VERBS else [*file, *words]


@pytest.mark.parametrize("name", BARE)
def test_every_command_takes_it_as_argument_and_as_option(name: str) -> None:
    for file in (["lab.yaml"], ["--facility", "lab.yaml"]):
        arguments = parsed(name, with_file(name, file))
        assert facility_in_use(arguments) == Path("lab.yaml")


@pytest.mark.parametrize("name", BARE)
def test_every_command_takes_it_from_the_environment_or_the_folder(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = parsed(name, BARE[name])
    with pytest.raises(WhichFacility, match=r"set \$PODIUM_FACILITY"):
        facility_in_use(arguments)
    Path("facility.yaml").touch()
    assert facility_in_use(arguments) == Path("facility.yaml")
    monkeypatch.setenv("PODIUM_FACILITY", "lab.yaml")
    assert facility_in_use(arguments) == Path("lab.yaml")


def test_the_one_that_is_up_comes_before_the_folder(up: Callable[..., None]) -> None:
    Path("facility.yaml").touch()
    up("/lab/up.yaml")
    assert facility_in_use(parsed("status", [])) == Path("/lab/up.yaml")
    assert facility_in_use(parsed("up", []), not_yet_up=True) == Path("facility.yaml")
    up("/lab/up.yaml", "/lab/other.yaml")
    with pytest.raises(WhichFacility, match="several facilities are up"):
        facility_in_use(parsed("status", []))


def test_two_different_files_are_refused() -> None:
    with pytest.raises(WhichFacility, match=r"the facility is a\.yaml and --facility b\.yaml"):
        facility_in_use(parsed("status", ["a.yaml", "--facility", "b.yaml"]))


@pytest.mark.parametrize(
    ("name", "words", "meant"),
    [
        ("ask", ["cluster_a", "power", "5 dBm"], ("cluster_a", "power", "5 dBm")),
        ("ask", ["lab.yaml", "cluster_a", "power"], ("cluster_a", "power", None)),
        ("ask", ["lab.yaml", "cluster_a", "power", "1"], ("cluster_a", "power", "1")),
    ],
)
def test_a_first_word_that_is_no_file_belongs_to_the_others(
    name: str, words: list[str], meant: tuple[str | None, ...]
) -> None:
    Path("facility.yaml").touch()
    arguments = parsed(name, words)
    facility_in_use(arguments)
    assert (arguments.instrument, arguments.what, arguments.value) == meant


def test_qubits_and_nodes_need_no_facility_before_them() -> None:
    Path("facility.yaml").touch()
    arguments = parsed("calibrate", ["q0", "q1"])
    facility_in_use(arguments)
    assert arguments.qubits == ["q0", "q1"]
    arguments = parsed("part", ["node_b"])
    facility_in_use(arguments)
    assert arguments.names == ["node_b"]


def test_what_is_not_clear_is_one_line_and_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status"]) == 2
    assert capsys.readouterr().err.startswith("podium status: no facility is up and there is no")
