"""A chip is wired to instruments so, whoever their maker is."""

from dataclasses import dataclass, field

from podium.sim_instruments.facilities.chip_design import ChipDesign
from podium.sim_instruments.facilities.tree import Tree

NODE = "node_a"
"""The node that the chip is."""
BIAS: Tree = {"limit": "1.2 V", "slew": "0.5 V/s"}
FEEDLINE: Tree = {
    "line_attenuation": "66 dB",
    "line_gain": "70 dB",
    "noise_temperature": "2 K",
    "delay": {"value": "150 ns", "spread": "20 ns"},
}
"""ASSUMED: attenuators from room to chip; parametric amplifier, HEMT and room temperature on the
way back, and the cables of a dilution refrigerator."""
DRIVE: Tree = {"line_attenuation": "60 dB"}  # ASSUMED
PULSES: Tree = {"range": "5 V", "line_attenuation": "14 dB"}
"""ASSUMED: a bias tee adds pulses to the bias, a volt of them counts as 0.2 V of it."""
PLASMON: Tree = {"line_attenuation": "76 dB"}
"""ASSUMED: a combiner brings it to the drive's cold line; full scale is some four gates' drive."""
BY_A_LINE: Tree = {"line_attenuation": "62 dB"}
"""ASSUMED: the same of a coupler that is driven by a fluxonium's line, whose charge has a fifth of
it; full scale is nearly two gates' drive."""
ABOVE_F12_GHZ = 0.25
"""An oscillator of a plasmon's drive is so far above it: 2-3 lies below."""
BELOW_F01_GHZ = 0.1
"""Oscillators of drives are so far below their qubits: image and leak are far from every line."""


@dataclass(slots=True)
class ChipWiring:
    """Instruments, and the cables between them and a chip."""

    instruments: Tree = field(default_factory=dict)
    wiring: Tree = field(default_factory=dict)


def node_of(chip: ChipDesign, count: int) -> Tree:
    """Return the node of a chip's first ``count`` qubits, as a facility file has it."""
    lines = chip.feedlines(count)
    names = ["feedline"] if len(lines) == 1 else [f"feedline_{n}" for n in range(len(lines))]
    node: Tree = {
        "kind": chip.kind,
        "chip": {"device": chip.drawn_as, "source": chip.source},
        "feedlines": dict(zip(names, lines, strict=True)),
        "qubits": {f"q{n}": qubit.tree() for n, qubit in enumerate(chip.taken(count))},
    }
    couplings = {
        f"q{one}_q{other}": {"ends": [f"q{one}", f"q{other}"], "exchange": known.tree()}
        for (one, other), known in chip.couplings.items()
        if other < count
    }
    edges = chip.edges_among(count)
    couplers = {
        edge.coupler: {
            "design": {name: known.tree() for name, known in chip.couplers[edge.coupler].items()}
        }
        for edge in edges
        if edge.coupler is not None
    }
    named = {"_".join(f"q{n}" for n in edge.ends): edge.tree() for edge in edges}
    parts = {"couplings": couplings, "couplers": couplers, "edges": named}
    return node | {name: part for name, part in parts.items() if part}


def biased_of(chip: ChipDesign, count: int) -> list[str]:
    """Return what has a flux line: the first ``count`` qubits, then the couplers among them."""
    couplers = [edge.coupler for edge in chip.edges_among(count) if edge.coupler is not None]
    return [f"q{n}" for n in range(count)] + list(dict.fromkeys(couplers))


def drives_coupler(chip: ChipDesign, element: str) -> bool:
    """Tell whether a coupler is driven by the line of a fluxonium."""
    edges = chip.edges_among(len(chip.qubits))
    return any(edge.coupler is not None and edge.driven == element for edge in edges)


def plasmon_line_of(chip: ChipDesign, element: str) -> Tree:
    """Return the cold line of a fluxonium's plasmon, or of the coupler that its line drives."""
    return BY_A_LINE if drives_coupler(chip, element) else PLASMON


def in_step_ghz(frequency_ghz: float) -> float:
    """Return the nearest frequency whose oscillator has one phase at all steps of a cluster's grid.

    A pulse of some dozen periods depends on its carrier's phase; and shots whose carriers begin
    alike are alike. Its steps are 4 ns.
    """
    return round(4 * frequency_ghz) / 4
