"""Two-level defects in the twin file, and how they are drawn."""

from dataclasses import replace

from podium.sim_instruments.physics.defect_design import DefectsDesign
from podium.sim_instruments.physics.defects import Defect
from podium.sim_instruments.physics.draw import draw, generator
from podium.sim_instruments.physics.world_quantities import Hertz, Known, Part, Seconds

LEAST_HZ = 10e3
"""ASSUMED: a defect that couples less is not told from loss."""
LEAST_S = 20e-9
"""ASSUMED: a defect that lives for less is not told from loss either."""
MOST_T2 = 1.9
"""Of T1: every defect dephases a little."""


class DefectWorld(Part):
    """One defect: the fields of :class:`.defects.Defect`."""

    frequency: Hertz
    coupling: Hertz
    t1: Seconds
    t2: Seconds

    def defect(self, name: str) -> Defect:
        """Return the constants under the defect's full name."""
        return Defect(name, self.frequency.value, self.coupling.value, self.t1.value, self.t2.value)


def draw_defects(design: DefectsDesign | None, element: str, seed: int) -> dict[str, DefectWorld]:
    """Draw the defects of a qubit, ``tls1`` the lowest: their number by Poisson's distribution."""
    if design is None:
        return {}
    chance = generator(seed, element, "defects")
    count = int(chance.poisson(design.per_ghz * (design.highest_hz - design.lowest_hz) / 1e9))
    places = sorted(chance.uniform(design.lowest_hz, design.highest_hz, count).tolist())
    found = {}
    for number, frequency_hz in enumerate(places, 1):
        name = f"tls{number}"
        place = f"{element}.{name}"
        coupling_hz = draw(replace(design.coupling, low=LEAST_HZ), seed, place, "coupling")
        t1_s = draw(replace(design.t1, low=LEAST_S), seed, place, "t1")
        longest_s = max(MOST_T2 * t1_s, LEAST_S)
        t2_s = min(draw(replace(design.t2, low=LEAST_S), seed, place, "t2"), longest_s)
        found[name] = DefectWorld(
            frequency=_drawn(frequency_hz, "Hz"),
            coupling=_drawn(coupling_hz, "Hz"),
            t1=_drawn(t1_s, "s"),
            t2=_drawn(t2_s, "s"),
        )
    return found


def _drawn(value: float, unit: str) -> Known:
    return Known(value=value, unit=unit, source="drawn: the facility file's defects")
