"""Programs that come again with other parameters: only cores that have to do with these are made.

The same passes as at first, so that what comes out is what compiling gives. An amplitude, a phase
or a frequency is in the command table, a node, or a readout waveform: the SeqC is the same as
before but where two values become equal or cease to be, and the driver neither has it compiled by
the vendor's compiler nor sends it. A delay is in all cores.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from podium.control.compilers.zurich.compile import compile_program, compile_together
from podium.control.compilers.zurich.compiled_core import CompiledCore, Frames
from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.program.parameters import parameters_of, value_in, with_parameters
from podium.control.program.program import (
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    has_branches,
    parameter_in,
    walk,
)
from podium.firmware_interfaces.zurich.program import Start, ZurichProgram

KEPT = 16
"""How many programs with parameters are remembered."""

Result = TypeVar("Result")
_Key = tuple[Program, tuple[str, ...], Start | None]


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """A program as it was compiled last."""

    values: Mapping[str, float]
    frames: Mapping[str, frozenset[str]]
    """By parameter: the frames that it changes."""
    cores: Mapping[Frames, CompiledCore]


class Recompiler:
    """Compiles as ``compile_program`` does; may be called from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def compile(
        self, program: Program, target: ZurichTarget, start: Start | None = None
    ) -> ZurichProgram:
        """Return what plays ``program``; raises as ``compile_program`` does."""

        def make(kept: dict[Frames, CompiledCore]) -> ZurichProgram:
            return compile_program(program, target, start, kept)

        return self._compile(program, (target,), start, make)

    def compile_together(
        self, program: Program, targets: Sequence[ZurichTarget], start: Start
    ) -> tuple[ZurichProgram, ...]:
        """Return what plays ``program`` on several; raises as the function of that name does."""

        def make(kept: dict[Frames, CompiledCore]) -> tuple[ZurichProgram, ...]:
            return compile_together(program, targets, start, kept)

        return self._compile(program, targets, start, make)

    def _compile(
        self,
        program: Program,
        targets: Sequence[ZurichTarget],
        start: Start | None,
        make: Callable[[dict[Frames, CompiledCore]], Result],
    ) -> Result:
        values = parameters_of(program)
        if not values:
            return make({})
        alike = with_parameters(program, dict.fromkeys(values, 0.0))
        key = (alike, tuple(one.instrument for one in targets), start)
        with self._lock:
            known = self._kept.get(key)
        if known is None:
            known = _Known(values, _frames_of(program), {})
        cores = _unchanged(known, values)
        made = make(cores)
        with self._lock:
            self._kept[key] = _Known(values, known.frames, cores)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made


def _unchanged(known: _Known, values: Mapping[str, float]) -> dict[Frames, CompiledCore]:
    """Return the cores that are as they were."""
    changed = [name for name, value in values.items() if value != known.values[name]]
    touched = frozenset[str]().union(*(known.frames[name] for name in changed))
    return {frames: core for frames, core in known.cores.items() if not touched & set(frames)}


def _frames_of(program: Program) -> dict[str, frozenset[str]]:
    """Return the frames that each parameter changes: all, where it changes what comes when."""
    everything = frozenset(one.name for one in program.frames)
    apart = not has_branches(program)
    found: dict[str, frozenset[str]] = {}
    for _, statement in walk(program.body):
        value = value_in(statement)
        one = None if value is None else parameter_in(value)
        if one is None:
            continue
        match statement:
            case Play() | SetFrequency() | ShiftPhase() if apart:
                frames = frozenset({statement.frame})
            case _:
                frames = everything
        found[one.name] = found.get(one.name, frozenset()) | frames
    return found
