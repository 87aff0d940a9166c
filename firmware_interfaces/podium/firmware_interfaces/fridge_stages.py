"""The stages of a dilution refrigerator, by the names that laboratories give their thermometers."""

MIXING_CHAMBER = "mixing_chamber"
"""Also of a name that tells no stage. ASSUMED: samples, pucks and magnets hang there."""

HEATERS = ("mixing_chamber", "still", "4k", "50k")
"""Heaters of a fridge, as a facility file calls them."""
GAUGES = ("p1", "p2", "p3", "p4", "p5", "p6")
"""Pressures of a fridge's gas handling, likewise."""

STAGE_NAMES: dict[str, tuple[str, ...]] = {
    MIXING_CHAMBER: ("mixing_chamber", "mxc", "mc", "mixing", "mix", "base", "puck", "sample"),
    "cold_plate": ("cold_plate", "cp", "icp", "100mk", "intermediate_cold_plate"),
    "still": ("still", "1k", "800mk", "700mk"),
    "second_stage": ("second_stage", "4k", "pt2", "3k", "4_k"),
    "first_stage": ("first_stage", "50k", "pt1", "60k", "40k", "50_k"),
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
