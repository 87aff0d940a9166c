"""Agrees on how long all that begins together is held back for the filters of flux lines.

Filters that undo a flux line make an output late. Whatever begins with it, on controllers of
whichever family, is held back by as much, and comes to the connectors at the time of the program.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.line_response import LineResponse
from podium.control.families.family import ControllerFamily, CorrectsLines, with_lines
from podium.control.families.start_wiring import StartWiring
from podium.control.program.program import Program
from podium.firmware_interfaces.exact_time import FS_PER_NS


def held_together(
    families: Mapping[str, ControllerFamily],
    program: Program,
    lines: Mapping[str, LineResponse],
    wirings: Sequence[StartWiring],
) -> list[StartWiring]:
    """Return how controllers are started where ``lines``, by port, are undone."""
    held_fs = held_for_filters_fs(families, program, lines)
    return [replace(one, filters_fs=held_fs) for one in wirings]


def held_for_filters_fs(
    families: Mapping[str, ControllerFamily],
    program: Program,
    lines: Mapping[str, LineResponse],
) -> int:
    """Return by how much all that plays ``program`` is held back for the slowest filters.

    It is a whole number of steps of each of them. ``families`` are by controller. Raises
    ``DoesNotFit`` where one of them has to be held back and cannot be, and for lines that are
    beyond their filters.
    """
    if not lines:
        return 0
    ports = {frame.port for frame in program.frames}
    taking_part = {
        name: with_lines(family, name, lines)
        for name, family in families.items()
        if ports & family.ports[name]
    }
    delays_fs = {
        name: family.filters_fs(program, name)
        for name, family in taking_part.items()
        if isinstance(family, CorrectsLines)
    }
    slowest = max(delays_fs, key=lambda name: delays_fs[name], default=None)
    if slowest is None or delays_fs[slowest] == 0:
        return 0
    step_fs = 1
    for name, family in taking_part.items():
        if not isinstance(family, CorrectsLines):
            late_ns = delays_fs[slowest] / FS_PER_NS
            raise DoesNotFit(
                f"filters of flux lines at {slowest} make its pulses {late_ns:g} ns late, and what "
                f"begins with them on {name} cannot be held back by as much: Podium holds nothing "
                f"back there; run without corrections of {_own(lines, families[slowest], slowest)},"
                f" or play on {name} in a program of its own"
            )
        step_fs = math.lcm(step_fs, family.hold_step_fs)
    return -(-delays_fs[slowest] // step_fs) * step_fs


def _own(lines: Mapping[str, LineResponse], family: ControllerFamily, controller: str) -> str:
    """Return the names of the lines at ports of a controller."""
    return ", ".join(sorted(port for port in lines if port in family.ports[controller]))
