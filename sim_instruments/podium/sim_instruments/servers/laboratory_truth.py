"""Tells what a laboratory's world hides: its truth, and how gates and photons were played."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.servers.cabling import light_through

if TYPE_CHECKING:
    from podium.sim_instruments.physics.joint.played_gate import PlayedGate
    from podium.sim_instruments.physics.truth import Span, Truth
    from podium.sim_instruments.servers.laboratory import Laboratory


def truth_now(
    laboratory: "Laboratory",
    optima: bool = True,
    span: "Span | None" = None,
    *,
    at_rest: bool = False,
) -> "Callable[[], dict[str, Truth]]":
    """Return what tells the hidden truth at the biases of this moment, in any thread.

    ``span``: over this stretch of world time; None: at this moment. ``at_rest``: with all
    qubits at their sweet spots, couplers where they are, and without a span with what drift
    and noise are about.
    """
    from podium.sim_instruments.physics.links.link_world import link_truth
    from podium.sim_instruments.physics.truth import MovingTruth, Span, mixer_truth, truth

    file, chip, twins = laboratory.world_file, laboratory.chip, laboratory.twins
    mixers, ways = mixer_truth(file.mixers), file.quantum_links()
    switched = {
        link: (light_through(twins, one, None), light_through(twins, other, None))
        for link, (one, other) in laboratory.plan.switched.items()
    }

    def whole(qubits: "dict[str, Truth]") -> "dict[str, Truth]":
        played = _played_gates(laboratory) | _played_photons(laboratory) if optima else {}
        return qubits | played | link_truth(file.links, qubits, switched) | mixers

    cabling = laboratory.cabling()
    if at_rest:
        still = None if span is None else MovingTruth(file.seed, span, laboratory.drift)
        held = {line: cabling.biases_v.get(line, 0.0) for line in chip.coupler_lines()}
        return lambda: whole(truth(chip, None, optima, still, links=ways, held_v=held))
    over = span or Span(laboratory.clock.now_fs() / FS_PER_S, 0.0)
    moving = MovingTruth(file.seed, over, laboratory.drift)
    return lambda: whole(truth(chip, cabling.biases_v, optima, moving, cabling.baths, ways))


def _played_photons(laboratory: "Laboratory") -> "dict[str, Truth]":
    """Tell of each link what became of photons in the latest run that carried any."""
    from podium.sim_instruments.physics.truth import Truth

    found: dict[str, Truth] = {}
    for name in laboratory.world_file.links:
        photon = laboratory.world.played_photon(name)
        if photon is None:
            continue
        found[f"{name}.played_absorption"] = Truth(photon.absorption, "1")
        if (lags := photon.lags()) is not None:
            found[f"{name}.played_delay"] = Truth(lags.delay_s, "s")
            found[f"{name}.played_best_lag"] = Truth(lags.best_lag_s, "s")
    return found


def _played_gates(laboratory: "Laboratory") -> "dict[str, Truth]":
    """Tell of each edge how its gate was in the latest run that pulsed it."""
    from podium.sim_instruments.physics.episodes import NotSimulated
    from podium.sim_instruments.physics.truth import Truth

    told = {}
    for edge in laboratory.chip.edges:
        try:
            found = laboratory.world.played_gate(edge)
        except NotSimulated:
            continue
        if found is not None:
            name = f"{edge.name}.{edge.gate}_played"
            told[f"{name}_infidelity"] = Truth(found.infidelity, "1")
            told[f"{name}_leakage"] = Truth(found.leakage, "1")
            told[f"{name}_seen_leakage"] = Truth(found.seen_leakage, "1")
            told[f"{name}_swap"] = Truth(found.swapped, "1")
            told[f"{name}_slot"] = Truth(1e-9 * found.slot_ns, "s")
    return told


def played_gate(
    laboratory: "Laboratory", edge_name: str, phases: tuple[float, float] | None
) -> "PlayedGate | None":
    """Return the gates of an edge in the latest run that pulsed it. Raises LookupError."""
    edges = {one.name: one for one in laboratory.chip.edges}
    if edge_name not in edges:
        known = ", ".join(edges) or "none"
        raise LookupError(f"there is no edge {edge_name!r}; the world's edges: {known}")
    return laboratory.world.played_gate(edges[edge_name], phases)
