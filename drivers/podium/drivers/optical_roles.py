"""Protocols of optical instruments, beside those of :mod:`.roles`."""

from collections.abc import Mapping
from typing import Protocol


class OpticalSwitch(Protocol):
    """Leads the light of each input to one output or to none; outputs take one input each."""

    @property
    def settle_s(self) -> float:
        """Return for how long after a change its light may be dark, s."""
        ...

    def size(self) -> tuple[int, int]:
        """Return how many inputs and outputs it has; both count from 1."""
        ...

    def routes(self) -> dict[int, int]:
        """Return to which output each input goes that goes to one."""
        ...

    def set_routes(self, routes: Mapping[int, int]) -> None:
        """Lead these inputs to these outputs, and no others anywhere.

        Returns once all is said and read back; mirrors move for ``settle_s`` from then. What stays
        as it was keeps its light. Raises ``Refused``: routes are then some of the old, some new.
        """
        ...
