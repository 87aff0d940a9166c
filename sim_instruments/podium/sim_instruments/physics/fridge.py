"""The fridge: temperatures of its stages in closed form."""

from collections.abc import Mapping


class Fridge:
    """A dilution refrigerator whose stages hold steady temperatures."""

    def __init__(self, temperatures_k: Mapping[str, float]) -> None:
        self._temperatures_k = dict(temperatures_k)

    def temperature_k(self, stage: str, now_fs: int) -> float:
        """Return the temperature of ``stage``; KeyError names the stages there are."""
        return self._temperatures_k[stage]
