"""Temperatures of a cold fridge without a plant, drawn from a published one's.

It needs no world file, so that a thermometer on a bench is served without the libraries that read
and check one.
"""

from podium.firmware_interfaces.fridge_stages import MIXING_CHAMBER, stage_of
from podium.sim_instruments.physics.chips.krinner2022 import STAGES
from podium.sim_instruments.physics.design import Design
from podium.sim_instruments.physics.draw import draw

COLD_AT_MOST = 0.8
"""ASSUMED: of the temperature below which a fridge counts as cold, what a cold one reads."""


def temperatures_k(design: Design, seed: int) -> dict[str, dict[str, float]]:
    """Return what the channels of each fridge of a design read, K."""
    return {
        fridge: {
            channel: stage_temperature_k(fridge, channel, seed, design.cold.get(fridge))
            for channel in channels
        }
        for fridge, channels in design.stages.items()
    }


def stage_temperature_k(
    fridge: str, channel: str, seed: int, cold: tuple[str, float] | None
) -> float:
    """Draw what a channel reads, K; by the one of ``cold`` the fridge is below so many K."""
    drawn = draw(STAGES[stage_of(channel) or MIXING_CHAMBER], seed, fridge, channel)
    if cold is not None and cold[0] == channel:
        drawn = min(drawn, COLD_AT_MOST * cold[1])
    return drawn
