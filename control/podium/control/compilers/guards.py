"""Branches taken apart: a list of statements, each with what must have been measured for it.

Branches take equal times, so every statement has its instant whatever is measured; what is left of
a branch is a guard on each statement in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from podium.control.compilers.errors import DoesNotFit
from podium.control.program.conditions import OPPOSITE, Condition, Operation
from podium.control.program.program import Capture, If, RepeatUntil, Statement


class Mark(Enum):
    """Marks a branch for the clocks of frames."""

    BEGIN = auto()
    """The first branch begins."""
    ELSE = auto()
    """The second branch begins, where the first did."""
    END = auto()
    """Both are over: clocks go on from the later."""


@dataclass(frozen=True, slots=True)
class Result:
    """Names a condition's result, or several of which some must be as wanted."""

    capture: str
    times: tuple[int, ...]
    """Which of the times that it is made in the shot, counted from 0."""
    wanted: int | None = None
    """Where it is repeated until its result is this: the last is, if any was."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition on results."""

    operation: Operation
    results: tuple[Result, ...]


Guard: TypeAlias = tuple[Term, ...]
"""All of these must be met; empty: it happens in any case."""

Step: TypeAlias = tuple[int, Statement | Mark, Guard]
"""Number of the statement (see ``walk``), the statement, its guard."""

ONE_WANTED: dict[Operation, int] = {
    "all": 1, "any": 1, "odd": 1, "not all": 0, "none": 0, "even": 0,
}  # fmt: skip
"""Which result meets a condition on one."""


def steps(body: Sequence[Statement]) -> Iterator[Step]:
    """Yield what is in ``body`` one after the other; raise :class:`DoesNotFit`."""
    reader = _Reader({}, {})
    yield from reader.read(body, (), 0)


@dataclass(slots=True)
class _Reader:
    made: dict[str, int]
    """How often each capture was made."""
    latest: dict[str, Result]
    behind: int = 0

    def read(self, body: Sequence[Statement], guard: Guard, first: int) -> Iterator[Step]:
        index = first
        for statement in body:
            self.behind = index + 1
            match statement:
                case If(condition, then, orelse):
                    yield index, Mark.BEGIN, guard
                    yield from self.read(then, (*guard, self._term(condition)), self.behind)
                    yield index, Mark.ELSE, guard
                    otherwise = self._term(condition.opposite)
                    yield from self.read(orelse, (*guard, otherwise), self.behind)
                    yield index, Mark.END, guard
                case RepeatUntil():
                    yield from self._repeat(statement, guard, index)
                case Capture(_, name):
                    time = self.made.get(name, 0)
                    self.made[name] = time + 1
                    self.latest[name] = Result(name, (time,))
                    yield index, statement, guard
                case _:
                    yield index, statement, guard
            index = self.behind

    def _repeat(self, statement: RepeatUntil, guard: Guard, index: int) -> Iterator[Step]:
        condition = statement.condition
        if len(condition.captures) != 1:
            raise DoesNotFit(
                f"statement {index} (RepeatUntil): until a condition on "
                f"{', '.join(condition.captures)}; a sequencer can repeat until one capture has a "
                "result: repeat until that, or write the tries out with If"
            )
        (name,) = condition.captures
        wanted = ONE_WANTED[condition.operation]
        tries: tuple[int, ...] = ()
        for _ in range(statement.at_most):
            failure: Operation = "none" if wanted else "all"
            failed = (Term(failure, (Result(name, tries, wanted),)),) if tries else ()
            yield from self.read(statement.body, (*guard, *failed), index + 1)
            tries = (*tries, *self.latest[name].times)
            self.latest[name] = Result(name, self.latest[name].times, wanted)
        self.latest[name] = Result(name, tries, wanted)

    def _term(self, condition: Condition) -> Term:
        return Term(condition.operation, tuple(self.latest[name] for name in condition.captures))


def taken(guard: Guard, results: Mapping[str, int]) -> bool:
    """Return whether something happens where captures have these results (0: not named)."""
    return all(
        Condition(names := _names(term), term.operation).met({n: results.get(n, 0) for n in names})
        for term in guard
    )


def told(guard: Guard) -> str:
    """Return what must have been measured, in words: ``m = 1``; empty where nothing must."""
    return " and ".join(dict.fromkeys(_told(term) for term in guard))


def _told(term: Term) -> str:
    names = _names(term)
    if len(names) == 1:
        return f"{names[0]} = {ONE_WANTED[term.operation]}"
    return f"{term.operation} of {', '.join(names)}"


def _names(term: Term) -> tuple[str, ...]:
    return tuple(result.capture for result in term.results)


def exclusive(one: Guard, other: Guard) -> bool:
    """Return whether two things never share a shot, as far as their conditions show."""
    return any(
        a.results == b.results and b.operation == OPPOSITE[a.operation] for a in one for b in other
    )
