"""The rooms of the repository: what can be imported, and one name for one instrument."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from podium.firmware_interfaces.models import BUILT_IN, InstrumentModel

ROOT = Path(__file__).parents[1]
ROOMS = ("firmware_interfaces", "drivers", "sim_instruments", "control")


def run_elsewhere(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a new process that starts outside the checkout."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", [*ROOMS, "tests"])
def test_the_rooms_do_not_take_names_from_other_people(name: str, tmp_path: Path) -> None:
    ended = run_elsewhere(f"import {name}", tmp_path)
    assert f"ModuleNotFoundError: No module named '{name}'" in ended.stderr


def test_the_package_is_found_from_anywhere(tmp_path: Path) -> None:
    code = "; ".join(f"import podium.{room}" for room in ROOMS)
    ended = run_elsewhere(f"{code}; import podium; print(podium.__file__)", tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "None\n"), ended.stderr


def test_no_room_makes_the_namespace_a_package_of_its_own() -> None:
    assert list(ROOT.glob("*/podium/__init__.py")) == []
    for room in ROOMS:
        assert (ROOT / room / "podium" / room / "py.typed").exists()


def test_start_up_says_which_package_hides_ours(tmp_path: Path) -> None:
    other = tmp_path / "podium"
    other.mkdir()
    (other / "__init__.py").write_text("")
    code = "import sys, podium_start; sys.exit(podium_start.main())"
    path = os.pathsep.join([str(tmp_path), str(ROOT / "control")])
    ended = run_elsewhere(code, tmp_path, PYTHONPATH=path)
    assert ended.returncode == 2
    assert ended.stderr.startswith(
        f"podium: another package named podium hides this one: {other / '__init__.py'}\n"
    )


def test_start_up_goes_on_when_nothing_hides_ours(tmp_path: Path) -> None:
    code = "import sys, podium_start; sys.argv = ['podium', '--help']; podium_start.main()"
    ended = run_elsewhere(code, tmp_path, PYTHONPATH=str(ROOT / "control"))
    assert (ended.returncode, ended.stdout[:14]) == (0, "usage: podium "), ended.stderr


def _file_of(dotted: str) -> tuple[Path, str]:
    module, _, name = dotted.partition(":")
    room = module.split(".")[1]
    return (ROOT / room).joinpath(*module.split(".")).with_suffix(".py"), name


@pytest.mark.parametrize("model", BUILT_IN, ids=lambda model: model.name)
def test_one_instrument_has_one_name_in_four_places(model: InstrumentModel) -> None:
    for folder in (
        ROOT / "firmware_interfaces" / "podium" / "firmware_interfaces",
        ROOT / "drivers" / "podium" / "drivers",
        ROOT / "sim_instruments" / "podium" / "sim_instruments" / "twins",
    ):
        assert (folder / f"{model.name}.py").exists() or (folder / model.name).is_dir(), folder
    tests = [path for path in (ROOT / "tests").rglob("*") if model.name in path.name]
    assert tests, f"no test under tests/ has {model.name} in its name"
    assert model.driver.split(":")[0].split(".")[2] == model.name
    assert model.twin.split(":")[0].split(".")[3] == model.name


@pytest.mark.parametrize("model", BUILT_IN, ids=lambda model: model.name)
def test_driver_and_twin_stand_where_the_model_says(model: InstrumentModel) -> None:
    for dotted in (model.driver, model.twin):
        file, name = _file_of(dotted)
        makes = [
            node.name
            for node in ast.parse(file.read_text()).body
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
        ]
        assert name in makes, f"{file} has no class or function {name}"


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_process_runs_is_defined_before_it_runs(room: str) -> None:
    """``python -m`` runs the block of a module before what stands behind it is there."""
    for path in sorted((ROOT / room).rglob("*.py")):
        _, found, behind = path.read_text("utf-8").partition('\nif __name__ == "__main__":\n')
        unindented = [line for line in behind.splitlines() if line and not line.startswith(" ")]
        assert not (found and unindented), f"{path}: {unindented[0]}"
