"""Puts parameters of a compiled program anew by arithmetic on arrays, where it is fired often.

It gives what :meth:`.Artifact.patched` gives, which works parameter by parameter.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from podium.control.compilers.lazy_sequence import LazySequence
from podium.control.compilers.points import FloatArray, IntArray
from podium.control.compilers.qblox.assembly import bare_line
from podium.control.compilers.qblox.patching import Artifact, OperandPlace
from podium.control.compilers.qblox.rounding import (
    PHASE_STEPS,
    frequency_words,
    gain_words,
    level_words,
    phase_words,
    turn_steps,
)
from podium.control.compilers.qblox.sources import OperandSource, Setting
from podium.control.program.parameters import named_values, term_of
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, SequencerProgram
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction, Label

Made = TypeVar("Made", ClusterProgram, SequencerProgram)
HERE = Label("parameter")
"""Stands where a word goes, before the text is cut there; compiled labels end in a number."""


class PreparedProgram:
    """A compiled program, and its parameters as arrays, in the order in which they occur."""

    def __init__(self, artifact: Artifact) -> None:
        """Work out where everything stands."""
        self._artifact, self._alike = artifact, artifact.alike
        self._names = tuple(artifact.parameters)
        at = {name: k for k, name in enumerate(self._names)}
        sources: dict[OperandSource, None] = {}
        self._forms: list[tuple[int, str, int]] = []
        """Of each text in which words of parameters stand: of which sequencer it is, with ``%d``
        for each word, and where its words end among those of all."""
        order: list[OperandSource] = []
        for number in range(len(artifact.parts)):
            lines, texts, places = artifact.look_up(number)
            sources |= dict.fromkeys(place.source for place in places)
            if places:
                form, here = _cut(lines, texts, places)
                order += here
                self._forms.append((number, form, len(order)))
        self._cluster = _all_but(artifact.cluster, "sequencers", "quantised", "make_listing")
        self._with_text = [_all_but(one, "text") for one in artifact.cluster.sequencers]
        self._groups: list[_Group] = []
        known: dict[OperandSource, int] = {}
        for setting in dict.fromkeys(one.setting for one in sources):
            alike = [one for one in sources if one.setting == setting]
            known |= {one: len(known) + k for k, one in enumerate(alike)}
            self._groups.append(_Group.of(setting, alike, at))
        self._order: IntArray | None = np.array([known[one] for one in order], np.int64)
        """Of each word of the texts: its place among the words of all groups; None: the same."""
        if len(self._groups) == 1:  # it gives them in the order of the texts
            self._groups, self._order = [self._groups[0].taking(self._order)], None
        ranges = [(at[name], *one) for name in self._names for one in artifact.ranges(name)]
        limited = [one for one in ranges if one[3:] != (-math.inf, math.inf)]
        self._of = np.array([one[0] for one in limited], np.int64)
        self._limits = np.array([one[1:] for one in limited], np.float64).reshape(-1, 4).T

    def patched_with(self, values: FloatArray) -> ClusterProgram | None:
        """Return what :meth:`fired_with` does; None: it is not in words of its texts alone."""
        if not self._alike or not self._in_range(values):
            return None
        words = self._words(values)
        sequencers, begins = list(self._artifact.cluster.sequencers), 0
        for number, form, ends in self._forms:
            filled = form % tuple(words[begins:ends])
            sequencers[number], begins = self._with_text[number](text=filled), ends
        return self._cluster(
            sequencers=tuple(sequencers),
            quantised=LazySequence(lambda: self._slowly(values).quantised),
            make_listing=lambda: self._slowly(values).listing,
        )

    def fired_with(self, values: FloatArray) -> ClusterProgram:
        """Return what compiling with ``values`` gives, one for each parameter.

        Raises as :meth:`.Artifact.patched` does.
        """
        patched = self.patched_with(values)
        if patched is not None:
            return patched
        named = named_values(self._names, values.tolist())
        return self._artifact.patched(named, compile_anew=True)

    def _words(self, values: FloatArray) -> list[int]:
        """Return the words of all texts, one text after the other."""
        each = [group.words(values) for group in self._groups]
        if self._order is None:
            (words,) = each
        else:
            words = np.concatenate(each).take(self._order) if each else self._order
        listed: list[int] = words.tolist()
        return listed

    def _in_range(self, values: FloatArray) -> bool:
        if not math.isfinite(values @ values):  # what overflows here fits nowhere
            return False
        if not self._of.size:
            return True
        scale, offset, low, high = self._limits
        got = offset + scale * values.take(self._of)
        return bool(((low <= got) & (got <= high)).all())

    def _slowly(self, values: FloatArray) -> ClusterProgram:
        return self._artifact.patched(named_values(self._names, values.tolist()))


def _all_but(made: Made, *names: str) -> Callable[..., Made]:
    """Return what makes ``made`` with other such fields, of which each has to be given.

    Slots are filled as they are: the constructor of a frozen dataclass takes five times as long.
    """
    kind = type(made)
    put = {one.name: getattr(kind, one.name).__set__ for one in fields(made)}
    fixed = [(put[name], getattr(made, name)) for name in put if name not in names]

    def make(**given: object) -> Made:
        new = object.__new__(kind)
        for put_in, value in fixed:
            put_in(new, value)
        for name in names:
            put[name](new, given[name])
        return new

    return make


def _cut(
    lines: Sequence[Instruction], texts: Sequence[str], places: Sequence[OperandPlace]
) -> tuple[str, list[OperandSource]]:
    """Return a text with ``%d`` for each word of parameters, and what these are in their order."""
    by_line: dict[int, dict[int, OperandSource]] = {}
    for place in places:
        by_line.setdefault(place.line, {})[place.operand] = place.source
    marked = list(texts)
    sources: list[OperandSource] = []
    for at in sorted(by_line):
        here = by_line[at]
        operands = (HERE if k in here else operand for k, operand in enumerate(lines[at].operands))
        marked[at] = bare_line(replace(lines[at], operands=tuple(operands)))
        sources += [here[k] for k in sorted(here)]
    form = "".join(marked).replace("%", "%%").replace(str(HERE), "%d")
    return form, sources


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """All operands of one setting: each is the sum of ``offset + scale * parameter``.

    A frame adds up its phases, so most operands are the one before and some terms more. Where that
    is so they are of one chain, which is summed once, term by term.
    """

    setting: Setting
    parameter: IntArray
    """Index of the parameter; shape (chains, terms). Of a constant: any, also beyond the last."""
    scale: FloatArray
    """Of a constant: 0."""
    offset: FloatArray
    """Same shape."""
    ends: IntArray
    """Of each operand: the last of its terms among those of all chains; shape (sources,)."""
    lo_hz: FloatArray
    """Same shape."""

    @classmethod
    def of(
        cls, setting: Setting, sources: Sequence[OperandSource], at: Mapping[str, int]
    ) -> "_Group":
        """Return the operands with these sources; ``at``: index of each parameter."""
        chains: list[list[tuple[int, float, float]]] = []
        places: list[tuple[int, int]] = []
        for source in sources:
            terms = [term_of(value, at) for value in source.values]
            if chains and terms[: len(chains[-1])] == chains[-1]:
                chains[-1] = terms
            else:
                chains.append(terms)
            places.append((len(chains) - 1, len(terms) - 1))
        most = max(map(len, chains))
        none = (len(at), 0.0, 0.0)
        padded = [[*chain, *[none] * (most - len(chain))] for chain in chains]
        numbers = np.array(padded, np.float64).transpose(2, 0, 1)
        return cls(
            setting,
            numbers[0].astype(np.int64),
            numbers[1],
            numbers[2],
            np.array([chain * most + end for chain, end in places], np.int64),
            np.array([one.lo_hz for one in sources]),
        )

    def taking(self, order: IntArray) -> "_Group":
        """Return the operands that are at these places, in this order."""
        return replace(self, ends=self.ends.take(order), lo_hz=self.lo_hz.take(order))

    def words(self, values: FloatArray) -> IntArray:
        """Return the operands, as :meth:`.OperandSource.word` gives each; shape (sources,)."""
        terms = values.take(self.parameter, mode="clip")
        terms *= self.scale
        terms += self.offset
        if self.setting == "delta":
            summed: IntArray = turn_steps(terms).cumsum(axis=1).take(self.ends) % PHASE_STEPS
            return summed
        asked = terms.cumsum(axis=1).take(self.ends)  # in their order: sums of floats depend on it
        match self.setting:
            case "gain":
                return gain_words(asked)
            case "level":
                return level_words(asked)
            case "phase":
                return phase_words(asked)
            case "tune":
                return frequency_words(asked - self.lo_hz)
