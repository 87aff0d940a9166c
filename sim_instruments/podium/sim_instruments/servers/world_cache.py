"""Worlds that were drawn before, kept in the user's cache: to draw one takes a third of a second.

Worlds are kept as drawn, to the last bit. An entry is known by all that a world depends on: the
facility, the seed, and the very sources that draw it. Nothing else is ever read from there.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from podium.sim_instruments.facilities.tree import Tree
from podium.sim_instruments.physics import bench_world

if TYPE_CHECKING:
    from podium.sim_instruments.physics.world_file import WorldFile

KEPT = 200
"""Worlds; the oldest go."""


def cached(tree: Tree, seed: int, mixers: bool, draw: "Callable[[], WorldFile]") -> "WorldFile":
    """Return the world that ``draw`` would draw, from the cache where it is there."""
    from pydantic import ValidationError

    from podium.sim_instruments.physics.world_file import WorldFile

    entry = folder() / f"{_key(tree, seed, mixers)}.json"
    with suppress(OSError, ValidationError):
        return WorldFile.model_validate_json(entry.read_bytes())
    world = draw()
    _keep(entry, world.model_dump_json(exclude_defaults=True))
    return world


def cached_temperatures(
    tree: Tree, seed: int, draw: Callable[[], Mapping[str, Mapping[str, float]]]
) -> Mapping[str, Mapping[str, float]]:
    """Return temperatures, K, by fridge and stage as ``draw`` would draw them.

    They are kept by themselves: to read a whole world takes libraries that boxes on a bench spare.
    """
    entry = folder() / f"{_key(tree, seed, 'temperatures')}.json"
    with suppress(OSError, ValueError, AttributeError):
        return {
            str(fridge): {str(stage): float(kelvin) for stage, kelvin in stages.items()}
            for fridge, stages in json.loads(entry.read_bytes()).items()
        }
    found = draw()
    _keep(entry, json.dumps(found))
    return found


def _keep(entry: Path, text: str) -> None:
    with suppress(OSError):  # a home that cannot be written to draws each time
        entry.parent.mkdir(parents=True, exist_ok=True)
        draft = entry.with_suffix(f".{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(entry)
        for old in sorted(entry.parent.glob("*.json"), key=_age)[KEPT:]:
            old.unlink(missing_ok=True)


def folder() -> Path:
    """Return where they are kept: ``$XDG_CACHE_HOME/podium/worlds`` or in ``~/.cache``."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "podium" / "worlds"


def _key(tree: Tree, seed: int, what: bool | str) -> str:
    """Return the name of an entry; ``what``: whether with mixers, or what else of a world."""
    told = json.dumps([tree, seed, what], sort_keys=True)
    sources = Path(bench_world.__file__).parent
    stamps = [
        (str(file.relative_to(sources)), (stat := file.stat()).st_mtime_ns, stat.st_size)
        for file in sorted(sources.rglob("*.py"))
    ]
    return hashlib.sha256(f"{told}\n{stamps}".encode()).hexdigest()[:40]


def _age(entry: Path) -> float:
    try:
        return -entry.stat().st_mtime
    except OSError:
        return 0.0
