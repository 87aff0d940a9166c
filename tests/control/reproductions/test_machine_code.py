"""Published links by machine code: facilities of the papers' tables, and what is compared."""

import json
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from tests.benches.links.link_budgets import budget_here

from podium.control import cli
from podium.control.facility.example import LINKED, example_facility
from podium.control.facility.load import load_facility
from podium.control.processes.child_processes import ProcessFailed
from podium.control.reproductions import machine_code
from podium.control.reproductions.device_table import facility_of
from podium.control.reproductions.machine_code import (
    FURTHER,
    compared,
    reproduce_by_machine_code,
    table_of,
)
from podium.control.reproductions.microwave import PUBLISHED
from podium.control.reproductions.quantities import CannotReproduce

VALUES = {
    "link_ab.bell_fidelity": {"value": 0.79, "sigma": 0.004},
    "link_ab.bell_concurrence": {"value": 0.60, "sigma": 0.01},
}
TRUTH = {"link_ab.best_bell_fidelity": {"value": 0.81}}


@pytest.fixture
def budgets_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have tables read in this process; ``test_device_table.py`` has a process read one."""
    monkeypatch.setattr(machine_code, "call", budget_here)


def tree():
    return YAML().load(example_facility(LINKED).read_text())


@pytest.mark.usefixtures("budgets_here")
@pytest.mark.parametrize("name", FURTHER)
async def test_a_papers_facility_is_sound_and_has_its_table(name: str, tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    with file.open("w") as out:
        YAML().dump(facility_of(await table_of(name), tree()), out)
    facility = load_facility(file)
    link = facility.links["link_ab"]
    first, second = link.transfer
    wanted = {
        "kurpiers2018": (10.4e6, 10.4e6, 13.5e6, 0.23, 4.5e-9, 5e-6),
        "magnard2020": (6.2e6, 8.9e6, 6.2e6, 0.223, 28e-9, 12e-6),
    }[name]
    found = (
        link.bandwidth_hz,
        first.design["kappa"].value,
        second.design["kappa"].value,
        link.design["loss"].value,
        link.design["delay"].value,
        facility.nodes["node_a"].qubits["q0"].design["t1"].value,
    )
    assert found == pytest.approx(wanted)
    assert facility.name == name


@pytest.mark.usefixtures("budgets_here")
async def test_a_cold_papers_modes_are_not_as_warm_as_the_examples(tmp_path: Path) -> None:
    """Photons of 8.4 GHz at 20 mK, and not the 0.002 of another experiment with its spread."""
    file = tmp_path / "facility.yaml"
    with file.open("w") as out:
        YAML().dump(facility_of(await table_of("magnard2020"), tree()), out)
    for end in load_facility(file).links["link_ab"].transfer:
        photons = end.design["thermal_photons"]
        assert photons.value == pytest.approx(
            1 / np.expm1(6.62607e-34 * 8.406e9 / 1.38065e-23 / 0.02), rel=0.1
        )
        assert photons.spread <= photons.value


@pytest.mark.usefixtures("budgets_here")
async def test_the_example_stays_as_it_is() -> None:
    before = tree()
    facility_of(await table_of("magnard2020"), before)
    assert before == tree()


def test_what_was_measured_stands_beside_the_paper_and_what_was_not_is_left_out() -> None:
    (bell,) = compared(PUBLISHED["kurpiers2018"].figures, VALUES, TRUTH)
    assert (bell.quantity, bell.published, bell.ours) == ("bell_fidelity", 0.789, 0.79)
    assert bell.within
    assert "the best pair of sech photons in this world: 0.8100" in bell.model
    bell, concurrence = compared(PUBLISHED["magnard2020"].figures, VALUES, TRUTH)
    assert (bell.within, concurrence.within) == (True, False)


def test_papers_without_a_table_are_refused(capsys) -> None:
    assert cli.main(["reproduce", "optical", "--machine-code"]) == 2
    assert "optical is not played by machine code; there are: kurpiers" in capsys.readouterr().err


async def test_a_paper_without_a_table_is_refused() -> None:
    with pytest.raises(CannotReproduce, match="nonsense"):
        await table_of("nonsense")


async def test_a_step_that_fails_is_made_again_and_not_for_ever(monkeypatch, capsys) -> None:
    said: list[tuple[object, ...]] = []

    async def step(*words: object) -> str:
        said.append(words)
        if len(said) < fails:
            raise ProcessFailed("no answer to FIRE in time")
        return "done"

    monkeypatch.setattr(machine_code, "_step", step)
    fails = machine_code.TRIES
    assert await machine_code._again("link", "bell") == "done"
    assert len(said) == machine_code.TRIES
    assert "no answer to FIRE in time; once more" in capsys.readouterr().err
    said.clear()
    fails += 1
    with pytest.raises(ProcessFailed, match="no answer to FIRE"):
        await machine_code._again("link", "bell")
    assert len(said) == machine_code.TRIES


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", FURTHER)
async def test_two_nodes_find_the_papers_pair(name: str, tmp_path: Path) -> None:
    found = await reproduce_by_machine_code(name, 3, tmp_path)
    bell = found.quantities[0]
    assert bell.within, json.dumps(found.plainly(), indent=2)
