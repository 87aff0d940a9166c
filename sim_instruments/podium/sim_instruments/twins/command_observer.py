"""Reports which commands came to a twin, and what became of each."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar, runtime_checkable

from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.program_message import (
    Block,
    Empty,
    Number,
    Parameter,
    Quoted,
    Unit,
)

if TYPE_CHECKING:
    from podium.firmware_interfaces.qblox_cluster.framing import Command

T = TypeVar("T")
Verdict = Literal["known", "unmeant", "unknown", "refused"]
"""``unknown``, ``unmeant``: as in :meth:`.twin.Twin.tallies`; ``refused``: known, but not done."""
CommandListener = Callable[[str, Verdict], None]
Counts = Mapping[str, int]


@runtime_checkable
class ReportsCommands(Protocol):
    """A twin that reports each command it was sent."""

    def tell(self, listener: CommandListener) -> None:
        """Tell ``listener`` from now on, in the order in which commands are carried out."""
        ...


class CommandObserver(Generic[T]):
    """Watches the place where a twin carries out its commands. Costs nothing without a listener."""

    def __init__(self, tallies: Callable[[], Counts], words: Callable[[T], str]) -> None:
        """``words`` writes a command as a person would type it, long blocks by their length."""
        self.listener: CommandListener | None = None
        self._tallies = tallies
        self._words = words

    def begin(self) -> Counts | None:
        """Return how things stand before a command; None: nobody listens."""
        return None if self.listener is None else dict(self._tallies())

    def end(self, before: Counts | None, command: T, refused: bool = False) -> None:
        """Tell of a command that was carried out, or was not."""
        if before is None or self.listener is None:
            return
        after = self._tallies()
        verdict: Verdict = "refused" if refused else "known"
        for worse in ("unmeant", "unknown"):
            if after[worse] > before[worse]:
                verdict = "unknown" if worse == "unknown" else "unmeant"
        self.listener(self._words(command), verdict)


def unit_words(unit: Unit | ScpiError) -> str:
    """Return a command of an IEEE 488.2 instrument as it is typed."""
    if isinstance(unit, ScpiError):
        return f"({unit})"
    given = ",".join(map(_parameter_words, unit.parameters))
    return f"{unit.header}{'?' * unit.query}{' ' * bool(given)}{given}"


def _parameter_words(one: Parameter) -> str:
    match one:
        case Number(value, suffix):
            return f"{value}{suffix}"
        case Quoted(text):
            return f'"{text}"'
        case Block(data):
            return f"<{len(data)} bytes>"
        case Empty():
            return ""
    return one.text


def cluster_words(command: "Command") -> str:
    """Return a command of a cluster as it is typed."""
    given = list(command.arguments)
    if command.block is not None:
        given.append(f"<{len(command.block)} bytes>")
    return f"{command.header}{' ' * bool(given)}{','.join(given)}"
