"""Random programs for the oracle, drawn by hypothesis: every statement, sweep and waveform."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from tests.benches.programs.example_programs import DRIVE_HZ, NS, READOUT_HZ

from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Statement,
    SwapPhases,
    Table,
    Value,
    Variable,
)
from podium.control.program.waveforms import (
    Drag,
    FlatTop,
    Gaussian,
    NetZero,
    Sampled,
    Square,
    Waveform,
)

FRAMES = (
    Frame("q0.drive", "node_a.q0.drive", DRIVE_HZ["q0"]),
    Frame("q0.ef", "node_a.q0.drive", DRIVE_HZ["q0"] - 175.3e6),
    Frame("q2.drive", "node_a.q2.drive", 4.9e9),
    Frame("q0.readout", "node_a.q0.readout", READOUT_HZ["q0"]),
    Frame("q1.readout", "node_a.q1.readout", READOUT_HZ["q1"] + 1234567.891),
)
closings = st.sampled_from((4000, 4000, 1500, 700, 300)).map(lambda ns: ns * NS)
"""At the end of each shot: more or less time for the bookkeeping."""

lengths = st.one_of(
    st.integers(1, 60).map(lambda k: 4 * k), st.integers(8, 200), st.just(70_001)
).map(lambda ns: ns * NS)
pulse_lengths = st.one_of(st.integers(2, 40).map(lambda k: 4 * k), st.integers(9, 120)).map(
    lambda ns: ns * NS
)


@st.composite
def waveforms(draw: st.DrawFn) -> Waveform:
    duration = draw(pulse_lengths)
    match draw(st.sampled_from(("square", "gaussian", "drag", "flat", "zero", "sampled"))):
        case "square":
            return Square(duration)
        case "gaussian":
            return Gaussian(duration, duration // draw(st.integers(2, 6)))
        case "drag":
            beta = draw(st.floats(-1.5e-9, 1.5e-9))
            return Drag(duration, max(duration // 5, 3 * NS), beta)
        case "zero":
            return NetZero(duration, draw(st.integers(0, duration // 4 // NS)) * NS)
        case "sampled":
            dice = np.random.default_rng(draw(st.integers(0, 99)))
            real, imaginary = dice.uniform(-0.7, 0.7, (2, duration // NS)).tolist()
            return Sampled(real, imaginary if draw(st.booleans()) else ())
        case _:
            return FlatTop(duration, draw(st.integers(0, duration // 2 // NS)) * NS)


@st.composite
def variables(draw: st.DrawFn, name: str, unit: str, count: int) -> Variable:
    linear = draw(st.booleans())
    if unit == "fs":
        low, high = (0, 400)
        number = st.integers(low, high).map(lambda ns: ns * 2 * NS)
        if linear:
            return Variable(name, unit, Linear.steps(draw(number), draw(number), count))
    else:
        number = st.one_of(st.floats(-1, 1), st.sampled_from((0.0, 1.0, 0.25, -0.5)))
        if linear:
            step = draw(number) / count
            return Variable(name, unit, Linear.steps(draw(number) * 0.5, step * 0.5, count))
    return Variable(name, unit, Table(tuple(draw(number) for _ in range(count))))


@st.composite
def programs(draw: st.DrawFn, between: bool = True) -> Program:
    """``between``: pulses that start between two nanoseconds as well."""
    axes = []
    for k in range(draw(st.integers(0, 3))):
        count = draw(st.integers(1, 4))
        kinds = draw(st.lists(st.sampled_from(("fs", "1")), min_size=1, max_size=3))
        axes.append(
            Axis(
                f"axis{k}",
                tuple(draw(variables(f"v{k}{n}", unit, count)) for n, unit in enumerate(kinds)),
            )
        )
    swept = [v for axis in axes for v in axis.variables]
    times = [v.name for v in swept if v.unit == "fs"]
    numbers = [v.name for v in swept if v.unit == "1"]
    frames = draw(st.lists(st.sampled_from(FRAMES), min_size=1, max_size=4, unique=True))
    frames = [
        replace(frame, restarts=frame.name.endswith("readout") and draw(st.booleans()))
        for frame in frames
    ]
    names = [frame.name for frame in frames]
    some = st.lists(st.sampled_from(names), min_size=1, max_size=len(names), unique=True)

    def value(scale: float, offset: float) -> Value:
        if numbers and draw(st.booleans()):
            return Affine(draw(st.sampled_from(numbers)), scale, offset)
        return offset + scale * draw(st.floats(-1, 1))

    body: list[Statement] = []
    captures = 0
    for _ in range(draw(st.integers(3, 14))):
        frame = draw(st.sampled_from(frames))
        kinds_of = ("play", "play", "delay", "delay", *(["between"] if between else []))
        match draw(
            st.sampled_from((*kinds_of, "barrier", "capture", "frequency", "phase", "swap"))
        ):
            case "play":
                body.append(Play(frame.name, draw(waveforms()), value(0.5, 0.0)))
            case "delay":
                if times and draw(st.booleans()):
                    scale = draw(st.sampled_from((1.0, 0.5)))
                    offset = draw(st.sampled_from((0, 8 * NS, 20 * NS)))
                    length: Value = Affine(draw(st.sampled_from(times)), scale, offset)
                else:
                    length = draw(lengths)
                body.append(Delay(tuple(draw(some)), length))
            case "between":
                late_fs = draw(st.integers(1, NS - 1))
                body.append(Delay((frame.name,), late_fs))
                body += [Play(frame.name, draw(waveforms()), value(0.5, 0.0))] * draw(
                    st.integers(1, 2)
                )
                body.append(Delay((frame.name,), NS - late_fs))
            case "barrier":
                body.append(Barrier(tuple(draw(some))))
            case "capture" if frame.name.endswith("readout"):
                delay = draw(st.sampled_from((0, 4 * NS, 100 * NS, 151 * NS)))
                body.append(Capture(frame.name, f"c{captures}", 400 * NS, delay))
                captures += 1
                body.append(Delay((frame.name,), draw(st.sampled_from((0, 700 * NS)))))
            case "frequency":
                body.append(SetFrequency(frame.name, value(3.3e6, frame.frequency_hz)))
            case "phase" if not frame.restarts:
                body.append(ShiftPhase(frame.name, value(1.7, 0.0)))
            case "swap" if not frame.restarts:
                others = [one.name for one in frames if not one.restarts and one is not frame]
                if others:
                    body.append(SwapPhases(frame.name, draw(st.sampled_from(others))))
    body.append(Play(frames[0].name, draw(waveforms()), value(0.5, 0.0)))
    body += [Barrier(tuple(names)), Delay((draw(st.sampled_from(names)),), draw(closings))]
    return Program(
        "random",
        tuple(frames),
        tuple(body),
        tuple(axes),
        shots=draw(st.integers(1, 2)),
        keep_shots=draw(st.booleans()),
        settle_fs=draw(st.sampled_from((0, 1 * NS, 123_456 * NS, 1_000_003 * NS))),
    )
