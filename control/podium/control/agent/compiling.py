"""Compiling for the controllers that an agent owns, off the loop, and not twice."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from podium.control.agent.answers import lasts
from podium.control.bus.streams import ProgramDuration, ProgramPart, ProgramParts
from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.line_response import LineResponse
from podium.control.program.batches import Batch, part_of
from podium.control.program.program import Program
from podium.control.program.serialise import NotAProgram
from podium.control.timebase.timed_program import name_of, timed_from_json
from podium.drivers.errors import Refused
from podium.firmware_interfaces.compiled_program import Artifact
from podium.firmware_interfaces.exact_time import OffGridError

KEPT = 64
"""How many compiled programs are remembered."""

Compile = Callable[[Program], Mapping[str, Artifact]]
"""Returns the artifact of each cluster that takes part, by the cluster's name."""


@runtime_checkable
class CutsUp(Protocol):
    """A compiler that can cut up what does not fit."""

    def batches(self, program: Program) -> tuple[tuple[Batch, Mapping[str, Artifact]], ...]:
        """Return the parts with their artifacts."""
        ...


@runtime_checkable
class UndoesLines(Protocol):
    """A compiler for controllers that can undo what flux lines do to pulses."""

    def undoing(self, lines: Mapping[str, LineResponse]) -> Compile:
        """Return a compiler whose controllers undo these lines, by port."""
        ...


class ProgramDoesNotFit(Refused):
    """A program does not fit the controllers as it is: parts of it may. Nothing was touched."""


class Compiling:
    """Compiles in a thread; the same program is compiled once."""

    def __init__(self, compile_program: Compile) -> None:
        self._compile = compile_program
        self._done: OrderedDict[str, Mapping[str, Artifact]] = OrderedDict()

    @property
    def compiler(self) -> Compile:
        """Return what compiles."""
        return self._compile

    async def compile(self, text: str) -> tuple[str, Mapping[str, Artifact]]:
        """Return the program's hash and its artifacts; raises ``Refused`` with the reason."""
        with refused_in_words():
            program, name, lines = await asyncio.to_thread(_read, text)
        if name not in self._done:
            with refused_in_words(program.name):
                self._done[name] = await asyncio.to_thread(self._undoing(lines), program)
        self._done.move_to_end(name)
        while len(self._done) > KEPT:
            self._done.popitem(last=False)
        return name, self._done[name]

    async def how_long(self, text: str) -> ProgramDuration:
        """Return how long a program would play; raises ``Refused``."""
        _, artifacts = await self.compile(text)
        return await asyncio.to_thread(lasts, artifacts)

    async def in_parts(self, text: str) -> ProgramParts:
        """Return the parts that a program takes, and keep them compiled; raises ``Refused``."""
        with refused_in_words():
            program, _, lines = await asyncio.to_thread(_read, text)
        with refused_in_words(program.name):
            compiler = self._undoing(lines)
            if not isinstance(compiler, CutsUp):
                return ProgramParts(())
            made = await asyncio.to_thread(compiler.batches, program)
        parts: list[ProgramPart] = []
        for batch, artifacts in made:
            name = await asyncio.to_thread(name_of, part_of(program, batch), lines)
            self._done[name] = artifacts
            parts.append(part_to_say(batch))
        return ProgramParts(tuple(parts))

    def _undoing(self, lines: Mapping[str, LineResponse]) -> Compile:
        """Return what compiles for controllers that undo these flux lines."""
        if not lines:
            return self._compile
        if not isinstance(self._compile, UndoesLines):
            raise DoesNotFit("nothing here undoes flux lines; run without corrections of them")
        return self._compile.undoing(lines)


def part_to_say(batch: Batch) -> ProgramPart:
    """Return ``batch`` as it goes over the bus."""
    first = tuple(one.start for one in batch.piece)
    end = tuple(one.stop for one in batch.piece)
    return ProgramPart(batch.first_shot, batch.shots, first, end)


@contextmanager
def refused_in_words(program: str = "") -> Iterator[None]:
    """Raise ``Refused`` where a program cannot be read, ``ProgramDoesNotFit`` where it is that."""
    try:
        yield
    except NotAProgram as error:
        raise Refused(f"the program cannot be read: {error}") from error
    except (DoesNotFit, OffGridError, ValueError, KeyError) as error:
        raise ProgramDoesNotFit(f"program {program!r}: {error}") from error


def _read(text: str) -> tuple[Program, str, Mapping[str, LineResponse]]:
    """Return a program, its name as it is compiled, and the flux lines that are undone."""
    timed = timed_from_json(text)
    if not isinstance(timed.program, Program):
        raise NotAProgram(f"holds a {type(timed.program).__name__}, not a Program")
    return timed.program, name_of(timed.program, timed.lines), timed.lines
