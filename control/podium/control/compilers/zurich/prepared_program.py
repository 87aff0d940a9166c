"""Puts amplitudes and phases of a fired program anew in the command tables, without compiling.

The SeqC of a core depends on which pulses have equal entries, and on nothing else of their values:
a program is compiled once for each such pattern that comes, and kept. What comes out is what
compiling gives.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.lazy_sequence import LazySequence
from podium.control.compilers.points import FloatArray, IntArray
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.compiled_core import CompiledCore, CoreRows, Frames
from podium.control.compilers.zurich.recompilation import Recompiler
from podium.control.compilers.zurich.rounding import amplitude_words, phase_words
from podium.control.compilers.zurich.tables import generator_form, generator_values
from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.program.parameters import (
    named_values,
    parameters_of,
    term_of,
    value_in,
    with_parameters,
)
from podium.control.program.program import (
    Play,
    Program,
    ShiftPhase,
    SwapPhases,
    Value,
    has_branches,
    parameter_in,
    walk,
)
from podium.firmware_interfaces.zurich.program import CoreProgram, ZurichProgram

KEPT = 16
"""Patterns of equal entries for which a program is kept compiled."""
Pattern = tuple[tuple[int, ...], ...]
"""Of each core, the numbers of the entries that it plays, in their order."""
Words = tuple[int, int, int, int]
"""Waveform, amplitude, phase and oscillator of an entry."""


class PreparedProgram:
    """A program for one instrument, and its parameters as arrays, in the order of their names."""

    def __init__(self, program: Program, target: ZurichTarget) -> None:
        """Compile it. Raises as :func:`.compile_program` does."""
        self._program, self._target = program, target
        self._names = tuple(parameters_of(program))
        self._recompiling = Recompiler()
        """Compiles what is more than entries of tables."""
        self._lock = threading.Lock()
        self._kept: OrderedDict[Pattern, _Compiled] = OrderedDict()
        one = self._compiled(program)
        self._cores = _cores_of(program, one.cores)
        self._limited = _amplitudes(program, self._names)
        if self._cores is not None:
            values = np.array(list(parameters_of(program).values()), np.float64)
            self._kept[self._pattern(self._entries(self._cores, values))] = one

    def patched_with(self, values: NDArray[np.float64]) -> ZurichProgram | None:
        """Return what :meth:`fired_with` does; None: a pattern like it was not compiled yet."""
        new = np.asarray(values, np.float64)
        if self._cores is None or not self._limited.holds(new):
            return None
        entries = self._entries(self._cores, new)
        with self._lock:
            found = self._kept.get(pattern := self._pattern(entries))
            if found is None:
                return None
            self._kept.move_to_end(pattern)
        made = found.program
        cores = list(made.cores)
        for core, each in zip(self._cores, entries, strict=True):
            at = found.places[core.frames]
            cores[at] = found.with_table(core.frames, at, each)
        return replace(
            made,
            cores=tuple(cores),
            quantised=LazySequence(lambda: self._compiled(self._with(new)).program.quantised),
            make_listing=lambda: self._compiled(self._with(new)).program.listing,
        )

    def fired_with(self, values: NDArray[np.float64]) -> ZurichProgram:
        """Return what compiling with ``values`` gives, one for each parameter.

        Raises as :func:`.compile_program` does.
        """
        patched = self.patched_with(values)
        if patched is not None:
            return patched
        new = np.asarray(values, np.float64)
        if self._cores is None or not self._limited.holds(new):
            return self._recompiling.compile(self._with(new), self._target)
        made = self._compiled(self._with(new))
        with self._lock:
            self._kept[self._pattern(self._entries(self._cores, new))] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made.program

    @staticmethod
    def _entries(cores: Sequence["_Core"], values: FloatArray) -> list[list[Words]]:
        padded = np.append(values, 0.0)
        return [core.entries(padded) for core in cores]

    @staticmethod
    def _pattern(entries: Sequence[Sequence[Words]]) -> Pattern:
        return tuple(_numbered(each) for each in entries)

    def _with(self, values: FloatArray) -> Program:
        return with_parameters(self._program, named_values(self._names, values.tolist()))

    def _compiled(self, program: Program) -> "_Compiled":
        cores: dict[Frames, CompiledCore] = {}
        made = compile_program(program, self._target, None, cores)
        return _Compiled(made, cores, {one.frames: k for k, one in enumerate(made.cores)}, {})


@dataclass(frozen=True, slots=True, eq=False)
class _Compiled:
    """A program as it was compiled for one pattern."""

    program: ZurichProgram
    cores: Mapping[Frames, CompiledCore]
    places: Mapping[Frames, int]
    """Of each core among those of the program."""
    forms: dict[Frames, str]
    """The texts of command tables, open where numbers stand: made when first asked for."""

    def with_table(self, frames: Frames, at: int, each: Sequence[Words]) -> CoreProgram:
        """Return a core with these entries, one for each play."""
        rows = self.cores[frames].rows
        assert rows is not None
        known: dict[int, Words] = {}
        for play, words in zip(rows.plays, each, strict=True):
            known[play.number] = words
        table = [known[one] if isinstance(one, int) else one for one in rows.table]
        if frames not in self.forms:
            self.forms[frames] = generator_form(
                [(one[0], one[3]) if isinstance(one, tuple) else one for one in table]
            )
        values = generator_values([one[1:3] for one in table if isinstance(one, tuple)])
        text = self.forms[frames] % values
        return replace(self.program.cores[at], command_table=text)


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """Values of statements, each ``offset + scale * parameter``."""

    parameter: IntArray
    """The last stands for none, and is 0."""
    scale: FloatArray
    offset: FloatArray

    @classmethod
    def of(cls, values: Sequence[Value], at: Mapping[str, int]) -> "_Terms":
        found = [term_of(value, at) for value in values]
        return cls(
            np.array([one[0] for one in found], np.int64),
            np.array([one[1] for one in found], np.float64),
            np.array([one[2] for one in found], np.float64),
        )

    def now(self, padded: FloatArray) -> FloatArray:
        """Return the values for these of the parameters."""
        return np.asarray(self.offset + self.scale * padded[self.parameter])


@dataclass(frozen=True, slots=True, eq=False)
class _Limits:
    """Amplitudes that depend on parameters: each is at most 1."""

    terms: _Terms

    def holds(self, values: FloatArray) -> bool:
        """Tell whether all are, and every value is a number."""
        amplitude = self.terms.now(np.append(values, 0.0))
        return bool(np.isfinite(values).all() and (np.abs(amplitude) <= 1.0).all())


@dataclass(frozen=True, slots=True, eq=False)
class _Core:
    """Makes the entries of a core from values of parameters."""

    frames: Frames
    wave: Sequence[int]
    oscillator: Sequence[int]
    """Of each play."""
    pulse: IntArray
    before: FloatArray
    """Of each play: its pulse, and turns of its oscillator before the shot."""
    amplitude: _Terms
    """Of each pulse."""
    shifts: Sequence[tuple[_Terms, IntArray, IntArray]]
    """Of each frame: all shifts, its pulses, and how many shifts come before each."""
    turns: FloatArray
    """Of pulses before which no shift depends on a parameter."""

    def entries(self, padded: FloatArray) -> list[Words]:
        """Return the entry of each play."""
        turns = self.turns.copy()
        for terms, pulses, count in self.shifts:
            summed = np.cumsum(terms.now(padded))  # one by one, as frames are placed
            turns[pulses] = summed[count - 1]
        amplitude = amplitude_words(self.amplitude.now(padded))[self.pulse]
        phase = phase_words(turns[self.pulse] - self.before)
        return list(
            zip(self.wave, amplitude.tolist(), phase.tolist(), self.oscillator, strict=True)
        )


def _numbered(each: Sequence[Words]) -> tuple[int, ...]:
    known: dict[Words, int] = {}
    return tuple([known.setdefault(one, len(known)) for one in each])


def _cores_of(program: Program, cores: Mapping[Frames, CompiledCore]) -> tuple[_Core, ...] | None:
    """Return the cores that parameters change; None: not only entries of tables depend on them."""
    statements = [one for _, one in walk(program.body)]
    values = [(one, value_in(one)) for one in statements]
    by_parameter = [
        one for one, value in values if value is not None and parameter_in(value) is not None
    ]
    if program.axes or has_branches(program):
        return None
    if any(isinstance(one, SwapPhases) for one in statements):
        return None
    if not all(isinstance(one, Play | ShiftPhase) for one in by_parameter):
        return None
    touched = {one.frame for one in by_parameter if isinstance(one, Play | ShiftPhase)}
    at = {name: k for k, name in enumerate(parameters_of(program))}
    found = []
    for frames, core in cores.items():
        if not touched & set(frames):
            continue
        if core.rows is None or any(one.placed.carrier.retuned for one in core.rows.pulses):
            return None
        found.append(_core_of(frames, core.rows, at))
    return tuple(found)


def _core_of(frames: Frames, rows: CoreRows, at: Mapping[str, int]) -> _Core:
    pulses = rows.pulses
    amplitudes = [
        one.placed.given if parameter_in(one.placed.given) is not None
        else float(one.placed.amplitude.flat[0])
        for one in pulses
    ]  # fmt: skip
    shifts = []
    for frame in frames:
        mine = [k for k, one in enumerate(pulses) if one.frame == frame and one.placed.shifts]
        if mine:
            longest = max((pulses[k].placed.shifts for k in mine), key=len)
            counts = np.array([len(pulses[k].placed.shifts) for k in mine], np.int64)
            shifts.append((_Terms.of(longest, at), np.array(mine, np.int64), counts))
    return _Core(
        frames,
        [play.wave for play in rows.plays],
        [pulses[play.pulse].oscillator for play in rows.plays],
        np.array([play.pulse for play in rows.plays], np.int64),
        np.array([play.before for play in rows.plays], np.float64),
        _Terms.of(amplitudes, at),
        shifts,
        np.array([float(one.turns.flat[0]) for one in pulses], np.float64),
    )


def _amplitudes(program: Program, names: Sequence[str]) -> _Limits:
    at = {name: k for k, name in enumerate(names)}
    given = [one.amplitude for _, one in walk(program.body) if isinstance(one, Play)]
    return _Limits(_Terms.of([one for one in given if parameter_in(one) is not None], at))
