"""Compiling an agent's part of what starts at a time, off the loop, and not twice."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.control.agent.answers import lasts
from podium.control.agent.compiling import KEPT, part_to_say, refused_in_words
from podium.control.agent.loopback_parts import compile_loopback, tagged_by
from podium.control.bus.streams import ProgramDuration, ProgramParts
from podium.control.facility.facility import Facility
from podium.control.facility.line_response import LineResponse
from podium.control.families.family import ControllerFamily, families_of, with_lines
from podium.control.families.start_wiring import StartWiring
from podium.control.program.batches import common
from podium.control.program.loopback import Loopback
from podium.control.program.program import Program
from podium.control.program.serialise import digest
from podium.control.timebase.start_setting import StartSetting
from podium.control.timebase.timed_program import TimedProgram, digest_of, timed_from_json
from podium.firmware_interfaces.compiled_program import Artifact

SAID = 8
"""So many are known by all their words: of these nothing is read again."""


@dataclass(frozen=True, slots=True)
class TimedPart:
    """An agent's part of a run that starts at a time."""

    text_hash: str
    """Of all that was sent: what the token names."""
    program_hash: str
    """Of the program alone: what its data are of."""
    artifacts: Mapping[str, Artifact]
    """By controller."""
    wirings: tuple[StartWiring, ...]
    """Of these controllers, in the same order, as they are set for this run."""
    settings: Mapping[str, StartSetting]
    """Of those of them for which the run brings one."""
    tags: Mapping[str, tuple[str, str]]
    """Of a loopback, by node: the tagger among them, and how that names what it has tagged."""


class TimedCompiling:
    """Compiles in a thread; the same program with the same start is compiled once."""

    def __init__(self, facility: Facility, wirings: Sequence[StartWiring]) -> None:
        self._facility = facility
        self._families = families_of(facility) if wirings else {}
        self._wirings = tuple(wirings)
        self._done: OrderedDict[tuple[object, ...], Mapping[str, Artifact]] = OrderedDict()
        self._said: OrderedDict[str, TimedPart] = OrderedDict()

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._facility = facility
        self._families = families_of(facility) if self._wirings else {}
        self._done.clear()

    async def compile(self, text: str) -> TimedPart:
        """Return this agent's part of a program or a ``TimedProgram``; raises ``Refused``.

        What is on ports of other agents starts there, on the same program and the same time.
        """
        part = self._said.get(text)
        if part is None:
            part = self._said[text] = await asyncio.to_thread(self._compile, text)
            while len(self._said) > SAID:
                self._said.popitem(last=False)
        return part

    async def how_long(self, text: str) -> ProgramDuration:
        """Return how long this agent's part plays; raises ``Refused``."""
        artifacts = (await self.compile(text)).artifacts
        return await asyncio.to_thread(lasts, artifacts)

    async def in_parts(self, text: str) -> ProgramParts:
        """Return the parts that this agent's controllers take; raises ``Refused``.

        A loopback takes none, nor does what plays nothing here.
        """
        return await asyncio.to_thread(self._in_parts, text)

    def _in_parts(self, text: str) -> ProgramParts:
        with refused_in_words():
            timed = timed_from_json(text)
        program = timed.program
        if isinstance(program, Loopback):
            return ProgramParts(())
        ports = {frame.port for frame in program.frames}
        with refused_in_words(program.name):
            made = [
                [batch for batch, _ in family.batches(program, wiring.controller, wiring)]
                for wiring in (
                    one.set_to(timed.starts.get(one.controller)) for one in self._wirings
                )
                if ports & self._families[wiring.controller].ports[wiring.controller]
                for family in (self._undoing(wiring.controller, timed.lines),)
            ]
        return ProgramParts(tuple(part_to_say(one) for one in common(made)) if made else ())

    def _compile(self, text: str) -> TimedPart:
        with refused_in_words():
            timed = timed_from_json(text)
        with refused_in_words(timed.program.name):
            return self._part(timed, text)

    def _part(self, timed: TimedProgram, text: str) -> TimedPart:
        program = timed.program
        set_to = [one.set_to(timed.starts.get(one.controller)) for one in self._wirings]
        lines = tuple(sorted(timed.lines.items(), key=lambda one: one[0]))
        key = (program, lines, *((one.controller, one.offset_ns, one.late_fs) for one in set_to))
        if key not in self._done:
            self._done[key] = self._artifacts(program, set_to, timed.lines)
        self._done.move_to_end(key)
        while len(self._done) > KEPT:
            self._done.popitem(last=False)
        artifacts = self._done[key]
        taggers = (
            tagged_by(self._facility, self._families, program)
            if isinstance(program, Loopback)
            else {}
        )
        return TimedPart(
            digest_of(text),
            digest(program) if isinstance(program, Program) else digest_of(text),
            artifacts,
            tuple(one for one in set_to if one.controller in artifacts),
            {name: one for name, one in timed.starts.items() if name in artifacts},
            {node: where for node, where in taggers.items() if where[0] in artifacts},
        )

    def _undoing(self, controller: str, lines: Mapping[str, LineResponse]) -> ControllerFamily:
        return with_lines(self._families[controller], controller, lines)

    def _artifacts(
        self,
        program: Program | Loopback,
        wirings: Sequence[StartWiring],
        lines: Mapping[str, LineResponse],
    ) -> Mapping[str, Artifact]:
        if isinstance(program, Loopback):
            return compile_loopback(self._facility, self._families, program, wirings)
        ports = {frame.port for frame in program.frames}
        return {
            one.controller: self._undoing(one.controller, lines).compile(
                program, one.controller, one
            )
            for one in wirings
            if ports & self._families[one.controller].ports[one.controller]
        }
