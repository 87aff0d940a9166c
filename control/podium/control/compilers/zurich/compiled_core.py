"""Holds one compiled core, with the checks that every core takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from podium.control.compilers.errors import TooLarge
from podium.control.compilers.zurich.allocate import CoreAllocation
from podium.control.compilers.zurich.loops import COUNTERS, Code, Rows, code_of
from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.compilers.zurich.pulses import Pulse
from podium.control.compilers.zurich.results import ResultAvailability
from podium.control.compilers.zurich.rows import LonePlay
from podium.control.compilers.zurich.shots import Shots
from podium.control.compilers.zurich.steps import Steps
from podium.control.compilers.zurich.tables import CommandTable, PlaySilence
from podium.firmware_interfaces.zurich import awg_limits as limits
from podium.firmware_interfaces.zurich.program import (
    CoreProgram,
    CoreResources,
    ResultLayout,
    Setting,
    StartRecord,
)

Frames = tuple[str, ...]
"""The names of a core's frames, which tell it from others."""


@dataclass(frozen=True, slots=True, eq=False)
class CoreRows:
    """Says which pulses the entries of a generator's command table play."""

    pulses: tuple[Pulse, ...]
    plays: tuple[LonePlay, ...]
    """In the order in which their entries are numbered."""
    table: tuple[int | PlaySilence, ...]
    """The number of each entry, in the order of the table; a loop counts through silences, too."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledCore:
    """Holds one core's program and what goes with it."""

    core: CoreProgram
    settings: list[Setting]
    results: tuple[ResultLayout, ...]
    resources: CoreResources
    oscillators: Oscillators | None
    record: StartRecord | None = None
    told: Mapping[str, ResultAvailability] = field(default_factory=dict)
    rows: CoreRows | None = None
    """None of what is no signal generator, and where pulses share waveforms."""


def codes(
    steps: Steps, shots: Shots, table: CommandTable | None, entries: Rows, taken: int = 0
) -> tuple[Code, Code | None]:
    """Return the code of a round, and of the repetitions that are left after whole rounds.

    ``taken``: variables that are in use already.
    """
    counts = shots.counted(steps.shape)
    round_code = code_of(steps, counts, table, entries, COUNTERS - taken)
    rest = shots.shots % shots.round
    if not rest:
        return round_code, None
    first = np.arange(len(steps.pattern)).reshape(steps.shape)[:rest].ravel()
    patterns = steps.pattern[first]
    numbers = tuple(
        steps.numbers[number][steps.rank[first[patterns == number]]]
        for number in range(len(steps.kinds))
    )
    shape = (rest, *steps.shape[1:])
    left = Steps(shape, patterns, steps.kinds, numbers)
    return round_code, code_of(left, shape, table, entries, COUNTERS - taken)


def check_length(names: str, one: CoreAllocation, text: str, declared: int) -> int:
    """Return how many statements a program has; they compile to an instruction each or more."""
    statements = text.count("\n") - declared
    most = limits.SEQUENCER_INSTRUCTIONS[one.kind]
    if statements > most:
        raise TooLarge(
            f"{names}: needs {statements} statements, each an instruction or more, and a sequencer "
            f"holds {most}; take equal steps, or fewer points at once",
            statements,
            most,
        )
    return statements
