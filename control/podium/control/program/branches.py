"""Checks branches: a condition is on results that are there, on each way of the shot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import get_args

from podium.control.program.conditions import Condition, Operation
from podium.control.program.program import Capture, If, RepeatUntil, Statement, walk


def branch_problems(body: Sequence[Statement]) -> Iterator[str]:
    """Yield what is wrong with the branches in ``body``."""
    made = {s.name: s.discriminator is not None for _, s in walk(body) if isinstance(s, Capture)}
    yield from _Reader(made).read(body, set(), 0)


@dataclass(slots=True)
class _Reader:
    made: dict[str, bool]
    """All captures, and whether they have a discriminator."""
    behind: int = 0
    seen: set[str] = field(default_factory=set)
    """Captures that have stood somewhere before."""

    def read(self, body: Sequence[Statement], known: set[str], first: int) -> Iterator[str]:
        """Yield the problems of ``body``; captures that it makes in every case join ``known``."""
        index = first
        for statement in body:
            self.behind = index + 1
            where = f"statement {index} ({type(statement).__name__})"
            match statement:
                case Capture(_, name):
                    known.add(name)
                    self.seen.add(name)
                case If(condition, then, orelse):
                    for text in self._condition(condition, known):
                        yield f"{where}: {text}"
                    yield from self.read(then, set(known), self.behind)
                    yield from self.read(orelse, set(known), self.behind)
                case RepeatUntil(inner, condition, at_most):
                    if not isinstance(at_most, int) or at_most < 1:
                        yield f"{where}: at_most is {at_most!r}; a whole number, at least 1"
                    mine = set(known)
                    yield from self.read(inner, mine, self.behind)
                    for text in self._condition(condition, mine):
                        yield f"{where}: {text}"
                    if old := sorted(known & set(condition.captures)):
                        yield (
                            f"{where}: it is repeated until a condition on {', '.join(old)}, which "
                            "its body does not capture: that would never change"
                        )
                    known |= mine
            index = self.behind

    def _condition(self, condition: Condition, known: set[str]) -> Iterator[str]:
        if condition.operation not in get_args(Operation):
            yield (
                f"condition {condition.operation!r}; one of "
                f"{', '.join(map(repr, get_args(Operation)))}"
            )
        if not condition.captures:
            yield "a condition on no capture; name at least one"
        if len(set(condition.captures)) < len(condition.captures):
            yield f"a condition that names a capture twice: {', '.join(condition.captures)}"
        for name in condition.captures:
            if name not in self.made:
                there = ", ".join(map(repr, self.made)) or "none"
                yield f"a condition on {name!r}, which is no capture; there are {there}"
            elif name not in known and name in self.seen:
                yield (
                    f"a condition on {name!r}, which is captured in a branch that may not have "
                    "been taken; put it into that branch, or capture outside"
                )
            elif name not in known:
                yield f"a condition on {name!r}, which is captured only later"
            elif not self.made[name]:
                yield f"a condition on {name!r}, which has no discriminator to make a result of it"
