"""A link by its device table: a facility is made of it, and a table of what was measured."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.benches.links.link_budgets import budget_here

from podium.control.cli import main
from podium.control.facility.example import LINKED, example_facility
from podium.control.facility.load import load_facility
from podium.control.processes.child_processes import ProcessFailed, podium
from podium.control.reproductions import machine_code
from podium.control.reproductions.device_table import facility_of, measured_table, taken
from podium.control.reproductions.machine_code import table_of

OURS = """
name: ours
gamma: {value: 6e6, unit: Hz, source: our thesis}
kappa: [{value: 8e6, unit: Hz, source: our thesis}, {value: 7e6, unit: Hz, source: our thesis}]
pulse: {value: 250e-9, unit: s, source: our thesis}
pi_pulse: {value: 32e-9, unit: s, assumed: true}
transmission: {value: 0.9, unit: "1", source: our thesis}
delay: {value: 12e-9, unit: s, source: our thesis}
t1_ge: [{value: 20e-6, unit: s, source: our thesis}, {value: 25e-6, unit: s, source: our thesis}]
t1_ef: [{value: 10e-6, unit: s, assumed: true}, {value: 12e-6, unit: s, assumed: true}]
t2_ge: [{value: 15e-6, unit: s, source: our thesis}, {value: 16e-6, unit: s, source: our thesis}]
t2_ef: [{value: 8e-6, unit: s, assumed: true}, {value: 9e-6, unit: s, assumed: true}]
f01: [{value: 6.3e9, unit: Hz, source: our thesis}, {value: 6.1e9, unit: Hz, source: our thesis}]
published: {bell_fidelity: {value: 0.9, sigma: 0.01, source: our thesis}}
"""
VALUES = {"link_ab.bell_fidelity": {"value": 0.89, "sigma": 0.004}}
TRUTH = {"link_ab.best_bell_fidelity": {"value": 0.93}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "ours.yaml"
    made.write_text(OURS, encoding="utf-8")
    return made


async def read(file: Path) -> dict[str, object]:
    words = podium("twin", "budget", file, "--json")
    return json.loads(await budget_here("podium twin budget", words))["table"]


def tree():
    return YAML().load(example_facility(LINKED).read_text())


def loaded(made, folder: Path):
    file = folder / "facility.yaml"
    with file.open("w") as out:
        YAML().dump(made, out)
    return load_facility(file)


async def test_the_example_has_the_table_of_its_paper(tmp_path: Path) -> None:
    """Which a process of its own reads, as for users; the tests below read theirs here."""
    made = loaded(facility_of(await table_of("kurpiers2018"), tree()), tmp_path)
    example = load_facility(example_facility(LINKED))
    assert made.links == example.links
    for name, node in example.nodes.items():
        design = dict(made.nodes[name].qubits["q0"].design)
        lives = design.pop("t1_ef")  # of an example it is what charge elements make of T1
        assert lives.value == pytest.approx({"node_a": 2.3e-6, "node_b": 1.6e-6}[name])
        assert design == dict(node.qubits["q0"].design)


async def test_a_facility_has_a_table_s_numbers_and_the_example_s_where_it_says_nothing(
    file: Path, tmp_path: Path
) -> None:
    table = await read(file)
    facility = loaded(facility_of(table, tree()), tmp_path)
    link = facility.links["link_ab"]
    design = facility.nodes["node_b"].qubits["q0"].design
    names = ("f01", "t1", "t1_ef", "t2_ramsey", "t2_echo")
    assert {name: design[name].value for name in names} == pytest.approx(
        {"f01": 6.1e9, "t1": 25e-6, "t1_ef": 12e-6, "t2_ramsey": 16e-6, "t2_echo": 19.2e-6}
    )
    assert design["t1_ef"].spread == pytest.approx(0.6e-6)
    assert link.design["loss"].value == pytest.approx(0.1)
    assert link.transfer[1].design["kappa"].value == pytest.approx(7e6)
    assert design["anharmonicity"].value == pytest.approx(-306e6)
    assert taken(table) == ("frequency", "anharmonicity", "thermal_photons")


async def test_what_was_measured_takes_the_place_of_what_was_published(
    file: Path, tmp_path: Path
) -> None:
    table = await read(file)
    values = {
        "node_a.q0.t1": 18e-6,
        "node_b.q0.t2_ramsey": 8e-6,
        "link_ab.a.kappa": 8.1e6,
        "link_ab.transmission": 0.88,
    }
    again = tmp_path / "measured.yaml"
    with again.open("w") as out:
        YAML().dump(measured_table(table, values), out)
    found = await read(again)
    written = YAML().load(again.read_text())
    assert written["pulse"]["source"] == "as the table has it"
    assert written["t1_ef"][0]["source"] == "changed as t1_ge has"
    assert found["t1_ge"] == pytest.approx([18e-6, 25e-6])
    assert found["t1_ef"] == pytest.approx([9e-6, 12e-6])
    assert found["t2_ge"] == pytest.approx([15e-6, 8e-6])
    assert found["t2_ef"] == pytest.approx([8e-6, 4.5e-6])
    assert found["kappa"] == pytest.approx([8.1e6, 7e6])
    assert found["transmission"] == pytest.approx(0.88)
    assert found["name"] == "ours, as measured"
    lives = {"node_a.q0.t1_ef": 8e-6, "node_b.q0.t1_ef": 13e-6}
    changed = measured_table(table, values | lives)["t1_ef"]
    assert [one["value"] for one in changed] == [8e-6, 13e-6]
    assert {one["source"] for one in changed} == {"as measured"}


def test_a_link_is_played_from_its_file_and_says_what_to_improve(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What plays it is put in place of two nodes, which take a quarter of an hour."""

    async def played(table: dict[str, object], seed: int, folder: Path):
        assert (table["name"], seed) == ("ours", 5)
        return VALUES, TRUTH

    async def step(*words: object) -> str:
        assert words[:2] == ("params", "get")
        return json.dumps({"link_ab.transmission": {"value": 0.7}})

    monkeypatch.setattr(machine_code, "_played", played)
    monkeypatch.setattr(machine_code, "_step", step)
    monkeypatch.setattr(machine_code, "call", budget_here)
    words = ["reproduce", "--from", str(file), "--seed", "5", "--out", str(tmp_path)]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (bell,) = found["quantities"]
    assert (bell["published"], bell["ours"], bell["within"]) == (0.9, 0.89, True)
    assert found["verdict"] == "not established"
    assert "frequency, anharmonicity, thermal_photons as the example has it" in found["missing"]
    assert found["budget"]["table"]["transmission"] == 0.7
    assert next(iter(found["budget"]["number_operator"]["costs"])) == "way"
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "by what was measured, number_operator: Bell fidelity 0.8" in said
    assert "best pair of sech photons in this world: 0.9300" in said


def test_a_file_that_is_no_table_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def call(name: str, command: list[str]) -> str:
        raise ProcessFailed(f"{name} ended with 2: no device table")

    monkeypatch.setattr(machine_code, "call", call)
    assert main(["reproduce", "--from", str(tmp_path / "none.yaml")]) == 1
    assert "no device table" in capsys.readouterr().err


def test_a_name_and_a_file_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "skew", "--from", "ours.yaml"]) == 2
    assert "either skew or --from" in capsys.readouterr().err
