"""Lists a compiled program for an engineer: hardware resources, and code line by line."""

import re
from collections.abc import Iterator, Mapping, Sequence

from podium.control.compilers.qblox.queue_timing import cost_ns
from podium.control.pictures.events import columns
from podium.control.pictures.instants import Instants
from podium.control.pictures.time_axis import say_time
from podium.control.program.conditions import Condition
from podium.control.program.program import (
    Affine,
    Capture,
    Delay,
    If,
    Parameter,
    Play,
    Program,
    RepeatUntil,
    SetFrequency,
    ShiftPhase,
    Statement,
    SwapPhases,
    Value,
    walk,
)
from podium.firmware_interfaces.qblox_cluster.limits import WAVEFORMS
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, SequencerResources
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction, parse

_SECTION = re.compile(r"^# slot (\d+), sequencer (\d+): .*$", re.MULTILINE)
_HEAD = ("frame", "output", "module", "seq", "instructions", "registers", "waveforms", "samples")


def resources(program: Program, artifact: ClusterProgram) -> str:
    """Return a table of what is used of what there is, and how long the program runs."""
    kinds = {one.slot: one.module for one in artifact.modules}
    outputs = {(one.slot, one.sequencer): one.output or one.input for one in artifact.sequencers}
    rows = [(*_HEAD, "bins")] + [
        (
            use.frame,
            f"slot{use.slot}.{outputs[use.slot, use.sequencer]}",
            kinds.get(use.slot, ""),
            str(use.sequencer),
            _of(use.instructions, use.instructions_max),
            _of(use.registers, use.registers_max),
            _of(use.waveforms, WAVEFORMS),
            _of(use.samples, use.samples_max),
            _of(use.bins, use.bins_max) if use.bins else "-",
        )
        for use in artifact.resources
    ]
    points = 1
    for axis in program.axes:
        points *= axis.count
    return (
        f"{columns(rows, right=0)}{_triggers(artifact)}\n"
        f"{program.shots} shots x {points} points last {say_time(artifact.duration_fs / 1e6)}; "
        f"the first shot begins {say_time(artifact.first_shot_ns)} after the common start\n"
    )


def _triggers(artifact: ClusterProgram) -> str:
    """Return who sends results over the trigger network, and who does what they say."""
    lines = [
        f"{one.frame} sends trigger {one.sends_to} where its result is {one.sends_at}"
        for one in artifact.sequencers
        if one.sends_to
    ]
    lines += [
        f"{one.frame} does what trigger {' and '.join(map(str, one.listens_to))} says"
        for one in artifact.sequencers
        if one.listens_to
    ]
    return "\n".join(["", *lines, ""]) if lines else ""


def _of(used: int, there_is: int) -> str:
    share = 100 * used / there_is if there_is else 0.0
    return f"{used}/{there_is} ({share:.0f}%)" if share >= 1 else f"{used}/{there_is}"


def statements(program: Program) -> str:
    """Return the program's statements with their numbers, one a line."""
    rows = [
        (str(number), "  " * depth + word, _said(one))
        for number, (word, one, depth) in enumerate(_deep(program.body, 0))
    ]
    return columns(rows) if rows else ""


def _deep(body: Sequence[Statement], depth: int) -> Iterator[tuple[str, Statement, int]]:
    """Yield statements in the order of their numbers: word, statement, how deep in branches."""
    for one in body:
        yield type(one).__name__, one, depth
        match one:
            case If(_, then, orelse):
                yield from _deep(then, depth + 1)
                yield from (("else: " + word, s, d) for word, s, d in _deep(orelse, depth + 1))
            case RepeatUntil(inner):
                yield from _deep(inner, depth + 1)


