"""What ``pip install podium`` brings is enough for boxes on a bench, and says what a chip needs."""

import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.benches.thoroughness import sampled

ROOT = Path(__file__).parents[1]
BOXES = [
    *("yokogawa_gs200", "lakeshore_372", "rohde_schwarz_sgs100a", "srs_fs725"),
    *("cryomech_cpa", "bluefors_control", "nut_ups"),
    *("hwgroup_poseidon2", "smc_hrs100", "bluefors_tc"),
    *("tektronix_awg70002a", "tektronix_awg5208"),
]
HEAVY = ["numpy", "pydantic", "pydantic_core", "scipy", "numba", "email", "zipfile"]
"""What takes longer to import than all that a box on a bench needs."""
BLOCKED = """
import json, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

BLOCKED = set(json.loads(sys.argv.pop(1)))
sys.meta_path.insert(0, Blocked())
"""
HOST = (
    BLOCKED
    + """
import importlib.util
whole = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in BLOCKED else whole(name, *rest)
import podium.sim_instruments.servers.world_host as host
host.main()
"""
)


def base() -> set[str]:
    """Return the distributions that Podium alone brings, and pytest's: the plugin is for it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    todo, found = [*project["dependencies"], "pytest"], set()
    while todo:
        requirement = Requirement(todo.pop())
        name = canonicalize_name(requirement.name)
        marker = requirement.marker
        if name not in found and (marker is None or marker.evaluate({"extra": ""})):
            found.add(name)
            todo += requires(name) or []
    return found


@cache
def others() -> list[str]:
    """Return the top-level modules of everything else that is installed here."""
    allowed = base() | {"podium", "pip", "setuptools"}
    return sorted(
        module
        for module, distributions in packages_distributions().items()
        if not {canonicalize_name(one) for one in distributions} & allowed
        and module not in sys.stdlib_module_names
    )


def asked(*requests: dict) -> list[dict]:
    """Return what a process of twins answers that can import the base alone."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(
        [sys.executable, "-c", HOST, json.dumps(others())],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def opening(model: str, chip: str | None = None) -> dict:
    words = {"model": model, "chip": chip, "qubits": None, "name": None, "options": {}}
    return {"do": "open", "seed": 0, "clock": "leap", "mixers": False, "instrument": words}


def test_what_is_blocked_here_holds_the_large_ones() -> None:
    assert {"numba", "scipy", "xarray", "zenoh", "matplotlib"} <= set(others())
    assert not {"numpy", "pydantic", "ruamel", "pytest"} & set(others())


def test_boxes_on_a_bench_need_the_base_alone() -> None:
    for answer in asked(*map(opening, BOXES)):
        assert answer["ok"]["instruments"]


def test_a_box_on_a_bench_is_up_without_what_files_and_chips_take() -> None:
    """Its process starts in half the time: docs/reference/benchmarks.md, twins for tests."""
    line = json.dumps(opening("yokogawa_gs200")) + "\n"
    words = [sys.executable, "-c", HOST, json.dumps([*HEAVY, "ruamel", "yaml"])]
    done = subprocess.run(words, input=line, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["ok"]["instruments"], done.stderr


def test_a_box_on_a_bench_is_served_without_them() -> None:
    run = BLOCKED + "import podium_start; sys.exit(podium_start.main())"
    serve = ["twin", "serve", "--model", "yokogawa_gs200", "--with-parent"]  # input is at its end
    words = [sys.executable, "-c", run, json.dumps(HEAVY), *serve]
    done = subprocess.run(words, input="", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "source: yokogawa_gs200 at 127." in done.stdout


@pytest.mark.parametrize(
    ("model", "chip"),
    sampled(
        [(model, chip) for model in ("qblox_cluster", "zurich") for chip in (None, "krinner2022")],
        kept=[("qblox_cluster", "krinner2022"), ("zurich", None)],
    ),
)
def test_a_controller_of_pulses_says_which_extra_it_needs(model, chip) -> None:
    (answer,) = asked(opening(model, chip))
    assert "pip install 'podium[chip]'" in answer["error"]


def test_a_command_of_the_lab_says_which_extra_it_needs() -> None:
    run = BLOCKED + "import podium_start; sys.exit(podium_start.main())"
    done = subprocess.run(
        [sys.executable, "-c", run, json.dumps(others()), "status", "facility.yaml"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert re.search(r"podium: \w+ is not installed.*pip install 'podium\[lab\]'", done.stderr)


def test_drivers_on_qcodes_do_without_pyarrow() -> None:
    """README: who is short of space may remove it, though QCoDeS asks for it."""
    drivers = "qblox_cluster.cluster", "qcodes_any.driver", "yokogawa_gs200", "lakeshore_372"
    imports = "".join(f"import podium.drivers.{one}\n" for one in drivers)
    words = [sys.executable, "-c", BLOCKED + imports + "import qcodes.dataset", '["pyarrow"]']
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_plugin_needs_the_base_alone(tmp_path) -> None:
    (tmp_path / "test_box.py").write_text(
        "def test_a_box_is_there(twin_instrument):\n"
        "    assert twin_instrument('yokogawa_gs200').ports\n"
    )
    run = BLOCKED + "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    words = [json.dumps(others()), "-q", "-p", "no:cacheprovider", str(tmp_path)]
    plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", run, *words, "-p", "podium_pytest"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **plugins},
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
