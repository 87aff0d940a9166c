"""One node of an instrument: where it is, what it holds, who may do what with it."""

from dataclasses import dataclass
from enum import Enum, Flag, auto

from podium.firmware_interfaces.zurich.values import Element, Layout, Value, Vector


class NodeType(Enum):
    """The type of a node's value, by the word that clients receive (labone 1.1.0)."""

    INTEGER = "Integer (64 bit)"
    ENUMERATED = "Integer (enumerated)"
    DOUBLE = "Double"
    COMPLEX = "Complex Double"
    STRING = "String"
    VECTOR = "ZIVectorData"
    COUNTER = "ZICntSample"
    TRIGGER = "ZITriggerSample"
    DIO = "ZIDIOSample"


class Access(Flag):
    """The operations that clients may do on a node."""

    READ = auto()
    WRITE = auto()
    SETTING = auto()
    """It belongs to what is saved and restored."""
    STREAM = auto()
    """It is not read but subscribed to."""

    def words(self) -> str:
        """Return the word that clients receive."""
        return ", ".join(
            word
            for flag, word in (
                (Access.READ, "Read"),
                (Access.WRITE, "Write"),
                (Access.SETTING, "Setting"),
                (Access.STREAM, "Stream"),
            )
            if flag in self
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers that a node takes; others are moved to the nearest, or refused."""

    low: float
    high: float
    step: float | None = None
    """Grid that begins at ``low``; None: as fine as one likes."""
    among: tuple[float, ...] = ()
    """These only; empty: whatever lies on the grid."""
    strict: bool = False
    """What lies between two steps is refused."""

    def nearest(self, value: float) -> float:
        """Return the nearest value that the node takes."""
        if self.among:
            return min(self.among, key=lambda one: abs(one - value))
        inside = min(max(value, self.low), self.high)
        if self.step is None:
            return inside
        return min(self.low + round((inside - self.low) / self.step) * self.step, self.high)

    def between(self, value: float) -> bool:
        """Return whether a value inside of the limits lies between two steps."""
        return self.low <= value <= self.high and abs(self.nearest(value) - value) > 1e-9 * abs(
            value
        )


@dataclass(frozen=True, slots=True)
class Node:
    """A leaf of the tree of one model of instrument."""

    path: str
    """Below the instrument's own root: ``sgchannels/0/output/on``."""
    kind: NodeType
    access: Access
    initial: Value
    limits: Limits | None = None
    elements: tuple[Element, ...] = ()
    """Of a vector: what it may consist of; empty: anything."""
    many: int = 0
    """It stands for so many nodes, of which ``#`` in the path is the number; they are listed only
    when something was written there. 0: it stands for itself."""


EMPTY = Vector(Element.UINT8, b"", Layout.PLAIN)
"""What a vector node holds at power-on."""
