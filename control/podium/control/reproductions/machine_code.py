"""Reproduces published microwave links by the machine code of two nodes, on their twins.

The facility is that of ``examples/linked`` with the paper's device table in it; the twin file is
drawn from it, within the spreads that say how well the table is known: another seed is another
world of the same table. Then what a person would do: twins up, qubits calibrated, starts of both
nodes measured against each other, link calibrated, a pair by tomography. Control sees no parameter
of the world but by measuring it.
"""

import copy
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

from podium.control.calibration.links.end_routines import END_ROUTINES
from podium.control.facility.example import LINKED, NoExample, example_facility
from podium.control.processes.child_processes import Children, ProcessFailed, call, podium
from podium.control.reproductions.microwave import PUBLISHED
from podium.control.reproductions.quantities import (
    SIGMAS,
    CannotReproduce,
    Quantity,
    Reproduction,
)

HOW = (
    "machine code on two emulated Qblox clusters with one start: qubits and link calibrated from "
    "nothing, pair by nine settings, process by six states, readouts' errors taken out; dephasing "
    "of f as the twin has it"
)
MEASURED = {"concurrence": "bell_concurrence"}
"""Quantities of a paper that a routine measures under another name."""
TRIES = 3
"""A step of the link is made so often at most."""
Tree = dict[str, Any]

MAGNARD: Mapping[str, Mapping[str, object]] = {
    # Phys. Rev. Lett. 125, 260502 (2020); # ASSUMED: anharmonicities, T2 of Ramsey beside the
    # 6 us of an echo, isolation, thermal photons, how strong sidebands are
    "links.link_ab": {
        "frequency": "8.406 GHz",
        "bandwidth": "6.2 MHz",
        "loss": "0.223",
        "delay": "28 ns",
    },
    "links.link_ab.transfer.node_a": {"frequency": "8.406 GHz", "kappa": "8.9 MHz"},
    "links.link_ab.transfer.node_b": {"frequency": "8.406 GHz", "kappa": "6.2 MHz"},
    **{
        f"nodes.{node}.qubits.q0.design": {
            "f01": f01,
            "anharmonicity": "-270 MHz",
            "t1": "12 us",
            "t2_echo": "6 us",
            "t2_ramsey": "5 us",
        }
        for node, f01 in (("node_a", "6.457 GHz"), ("node_b", "6.074 GHz"))
    },
}
TABLES: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "kurpiers2018": {},  # the example has its numbers
    "magnard2020": MAGNARD,
}
"""What differs from the example, by path in the facility file."""


def facility_of(name: str, tree: Tree) -> Tree:
    """Return the linked nodes with a paper's device table; ``tree`` stays as it is.

    Raises CannotReproduce for a paper without a table here.
    """
    if name not in TABLES:
        raise CannotReproduce(
            f"{name} is not played by machine code; there are: {', '.join(TABLES)}"
        )
    made = copy.deepcopy(tree)
    made["facility"] = name
    for path, values in TABLES[name].items():
        place = made
        for word in path.split("."):
            place = place[word]
        for quantity, value in values.items():
            if isinstance(place[quantity], dict):
                place[quantity]["value"] = value
            else:
                place[quantity] = value
    return made


async def reproduce_by_machine_code(
    name: str, seed: int = 0, folder: Path | None = None
) -> Reproduction:
    """Return what two nodes find of a paper's link, beside the paper's figures.

    Takes a quarter of an hour. ``folder`` keeps data and parameters. Raises CannotReproduce, and
    ``ProcessFailed`` where a step fails, with its last words.
    """
    if folder is None:
        with TemporaryDirectory(prefix="podium_reproduce_") as kept:
            return await reproduce_by_machine_code(name, seed, Path(kept))
    facility, ends = _written(name, folder)
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
            await _again("link", "calibrate", *link)
            found: dict[str, Mapping[str, Any]] = {}
            for action in ("bell", "process"):
                found |= json.loads(await _again("link", action, *link, "--json"))["values"]
    finally:
        await children.end()
    truth = json.loads(await _step("twin", "truth", twin, "--json"))
    return compared(name, found, truth)


def _written(name: str, folder: Path) -> tuple[Path, tuple[str, str]]:
    """Write a paper's facility file into ``folder``; return it and the link's ends."""
    yaml = YAML()
    try:
        example = example_facility(LINKED)
    except NoExample as error:
        raise CannotReproduce(str(error)) from error
    tree = facility_of(name, yaml.load(example.read_text()))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "facility.yaml"
    with file.open("w") as out:
        yaml.dump(tree, out)
    first, second = tree["links"]["link_ab"]["ends"]
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
    name: str, values: Mapping[str, Mapping[str, Any]], truth: Mapping[str, Mapping[str, Any]]
) -> Reproduction:
    """Return a paper's figures beside the measured ones; those that nothing measures are left out.

    ``truth``: of the twin file; the best Bell pair that its world allows is reported beside ours.
    """
    paper = PUBLISHED[name]
    best = truth["link_ab.best_bell_fidelity"]["value"]
    quantities = []
    for quantity, (published, tolerance) in paper.figures.items():
        ours = values.get(f"link_ab.{MEASURED.get(quantity, quantity)}")
        if ours is not None:
            said = f"{HOW}; the best pair of sech photons in this world: {best:.4f}"
            quantities.append(
                Quantity(
                    quantity, published, tolerance / SIGMAS, ours["value"], ours["sigma"], said
                )
            )
    return Reproduction(name, paper.source, tuple(quantities))
