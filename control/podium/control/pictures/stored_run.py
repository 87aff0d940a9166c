"""Restores program and machine code from the attributes of a stored run.

A dataset keeps its program whole (``program_json``, named by ``program_hash``), the hash of its
facility file, how controllers were started, and every number that was rounded. The machine code is
made of these again: the compiler is deterministic, and whether today's still rounds as that of then
is looked at.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from podium.control.agent.compiled_programs import roundings_of
from podium.control.bus.messages import roundings_to_json
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.target import QbloxTarget
from podium.control.facility.facility import Facility
from podium.control.facility.line_response import LineResponse, lines_from_plain
from podium.control.families.family import compiler_for
from podium.control.families.qblox.targets import targets_of
from podium.control.pictures.code_comparison import ComparedProgram
from podium.control.pictures.zurich_parts import zurich_targets
from podium.control.program.program import Program
from podium.control.program.serialise import NotAProgram, digest, from_json
from podium.control.timebase.timed_program import name_of
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ExternalStart

START_ADDRESS = 1
"""Of the trigger network, to which a cluster's trigger input is mapped for a start."""


LINES_UNDONE = "controllers undid what flux lines do to pulses, and such code is not drawn yet"


class NotKept(ValueError):
    """A dataset does not say what was played. The message says what is missing."""


def program_of(attributes: Mapping[str, Any]) -> Program:
    """Return the program of a run; raises :class:`NotKept`."""
    run = attributes.get("run", "?")
    text = attributes.get("program_json")
    if not isinstance(text, str) or not text:
        raise NotKept(f"the data of run {run} do not hold a program (attribute program_json)")
    try:
        program = from_json(text)
    except NotAProgram as error:
        raise NotKept(f"the program of run {run} cannot be read: {error}") from error
    named = attributes.get("program_hash")
    hashes = hashlib.sha256(text.encode()).hexdigest(), name_of(program, lines_of(attributes))
    if named and named not in (*hashes, digest(program)):
        raise NotKept(
            f"the program in the data of run {run} is not the one that was run: its hash is "
            f"{digest(program):.12}, the run was of {named:.12}"
        )
    return program


def lines_of(attributes: Mapping[str, Any]) -> Mapping[str, LineResponse]:
    """Return the flux lines that controllers undid in a run; raises :class:`NotKept`."""
    text = attributes.get("flux_lines") or "{}"
    try:
        return lines_from_plain(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        run = attributes.get("run", "?")
        raise NotKept(f"which flux lines run {run} undid cannot be read: {error!r}") from error


def case_of(attributes: Mapping[str, Any], facility: Facility) -> ComparedProgram:
    """Return what was played; raises :class:`NotKept` and what compilers raise.

    Of instruments of Zurich Instruments it has no artifacts (:mod:`.zurich_parts`), nor of a run
    in which flux lines were undone: its machine code is not what the program alone says.
    """
    program = program_of(attributes)
    zurich = zurich_targets(program, facility)
    if zurich:
        return ComparedProgram(program, {}, zurich)
    targets = targets_of(facility)
    if lines_of(attributes):
        return ComparedProgram(program, {}, _serving(program, targets))
    starts = _settings(attributes) if attributes.get("starts") else None
    artifacts = compiled(program, facility, starts)
    return ComparedProgram(program, artifacts, {name: targets[name] for name in artifacts})


def compiled(
    program: Program, facility: Facility, starts: Mapping[str, ExternalStart] | None = None
) -> Mapping[str, ClusterProgram]:
    """Return what each cluster plays of ``program``; raises what compilers raise.

    ``starts``: the program was started by trigger, with these settings of clusters. None: it is as
    :func:`compiler_for` has it, but on several clusters that the facility file names triggers for,
    they start together.
    """
    mine = _serving(program, targets_of(facility))
    if starts is None and (len(mine) < 2 or not mine.keys() <= facility.timing.triggers.keys()):
        made = compiler_for(facility)(program)
        played = {name: one for name, one in made.items() if isinstance(one, ClusterProgram)}
        if len(played) != len(made):
            raise ValueError(f"{', '.join(made)}: only what a Qblox cluster plays is drawn yet")
        return played
    start = ExternalStart(START_ADDRESS)
    return {
        name: compile_program(program, target, (starts or {}).get(name, start))
        for name, target in mine.items()
    }


def _serving(program: Program, targets: Mapping[str, QbloxTarget]) -> dict[str, QbloxTarget]:
    """Return the clusters that serve ports of a program."""
    ports = {frame.port for frame in program.frames}
    return {name: one for name, one in targets.items() if ports & one.ports.keys()}


def changed_since(attributes: Mapping[str, Any], case: ComparedProgram) -> str:
    """Say in what today's machine code is not the one that was run; empty where none is known.

    What is compared are the numbers that the instrument rounds, as they were stored with the data.
    """
    then = attributes.get("quantised")
    if not isinstance(then, str) or not then or not case.artifacts:
        return ""
    try:
        before, now = _by_name(then), _by_name(roundings_to_json(roundings_of(case.artifacts)))
    except (ValueError, TypeError, KeyError, AttributeError):
        return "what was rounded then cannot be read: whether the machine code is the same is open"
    off = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if not off:
        return ""
    return (
        f"today's compiler does not make what was run: {len(off)} numbers are rounded otherwise, "
        f"the first is {off[0]}"
    )


def _by_name(text: str) -> dict[str, Any]:
    return {str(one["what"]): one for one in json.loads(text)}


def _settings(attributes: Mapping[str, Any]) -> dict[str, ExternalStart]:
    text = attributes.get("start_settings") or "{}"
    try:
        return {
            str(name): ExternalStart(START_ADDRESS, int(one["offset_ns"]), int(one["late_fs"]))
            for name, one in json.loads(text).items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        run = attributes.get("run", "?")
        raise NotKept(f"how run {run} was started cannot be read: {error!r}") from error
