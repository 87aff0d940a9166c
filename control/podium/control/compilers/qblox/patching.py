"""Patches a compiled program's parameters without compiling again.

Amplitudes, phases and frequencies stand as immediate operands, each with its formula. A delay
changes durations of instructions, within limits that are found when it is first changed (see
``moving``).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.lazy_sequence import LazySequence
from podium.control.compilers.qblox.assembly import bare_line
from podium.control.compilers.qblox.compile import compile_all, series_of
from podium.control.compilers.qblox.compiled_sequencer import CompiledSequencer
from podium.control.compilers.qblox.delay_range import (
    DelayRange,
    Duration,
    NeedsCompiling,
    Probe,
    find_delay_range,
    probe_of,
    step_of,
)
from podium.control.compilers.qblox.listing import print_listing
from podium.control.compilers.qblox.lower import quantise
from podium.control.compilers.qblox.sources import OperandSource, Word
from podium.control.compilers.qblox.target import QbloxTarget
from podium.control.program.parameters import (
    check_values,
    parameters_of,
    value_in,
    with_parameters,
)
from podium.control.program.program import (
    Affine,
    Delay,
    Play,
    Program,
    SetFrequency,
    Statement,
    Value,
    parameter_in,
    walk,
)
from podium.control.program.validate import ProgramError, validate
from podium.firmware_interfaces.compiled_program import Quantised
from podium.firmware_interfaces.exact_time import OffGridError
from podium.firmware_interfaces.qblox_cluster.limits import NCO_MAX_HZ
from podium.firmware_interfaces.qblox_cluster.program import (
    ClusterProgram,
    ExternalStart,
    SequencerProgram,
)
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction


@dataclass(frozen=True, slots=True)
class OperandPlace:
    """An operand that depends on a parameter."""

    line: int
    operand: int
    source: OperandSource


@dataclass(slots=True, eq=False)
class _Sequencer:
    """Holds places in a sequencer's program that its first patch looks up."""

    lines: Sequence[Instruction]
    texts: list[str]
    places: list[OperandPlace]


@dataclass(frozen=True, slots=True, eq=False)
class _Uses:
    """Lists the places of parameters in a program."""

    values: Mapping[str, float]
    """As they were compiled."""
    statements: Mapping[str, Sequence[tuple[int, Statement, Value]]]
    """By parameter: index in the body, statement, and what depends on it."""
    fixed: Mapping[str, str]
    """Parameters that are never put anew, and why."""
    delays: frozenset[str]
    """Parameters that are delays."""
    shared: Mapping[str, dict[str, list[str]]]
    """By parameter: outputs of several frames on which it sets amplitudes, and these frames."""


