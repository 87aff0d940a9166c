"""A simulation in one line draws a facility, writes its files, and says how to connect."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.firmware_interfaces.yaml_text import NotYaml, parse_yaml
from podium.sim_instruments.facilities.tree import NoSuchFacility, Tree
from podium.sim_instruments.physics.bench_world import BenchWorld, bench_world, dump_bench_world
from podium.sim_instruments.servers.clock import WorldClock
from podium.sim_instruments.servers.extras import check_extra
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.serving import ServedLaboratory
from podium.sim_instruments.servers.world_cache import cached, cached_temperatures
from podium.sim_instruments.wiring import Plan, PlanError, plan_of

if TYPE_CHECKING:
    from podium.sim_instruments.physics.world_file import WorldFile

FACILITY, TWIN, ENDPOINTS = "facility.yaml", "twin.yaml", "endpoints.json"
"""Files in the state folder."""


@dataclass(frozen=True, slots=True)
class DrawnFacility:
    """A facility and its world."""

    tree: Tree
    world: "WorldFile | BenchWorld"

    def plan(self) -> Plan:
        """Return how its instruments are wired."""
        return plan_of(self.tree)

    def laboratory(self, clock: WorldClock) -> Laboratory:
        """Build the laboratory."""
        return Laboratory(self.plan(), self.world, clock)


def draw(tree: Tree, seed: int, mixers: bool = False) -> DrawnFacility:
    """Draw the world of ``seed`` for a facility that stands in no file; it may be cached."""

    return DrawnFacility(tree, _drawn(tree, seed, mixers))


def draw_any(tree: Tree, seed: int, mixers: bool = False) -> DrawnFacility:
    """Return the same; of the world of boxes on a bench a fridge's temperatures only are drawn."""
    bench = _bench(tree, seed)
    return draw(tree, seed, mixers) if bench is None else DrawnFacility(tree, bench)


def _bench(tree: Tree, seed: int) -> BenchWorld | None:
    bench = bench_world(tree, seed)
    if bench is None or not tree.get("fridges"):
        return bench

    def anew() -> dict[str, dict[str, float]]:
        from podium.sim_instruments.physics.design import design_of
        from podium.sim_instruments.physics.stage_temperatures import temperatures_k

        return temperatures_k(design_of(tree, tree["facility"]), seed)

    return replace(bench, fridges=cached_temperatures(tree, seed, anew))


def _drawn(tree: Tree, seed: int, mixers: bool) -> "WorldFile":
    if tree.get("nodes"):
        check_extra("a chip")
    return cached(tree, seed, mixers, lambda: _anew(tree, seed, mixers))


def _anew(tree: Tree, seed: int, mixers: bool) -> "WorldFile":
    from podium.sim_instruments.physics.design import design_of
    from podium.sim_instruments.physics.sampling import draw_world

    return draw_world(design_of(tree, tree["facility"]), seed, mixers)


def facility_in(path: Path) -> Tree:
    """Return the content of a facility file; raises :class:`.wiring.PlanError`, or OSError."""
    try:
        tree = parse_yaml(path.read_bytes())
    except NotYaml as error:
        raise PlanError(f"{path}: {error}") from error
    if not isinstance(tree, dict) or not isinstance(tree.get("instruments"), dict):
        raise PlanError(f"{path} is no facility file: it has no instruments")
    return {"facility": path.stem, "nodes": {}} | tree


@contextmanager
def state_folder(given: Path | None) -> Iterator[Path]:
    """Return the folder for the files: the one given, else one that goes away at the end."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix=f"podium-twin-{os.getpid()}-") as folder:
        yield Path(folder)


def settled(folder: Path, tree: Tree, seed: int, mixers: bool = False) -> DrawnFacility:
    """Return the world that is in the folder, or draw it and write both files there.

    Raises :class:`.tree.NoSuchFacility` where the folder is another simulation's: a world
    that somebody has changed by hand is never drawn over.
    """
    facility, twin = folder / FACILITY, folder / TWIN
    text = _written(tree)
    if facility.exists() and twin.exists():
        same = facility.read_text(encoding="utf-8") == text
        bench = _bench(tree, seed) if same else None
        if bench is not None and twin.read_text(encoding="utf-8") == dump_bench_world(bench):
            return DrawnFacility(tree, bench)
        from podium.sim_instruments.physics.world_file import read_world

        world = read_world(twin)
        if not same or world.seed != seed:
            raise NoSuchFacility(
                f"{folder} holds the world of other words (seed {world.seed}): name another "
                f"folder, or serve that one: podium twin serve {facility} --twin {twin}"
            )
        return DrawnFacility(tree, world)
    drawn = draw_any(tree, seed, mixers)
    twin.write_text(_twin_file(drawn.world), encoding="utf-8")
    facility.write_text(text, encoding="utf-8")
    return drawn


def _twin_file(world: "WorldFile | BenchWorld") -> str:
    if isinstance(world, BenchWorld):
        return dump_bench_world(world)
    from podium.sim_instruments.physics.world_file import dump_world

    return dump_world(world)


def _written(tree: Mapping[str, Any]) -> str:
    from ruamel.yaml import YAML

    text = StringIO()
    text.write("# What a lab would know of this virtual facility. `podium check` reads it, too.\n")
    YAML().dump(dict(tree), text)
    return text.getvalue()


def told(serving: ServedLaboratory, drawn: DrawnFacility, folder: Path, kept: bool) -> str:
    """Return the text printed when everything listens: how each client connects."""
    lines: list[str] = []
    instruments: Any = serving.endpoints()["instruments"]
    for name, entry in instruments.items():
        lines.append(f"{name}: {entry['model']} at {entry['host']}")
        lines += [f"    {client}: {line}" for client, line in entry["clients"].items()]
    for node in drawn.world.nodes.values():
        count, seed = len(node.qubits), drawn.world.seed
        lines.append(
            f"chip {node.device}, {count} qubit{'s' * (count > 1)}, seed {seed}: {node.source}"
        )
    endpoints = folder / ENDPOINTS
    lines.append(f"truth, faults, time: podium twin truth --endpoints {endpoints}")
    lines.append(f"files: {folder}{'' if kept else ', until this ends'}")
    return "\n".join(lines)
