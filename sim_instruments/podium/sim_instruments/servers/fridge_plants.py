"""Fridges of a laboratory that are integrated in world time, and their ends to instruments."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypedDict

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_stages import MIXING_CHAMBER
from podium.sim_instruments.physics.fridge import Fridge
from podium.sim_instruments.servers.clock import WorldClock

if TYPE_CHECKING:
    from podium.sim_instruments.physics.bath import Bath
    from podium.sim_instruments.physics.bench_world import BenchWorld
    from podium.sim_instruments.physics.cryostat.plant import Cryostat
    from podium.sim_instruments.physics.world_file import WorldFile

ReadSignal = Callable[[str, int], float]
WriteSignal = Callable[[str, float, int], None]


class PlantEnds(TypedDict, total=False):
    """Connects an instrument of a fridge to its plant; to nothing where there is none."""

    read: ReadSignal
    write: WriteSignal


def plants_of(world_file: "WorldFile | BenchWorld", start_fs: int) -> "dict[str, Cryostat]":
    """Return the plants of a world, which begin at ``start_fs``, by the fridges' names."""
    if not world_file.plants:
        return {}
    from podium.sim_instruments.physics.cryostat.parameters import MODELS
    from podium.sim_instruments.physics.cryostat.plant import Cryostat

    return {
        name: Cryostat(
            MODELS[world.model],
            start_fs,
            start=world.start,
            seed=world_file.seed,
            magnet=world.magnet,
        )
        for name, world in world_file.plants.items()
    }


def plant_ends(fridge: "Fridge | Cryostat | None") -> PlantEnds:
    """Return what reads and writes a fridge's signals, if it is a plant."""
    if fridge is None or isinstance(fridge, Fridge):
        return {}
    return {"read": fridge.read, "write": fridge.write}


def baths_of(
    fridges: "Mapping[str, Fridge | Cryostat]", fridge_of_node: Mapping[str, str], now_fs: int
) -> "dict[str, Bath]":
    """Return the mixing chambers of nodes that a plant cools, as they are now."""
    plants = {name: one for name, one in fridges.items() if not isinstance(one, Fridge)}
    if not plants:
        return {}
    from podium.sim_instruments.physics.bath import Bath

    return {
        node: Bath(
            plants[name].temperature_k(MIXING_CHAMBER, now_fs),
            plants[name].parameters.settled.temperatures_k[-1],
        )
        for node, name in fridge_of_node.items()
        if name in plants
    }


BEHIND_S = 2.0
"""Wall time by which plants are integrated behind the clock: who has looked at the clock and is
about to read or write finds the plant at no later time."""


def advance_plants(fridges: "Iterable[Fridge | Cryostat]", clock: WorldClock) -> None:
    """Integrate all plants up to just before now; one that somebody has brought further stays."""
    behind_fs = round(BEHIND_S * clock.rate * FS_PER_S)
    for fridge in fridges:
        if not isinstance(fridge, Fridge):
            fridge.advance(clock.now_fs() - behind_fs)
