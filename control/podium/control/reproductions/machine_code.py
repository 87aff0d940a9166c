"""Reproduces microwave links by the machine code of two nodes, on their twins.

The facility is that of ``examples/linked`` with a device table in it, a paper's or one's own; the
twin file is drawn from it, within the spreads that say how well the table is known: another seed is
another world of the same table. Then what a person would do: twins up, qubits calibrated, starts of
both nodes measured against each other, link calibrated, a pair by tomography. Control sees no
parameter of the world but by measuring it.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

from podium.control.calibration.links.end_routines import END_ROUTINES
from podium.control.facility.example import LINKED, NoExample, example_facility
from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError
from podium.control.processes.child_processes import Children, ProcessFailed, call, podium
from podium.control.reproductions.device_table import (
    LINK,
    Table,
    facility_of,
    measured_table,
    taken,
)
from podium.control.reproductions.microwave import PUBLISHED
from podium.control.reproductions.quantities import (
    SIGMAS,
    CannotReproduce,
    Quantity,
    Reproduction,
)

HOW = (
    "machine code on two emulated Qblox clusters with one start: qubits and link calibrated from "
    "nothing, pair by nine settings, process by six states, readouts' errors taken out; absorption "
    "by scans of the catch; dephasing of f as the twin has it"
)
MEASURED = {"concurrence": "bell_concurrence"}
"""Quantities of a paper that a routine measures under another name."""
FOUND = (
    *("bell_fidelity", "concurrence", "process_fidelity", "average_state_fidelity"),
    "absorption",
)
"""Figures of a link that has no published ones."""
LINK_STEPS = (("calibrate",), ("bell", "--thoroughness", "4"), ("process",))
"""A pair by 10,000 shots a setting: its concurrence scatters by 0.017 with a quarter of them."""
TRIES = 3
"""A step of the link is made so often at most."""

FURTHER: Mapping[str, dict[str, Any]] = {
    "kurpiers2018": {"t2_echo": [4.5e-6, 3.8e-6]},  # # ASSUMED; all else the example has
    "magnard2020": {
        # Phys. Rev. Lett. 125, 260502 (2020); # ASSUMED: anharmonicities, T2 of Ramsey beside the
        # 6 us of an echo
        "frequency": 8.406e9,
        "f01": [6.457e9, 6.074e9],
        "anharmonicity": [-270e6, -270e6],
        "t2_echo": [6e-6, 6e-6],
        "t2_ramsey": [5e-6, 5e-6],
        "thermal_photons": 1.7e-9,  # of its photon at the 20 mK below which the paper's base is
    },
}
"""What a facility of a paper's link has besides its device table."""


async def table_of(name: str) -> dict[str, Any]:
    """Return a paper's device table; raises CannotReproduce where there is none here."""
    if name not in FURTHER:
        raise CannotReproduce(
            f"{name} is not played by machine code; there are: {', '.join(FURTHER)}"
        )
    table: dict[str, Any] = (await _budget(name))["table"]
    return table | FURTHER[name]


async def _budget(table: object) -> dict[str, Any]:
    """Return a link's table, and what each of its parts costs by both models of dephasing."""
    words = podium("twin", "budget", table, "--json")
    found: dict[str, Any] = json.loads(await call("podium twin budget", words))
    return found


async def reproduce_by_machine_code(
    name: str, seed: int = 0, folder: Path | None = None
) -> Reproduction:
    """Return what two nodes find of a paper's link, beside the paper's figures.

    Takes a quarter of an hour. ``folder`` keeps data and parameters. Raises CannotReproduce, and
    ``ProcessFailed`` where a step fails, with its last words.
    """
    table = await table_of(name)
    with _kept(folder) as place:
        found = await _played(table, seed, Path(place))
    paper = PUBLISHED[name]
    return Reproduction(name, paper.source, compared(paper.figures, *found))


