"""Compiles an agent's part of programs, off the loop, and not twice."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from podium.control.agent.loopback_parts import compile_loopback, tagged_by
from podium.control.bus.messages import Rounding, Roundings
from podium.control.bus.streams import ProgramDuration, ProgramPart, ProgramParts
from podium.control.compilers.crosstalk import compensated
from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.facility import Facility
from podium.control.facility.line_response import LineResponse
from podium.control.families.family import ControllerFamily, families_of, with_lines
from podium.control.families.filter_delays import held_together
from podium.control.families.start_wiring import StartWiring
from podium.control.program.batches import Batch, common, part_of
from podium.control.program.loopback import Loopback
from podium.control.program.program import Program
from podium.control.program.serialise import NotAProgram, digest
from podium.control.timebase.start_setting import StartSetting
from podium.control.timebase.timed_program import (
    TimedProgram,
    digest_of,
    name_of,
    timed_from_json,
)
from podium.drivers.errors import Refused
from podium.firmware_interfaces.compiled_program import Artifact
from podium.firmware_interfaces.exact_time import OffGridError

KEPT = 64
"""How many compiled programs are remembered."""
KNOWN = 8
"""So many are known by their texts: of these nothing is read again."""

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


@dataclass(frozen=True, slots=True)
class CompiledPart:
    """An agent's part of a run."""

    text_hash: str = ""
    """Of all that was sent: what the token names."""
    program_hash: str = ""
    """Of the program alone: what its data are of."""
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    """By controller."""
    wirings: tuple[StartWiring, ...] = ()
    """Of these controllers, in the same order, as they are set for a run that starts at a time."""
    settings: Mapping[str, StartSetting] = field(default_factory=dict)
    """Of those of them for which the run brings one."""
    tags: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Of a loopback, by node: the tagger among them, and how that names what it has tagged."""


class CompiledPrograms:
    """Compiles in a thread; the same program with the same start is compiled once."""

    def __init__(
        self, compile_program: Compile, facility: Facility, wirings: Sequence[StartWiring] = ()
    ) -> None:
        """``compile_program``: what starts at once; ``wirings``: by what is started at a time."""
        self._wirings = tuple(wirings)
        self.grow(facility, compile_program)

    def grow(self, facility: Facility, compile_program: Compile) -> None:
        """Take over a facility that has only grown; all is compiled anew."""
        self._facility = facility
        self._compile_at_once = compile_program
        self._families = families_of(facility) if self._wirings else {}
        self._done: OrderedDict[tuple[object, ...], Mapping[str, Artifact]] = OrderedDict()
        self._known: OrderedDict[tuple[str, bool], CompiledPart] = OrderedDict()
        """By the hash of all that was sent, and whether it starts at a time."""
        self._compiling: dict[tuple[str, bool], asyncio.Future[CompiledPart]] = {}
        """What a thread works on, under the same: whoever asks meanwhile waits for that."""

    @property
    def compiler(self) -> Compile:
        """Return what compiles programs that start at once."""
        return self._compile_at_once

    async def compile(self, text: str, *, timed: bool = False) -> CompiledPart:
        """Return this agent's part of a program or a ``TimedProgram``; raises ``Refused``.

        What is on ports of other agents starts there, on the same program and the same time; at
        once (not ``timed``) a program is one agent's as a whole.
        """
        key, known = (digest_of(text), timed), self._known
        if key in known:
            return known[key]
        compiling = self._compiling.get(key)
        if compiling is None:
            loop, own = asyncio.get_running_loop(), self._compiling
            compiling = own[key] = loop.run_in_executor(None, self._part, text, timed)
            compiling.add_done_callback(lambda done: own.pop(key, None))
        found = await asyncio.shield(compiling)  # others may wait for it as well
        known[key] = found
        while len(known) > KNOWN:
            known.popitem(last=False)
        return found

    async def how_long(self, text: str, *, timed: bool = False) -> ProgramDuration:
        """Return how long this agent's part plays; raises ``Refused``."""
        artifacts = (await self.compile(text, timed=timed)).artifacts
        roundings = await asyncio.to_thread(roundings_of, artifacts)
        return ProgramDuration(duration_fs(artifacts), roundings)

    async def in_parts(self, text: str, *, timed: bool = False) -> ProgramParts:
        """Return the parts that this agent's controllers take; raises ``Refused``.

        A loopback takes none, nor does what plays nothing here. Those of a program that starts at
        once are kept compiled.
        """
        return await asyncio.to_thread(self._parts_timed if timed else self._parts, text)

    def _part(self, text: str, timed: bool) -> CompiledPart:
        sent = _read(text, timed)
        with refused_in_words(sent.program.name):
            return self._timed(sent, text) if timed else self._at_once(sent)

    def _at_once(self, sent: TimedProgram) -> CompiledPart:
        program = _whole(sent)
        artifacts = self._once(
            (program, _by_port(sent.lines)), lambda: self._undoing(sent.lines)(program)
        )
        name = name_of(program, sent.lines)
        return CompiledPart(name, name, artifacts)

    def _timed(self, sent: TimedProgram, text: str) -> CompiledPart:
        program = sent.program
        set_to = self._set_to(sent)
        starts = ((one.controller, one.offset_ns, one.late_fs) for one in set_to)
        artifacts = self._once(
            (program, _by_port(sent.lines), *starts),
            lambda: self._artifacts(program, set_to, sent.lines),
        )
        taggers = (
            tagged_by(self._facility, self._families, program)
            if isinstance(program, Loopback)
            else {}
        )
        text_hash = digest_of(text)
        return CompiledPart(
            text_hash,
            digest(program) if isinstance(program, Program) else text_hash,
            artifacts,
            tuple(one for one in set_to if one.controller in artifacts),
            {name: one for name, one in sent.starts.items() if name in artifacts},
            {node: where for node, where in taggers.items() if where[0] in artifacts},
        )

    def _once(
        self, key: tuple[object, ...], make: Callable[[], Mapping[str, Artifact]]
    ) -> Mapping[str, Artifact]:
        """Return what was made under ``key``; make it where nothing was, or it is forgotten."""
        artifacts = self._done.pop(key, None)
        if artifacts is None:
            artifacts = make()
        self._done[key] = artifacts
        while len(self._done) > KEPT:
            self._done.popitem(last=False)
        return artifacts

    def _artifacts(
        self,
        program: Program | Loopback,
        wirings: Sequence[StartWiring],
        lines: Mapping[str, LineResponse],
    ) -> Mapping[str, Artifact]:
        if isinstance(program, Loopback):
            return compile_loopback(self._facility, self._families, program, wirings)
        whole = compensated(program, lines)
        return {
            one.controller: self._family(one, lines).compile(whole, one.controller, one)
            for one in wirings
            if self._plays(whole, one)
        }

    def _parts(self, text: str) -> ProgramParts:
        sent = _read(text, timed=False)
        program, lines = _whole(sent), _by_port(sent.lines)
        with refused_in_words(program.name):
            compiler = self._undoing(sent.lines)
            if not isinstance(compiler, CutsUp):
                return ProgramParts(())
            made = compiler.batches(program)
        for batch, artifacts in made:
            self._done[part_of(program, batch), lines] = artifacts
        return ProgramParts(tuple(_part_sent(batch) for batch, _ in made))

    def _parts_timed(self, text: str) -> ProgramParts:
        sent = _read(text, timed=True)
        program = sent.program
        if isinstance(program, Loopback):
            return ProgramParts(())
        with refused_in_words(program.name):
            set_to, whole = self._set_to(sent), compensated(program, sent.lines)
            made = [
                [batch for batch, _ in self._family(one, sent.lines).batches(whole, name, one)]
                for one in set_to
                if self._plays(whole, one) and (name := one.controller)
            ]
        return ProgramParts(tuple(_part_sent(one) for one in common(made)) if made else ())

    def _set_to(self, sent: TimedProgram) -> list[StartWiring]:
        """Return how controllers are started in this run; raises ``DoesNotFit``."""
        set_to = [one.set_to(sent.starts.get(one.controller)) for one in self._wirings]
        if not isinstance(sent.program, Program):
            return set_to
        whole = compensated(sent.program, sent.lines)
        return held_together(self._families, whole, sent.lines, set_to)

    def _plays(self, program: Program, wiring: StartWiring) -> bool:
        """Tell whether a controller serves a port of ``program``."""
        ports = {frame.port for frame in program.frames}
        return bool(ports & self._families[wiring.controller].ports[wiring.controller])

    def _family(self, one: StartWiring, lines: Mapping[str, LineResponse]) -> ControllerFamily:
        return with_lines(self._families[one.controller], one.controller, lines)

    def _undoing(self, lines: Mapping[str, LineResponse]) -> Compile:
        """Return what compiles for controllers that undo these flux lines."""
        if not lines:
            return self._compile_at_once
        if not isinstance(self._compile_at_once, UndoesLines):
            raise DoesNotFit("nothing here undoes flux lines; run without corrections of them")
        return self._compile_at_once.undoing(lines)


