"""Checks that a world has what a facility file wires."""

from typing import TYPE_CHECKING

from podium.sim_instruments.wiring import Plan, PlanError

if TYPE_CHECKING:
    from podium.sim_instruments.physics.bench_world import BenchWorld
    from podium.sim_instruments.physics.chip import Chip
    from podium.sim_instruments.physics.world_file import WorldFile


def check_world(plan: Plan, world_file: "WorldFile | BenchWorld", chip: "Chip | None") -> None:
    """Refuse a world that was drawn for another facility.

    ``chip``: all its nodes' chips as one, None where it has no nodes. Raises
    :class:`.wiring.PlanError`, naming what is missing.
    """
    _check_mixers(plan, world_file)
    has = _lines_of(world_file, chip)
    wanted = set(plan.lines)
    for thermometer in plan.thermometers.values():
        if thermometer.fridge not in world_file.plants:
            wanted |= {f"{thermometer.fridge}.{each}" for each in thermometer.stages.values()}
    if wanted - has:
        raise PlanError(
            f"the world of {world_file.facility} has no {', '.join(sorted(wanted - has))}, "
            f"which {plan.name} is wired to; `podium twin sample` draws one that has"
        )


def _lines_of(world_file: "WorldFile | BenchWorld", chip: "Chip | None") -> set[str]:
    """Return the names of all lines that the world has."""
    has: set[str] = set()
    if chip is not None:
        has = {feedline.name for feedline in chip.feedlines} | chip.flux_lines
        has |= {f"{qubit.name}.drive" for qubit in chip.qubits}
        links = world_file.quantum_links()
        has |= {end.sideband for link in links for end in link.ends}
    for fridge, stages in world_file.fridges.items():
        has |= {f"{fridge}.{stage}" for stage in stages}
    return has


def _check_mixers(plan: Plan, world_file: "WorldFile | BenchWorld") -> None:
    for output in world_file.mixers:
        instrument, _, connector = output.partition(".")
        modulators = {
            cable.modulator for cables in plan.outputs.values() for cable in cables.values()
        }
        if connector == "iq" and instrument in modulators:
            continue
        if connector not in plan.outputs.get(instrument, {}):
            raise PlanError(
                f"the world of {world_file.facility} has a mixer at {output}, where "
                f"{plan.name} wires nothing"
            )
