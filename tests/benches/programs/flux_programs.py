"""Random programs of flux pulses, for the grid of a QCM and for that of an HDAWG."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from tests.benches.programs.random_programs import FRAMES

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
    SwapPhases,
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

HDAWG_STEP_FS = 1_250_000
"""Three samples."""
NS = 1_000_000
MHZ = 1e6
LINES = tuple(Frame(f"c{k}.flux", f"node_a.c{k}.flux", 0.0) for k in (0, 1, 2))
SECOND = Frame("c0.parametric", "node_a.c0.flux", 173.9 * MHZ)
"""Shares its line with another frame."""
KINDS = (
    *("play", "play", "play", "between", "delay", "delay"),
    *("sweep", "barrier", "shift", "tune", "swap"),
)
DRIVES = tuple(frame for frame in FRAMES if frame.port.endswith("drive"))


@st.composite
def flux_programs(draw: st.DrawFn, step_fs: int, drives: tuple[Frame, ...] = ()) -> Program:
    """Return a program on the grid of ``step_fs``, with pulses on ``drives`` beside flux lines."""
    count = draw(st.integers(1, 5))
    frames = [
        replace(frame, frequency_hz=draw(st.sampled_from((0.0, 0.0, 31.7 * MHZ, -212.4 * MHZ))))
        for frame in draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=3, unique=True))
    ]
    if frames[0].port == SECOND.port and draw(st.booleans()):
        frames.append(SECOND)
    frames += [frame for frame in drives if draw(st.booleans())]
    names = [frame.name for frame in frames]
    tuned = {frame.name: frame.frequency_hz for frame in frames}
    some = st.lists(st.sampled_from(names), min_size=1, unique=True).map(tuple)
    body: list[Statement] = []
    for _ in range(draw(st.integers(1, 10))):
        name = draw(st.sampled_from(names))
        wave = draw(_waveforms(step_fs))
        match draw(st.sampled_from(KINDS)):
            case "play":
                body.append(Play(name, wave, draw(_amplitudes())))
            case "between":
                late_fs = draw(st.integers(1, step_fs - 1))
                body.append(Delay((name,), late_fs))
                body.append(Play(name, wave, draw(_amplitudes())))
                body.append(Delay((name,), step_fs - late_fs))
            case "delay":
                body.append(Delay(draw(some), draw(st.integers(0, 400)) * step_fs))
            case "sweep":
                late = draw(st.sampled_from((0, 3))) * step_fs
                body.append(Delay((name,), Affine("wait", offset=late)))
            case "shift":
                turns: Value = draw(st.sampled_from((0.5, 0.21, Affine("high", 0.7))))
                body.append(ShiftPhase(name, turns))
            case "tune":
                off_hz = draw(st.sampled_from((0.0, 88.8 * MHZ)))
                body.append(SetFrequency(name, tuned[name] + off_hz))
            case "swap" if len(names) > 1:
                other = draw(st.sampled_from([one for one in names if one != name]))
                body.append(SwapPhases(name, other))
            case _:
                body.append(Barrier(draw(some)))
    body.append(Play(draw(st.sampled_from(names)), draw(_waveforms(step_fs)), 0.5))
    body.append(Delay((names[0],), draw(st.integers(800, 900)) * step_fs))
    body.append(Barrier(tuple(names)))
    body.append(Delay((names[0],), 800 * step_fs))
    axis = draw(_axes(step_fs, count))
    shots = draw(st.integers(1, 5))
    settle_fs = draw(st.sampled_from((0, 0, 40_000))) * step_fs
    return Program("flux", tuple(frames), tuple(body), (axis,), shots, settle_fs=settle_fs)


def qcm_programs() -> st.SearchStrategy[Program]:
    """Return those that a cluster takes, with its drives in the same program."""
    return flux_programs(NS, DRIVES)


def hdawg_programs() -> st.SearchStrategy[Program]:
    """Return those that an HDAWG takes."""
    return flux_programs(HDAWG_STEP_FS)


@st.composite
def _axes(draw: st.DrawFn, step_fs: int, count: int) -> Axis:
    if draw(st.booleans()):
        values: Linear | Table = Linear.steps(0, draw(st.integers(0, 90)) * step_fs, count)
    else:
        values = Table(tuple(draw(st.integers(0, 300)) * step_fs for _ in range(count)))
    high = Table(tuple(draw(st.floats(-1, 1)) for _ in range(count)))
    return Axis("wait", (Variable("wait", "fs", values), Variable("high", "1", high)))


@st.composite
def _amplitudes(draw: st.DrawFn) -> Value:
    return Affine("high", 0.4) if draw(st.booleans()) else draw(st.floats(-0.5, 0.5))


@st.composite
def _waveforms(draw: st.DrawFn, step_fs: int) -> Waveform:
    duration = draw(st.one_of(st.integers(1, 100), st.integers(400, 2000))) * step_fs
    match draw(st.sampled_from(("square", "gaussian", "flat", "zero", "slepian", "sampled"))):
        case "square":
            return Square(duration)
        case "gaussian":
            duration = max(duration, 2 * step_fs)  # one sample says of no time when it comes
            return Gaussian(duration, duration // 5)
        case "zero":
            ratio, level = draw(st.sampled_from((1, 0.8))), draw(st.sampled_from((0.0, 0.4)))
            gap_fs = draw(st.sampled_from((0, duration // 5)))
            return NetZero(duration, duration // 10, gap_fs, ratio, level)
        case "slepian":
            second, third = draw(st.floats(-0.1, 0.1)), draw(st.sampled_from((0.0, 0.02)))
            return Slepian(max(duration, 2 * step_fs), 0.1, 1.4, second, third, draw(st.booleans()))
        case "sampled":
            dice = np.random.default_rng(draw(st.integers(0, 99)))
            count = draw(st.integers(1, 40))
            real, imaginary = dice.uniform(-0.7, 0.7, (2, count)).tolist()
            return Sampled(real, imaginary if draw(st.booleans()) else (), 4 * step_fs)
        case _:
            return FlatTop(duration, duration // 5)
