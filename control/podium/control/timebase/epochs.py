"""Counts epochs: a number for each clock domain, up at each reset, reboot or re-lock.

What holds only as long as a clock runs on undisturbed (a skew, an armed start, a pair of
entangled qubits) carries the epochs it was made under. When one has moved it is refused; it is
never corrected silently.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self


class EpochMoved(ValueError):
    """A request was made under an epoch that is over. Nothing was done: make it anew."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A clock domain whose epoch is not the one that was asked for."""

    domain: str
    then: int | None
    """The epoch that was asked for; None: the domain had no part then."""
    now: int | None
    """None: the domain has no part any longer."""

    def __str__(self) -> str:
        return f"{self.domain}: epoch {_said(self.then)} then, {_said(self.now)} now"


@dataclass(frozen=True, slots=True)
class Epochs:
    """The epochs of some clock domains at one time."""

    numbers: tuple[tuple[str, int], ...]
    """(domain, epoch) in the order of the domains' names, each domain once."""

    def __post_init__(self) -> None:
        names = [name for name, _ in self.numbers]
        if len(names) > 1 and names != sorted(set(names)):
            raise ValueError(f"each domain once, in the order of their names; got {names}")

    @classmethod
    def of(cls, numbers: Mapping[str, int]) -> Self:
        """Return the epochs of the domains in ``numbers``."""
        return cls(tuple(sorted(numbers.items())))

    @classmethod
    def union(cls, parts: Iterable["Epochs"]) -> Self:
        """Return the epochs of all ``parts``; ``EpochMoved`` if two disagree on a domain."""
        together: dict[str, int] = {}
        for part in parts:
            for domain, number in part.numbers:
                if together.setdefault(domain, number) != number:
                    raise EpochMoved(str(Moved(domain, together[domain], number)))
        return cls.of(together)

    def moved(self, now: "Epochs") -> tuple[Moved, ...]:
        """Return the domains in which ``now`` differs from these; empty: none."""
        if self == now:
            return ()
        then_of, now_of = dict(self.numbers), dict(now.numbers)
        return tuple(
            Moved(domain, then_of.get(domain), now_of.get(domain))
            for domain in sorted(then_of.keys() | now_of.keys())
            if then_of.get(domain) != now_of.get(domain)
        )

    def check(self, now: "Epochs", what: str) -> None:
        """Return if ``now`` is the same; raise ``EpochMoved`` about ``what`` if not."""
        if moved := self.moved(now):
            raise EpochMoved(f"{what}: {'; '.join(map(str, moved))}")


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """Records one clock domain. It is kept where a restart does not forget it.

    An instrument does not count its epochs itself. It shows signs of its clock's history (how
    often it has booted, how often it lost its lock, whether the connection was made anew): the
    epoch goes up whenever they change, and whenever they could not be seen.
    """

    domain: str
    epoch: int
    signs: tuple[tuple[str, int], ...] | None
    """Names and readings of what tells a reset or a re-lock; None: not known."""

    @classmethod
    def first(cls, domain: str, signs: Mapping[str, int] | None) -> Self:
        """Return the record of a domain that is seen for the first time."""
        return cls(domain, 1, _sorted(signs))

    def seen(self, signs: Mapping[str, int] | None) -> "DomainRecord":
        """Return the record after the instrument has shown ``signs``, or None: it could not."""
        shown = _sorted(signs)
        if shown is not None and shown == self.signs:
            return self
        return replace(self, epoch=self.epoch + 1, signs=shown)


def _sorted(signs: Mapping[str, int] | None) -> tuple[tuple[str, int], ...] | None:
    return None if signs is None else tuple(sorted(signs.items()))


def _said(epoch: int | None) -> str:
    return "none" if epoch is None else str(epoch)
