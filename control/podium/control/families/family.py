"""A family of controllers: what compiles for one kind of them, and how they are started.

A model of an instrument that plays programs names its family by an import path
(:attr:`.InstrumentModel.family`). Nothing else names one: a new family is a folder and an entry.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from copy import copy
from importlib import import_module
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.crosstalk import compensated
from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import Facility
from podium.control.facility.instrument_models import model_of
from podium.control.facility.line_response import LineResponse
from podium.control.facility.timing import TriggerWiring
from podium.control.families.start_wiring import StartWiring
from podium.control.program.batches import Batch
from podium.control.program.parameters import named_values, parameters_of, with_parameters
from podium.control.program.program import Program
from podium.firmware_interfaces.compiled_program import Artifact

Parts = tuple[tuple[Batch, Artifact], ...]
"""A program in parts, with what plays each."""


class ControllerFamily(Protocol):
    """All controllers of one kind that a facility has. Made from a :class:`Facility` alone.

    ``start``: by what a controller is started at a time; None: it is started by a command. Methods
    that compile raise as the family's compiler does (``DoesNotFit``, ``OffGridError``,
    ``ValueError``).
    """

    @property
    def ports(self) -> Mapping[str, Set[str]]:
        """By controller: the ports that it serves."""
        ...

    def compile(self, program: Program, controller: str, start: StartWiring | None) -> Artifact:
        """Return what plays ``program`` there."""
        ...

    def batches(self, program: Program, controller: str, start: StartWiring | None) -> Parts:
        """Return ``program`` in as many parts as it takes there."""
        ...

    def started_by(self, controller: str, trigger: TriggerWiring) -> StartWiring:
        """Return how a controller is started at a time; raises ``ValueError`` where it cannot."""
        ...

    def markers(self, outputs: Sequence[ConnectorRef], pulses: int, start: StartWiring) -> Artifact:
        """Return what raises these outputs ``pulses`` times."""
        ...

    def tags(self, inputs: Sequence[ConnectorRef], pulses: int, start: StartWiring) -> Artifact:
        """Return what tags edges at these inputs."""
        ...

    def tags_at(self, entry: ConnectorRef) -> str:
        """Return under which name the driver gives the tags of an input."""
        ...


class FiredProgram(Protocol):
    """A program that was compiled to be fired often, each time with other values."""

    def patched_with(self, values: NDArray[np.float64]) -> Artifact | None:
        """Return what plays it with ``values`` where that takes well below a millisecond.

        None: it has to be compiled with them, see :meth:`fired_with`.
        """
        ...

    def fired_with(self, values: NDArray[np.float64]) -> Artifact:
        """Return what plays it with ``values``, one for each parameter in their order.

        Raises as the family's compiler does.
        """
        ...


@runtime_checkable
class PreparesPrograms(Protocol):
    """A family that puts parameters anew without looking at the program again."""

    def prepare(self, program: Program, controller: str) -> FiredProgram:
        """Return ``program``, compiled for what starts at once."""
        ...


@runtime_checkable
class CorrectsLines(Protocol):
    """A family whose controllers undo what flux lines do to pulses.

    It holds back what begins with these pulses (``StartWiring.filters_fs``), as filters take time.
    """

    @property
    def ports(self) -> Mapping[str, Set[str]]:
        """See :class:`ControllerFamily`."""
        ...

    @property
    def hold_step_fs(self) -> int:
        """By whole steps of this all that a controller begins is held back."""
        ...

    def corrected(self, lines: Mapping[str, LineResponse]) -> ControllerFamily:
        """Return a family that undoes these lines, by port."""
        ...

    def filters_fs(self, program: Program, controller: str) -> int:
        """Return by how much the latest of a controller's outputs is late for its filters.

        Raises ``DoesNotFit`` for a line that is beyond them.
        """
        ...


def with_lines(
    family: ControllerFamily, controller: str, lines: Mapping[str, LineResponse]
) -> ControllerFamily:
    """Return a family whose controller heeds those of ``lines`` that are at ports of its own.

    It knows those of the family's other controllers, too, and so is one family for all of them.
    Raises ``DoesNotFit`` where the family cannot.
    """
    shaped = {
        port: line
        for port, line in lines.items()
        if not line.is_as_played or line.carrier_hz is not None
    }
    own = [port for port in shaped if port in family.ports[controller]]
    if own and not isinstance(family, CorrectsLines):
        raise DoesNotFit(
            f"{controller}: the response of {', '.join(own)} is to be undone, and Podium sets no "
            "filters of these controllers; run without corrections of lines"
        )
    ports = frozenset[str]().union(*family.ports.values())
    known = {port: line for port, line in shaped.items() if port in ports}
    return family.corrected(known) if known and isinstance(family, CorrectsLines) else family


class RecompiledProgram:
    """A program of a family that has no shorter way: it is compiled with each values."""

    def __init__(self, family: ControllerFamily, program: Program, controller: str) -> None:
        self._family = family
        self._program = program
        self._controller = controller
        self._names = tuple(parameters_of(program))

    def patched_with(self, values: NDArray[np.float64]) -> None:
        """See :class:`FiredProgram`."""
        return

    def fired_with(self, values: NDArray[np.float64]) -> Artifact:
        """See :class:`FiredProgram`."""
        new = named_values(self._names, values.tolist())
        return self._family.compile(with_parameters(self._program, new), self._controller, None)


def families_of(facility: Facility) -> dict[str, ControllerFamily]:
    """Return the family of each controller of a facility, by its name."""
    made: dict[str, ControllerFamily] = {}
    found: dict[str, ControllerFamily] = {}
    for name, entry in facility.instruments.items():
        path = model_of(entry).family
        if not path:
            continue
        if path not in made:
            module, _, kind = path.partition(":")
            made[path] = getattr(import_module(module), kind)(facility)
        found[name] = made[path]
    return found


def wirings_of(facility: Facility, instruments: Collection[str]) -> tuple[StartWiring, ...]:
    """Return how those controllers among ``instruments`` are started that the facility's triggers
    name; a controller that no compiler serves is left out.

    What is expected of each start is as wide as what the file does not say of it: nothing was
    measured. Raises ValueError where the trigger node of a controller is not among them.
    """
    triggers = {name: one for name, one in facility.timing.triggers.items() if name in instruments}
    families = families_of(facility) if triggers else {}
    found = []
    for controller, trigger in triggers.items():
        if controller not in families:
            continue
        if trigger.output.instrument not in instruments:
            raise ValueError(
                f"{controller} is started by {trigger.output}, which another agent owns: one "
                f"agent has to own both; here are {', '.join(instruments)}"
            )
        found.append(families[controller].started_by(controller, trigger))
    return tuple(found)


class Compiler:
    """Compiles what starts at once: all of a program is played by one controller of a facility."""

    def __init__(self, facility: Facility) -> None:
        self._family = families_of(facility)
        self._ports = {name: family.ports[name] for name, family in self._family.items()}
        self._lines: Mapping[str, LineResponse] = {}

    def undoing(self, lines: Mapping[str, LineResponse]) -> "Compiler":
        """Return a compiler whose controllers undo these flux lines, by port."""
        other = copy(self)
        other._lines = lines
        return other

    def __call__(self, program: Program) -> Mapping[str, Artifact]:
        """Return the artifact of the controller that takes part; raises as its compiler does."""
        whole = compensated(program, self._lines)
        name = self._controller(whole)
        family = with_lines(self._family[name], name, self._lines)
        return {name: family.compile(whole, name, None)}

    def prepare(self, program: Program) -> tuple[str, FiredProgram]:
        """Return the controller that plays ``program``, and what is fired there."""
        name = self._controller(program)
        family = self._family[name]
        if isinstance(family, PreparesPrograms):
            return name, family.prepare(program, name)
        return name, RecompiledProgram(family, program, name)

    def batches(self, program: Program) -> tuple[tuple[Batch, Mapping[str, Artifact]], ...]:
        """Return ``program`` in as many parts as it takes, with their artifacts."""
        whole = compensated(program, self._lines)
        name = self._controller(whole)
        family = with_lines(self._family[name], name, self._lines)
        made = family.batches(whole, name, None)
        return tuple((batch, {name: artifact}) for batch, artifact in made)

    def _controller(self, program: Program) -> str:
        ports = {frame.port for frame in program.frames}
        taking_part = [name for name, own in self._ports.items() if ports & own]
        if len(taking_part) > 1:
            raise DoesNotFit(
                f"its ports are on the clusters {', '.join(taking_part)}: a program on several is "
                "started by a trigger, and these have none that the facility file names"
            )
        if not taking_part:
            there = sorted({port for own in self._ports.values() for port in own})
            raise DoesNotFit(
                f"none of its ports is played by a controller; there are {', '.join(there)}"
            )
        return taking_part[0]


def compiler_for(facility: Facility) -> Compiler:
    """Return what compiles a program for the controllers of ``facility``."""
    return Compiler(facility)
