"""Defines the program that measures skews: markers of nodes on one time tagger."""

from dataclasses import dataclass

PULSES = 16


@dataclass(frozen=True, slots=True)
class Loopback:
    """Every controller in question raises its marker after the trigger; the tagger tags all.

    Which connectors and cables these are, the facility file says under timing > markers.
    """

    nodes: tuple[str, ...]
    """Whose markers take part, in the order of the facility file."""
    pulses: int = PULSES
    """Of each marker, one after another: each has noise of its own."""
    name: str = "loopback"