async def reproduce_table(
    file: Path, seed: int = 0, folder: Path | None = None
) -> tuple[Reproduction, Mapping[str, Any]]:
    """Return what two nodes find of a link by its device table, and what its parts cost.

    The budget is that of the link as it was measured. Raises as :func:`reproduce_by_machine_code`.
    """
    table = (await _budget(file))["table"]
    with _kept(folder) as kept:
        place = Path(kept)
        values, truth = await _played(table, seed, place)
        measured = place / "measured.yaml"
        store = place / "podium_calibration" / "parameters.sqlite"
        known = json.loads(await _step("params", "get", "--store", store, "--json"))
        plain = {name: float(one["value"]) for name, one in known.items()}
        with measured.open("w") as out:
            YAML().dump(measured_table(table, plain), out)
        budget = await _budget(measured)
    published = {
        name: (value, SIGMAS * sigma) for name, (value, sigma) in table.get("published", {}).items()
    }
    quantities = compared(published, values, truth)
    missing = [] if quantities else ["no figures are published of it"]
    if from_example := taken(table):
        missing.append(f"{', '.join(from_example)} as the example has it")
    found = {name: one for name in FOUND if (one := _found(values, name)) is not None}
    source = f"{file}: {table['name']}"
    return Reproduction(table["name"], source, quantities, "; ".join(missing)), {
        "found": found,
        "best_bell_fidelity": truth[f"{LINK}.best_bell_fidelity"]["value"],
        "budget": budget,
    }


def _kept(folder: Path | None) -> "TemporaryDirectory[str] | nullcontext[Path]":
    """Return where all that is made is kept, or what goes at the end."""
    return TemporaryDirectory(prefix="podium_reproduce_") if folder is None else nullcontext(folder)


Values = Mapping[str, Mapping[str, Any]]


async def _played(table: Table, seed: int, folder: Path) -> tuple[Values, Values]:
    """Calibrate and measure a link of two twins; return what was found, and the world's truth."""
    facility, ends = _written(table, folder)
    twin, endpoints = folder / "twin.yaml", folder / "endpoints.json"
    out = folder / "podium_calibration"
    await _step("twin", "sample", facility, "--seed", seed, "--out", twin)
    children = Children()
    try:
        served = podium("twin", "serve", facility, "--twin", twin, "--endpoints", endpoints)
        children.start("twin", [*served, "--with-parent"], folder / "logs")
        await children.wait_for(endpoints)
        async with children.watched():
            at = ("--endpoints", endpoints)
            only = [word for one in END_ROUTINES for word in ("--only", one)]
            await _step("calibrate", facility, *at, "--out", out, *only)
            await _step("skew", "measure", facility, *at)
            link = (facility, *ends, *at, "--out", out)
            found: dict[str, Mapping[str, Any]] = {}
            for action, *more in LINK_STEPS:
                found |= json.loads(await _again("link", action, *link, *more, "--json"))["values"]
    finally:
        await children.end()
    return found, json.loads(await _step("twin", "truth", twin, "--json"))


def _written(table: Table, folder: Path) -> tuple[Path, tuple[str, str]]:
    """Write a table's facility file into ``folder``; return it and the link's ends.

    Raises CannotReproduce where the table asks for what no facility has.
    """
    yaml = YAML()
    try:
        example = example_facility(LINKED)
    except NoExample as error:
        raise CannotReproduce(str(error)) from error
    tree = facility_of(table, yaml.load(example.read_text()))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "facility.yaml"
    with file.open("w") as out:
        yaml.dump(tree, out)
    try:
        load_facility(file)
    except FacilityError as error:
        raise CannotReproduce(f"no facility is made of {table['name']}: {error}") from error
    first, second = tree["links"][LINK]["ends"]
    return file, (str(first), str(second))


async def _again(*words: object) -> str:
    """Carry a step out, and again where it fails: starts come too late on a busy computer."""
    for _ in range(TRIES - 1):
        try:
            return await _step(*words)
        except ProcessFailed as error:
            print(f"podium reproduce: {error}; once more", file=sys.stderr, flush=True)
    return await _step(*words)


async def _step(*words: object) -> str:
    said = f"podium {' '.join(map(str, words[:2]))}"
    print(f"podium reproduce: {said} ...", file=sys.stderr, flush=True)
    return await call(said, podium(*words))


def compared(
    figures: Mapping[str, tuple[float, float]], values: Values, truth: Values
) -> tuple[Quantity, ...]:
    """Return published figures beside the measured ones; those that nothing measures are left out.

    ``figures``: by quantity, with the tolerance that is asked for. ``truth``: of the twin file; the
    best Bell pair that its world allows is reported beside ours.
    """
    best = truth[f"{LINK}.best_bell_fidelity"]["value"]
    said = f"{HOW}; the best pair of sech photons in this world: {best:.4f}"
    return tuple(
        Quantity(quantity, published, tolerance / SIGMAS, ours["value"], ours["sigma"], said)
        for quantity, (published, tolerance) in figures.items()
        if (ours := _found(values, quantity)) is not None
    )


def _found(values: Values, quantity: str) -> Mapping[str, Any] | None:
    return values.get(f"{LINK}.{MEASURED.get(quantity, quantity)}")
