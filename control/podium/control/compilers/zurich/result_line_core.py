"""Makes the core that shows an analyser's results on a marker, for another controller."""

from collections.abc import Mapping

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.allocate import CoreAllocation
from podium.control.compilers.zurich.compiled_core import CompiledCore, check_length, codes
from podium.control.compilers.zurich.feedback_reads import READ, TIME
from podium.control.compilers.zurich.layout import ceil, floor
from podium.control.compilers.zurich.result_lines import SAMPLES_PER_NS, ShownResults
from podium.control.compilers.zurich.results import COUPLE, CYCLE, ResultAvailability
from podium.control.compilers.zurich.seqc import text_of
from podium.control.compilers.zurich.shots import Shots, combined
from podium.control.compilers.zurich.steps import FixedText, Kind, NumberedText, Silence, Steps
from podium.firmware_interfaces.zurich import awg_limits as limits
from podium.firmware_interfaces.zurich.awg_limits import PLAY_MAX, WAVE_MIN
from podium.firmware_interfaces.zurich.program import CoreProgram, CoreResources, Setting, Start

NAME = "result line "
"""Begins the names of these cores, which are no frame's."""
RAISE_CYCLES = 3
"""From the cycle at which a result is read to the marker. ASSUMED: an instruction takes a cycle."""
READY = 64
"""Samples before a result is read at which the sequencer is there, ASSUMED to be enough."""
FIRST_TRIGGER = 0
"""``marker/source``: what ``setTrigger(1)`` sets (node documentation)."""
UP, DOWN = "setTrigger(1);", "setTrigger(0);"


def make_marker(
    one: ShownResults,
    told: Mapping[str, ResultAvailability],
    shots: Shots,
    start: Start,
) -> CompiledCore:
    """Compile what raises a line's marker where results are 1; raises :class:`DoesNotFit`.

    ``told``: results that this instrument's generators receive.
    """
    name = NAME + one.line.name
    index = one.line.bit
    steps = _steps(one, told, shots, start)
    head = [f"var {TIME} = {floor(shots.first) // CYCLE};", f"var {READ} = 0;"]
    round_code, rest_code = codes(steps, shots, None, (), len(head))
    text = text_of(head, floor(shots.first), round_code, rest_code, shots, start)
    allocation = CoreAllocation("sg", index, ())
    statements = check_length(name, allocation, text, declared=len(head))
    node = f"sgchannels/{index}"
    settings: list[Setting] = [
        (f"{node}/marker/source", FIRST_TRIGGER),
        *([(f"{node}/awg/diozsyncswitch", 1)] if start.zsync else []),
        (f"{node}/awg/auxtriggers/0/channel", start.source),
        (f"{node}/awg/single", 1),
    ]
    resources = CoreResources(
        "sg",
        index,
        (name,),
        statements,
        limits.SEQUENCER_INSTRUCTIONS["sg"],
        0,
        0,
        0,
        0,
        0,
        0,
        round_code.written_out,
    )
    core = CoreProgram("sg", index, (name,), text)
    return CompiledCore(core, settings, (), resources, None)


def _steps(
    one: ShownResults, told: Mapping[str, ResultAvailability], shots: Shots, start: Start
) -> Steps:
    """Return shots that differ in how they lie on the grid of 16 samples, and in integrators."""
    captures = [name for name, _ in one.ends]
    known = [_told(one, name, told) for name in captures]
    heard = [each.heard(start.zsync, shots.first) for each in known]
    length = shots.samples.flat[:1].reshape((1,) * shots.samples.ndim)
    shape = shots.shape_of([length, *heard, *(each.slot for each in known)])
    columns, pattern = combined(
        np.stack(
            [
                shots.offsets(shape),
                *(shots.flat(each.slot, shape) for each in known),
                *(shots.flat(times, shape) for times in heard),
            ]
        )
    )
    kinds, numbers = [], []
    for number, (offset, *column) in enumerate(columns.T.tolist()):
        words = zip(column[: len(captures)], column[len(captures) :], strict=True)
        said = _shot(one, dict(zip(captures, words, strict=True)), shots, offset)
        kinds.append(tuple(kind for kind, _ in said))
        row = np.array([value for _, value in said], np.int64)
        numbers.append(np.tile(row, (int((pattern == number).sum()), 1)))
    return Steps(shape, pattern, tuple(kinds), tuple(numbers))


