"""Puts parameters of a compiled program anew by arithmetic on arrays, where it is fired often.

It gives what :meth:`.Artifact.patched` gives, which works parameter by parameter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
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
        self._texts: list[_Text | None] = []
        for number in range(len(artifact.parts)):
            lines, texts, places = artifact.look_up(number)
            sources |= dict.fromkeys(place.source for place in places)
            self._texts.append(_cut(lines, texts, places) if places else None)
        self._cluster = _all_but(artifact.cluster, "sequencers", "quantised", "make_listing")
        self._with_text = [_all_but(one, "text") for one in artifact.cluster.sequencers]
        self._groups = [
            _Group.of(setting, [one for one in sources if one.setting == setting], at)
            for setting in dict.fromkeys(one.setting for one in sources)
        ]
        order = {one: k for k, one in enumerate(one for g in self._groups for one in g.sources)}
        self._order = [
            np.array([] if text is None else [order[one] for one in text.sources], np.int64)
            for text in self._texts
        ]
        ranges = [(at[name], *one) for name in self._names for one in artifact.ranges(name)]
        self._of = np.array([one[0] for one in ranges], np.int64)
        self._limits = np.array([one[1:] for one in ranges], np.float64).reshape(-1, 4).T

    @property
    def quick(self) -> bool:
        """Return whether nothing is ever compiled again."""
        return self._alike

    def fired_with(self, values: FloatArray) -> ClusterProgram:
        """Return what compiling with ``values`` gives, one for each parameter.

        Raises as :meth:`.Artifact.patched` does.
        """
        if not self._alike or not self._in_range(values):
            named = named_values(self._names, values.tolist())
            return self._artifact.patched(named, compile_anew=True)
        padded = np.zeros(len(values) + 1)
        padded[:-1] = values
        each = [group.words(padded) for group in self._groups]
        words = np.concatenate(each) if each else np.zeros(0, np.int64)
        sequencers = list(self._artifact.cluster.sequencers)
        for number, (text, order) in enumerate(zip(self._texts, self._order, strict=True)):
            if text is not None:
                filled = text.form % tuple(words[order].tolist())
                sequencers[number] = self._with_text[number](text=filled)
        return self._cluster(
            sequencers=tuple(sequencers),
            quantised=LazySequence(lambda: self._slowly(values).quantised),
            make_listing=lambda: self._slowly(values).listing,
        )

    def _in_range(self, values: FloatArray) -> bool:
        scale, offset, low, high = self._limits
        got = offset + scale * values[self._of]
        return bool(((low <= got) & (got <= high)).all())

    def _slowly(self, values: FloatArray) -> ClusterProgram:
        return self._artifact.patched(named_values(self._names, values.tolist()))


@dataclass(frozen=True, slots=True, eq=False)
class _Text:
    """A program's text, open where words of parameters stand."""

    form: str
    """With ``%d`` for each word."""
    sources: tuple[OperandSource, ...]
    """Of the words, in the order of their places."""


def _all_but(made: Made, *names: str) -> Callable[..., Made]:
    """Return what makes ``made`` with other such fields; ``replace`` takes twice as long."""
    fixed = {one.name: getattr(made, one.name) for one in fields(made) if one.name not in names}
    return partial(type(made), **fixed)


def _cut(
    lines: Sequence[Instruction], texts: Sequence[str], places: Sequence[OperandPlace]
) -> _Text:
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
    return _Text(form, tuple(sources))


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """All operands of one setting: each is the sum of ``offset + scale * parameter``."""

    setting: Setting
    sources: tuple[OperandSource, ...]
    parameter: IntArray
    """Index of the parameter; shape (sums, sources). The last stands for a constant and is 0."""
    scale: FloatArray
    offset: FloatArray
    """Same shape."""
    lo_hz: FloatArray
    """Shape (sources,)."""

    @classmethod
    def of(
        cls, setting: Setting, sources: Sequence[OperandSource], at: Mapping[str, int]
    ) -> "_Group":
        """Return the operands with these sources; ``at``: index of each parameter."""
        most = max(len(one.values) for one in sources)
        none = (len(at), 0.0, 0.0)
        terms = [
            [*(term_of(value, at) for value in one.values), *[none] * (most - len(one.values))]
            for one in sources
        ]
        numbers = np.array(terms, np.float64).transpose(2, 1, 0)
        return cls(
            setting,
            tuple(sources),
            numbers[0].astype(np.int64),
            numbers[1],
            numbers[2],
            np.array([one.lo_hz for one in sources]),
        )

    def words(self, values: FloatArray) -> IntArray:
        """Return the operands, as :meth:`.OperandSource.word` gives each; shape (sources,)."""
        terms = values.take(self.parameter)
        terms *= self.scale
        terms += self.offset
        if self.setting == "delta":
            summed: IntArray = phase_words(terms).sum(axis=0) % PHASE_STEPS
            return summed
        asked = terms.sum(axis=0)  # row by row, in their order: sums of floats depend on it
        match self.setting:
            case "gain":
                return gain_words(asked)
            case "level":
                return level_words(asked)
            case "phase":
                return phase_words(asked)
            case "tune":
                return frequency_words(asked - self.lo_hz)
