"""A fridge's gas handling as its good readings show it: volumes, valves between them, pumps.

The panel is that of ``fridge_signals.VALVES``. A state that no good reading shows counts as the
dangerous one: a valve as open, a pump as running, a pressure as too high.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import (
    COLD_PLATE,
    FIRST_STAGE,
    MIXING_CHAMBER,
    SECOND_STAGE,
    STILL,
)

WARM_K = 280.0
"""All stages above it: air in the can freezes nowhere. # ASSUMED"""
CONDENSED_BELOW_K = 10.0
"""A still below it may hold liquid: helium is critical at 5.2 K. # ASSUMED: twice that."""
SLOW_HZ = 100.0
"""A turbo below it takes no harm from gas. # ASSUMED: an eighth of its speed."""

STILL_LINE, INLET, CONDENSING_LINE, TANK, UNIT, SERVICE_LINE = (
    "the still line",
    "the inlet of the compressor",
    "the condensing line",
    "the tank",
    "the fridge",
    "the service line",
)
PATHS = {
    "v2": (STILL_LINE, "scroll1"),
    "v5": (CONDENSING_LINE, "trap 1"),
    "v6": ("trap 1", "traps"),
    "v7": (CONDENSING_LINE, "trap 2"),
    "v8": ("trap 2", "traps"),
    "v9": ("traps", UNIT),
    "v10": (INLET, CONDENSING_LINE),
    "v11": (INLET, TANK),
    "v12": (CONDENSING_LINE, TANK),
    "v13": (TANK, INLET),
    "v17": (STILL_LINE, SERVICE_LINE),
    "v18": (CONDENSING_LINE, STILL_LINE),
    "v19": (TANK, SERVICE_LINE),
    "v20": ("trap 1", SERVICE_LINE),
    "v21": ("trap 2", SERVICE_LINE),
}
"""By valve: the volumes that it joins."""
MIXTURE = frozenset({STILL_LINE, INLET, CONDENSING_LINE, TANK, UNIT, "traps"})
ENDS = frozenset({TANK, UNIT, STILL_LINE})
"""Where a pump's outlet has to lead."""

Good = Mapping[str, float | None]
"""Values of signals (``fridge_signals``) that are good now, SI units; None or left out: unknown.
A signal of which only a bound is known has none, and its bound stands at :func:`bound_of`."""


def bound_of(signal: str) -> str:
    """Return the name at which stands what a signal without a value is known to be below."""
    return f"{signal}.below"


def at_most(good: Good, signal: str) -> float | None:
    """Return what a signal is known not to exceed: its value, or a bound; None: nothing."""
    found = good.get(signal)
    return good.get(bound_of(signal)) if found is None else found


@dataclass(frozen=True, slots=True)
class Panel:
    """The gas handling as good readings show it."""

    good: Good

    def is_open(self, *valves: str) -> bool:
        """Tell whether all of these are known to be open."""
        return all(self.good.get(signals.open_of(valve)) == 1.0 for valve in valves)

    def is_shut(self, *valves: str) -> bool:
        """Tell whether all of these are known to be shut."""
        return all(self.good.get(signals.open_of(valve)) == 0.0 for valve in valves)

    def is_on(self, pump: str) -> bool:
        """Tell whether a pump is known to be on."""
        return self.good.get(signals.on_of(pump)) == 1.0

    def is_off(self, pump: str) -> bool:
        """Tell whether a pump is known to be off."""
        return self.good.get(signals.on_of(pump)) == 0.0

    def kelvin(self, stage: str) -> float | None:
        """Return the temperature of a stage, K."""
        return self.good.get(signals.temperature_of(stage))

    def below(self, gauge: str, limit_pa: float) -> bool:
        """Tell whether a pressure is known to be at most ``limit_pa``."""
        found = at_most(self.good, f"pressure.{gauge}")
        return found is not None and found <= limit_pa

    def spins(self, turbo: str) -> bool:
        """Tell whether a turbo may be turning fast.

        Where no good reading tells its speed, it counts as slow once it is off and its inlet is
        shut: nothing comes through it, and makers vent turbos that run down.
        """
        if not self.is_off(turbo):
            return True
        speed = self.good.get(f"{turbo}.speed")
        if speed is None:
            return not self.is_shut("v1" if turbo == signals.TURBO1 else "v14")
        return speed > SLOW_HZ

    def warm(self) -> bool:
        """Tell whether the whole fridge is known to be warm.

        The cold plate lies between still and mixing chamber: few fridges tell its temperature.
        """
        found = self.kelvin(COLD_PLATE)
        told = (FIRST_STAGE, SECOND_STAGE, STILL, MIXING_CHAMBER)
        return (found is None or found >= WARM_K) and all(
            (kelvin := self.kelvin(stage)) is not None and kelvin >= WARM_K for stage in told
        )

    def dry(self) -> bool:
        """Tell whether no mixture can be liquid: the still is known to be too warm."""
        still = self.kelvin(STILL)
        return still is not None and still > CONDENSED_BELOW_K

    def reaches(self, start: str, valves: Iterable[str]) -> set[str]:
        """Return the volumes that valves join to ``start``."""
        joined, edges = {start}, [PATHS[valve] for valve in valves if valve in PATHS]
        while True:
            more = {b for a, b in edges if a in joined} | {a for a, b in edges if b in joined}
            if more <= joined:
                return joined
            joined |= more

    def dead_ends(self) -> set[str]:
        """Return the pumps that would push against closed valves."""
        ways = [valve for valve in PATHS if self.is_open(valve)]
        found = set()
        compressing = not self.is_off(signals.COMPRESSOR)
        if compressing and not self.reaches(CONDENSING_LINE, ways) & ENDS:
            found.add(signals.COMPRESSOR)
        if not self.is_off(signals.SCROLL1) and not self.is_shut("v4"):
            starts = {INLET, CONDENSING_LINE} if self.is_on(signals.COMPRESSOR) else {INLET}
            if not any(self.reaches(start, ways) & ENDS for start in starts):
                found.add(signals.SCROLL1)
        return found