def _shot(
    one: ShownResults, words: Mapping[str, tuple[int, int]], shots: Shots, offset: int
) -> list[tuple[Kind, int]]:
    """Return what is done in a shot, with its numbers.

    ``words``: by capture, its integrator, and when its result can be read, from the shot's start.
    Times are in samples from the multiple of 16 at or before that.
    """
    name = NAME + one.line.name
    end = (offset + int(shots.samples.flat[0])) // 16 * 16
    said: list[tuple[Kind, int]] = []
    at, falls = 0, False
    for capture, window_end in one.ends:
        rises = offset + window_end + SAMPLES_PER_NS * one.line.shown_ns
        read = (rises + CYCLE // 2) // CYCLE - RAISE_CYCLES
        slot, heard = words[capture]
        _check_heard(one, capture, offset + heard - read * CYCLE)
        down = ceil(rises + SAMPLES_PER_NS * one.line.level_ns)
        ready = floor(read * CYCLE) - READY
        if ready < at:
            raise DoesNotFit(
                f"{name}: the marker is still up for an earlier result when that of {capture} is "
                f"to be read; let their windows end {(at - ready) / SAMPLES_PER_NS:g} ns further "
                "apart"
            )
        if down + WAVE_MIN > end:
            late_ns = (down + WAVE_MIN - end) / SAMPLES_PER_NS
            raise DoesNotFit(
                f"{name}: a result of the shot is on its way {late_ns:g} ns longer than the shot "
                "lasts: add a Delay of as much at its end"
            )
        if ready - at >= WAVE_MIN:
            said += _silence(name, ready - at, falls)
            at, falls = ready, False
        said += _silence(name, down - at, falls)
        config = f"configureFeedbackProcessing(QA_DATA_PROCESSED, {COUPLE * slot}, 1, 0);"
        said.append((FixedText(config), 0))
        text = f"{READ} = getFeedback(QA_DATA_PROCESSED, {TIME} + {{}});"
        said.append((NumberedText(text), read))
        said.append((FixedText(f"if ({READ}) {{ {UP} }}"), 0))
        at, falls = down, True
    said += _silence(name, end - at, falls)
    said.append((NumberedText(f"{TIME} += {{}};"), end // CYCLE))
    return said


def _silence(name: str, samples: int, falls: bool) -> list[tuple[Kind, int]]:
    """Return silence with whose begin the marker falls, where it is up."""
    if samples > PLAY_MAX:
        raise DoesNotFit(
            f"{name}: nothing is to be shown for {samples / SAMPLES_PER_NS * 1e-9:.3g} s, at most "
            f"{PLAY_MAX / SAMPLES_PER_NS * 1e-9:.3g} s; let shots be shorter"
        )
    said: list[tuple[Kind, int]] = [(Silence(), samples)]
    return [*said, (FixedText(DOWN), 0)] if falls else said


def _told(
    one: ShownResults, capture: str, told: Mapping[str, ResultAvailability]
) -> ResultAvailability:
    """Return when and where a result can be read; raises :class:`DoesNotFit`."""
    if capture not in told:
        raise DoesNotFit(
            f"{NAME}{one.line.name}: {capture} is not measured by the instrument whose marker the "
            "line begins at; begin it at a marker of the SHFQC that measures"
        )
    return told[capture]


def _check_heard(one: ShownResults, capture: str, late: int) -> None:
    """Raise :class:`DoesNotFit` for a result that is there ``late`` samples after it is read."""
    if late > 0:
        raise DoesNotFit(
            f"{NAME}{one.line.name}: the result of {capture} is there "
            f"{late / SAMPLES_PER_NS:g} ns too late to be shown {one.line.shown_ns} ns behind its "
            "window: read it out apart from windows that end later"
        )
