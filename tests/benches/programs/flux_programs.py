"""Random programs of flux pulses, on the grid of 1.25 ns of an HDAWG."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Statement,
    Table,
    Value,
    Variable,
)
from podium.control.program.waveforms import (
    FlatTop,
    Gaussian,
    NetZero,
    Sampled,
    Slepian,
    Square,
    Waveform,
)

STEP_FS = 1_250_000
MHZ = 1e6
FRAMES = tuple(Frame(f"c{k}.flux", f"node_a.c{k}.flux", 0.0) for k in (0, 1, 2))


@st.composite
def flux_programs(draw: st.DrawFn) -> Program:
    count = draw(st.integers(1, 5))
    waits = Variable("wait", "fs", Linear.steps(0, draw(st.integers(0, 90)) * STEP_FS, count))
    high = Table(tuple(draw(st.floats(-1, 1)) for _ in range(count)))
    axis = Axis("wait", (waits, Variable("high", "1", high)))
    names = [frame.name for frame in FRAMES]
    carriers = {name: draw(st.sampled_from((0.0, 0.0, 31.7 * MHZ, -212.4 * MHZ))) for name in names}
    body: list[Statement] = []
    for _ in range(draw(st.integers(1, 8))):
        name = draw(st.sampled_from(names))
        match draw(st.sampled_from(("play", "play", "delay", "sweep", "barrier", "shift", "tune"))):
            case "play":
                amplitude: Value = draw(st.floats(-0.5, 0.5))
                if draw(st.booleans()):
                    amplitude = Affine("high", 0.4)
                body.append(Play(name, draw(_waveforms()), amplitude))
            case "delay":
                body.append(Delay((name,), draw(st.integers(0, 400)) * STEP_FS))
            case "sweep":
                body.append(Delay((name,), Affine("wait")))
            case "shift":
                body.append(ShiftPhase(name, draw(st.sampled_from((0.5, 0.21)))))
            case "tune":
                body.append(SetFrequency(name, draw(st.sampled_from((0.0, 88.8 * MHZ)))))
            case _:
                body.append(Barrier(tuple(names)))
    body.append(Play(draw(st.sampled_from(names)), draw(_waveforms()), 0.5))
    body.append(Delay((names[0],), draw(st.integers(800, 900)) * STEP_FS))
    body.append(Barrier(tuple(names)))
    body.append(Delay((names[0],), 800 * STEP_FS))
    frames = tuple(replace(frame, frequency_hz=carriers[frame.name]) for frame in FRAMES)
    return Program("flux", frames, tuple(body), (axis,), draw(st.integers(1, 5)))


@st.composite
def _waveforms(draw: st.DrawFn) -> Waveform:
    duration = draw(st.one_of(st.integers(1, 100), st.integers(400, 2000))) * STEP_FS
    match draw(st.sampled_from(("square", "gaussian", "flat", "zero", "slepian", "sampled"))):
        case "square":
            return Square(duration)
        case "gaussian":
            return Gaussian(duration, duration // 5)
        case "zero":
            ratio, level = draw(st.sampled_from((1, 0.8))), draw(st.sampled_from((0.0, 0.4)))
            return NetZero(duration, duration // 10, duration // 5, ratio, level)
        case "slepian":
            return Slepian(duration, 0.1, 1.4, draw(st.floats(-0.1, 0.1)))
        case "sampled":
            dice = np.random.default_rng(draw(st.integers(0, 99)))
            values = dice.uniform(-1, 1, draw(st.integers(1, 40))).tolist()
            return Sampled(values, (), 4 * STEP_FS)
        case _:
            return FlatTop(duration, duration // 5)
