"""The world of boxes on a bench: no chip, no timing plane; of a fridge temperatures only.

It stands in for a :class:`.world_file.WorldFile` without the libraries that one takes to be read
and checked, which are half of what a box on a bench takes to start.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from podium.sim_instruments.physics.timing_design import TimingDesign, timing_of

if TYPE_CHECKING:
    from podium.sim_instruments.physics.chip import Chip
    from podium.sim_instruments.physics.links.link_point import Link
    from podium.sim_instruments.physics.links.link_world import LinkWorld
    from podium.sim_instruments.physics.world_file import (
        ClockWorld,
        MixerWorld,
        NodeWorld,
        PlantWorld,
    )


@dataclass(frozen=True, slots=True)
class NoTiming:
    """No timing plane."""

    clocks: "Mapping[str, ClockWorld]" = field(default_factory=dict)

    def delays_s(self) -> dict[str, float]:
        """Return the delays of cables: there are none."""
        return {}


@dataclass(frozen=True, slots=True)
class BenchWorld:
    """The members of a :class:`.world_file.WorldFile` of which a laboratory is built."""

    facility: str
    seed: int
    fridges: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Temperatures by fridge and stage, K."""
    plants: "Mapping[str, PlantWorld]" = field(default_factory=dict)
    nodes: "Mapping[str, NodeWorld]" = field(default_factory=dict)
    mixers: "Mapping[str, MixerWorld]" = field(default_factory=dict)
    timing: NoTiming = field(default_factory=NoTiming)
    links: "Mapping[str, LinkWorld]" = field(default_factory=dict)

    def quantum_links(self) -> "tuple[Link, ...]":
        """Return ways for photons: none."""
        return ()

    def chip(self) -> "Chip":
        """Return a chip of nothing."""
        from podium.sim_instruments.physics.world_file import chip_of

        return chip_of(self.nodes)

    def drift(self, chip: "Chip") -> None:
        """Return what drifts: nothing."""

    def temperatures_k(self, fridge: str) -> dict[str, float]:
        """Return the temperature of each stage of a fridge; KeyError when there is none such."""
        return dict(self.fridges[fridge])


def dump_bench_world(world: BenchWorld) -> str:
    """Return the text of its twin file, as :func:`.world_file.parse_world` reads it."""
    lines = [f"facility: {json.dumps(world.facility)}", f"seed: {world.seed}"]
    lines.append("fridges:" if world.fridges else "fridges: {}")
    for fridge, stages in world.fridges.items():
        lines.append(f"  {json.dumps(fridge)}:")
        lines += [
            f"    {json.dumps(stage)}: {{value: {kelvin!r}, unit: K, assumed: true}}"
            for stage, kelvin in stages.items()
        ]
    return "\n".join(("# The world of boxes on a bench.", *lines, "nodes: {}", ""))


BENCH = frozenset({"facility", "instruments", "nodes", "fridges"})
"""Sections of a facility file whose world is such a one, if no node and no plant is in it."""


def bench_world(tree: Mapping[str, object], seed: int) -> BenchWorld | None:
    """Return the world of a facility file's content, but for the temperatures of its fridges.

    None: something else of it has to be drawn. Raises :class:`.timing_design.TimingDesignError`.
    """
    if tree.keys() - BENCH or tree.get("nodes") or timing_of(tree) != TimingDesign():
        return None
    fridges = tree.get("fridges") or {}
    if not isinstance(fridges, Mapping) or any(_is_plant(one) for one in fridges.values()):
        return None
    return BenchWorld(str(tree["facility"]), seed)


def _is_plant(fridge: object) -> bool:
    return not isinstance(fridge, Mapping) or fridge.get("model") is not None
