"""Holds programs that are fired often: compiled once, then only their values are put anew."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from podium.control.agent.compiled_programs import refused_in_words, roundings_of
from podium.control.bus.messages import Roundings
from podium.control.families.family import FiredProgram as FiredArtifact
from podium.control.program.parameters import parameters_of
from podium.control.program.program import Program
from podium.control.program.serialise import digest, from_json
from podium.control.runs.messages import FiredProgram
from podium.drivers.errors import Refused
from podium.firmware_interfaces.compiled_program import Artifact

KEPT = 128
"""So many programs are held; the one that was fired longest ago is let go first."""
VALUES = np.dtype("<f8")
"""How values go over the bus."""


@runtime_checkable
class Prepares(Protocol):
    """A compiler of programs that are fired."""

    def prepare(self, program: Program) -> tuple[str, FiredArtifact]:
        """Return the controller that plays ``program``, and what is fired there."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    name: str
    """Of the program."""
    parameters: int
    controller: str
    fired: FiredArtifact


class PreparedPrograms:
    """One agent's; they die with it."""

    def __init__(self, compile_program: Callable[..., object] | None) -> None:
        """``compile_program``: None, or one that is no :class:`Prepares`, holds nothing."""
        self._compile = compile_program
        self._held: OrderedDict[str, _Held] = OrderedDict()

    async def hold(self, text: str) -> tuple[str, Mapping[str, Artifact], Roundings]:
        """Compile a program (JSON) and hold it; raises ``Refused``.

        Returns its hash, what plays it with the values that it has, and what these are rounded to.
        """
        return await asyncio.to_thread(self._hold, text)

    def _hold(self, text: str) -> tuple[str, Mapping[str, Artifact], Roundings]:
        with refused_in_words():
            program = from_json(text)
            name = digest(program)
        if not isinstance(self._compile, Prepares):
            raise Refused(f"program {program.name!r}: its compiler prepares no programs")
        values = np.array(list(parameters_of(program).values()), VALUES)
        with refused_in_words(program.name):
            controller, fired = self._compile.prepare(program)
            artifacts = {controller: fired.fired_with(values)}
        self._held[name] = _Held(program.name, len(values), controller, fired)
        self._held.move_to_end(name)
        while len(self._held) > KEPT:
            self._held.popitem(last=False)
        return name, artifacts, roundings_of(artifacts)

    async def fired(self, program: FiredProgram) -> Mapping[str, Artifact]:
        """Return what plays a program with the values that it is fired with; raises ``Refused``."""
        held = self._held.get(program.program_hash)
        if held is None:
            raise Refused(
                f"program {program.program_hash:.12} is not held prepared here: prepare it again"
            )
        self._held.move_to_end(program.program_hash)
        if len(program.values) != held.parameters * VALUES.itemsize:
            raise Refused(
                f"program {held.name!r} has {held.parameters} parameters, it is fired with "
                f"{len(program.values) / VALUES.itemsize:g} values"
            )
        values = np.frombuffer(program.values, VALUES)
        artifact = held.fired.patched_with(values)  # a thread would cost more
        if artifact is None:
            with refused_in_words(held.name):
                artifact = await asyncio.to_thread(held.fired.fired_with, values)
        return {held.controller: artifact}
