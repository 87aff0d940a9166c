"""Finds values in a facility file, each with its place for error messages."""

from collections.abc import Mapping
from typing import Any

from podium.firmware_interfaces.quantity import QuantityError, parse_quantity
from podium.firmware_interfaces.qubit_defaults import usual_spread
from podium.sim_instruments.physics.spread import Spread


class DesignError(ValueError):
    """A facility file does not say enough to draw a world from; `podium check` says more."""


class FacilityPlace:
    """A mapping of the file that knows where it stands."""

    def __init__(self, tree: Any, where: str) -> None:
        if not isinstance(tree, Mapping):
            raise DesignError(f"{where}: a mapping is wanted, not {tree!r}")
        self._tree, self.where = tree, where

    @property
    def tree(self) -> Mapping[str, Any]:
        """Return the content of the file here."""
        return self._tree

    def __contains__(self, key: str) -> bool:
        return key in self._tree

    def __getitem__(self, key: str) -> Any:
        if key not in self._tree:
            there = ", ".join(self.names())
            raise DesignError(f"{self.where}: {key} is missing; there are {there}")
        return self._tree[key]

    def sub(self, key: str) -> "FacilityPlace":
        """Return the mapping under a key."""
        return FacilityPlace(self[key], f"{self.where}{'.' if ': ' in self.where else ': '}{key}")

    def names(self) -> list[str]:
        """Return the keys here."""
        return [str(key) for key in self._tree]

    def subs(self) -> "list[tuple[str, FacilityPlace]]":
        """Return each key with the mapping under it."""
        return [(key, self.sub(key)) for key in self.names()]

    def section(self, key: str) -> "list[tuple[str, FacilityPlace]]":
        """Return the entries of a section; an absent or empty one has none."""
        return self.sub(key).subs() if self._tree.get(key) is not None else []

    def text(self, key: str) -> str:
        """Return a word."""
        return str(self[key])

    def quantity(self, key: str, unit: str) -> float:
        """Return a quantity in ``unit``; raises DesignError."""
        return self._parsed(self[key], key, unit)

    def spread(self, key: str, unit: str) -> Spread:
        """Read ``{value, spread}`` or a bare quantity; without a spread it has the usual one."""
        given = self[key]
        if not isinstance(given, Mapping):
            value = self._parsed(given, key, unit)
            return Spread(value, usual_spread(key, value), unit)
        place = self.sub(key)
        value = place.quantity("value", unit)
        spread = place.quantity("spread", unit) if "spread" in place else usual_spread(key, value)
        return Spread(value, spread, unit)

    def origin(self, key: str, fallback: str) -> str | None:
        """Return where a number comes from; None: it is assumed."""
        given = self[key]
        if isinstance(given, Mapping):
            if given.get("assumed"):
                return None
            return str(given.get("source", fallback))
        return fallback

    def _parsed(self, given: Any, key: str, unit: str) -> float:
        try:
            return parse_quantity(given, unit=unit)
        except QuantityError as error:
            raise DesignError(f"{self.where}.{key}: {error}") from error