def roundings_of(artifacts: Mapping[str, Artifact]) -> Roundings:
    """Return what the compiler has rounded; it may take its time: call it off the loop."""
    return tuple(
        Rounding(
            one.what,
            one.unit,
            one.step,
            len(one.asked),
            max(abs(g - a) for g, a in zip(one.got, one.asked, strict=True)),
        )
        for part in artifacts.values()
        for one in part.quantised
        if one.got != one.asked
    )


def duration_fs(artifacts: Mapping[str, Artifact]) -> int:
    """Return how long the longest of them plays."""
    return max((one.duration_fs for one in artifacts.values()), default=0)


@contextmanager
def refused_in_words(program: str = "") -> Iterator[None]:
    """Raise ``Refused`` where a program cannot be read, ``ProgramDoesNotFit`` where it is that."""
    try:
        yield
    except NotAProgram as error:
        raise Refused(f"the program cannot be read: {error}") from error
    except (DoesNotFit, OffGridError, ValueError, KeyError) as error:
        raise ProgramDoesNotFit(f"program {program!r}: {error}") from error


def _read(text: str, timed: bool) -> TimedProgram:
    with refused_in_words():
        sent = timed_from_json(text)
        if not timed:
            _whole(sent)
        return sent


def _whole(sent: TimedProgram) -> Program:
    """Return the program of what starts at once; raises ``NotAProgram`` for a loopback."""
    if not isinstance(sent.program, Program):
        raise NotAProgram(f"holds a {type(sent.program).__name__}, not a Program")
    return sent.program


def _by_port(lines: Mapping[str, LineResponse]) -> tuple[tuple[str, LineResponse], ...]:
    return tuple(sorted(lines.items(), key=lambda one: one[0]))


def _part_sent(batch: Batch) -> ProgramPart:
    """Return ``batch`` as it goes over the bus."""
    first = tuple(one.start for one in batch.piece)
    end = tuple(one.stop for one in batch.piece)
    return ProgramPart(batch.first_shot, batch.shots, first, end)