def _said(statement: object) -> str:
    match statement:
        case Play(frame, waveform, amplitude):
            kind = type(waveform).__name__
            return f"{frame}: {kind} {say_time(waveform.duration_fs / 1e6)} x {_value(amplitude)}"
        case Capture(frame, name, duration_fs, delay_fs):
            late = f", {say_time(delay_fs / 1e6)} later" if delay_fs else ""
            return f"{frame}: {name}, {say_time(duration_fs / 1e6)}{late}"
        case Delay(frames, duration):
            span = _value(duration) + " fs"
            if not isinstance(duration, Affine | Parameter):
                span = say_time(float(duration) / 1e6)
            return f"{', '.join(frames)}: {span}"
        case If(condition):
            return _condition(condition)
        case RepeatUntil(_, condition, at_most):
            return f"{_condition(condition)}, at most {at_most} times"
        case SetFrequency(frame, frequency):
            return f"{frame}: {_value(frequency)} Hz"
        case ShiftPhase(frame, turns):
            return f"{frame}: {_value(turns)} turns"
        case SwapPhases(first, second):
            return f"{first}, {second}"
        case _:
            return ", ".join(getattr(statement, "frames", ()))


def _condition(condition: Condition) -> str:
    if len(condition.captures) == 1:
        (name,) = condition.captures
        return f"{name} = {int(condition.met({name: 1}))}"
    return f"{condition.operation} of {', '.join(condition.captures)}"


def _value(value: Value) -> str:
    if isinstance(value, Parameter):
        return f"{value.name} (= {value.value:.12g})"
    if not isinstance(value, Affine):
        return f"{value:.12g}"
    variable = value.variable if isinstance(value.variable, str) else _value(value.variable)
    scaled = variable if value.scale == 1 else f"{value.scale:.9g} {variable}"
    return scaled if value.offset == 0 else f"{value.offset:.9g} + {scaled}"


def annotated(program: Program, artifact: ClusterProgram) -> str:
    """Return the code of every sequencer: address, cost, instant, instruction, where it is from.

    ``cost``: ns that the processor takes for the line before it can go on (a jump counted as
    taken). ``at``: when a real-time instruction begins, ns from the start of the shot; a range
    where a sweep moves it. ``[k]``: the statement of the program's body.
    """
    commented = _commented(artifact.listing)
    parts = []
    for use, entry in zip(artifact.resources, artifact.sequencers, strict=True):
        lines = parse(commented.get((use.slot, use.sequencer), entry.text))
        head = f"# {use.frame}: slot {use.slot}, sequencer {use.sequencer}, {entry.output}\n"
        parts.append(head + _code(lines, program, use))
    return "\n".join(parts)


def _commented(listing: str) -> Mapping[tuple[int, int], str]:
    """Return the programs with comments out of a listing, by slot and sequencer."""
    marks = list(_SECTION.finditer(listing))
    ends = [mark.start() for mark in marks[1:]] + [len(listing)]
    return {
        (int(mark[1]), int(mark[2])): listing[mark.end() : end]
        for mark, end in zip(marks, ends, strict=True)
    }


def _code(lines: tuple[Instruction, ...], program: Program, use: SequencerResources) -> str:
    instants = Instants()
    rows = [("addr", "cost", "at", "", "", "", "")]
    address = 0
    for line in lines:
        if not line.mnemonic:
            rows.append(("", "", "", f"{line.label}:" if line.label else "", "", "", ""))
            continue
        words = ",".join(map(str, line.operands))
        comment = _from(line.comment, program, use.frame)
        label = f"{line.label}:" if line.label else ""
        cost = str(cost_ns(line))
        rows.append(
            (str(address), cost, instants.begin(line), label, line.mnemonic, words, comment)
        )
        address += 1
    return columns(rows, right=3)


def _from(comment: str, program: Program, frame: str) -> str:
    """Return a comment with the statement that it comes from."""
    if not comment:
        return ""
    marked = re.sub(r"\bplay (\d+) ", r"play [\1] ", comment)
    for name, index in _captures(program, frame):
        marked = re.sub(
            rf"\bcapture {re.escape(name)}(?![\w.])", f"capture [{index}] {name}", marked
        )
    tunings = [k for k, s in walk(program.body) if isinstance(s, SetFrequency) and s.frame == frame]
    if len(tunings) == 1:
        marked = marked.replace("set frequency", f"set frequency [{tunings[0]}]")
    return f"# {marked}"


def _captures(program: Program, frame: str) -> Iterator[tuple[str, int]]:
    for index, statement in walk(program.body):
        if isinstance(statement, Capture) and statement.frame == frame:
            yield statement.name, index
