"""The page of routines says what the routines are and what they store."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from tests.benches.docs.pages import named_in

from podium.control.calibration.catalogue import BRING_UP, DECLARATIONS, ROUTINES

ACCURACY = Path(__file__).parents[2] / "docs" / "reference" / "accuracy.json"
PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "routines.md").read_text()
TABLE = PAGE.partition("\n## ")[0]
ROWS = {match[1]: match[0] for match in re.finditer(r"^\| `(\w+)` \|.*$", TABLE, re.MULTILINE)}


def sources(name: str) -> str:
    module = importlib.import_module(ROUTINES[name].__module__)
    return Path(str(module.__file__)).read_text()


def stored_by(name: str) -> set[str]:
    return set(re.findall(r'(?:"|\.)(\w+)": Measured\(', sources(name)))


def test_every_routine_has_a_row():
    assert ROWS.keys() == ROUTINES.keys()


@pytest.mark.parametrize("name", ROUTINES)
def test_a_row_names_what_its_declaration_gives(name: str):
    assert DECLARATIONS[name].stores <= named_in(ROWS[name])


@pytest.mark.parametrize("name", ROUTINES)
def test_what_is_stored_is_declared(name: str):
    stored = stored_by(name)
    module = ROUTINES[name].__module__
    beside = [one for one in DECLARATIONS.values() if one.function.__module__ == module]
    assert stored <= {quantity for one in beside for quantity in one.stores}


def test_costs_are_those_of_the_kept_worlds():
    kept = list(_kept(json.loads(ACCURACY.read_text())))
    assert len(kept) > 10
    for name, one in DECLARATIONS.items():
        if one.places and all(name in world for world in kept):
            found_s = median(world[name] for world in kept)
            assert one.cost_s == pytest.approx(found_s, rel=0.25, abs=0.06), name


def _kept(told: object) -> Iterator[dict[str, float]]:
    """Yield laboratory times by routine, wherever they stand."""
    if isinstance(told, dict):
        if "lab_s_by_routine" in told:
            yield told["lab_s_by_routine"]
        for one in told.values():
            yield from _kept(one)
    elif isinstance(told, list):
        for one in told:
            yield from _kept(one)


@pytest.mark.parametrize("name", ROUTINES)
def test_a_row_names_what_its_routine_stores(name: str):
    stored = stored_by(name)
    if "Measured" not in sources(name):
        assert "| nothing: " in ROWS[name]
        return
    shared = [
        other for other in ROUTINES if ROUTINES[other].__module__ == ROUTINES[name].__module__
    ]
    told = " ".join(ROWS[other] for other in shared)
    known = stored or "quantity" in sources(name) or "Nothing is stored" in sources(name)
    assert known, "the test does not see what is stored"
    assert all(f"`{quantity}`" in told for quantity in stored), stored


def test_the_order_is_that_of_a_bring_up():
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert tuple(re.findall(r"\w+", shown)) == BRING_UP


def test_the_routines_that_nobody_can_do_without_are_named():
    sentence = re.search(r"A qubit that fails (.*?) takes part in nothing more", PAGE)
    assert sentence is not None
    assert set(re.findall(r"`(\w+)`", sentence[1])) == {
        name for name, one in DECLARATIONS.items() if one.essential
    }


def test_every_source_that_a_routine_or_fit_cites_is_listed():
    folder = Path(str(importlib.import_module("podium.control.calibration").__file__)).parent
    for file in folder.rglob("*.py"):
        text = " ".join(file.read_text().split())
        for journal in re.findall(
            r"(?:Phys\. Rev\.(?: Lett\.| [AB])?|Rev\. Mod\. Phys\.|J\. Appl\. Phys\.) \d+, \w+",
            text,
        ):
            assert journal in PAGE, f"{file.name}: {journal}"
