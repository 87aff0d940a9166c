"""The fridge: temperatures of its stages in closed form.

A cold fridge holds its temperatures but for a small slow wandering, which one
can read. A fridge that fails warms towards its surroundings.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from podium.firmware_interfaces.exact_time import FS_PER_S

WANDERING = 2e-3
"""Greatest excursion of a stage, of its temperature. ASSUMED."""
PERIODS_S = (37, 113, 719)
"""Of the sines that make up the wandering. ASSUMED: pulse tube, control, laboratory."""
ROOM_K = 295.0
WARMING_S = 4 * 3600.0
"""1/e time towards room temperature of a fridge left alone. ASSUMED."""


@dataclass(frozen=True, slots=True)
class _Warming:
    """The last change of a fridge that warms or cools back."""

    since_fs: int
    warming: bool
    fraction: float
    """How far from cold (0) to room temperature (1) it was at that moment."""

    def at(self, now_fs: int) -> float:
        """Return how far it is now."""
        decay = math.exp(-max(0, now_fs - self.since_fs) / FS_PER_S / WARMING_S)
        return 1.0 - (1.0 - self.fraction) * decay if self.warming else self.fraction * decay


class Fridge:
    """A dilution refrigerator whose stages hold steady temperatures."""

    def __init__(self, temperatures_k: Mapping[str, float]) -> None:
        """Take the temperature of each stage when cold, in K."""
        for stage, temperature_k in temperatures_k.items():
            if not temperature_k > 0:
                raise ValueError(f"{stage}: {temperature_k} K is not above absolute zero")
        self._temperatures_k = dict(temperatures_k)
        self._change = _Warming(0, warming=False, fraction=0.0)

    def temperature_k(self, stage: str, now_fs: int) -> float:
        """Return the temperature of ``stage``; KeyError names the stages there are."""
        if stage not in self._temperatures_k:
            known = ", ".join(sorted(self._temperatures_k)) or "none"
            raise KeyError(f"the fridge has no stage {stage!r}; it has {known}")
        cold_k = self._temperatures_k[stage] * (1.0 + _wandering(stage, now_fs))
        return cold_k + (ROOM_K - cold_k) * self._change.at(now_fs)

    def fail(self, now_fs: int) -> None:
        """Let it warm from now on: the fault ``warm``."""
        self._change = _Warming(now_fs, warming=True, fraction=self._change.at(now_fs))

    def recover(self, now_fs: int) -> None:
        """Let it cool back from now on."""
        self._change = _Warming(now_fs, warming=False, fraction=self._change.at(now_fs))


def _wandering(stage: str, now_fs: int) -> float:
    """Return the relative excursion of a stage, at most :data:`WANDERING`."""
    phases = hashlib.sha256(stage.encode()).digest()
    total = 0.0
    for period_s, phase in zip(PERIODS_S, phases, strict=False):
        period_fs = period_s * FS_PER_S
        turns = now_fs % period_fs / period_fs + phase / 256
        total += math.sin(2 * math.pi * turns)
    return WANDERING * total / len(PERIODS_S)
