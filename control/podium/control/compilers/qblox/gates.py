"""Turns a guard into what a sequencer can ask: one operation over latched triggers.

``set_cond`` takes a mask of trigger addresses and one of OR, NOR, AND, NAND, XOR, XNOR. An address
is up once its sender has found, since the latches were reset, the result at which it sends.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import Guard, Term
from podium.control.program.conditions import OPPOSITE, Operation

OPERATIONS: dict[Operation, int] = {
    "any": 0, "none": 1, "all": 2, "not all": 3, "odd": 4, "even": 5,
}  # fmt: skip
"""Operands of ``set_cond`` (q1simulator 1.3.4, q1core.py): OR, NOR, AND, NAND, XOR, XNOR."""
ALL, NONE = OPERATIONS["all"], OPERATIONS["none"]
WORDS = {0: "any", 1: "none", 2: "all", 3: "not all", 4: "an odd number", 5: "an even number"}

SKIPPED_NS = 4
"""The least that an instruction takes whose condition is not met: the operand of ``set_cond``."""
FORK_NS = 2 * SKIPPED_NS
"""Where two branches begin at one instant, conditions are looked at so much earlier: the second
begins behind an instruction of the first that is skipped, and the first waits for as long."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Operands of ``set_cond``."""

    mask: int
    """Bit 0 is trigger address 1."""
    operation: int

    @property
    def opposite(self) -> "Gate":
        """Return what is met where this is not, as :func:`gate_of` says it."""
        if self.mask & (self.mask - 1) == 0:
            return Gate(self.mask, ALL if self.operation == NONE else NONE)
        return Gate(self.mask, self.operation ^ 1)

    def __str__(self) -> str:
        """Return the words of listings and errors."""
        addresses = [str(n + 1) for n in range(15) if self.mask >> n & 1]
        if len(addresses) == 1:
            return (
                f"trigger {addresses[0]}" if self.operation == ALL else f"no trigger {addresses[0]}"
            )
        return f"{WORDS[self.operation]} of triggers {', '.join(addresses)}"


@dataclass(frozen=True, slots=True)
class Sender:
    """A frame whose results go to the trigger network."""

    frame: str
    address: int
    sends_at: int
    """The result at which it sends: 0 or 1."""


def gate_of(frame: str, guard: Guard, senders: Mapping[str, Sender]) -> Gate:
    """Return ``guard`` as one operation; ``senders`` by capture. Raises :class:`DoesNotFit`."""
    gates = [_of_term(frame, term, senders) for term in guard]
    gate = gates[0]
    for other in gates[1:]:
        both = _and(gate, other)
        if both is None:
            raise DoesNotFit(
                f"{frame}: something depends on {gate} and at once on {other}; a condition of a "
                "sequencer is one operation: branches within branches are all on results that are "
                "1, or all on results that are 0 (of each frame as it sends them)"
            )
        gate = both
    return gate


def _and(one: Gate, other: Gate) -> Gate | None:
    """Return what is met where both are, if one operation can say it."""
    if one == other:
        return one
    if one.operation == other.operation and one.operation in (ALL, NONE):
        return Gate(one.mask | other.mask, one.operation)
    return None


def _of_term(frame: str, term: Term, senders: Mapping[str, Sender]) -> Gate:
    operation = term.operation
    down = sum(senders[result.capture].sends_at == 0 for result in term.results)
    if operation in ("odd", "even"):
        operation = OPPOSITE[operation] if down % 2 else operation
    elif down == len(term.results):
        # all are 0 means none is 1, and so on
        operation = _MIRRORED[operation]
    elif down:
        raise DoesNotFit(
            f"{frame}: a condition on {_names(term)}, of which some send at 1 and some at 0, "
            "because they are repeated until they are 0; a sequencer's condition takes all alike"
        )
    addresses = [senders[result.capture].address for result in term.results]
    if len(set(addresses)) < len(addresses):
        if operation not in ("any", "none"):
            raise DoesNotFit(
                f"{frame}: a condition ({term.operation}) on {_names(term)}, of which several are "
                "of one frame: its sequencer sends all of them to one trigger address, where they "
                "can only be told from none of them; capture them on frames of their own"
            )
        operation = "any" if operation == "any" else "none"
    mask = 0
    for address in addresses:
        mask |= 1 << (address - 1)
    if mask & (mask - 1) == 0:  # of one address all operations but two are the same
        operation = "all" if operation in _UP else "none"
    return Gate(mask, OPERATIONS[operation])


_UP: frozenset[Operation] = frozenset({"all", "any", "odd"})
_MIRRORED: dict[Operation, Operation] = {
    "all": "none", "any": "not all", "not all": "any", "none": "all", "odd": "odd", "even": "even",
}  # fmt: skip
"""What is said of bits that are up where results are 0."""


def _names(term: Term) -> str:
    return ", ".join(result.capture for result in term.results)