@dataclass(slots=True, eq=False)
class Artifact:
    """A compiled program, and where its parameters stand in it."""

    cluster: ClusterProgram
    """As it was compiled."""
    program: Program
    """With the parameters as they were compiled."""
    target: QbloxTarget
    start: ExternalStart | None
    _parts: tuple[CompiledSequencer, ...]
    _uses: _Uses
    _looked_up: dict[int, _Sequencer] = field(default_factory=dict)
    _moved: dict[str, DelayRange] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, float]:
        """All parameters with the values that were compiled."""
        return dict(self._uses.values)

    @property
    def parts(self) -> tuple[CompiledSequencer, ...]:
        """Return what was compiled for each sequencer."""
        return self._parts

    @property
    def alike(self) -> bool:
        """Return whether only operands depend on parameters, each by itself: no delay, no rule."""
        uses = self._uses
        return not uses.fixed and not uses.delays and not any(uses.shared.values())

    def ranges(self, name: str) -> list[tuple[float, float, float, float]]:
        """Return scale, offset, lowest and highest value at each place of a parameter."""
        found = []
        for _, statement, value in self._uses.statements[name]:
            scale, offset = (value.scale, value.offset) if isinstance(value, Affine) else (1, 0)
            low, high, _ = self._range(statement)
            found.append((float(scale), float(offset), low, high))
        return found

    def look_up(
        self, number: int
    ) -> tuple[Sequence[Instruction], Sequence[str], Sequence[OperandPlace]]:
        """Return lines of a sequencer's program, their text, and where parameters stand in it."""
        here = self._look_up(number)
        return here.lines, here.texts, here.places

    def patched(self, values: Mapping[str, float], *, compile_anew: bool = False) -> ClusterProgram:
        """Return what compiling with ``values`` gives, without compiling.

        Parameters that are not named stay as they were compiled. Raises
        :class:`NoSuchParameter`; :class:`NeedsCompiling` where a value asks for other
        instructions (with ``compile_anew`` it is compiled then); :class:`DoesNotFit` for a value
        that cannot be played at all.
        """
        known = self._uses.values
        check_values(self.program.name, known, values)
        changed = {name: value for name, value in values.items() if value != known[name]}
        if not changed:
            return self.cluster
        self._check_ranges(changed)
        try:
            return self._anew(changed)
        except NeedsCompiling:
            if not compile_anew:
                raise
            new = with_parameters(self.program, changed)
            return compile_artifact(new, self.target, self.start).cluster

    def _anew(self, changed: Mapping[str, float]) -> ClusterProgram:
        for name in changed:
            if name in self._uses.fixed:
                why = self._uses.fixed[name]
                raise NeedsCompiling(f"{why}: compile the program with the new value")
        moved = [name for name in changed if name in self._uses.delays]
        if len(moved) > 1:
            raise NeedsCompiling(
                f"{' and '.join(map(repr, moved))} are delays, and one is put anew at a time: "
                "compile the program with the new values"
            )
        shared = {at: some for name in changed for at, some in self._uses.shared[name].items()}
        if shared:
            new = with_parameters(self.program, changed)
            series_of((new,), self.start).check_outputs(shared)
        if not moved:
            return self._put(changed)
        durations, total_fs = self._moving(moved[0]).at(changed[moved[0]])
        made = self._put(changed, durations)
        new = with_parameters(self.program, changed)
        compiled = partial(compile_artifact, new, self.target, self.start)
        # The listing says how long each wait is: whoever reads it has time.
        return replace(made, duration_fs=total_fs, make_listing=lambda: compiled().cluster.listing)

    def _moving(self, name: str) -> DelayRange:
        """Return the limits of a delay; they are looked for once, by compiling within them."""
        if name not in self._moved:
            scales = [
                value.scale if isinstance(value, Affine) else 1.0
                for _, statement, value in self._uses.statements[name]
                if isinstance(statement, Delay)
            ]
            value = round(self._uses.values[name])
            here = probe_of(value, [one.lines for one in self._parts], self.cluster.duration_fs)
            self._moved[name] = find_delay_range(
                name, here, step_of(scales), partial(self._probe, name)
            )
        return self._moved[name]

    def _probe(self, name: str, value: int) -> Probe | None:
        new = with_parameters(self.program, {name: value})
        try:
            validate(new)
            members = series_of((new,), self.start)
            made, parts = compile_all(members, self.target, self.start, new.name)
        except (DoesNotFit, OffGridError, ProgramError):
            return None
        return probe_of(value, [one.lines for one in parts], made.duration_fs)

    def _check_ranges(self, changed: Mapping[str, float]) -> None:
        """Raise :class:`DoesNotFit` where a changed value is out of range, with its limits."""
        for name, new in changed.items():
            if abs(new) == math.inf:
                raise DoesNotFit(f"parameter {name!r} is given {new!r}, which is no number")
            for index, statement, value in self._uses.statements[name]:
                scale, offset = (
                    (value.scale, value.offset) if isinstance(value, Affine) else (1.0, 0.0)
                )
                low, high, what = self._range(statement)
                got = offset + scale * new
                if not low <= got <= high:
                    ends = sorted(((low - offset) / scale, (high - offset) / scale))
                    raise DoesNotFit(
                        f"parameter {name!r} = {new:.12g}: {what} of statement {index} is "
                        f"{got:.12g}, from {low:.12g} to {high:.12g}; so {name!r} goes from "
                        f"{ends[0]:.12g} to {ends[1]:.12g}"
                    )

    def _range(self, statement: Statement) -> tuple[float, float, str]:
        match statement:
            case Play():
                return -1.0, 1.0, "the amplitude"
            case Delay():
                return 0.0, float("inf"), "the duration, in fs,"
            case SetFrequency(frame, _):
                for part in self._parts:
                    if part.program.frame == frame:
                        ends_hz = part.lo_hz - NCO_MAX_HZ, part.lo_hz + NCO_MAX_HZ
                        return *ends_hz, "the frequency, in Hz,"
        return float("-inf"), float("inf"), "what"  # of phases, and of frames that are not heard

    def _put(
        self, changed: Mapping[str, float], durations: Mapping[Duration, int] | None = None
    ) -> ClusterProgram:
        lines: dict[int, list[tuple[int, Instruction]]] = {}
        sequencers: list[SequencerProgram] = []
        words: dict[OperandSource, int] = {}
        for number, part in enumerate(self._parts):
            here = self._look_up(number)
            found: dict[int, list[OperandPlace]] = {}
            waits = {at: one for at, one in (durations or {}).items() if at[0] == number}
            for _, at, _ in waits:
                found.setdefault(at, [])
            for place in here.places:
                if any(name in changed for name in place.source.names):
                    found.setdefault(place.line, []).append(place)
            if not found:
                sequencers.append(part.program)
                continue
            texts = list(here.texts)
            lines[number] = []
            for at, places in found.items():
                operands = list(here.lines[at].operands)
                if (wait_ns := waits.get((number, at, len(operands) - 1))) is not None:
                    operands[-1] = wait_ns
                for place in places:
                    word = words.get(place.source)
                    if word is None:
                        word = words[place.source] = place.source.word(changed)
                    operands[place.operand] = word
                line = replace(here.lines[at], operands=tuple(operands))
                lines[number].append((at, line))
                texts[at] = bare_line(line)
            sequencers.append(replace(part.program, text="".join(texts)))
        return replace(
            self.cluster,
            sequencers=tuple(sequencers),
            quantised=LazySequence(lambda: self._rounded(changed)),
            make_listing=lambda: self._listing(lines),
        )

    def _look_up(self, number: int) -> _Sequencer:
        if number not in self._looked_up:
            part = self._parts[number]
            lines = part.lines if part.given or self._uses.delays else ()
            places = [
                OperandPlace(at, k, operand.source)
                for at, line in enumerate(lines)
                for k, operand in enumerate(line.operands)
                if isinstance(operand, Word)
            ]
            texts = part.program.text.splitlines(keepends=True) if lines else []
            self._looked_up[number] = _Sequencer(lines, texts, places)
        return self._looked_up[number]

    def _rounded(self, changed: Mapping[str, float]) -> list[Quantised]:
        one = (1,) * len(self.program.axes)
        new: list[Quantised] = []
        for part in self._parts:
            for entry in part.quantised:
                source = part.given.get((entry.statement, entry.quantity))
                if source is None or not changed.keys() & set(source.names):
                    new.append(entry)
                    continue
                asked = np.full(one, source.asked(changed))
                lo_hz = part.lo_hz
                new.append(
                    quantise(
                        entry.frame,
                        entry.statement,
                        entry.quantity,
                        asked,
                        lo_hz,
                        self.program.axes,
                    )
                )
        return new

    def _listing(self, changed: Mapping[int, list[tuple[int, Instruction]]]) -> str:
        programs: list[Sequence[Instruction]] = []
        for number, part in enumerate(self._parts):
            lines = list(part.lines)
            for at, line in changed.get(number, ()):
                lines[at] = line
            programs.append(lines)
        return print_listing(self.cluster.name, self.cluster.resources, programs)


