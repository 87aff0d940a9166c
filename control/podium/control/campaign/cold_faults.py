"""Draws the faults of one world of ``podium campaign cold``, and says what each one is."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from podium.firmware_interfaces import fridge_signals as signals

FAULTS = (
    "compressor_trip", "warm_water", "power_cut", "leak", "plug", "turbo_stop", "touch", "quench",
    "drift", "stuck", "disconnected", "silent", "playing",
)  # fmt: skip
"""All of the plant's, those of a sensor, an instrument that falls silent, and a node whose playing
heats the fridge."""
FIRST_S, GAP_S = 14 * 3600.0, (26 * 3600.0, 60 * 3600.0)
"""When the first comes, and between two."""
REPAIR_S = (1200.0, 4 * 3600.0)
SLOW_REPAIR_S = (5 * 3600.0, 10 * 3600.0)
"""Until somebody comes; of sensors, heat and a silent box, which wait."""
SLOW = frozenset({"drift", "stuck", "disconnected", "silent", "playing", "touch", "leak"})
THERMOMETRIES = ("thermometry_a", "thermometry_b")
PLAYED = {"mixing_chamber": (1e-6, 1e-5), "cold_plate": (4e-5, 2e-4), "still": (3e-3, 8e-3)}
"""By stage: least and greatest heat of a node that plays all the time, W."""


@dataclass(frozen=True, slots=True)
class WorldFault:
    """One fault, and who puts it right when."""

    kind: str
    at_s: float
    repaired_s: float
    size: float | None = None
    reading: str = ""
    """Of a sensor; an instrument that falls silent; a stage that is heated."""

    def blamed(self, kind: str, where: str, node: str) -> bool:
        """Tell whether a finding names this fault."""
        match self.kind:
            case "drift" | "stuck" | "disconnected":
                return kind == "sensor" and where == self.reading
            case "silent":
                return kind == "sensor" and where.startswith(f"{self.reading}.")
            case "playing":
                return kind == "extra_heat" and where == self.reading and node == "node_a"
            case "touch":
                return kind == "extra_heat" and where == "still" and not node
            case _:
                return kind == "fault" and where == self.kind


def drawn_faults(seed: int, count: int, kinds: Sequence[str] = FAULTS) -> tuple[WorldFault, ...]:
    """Return the faults of a world, in order of time; each kind is as likely."""
    draw = random.Random(f"cold faults {seed}")
    at_s, found = FIRST_S, []
    for _ in range(count):
        kind = draw.choice(kinds)
        repaired_s = at_s + draw.uniform(*(SLOW_REPAIR_S if kind in SLOW else REPAIR_S))
        size, reading = _size_of(kind, draw)
        found.append(WorldFault(kind, at_s, repaired_s, size, reading))
        at_s = repaired_s + draw.uniform(*GAP_S)
    return tuple(found)


def _size_of(kind: str, draw: random.Random) -> tuple[float | None, str]:
    stage = draw.choice(signals.STAGES)
    box = draw.choice(THERMOMETRIES)
    match kind:
        case "warm_water":
            return draw.uniform(312.0, 330.0), ""
        case "leak":
            return exp(draw.uniform(log(3e-9), log(1e-6))), ""
        case "plug":
            return draw.uniform(0.85, 1.0), ""
        case "touch":
            return exp(draw.uniform(log(5e-4), log(2e-3))), ""
        case "quench":
            return draw.uniform(5.0, 20.0), ""
        case "drift":
            return draw.choice((-1.0, 1.0)) * draw.uniform(0.02, 0.3), f"{box}.{stage}"
        case "stuck" | "disconnected":
            return None, f"{box}.{stage}"
        case "silent":
            return None, box
        case "playing":
            stage = draw.choice(tuple(PLAYED))
            low, high = PLAYED[stage]
            return exp(draw.uniform(log(low), log(high))), stage
        case _:
            return None, ""
