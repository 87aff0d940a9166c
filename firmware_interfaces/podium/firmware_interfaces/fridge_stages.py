"""The stages of a dilution refrigerator, and what else of it facility files name.

Thermometers are wired by the names that laboratories give their channels, heaters, gauges and
turbo pumps by the names here.
"""

FIRST_STAGE = "first_stage"
SECOND_STAGE = "second_stage"
STILL = "still"
COLD_PLATE = "cold_plate"
MIXING_CHAMBER = "mixing_chamber"
"""Also of a name that tells no stage. ASSUMED: samples, pucks and magnets hang there."""

FRIDGE_MODELS = ("LD250", "LD400", "XLD1000")
"""Models of fridge whose constants are known: twins are plants, an observer runs beside them."""
HEATERS = {
    "mixing_chamber": MIXING_CHAMBER,
    "still": STILL,
    "4k": SECOND_STAGE,
    "50k": FIRST_STAGE,
}
"""By heater, as a facility file calls it: the stage that it heats."""
GAUGES = {
    "p1": "vacuum can",
    "p2": "still line, which the turbo pumps",
    "p3": "condensing line, at the outlet of the compressor",
    "p4": "behind the pumps, at the inlet of the compressor",
    "p5": "tank of the mixture",
    "p6": "service line and vent",
}
"""By gauge, likewise: what it measures the pressure of."""
TURBOS = ("turbo1", "turbo2")
"""Turbo pumps: of the still, and of the vacuum can."""

STAGE_NAMES: dict[str, tuple[str, ...]] = {
    MIXING_CHAMBER: ("mixing_chamber", "mxc", "mc", "mixing", "mix", "base", "puck", "sample"),
    COLD_PLATE: ("cold_plate", "cp", "icp", "100mk", "intermediate_cold_plate"),
    STILL: ("still", "1k", "800mk", "700mk"),
    SECOND_STAGE: ("second_stage", "4k", "pt2", "3k", "4_k"),
    FIRST_STAGE: ("first_stage", "50k", "pt1", "60k", "40k", "50_k"),
}
"""By stage: what a channel there may be called; also with ``_plate``, ``_flange`` or ``_stage``."""

_ENDINGS = ("_plate", "_flange", "_stage", "_pc", "_cernox", "_ruo2", "_rox", "_temperature")


def stage_of(channel: str) -> str | None:
    """Return the stage that a thermometer's channel means by its name, or None: it tells none."""
    word = channel.lower().replace("-", "_").replace(" ", "_")
    for ending in ("", *_ENDINGS):
        if not word.endswith(ending):
            continue
        plain = word.removesuffix(ending)
        for stage, names in STAGE_NAMES.items():
            if plain in names:
                return stage
    return None