def compile_artifact(
    program: Program, target: QbloxTarget, start: ExternalStart | None = None
) -> Artifact:
    """Compile ``program`` so that its parameters can be put anew; raises as ``compile_program``."""
    validate(program)
    made, parts = compile_all(series_of((program,), start), target, start, program.name)
    return Artifact(made, program, target, start, parts, _uses(program, parts))


def _uses(program: Program, parts: Sequence[CompiledSequencer]) -> _Uses:
    values = parameters_of(program)
    statements: dict[str, list[tuple[int, Statement, Value]]] = {name: [] for name in values}
    shared: dict[str, dict[str, list[str]]] = {name: {} for name in values}
    fixed: dict[str, str] = {}
    delays: set[str] = set()
    outputs: dict[str, list[str]] = {}
    for part in parts:
        where = f"slot{part.program.slot}.{part.program.output}"
        outputs.setdefault(where, []).append(part.program.frame)
        for name in sorted(part.fixed):
            fixed[name] = (
                f"{part.program.frame}: {name!r} changes together with a sweep, or while a window "
                "is open"
            )
    for index, statement in walk(program.body):
        value = value_in(statement)
        one = None if value is None else parameter_in(value)
        if value is None or one is None:
            continue
        statements[one.name].append((index, statement, value))
        if isinstance(statement, Delay):
            delays.add(one.name)
        if isinstance(statement, Play):
            for where, frames in outputs.items():
                if statement.frame in frames and len(frames) > 1:
                    shared[one.name][where] = frames
    return _Uses(values, statements, fixed, frozenset(delays), shared)
