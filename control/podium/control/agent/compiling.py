"""Compiling for the controllers that an agent owns, off the loop, and not twice."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from podium.control.agent.answers import lasts
from podium.control.bus.streams import ProgramDuration, ProgramPart, ProgramParts
from podium.control.compilers.errors import DoesNotFit
from podium.control.program.batches import Batch, part_of
from podium.control.program.program import Program
from podium.control.program.serialise import NotAProgram, digest, from_json
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
            program, name = await asyncio.to_thread(_read, text)
        if name not in self._done:
            with refused_in_words(program.name):
                self._done[name] = await asyncio.to_thread(self._compile, program)
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
            program, _ = await asyncio.to_thread(_read, text)
        if not isinstance(self._compile, CutsUp):
            return ProgramParts(())
        with refused_in_words(program.name):
            made = await asyncio.to_thread(self._compile.batches, program)
        parts: list[ProgramPart] = []
        for batch, artifacts in made:
            self._done[await asyncio.to_thread(digest, part_of(program, batch))] = artifacts
            parts.append(part_to_say(batch))
        return ProgramParts(tuple(parts))


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


def _read(text: str) -> tuple[Program, str]:
    program = from_json(text)
    return program, digest(program)
