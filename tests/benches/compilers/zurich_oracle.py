"""The oracle: program, compiled, executed, as samples, against the reference renderer.

Timing to the sample; amplitude within 1 LSB of the ideal rendering of the quantised parameters
that the artifact lists; each of those within half of its step of what was asked. The reference
samples at 1 GSa/s: a program all of whose times are longer by the ratio of the rates, and all of
whose frequencies are lower by it, has there the samples that the program has at the instrument's.
"""

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from tests.benches.compilers.zurich_playback import Dice, Executed, execute

from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.shapes import stretched
from podium.control.compilers.zurich.target import FluxChannel, ReadoutChannel, ZurichTarget
from podium.control.program.program import (
    Affine,
    Axis,
    Capture,
    Delay,
    If,
    Linear,
    Play,
    Program,
    RepeatUntil,
    SetFrequency,
    Statement,
    Table,
    Value,
    Variable,
    as_set,
)
from podium.control.program.render import RenderedShot, Rounded, render
from podium.firmware_interfaces.zurich.program import ResultLayout, Start, ZurichProgram
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row

LSB = 1 / 32767
PHASE_SLACK = 2 * np.pi * 2**-24
"""Half a step of a command table's phase, as a part of the amplitude."""
TURN_SLACK = 1e-6


def hold_against_reference(
    program: Program,
    target: ZurichTarget,
    start: Start | None = None,
    dice: Dice | None = None,
    told: Dice | None = None,
) -> ZurichProgram:
    """Compile, execute and compare every shot of ``program``; return what was compiled.

    ``dice`` says what is measured; ``told``: what sequencers hear, where that is something else.
    """
    compiled = compile_program(program, target, start)
    check_quantised(compiled)
    cores = execute(compiled, told or dice)
    points = list(itertools.product(*(range(axis.count) for axis in program.axes)))
    starts = {
        one.core: first_of(compiled, one)[0] - earlier_samples(compiled, target, one)
        for one in cores
    }
    entries = {one.core: 0 for one in cores}
    done = {one.core: 0 for one in cores}
    origins = {one.origin * 1e9 / one.rate_hz - 8000e9 / one.rate_hz for one in cores}
    assert max(origins) - min(origins) < 1e-6, "all begin together"
    known: dict[tuple[int, int, str], RenderedShot] = {}

    def meant(one: Executed, repetition: int, number: int, point: tuple[int, ...]) -> RenderedShot:
        """What a shot is at a point, in samples of this core."""
        outcomes = dice(repetition, number) if dice is not None else {}
        key = one.rate_hz, number, str(outcomes)
        if key not in known:
            by = Fraction(one.rate_hz, 1_000_000_000)
            known[key] = render(
                slower(program, by),
                point,
                {p: lo_hz(target, p) / float(by) for p in {f.port for f in program.frames}},
                rounded_at(compiled, program, point, float(by)),
                rest_fs=first_of(compiled, one)[1],
                outcomes=outcomes,
            )
        return known[key]

    for repetition in range(program.shots):
        for number, point in enumerate(points):
            for one in cores:
                reference = meant(one, repetition, number, point)
                begin = starts[one.core]
                starts[one.core] += reference.duration_ns
                if one.core.kind == "qa":
                    done[one.core], entries[one.core] = compare_readout(
                        compiled,
                        target,
                        one,
                        reference,
                        begin,
                        (repetition, number, len(points)),
                        (done[one.core], entries[one.core]),
                    )
                else:
                    played = one.samples(begin, begin + reference.duration_ns)
                    compare_drive(program, target, one, played, reference)
    for one in cores:
        if one.core.kind == "qa":
            assert done[one.core] == len(one.starts())
        rows = one.trace.kinds(Kind.WAVE, Kind.HOLD, Kind.ZERO)
        end = int((rows[:, Row.TIME] + rows[:, Row.A]).max()) - one.origin
        assert 0 <= starts[one.core] - end < 16 + 64 + 256 * 8, "it ends with the last shot"
    return compiled


def first_of(compiled: ZurichProgram, one: Executed) -> tuple[int, int]:
    """The sample in which the first shot begins, and by how much later, stretched to 1 GSa/s."""
    first = Fraction(compiled.first_shot_fs * one.rate_hz, 10**15)
    nearest = int(first + Fraction(1, 2))
    return nearest, round((first - nearest) * 1_000_000)


def earlier_samples(compiled: ZurichProgram, target: ZurichTarget, one: Executed) -> int:
    """By how much a core plays earlier, as the latest of its lines brings it later.

    What leaves the other output is held back by its node, so that both arrive at one time.
    """
    if one.core.kind != "hdawg":
        return 0
    index = one.core.index
    flux = [p for p in target.ports.values() if isinstance(p, FluxChannel)]
    lines = [p for p in flux if p.channel // 2 == index]
    own = [
        0 if p.response is None else round(p.response.delay_s * target.flux_rate_hz) for p in lines
    ]
    for port, samples in zip(lines, own, strict=True):
        node = dict(compiled.settings).get(f"sigouts/{port.channel}/delay")
        if node is not None:
            assert round(float(node) * target.flux_rate_hz) == max(own) - samples
    return max(own, default=0)


def lo_hz(target: ZurichTarget, port: str) -> float:
    channel = target.ports[port]
    return 0.0 if isinstance(channel, FluxChannel) else channel.lo_hz


def compare_drive(
    program: Program,
    target: ZurichTarget,
    one: Executed,
    played: NDArray[np.complex128],
    reference: RenderedShot,
) -> None:
    ports = {frame.name: frame.port for frame in program.frames}
    expected = np.zeros_like(played)
    for name in one.core.frames:
        channel = target.ports[ports[name]]
        plane = channel.channel % 2 if isinstance(channel, FluxChannel) else 0
        samples = reference.samples[name]
        expected[plane] += samples.real if isinstance(channel, FluxChannel) else samples
    off = played - expected
    slack = LSB + PHASE_SLACK
    assert np.abs(off.real).max(initial=0) <= slack, np.abs(off).max()
    assert np.abs(off.imag).max(initial=0) <= slack, np.abs(off).max()


def compare_readout(
    compiled: ZurichProgram,
    target: ZurichTarget,
    one: Executed,
    reference: RenderedShot,
    begin: int,
    where: tuple[int, int, int],
    so_far: tuple[int, int],
) -> tuple[int, int]:
    """Compare a shot; return how many starts, and how many with windows, have been looked at.

    What a frame plays and hears after one start is right but for a phase that both share.
    """
    repetition, number, points = where
    done, entry = so_far
    (port, *_) = [p for p, c in target.ports.items() if isinstance(c, ReadoutChannel)]
    waves = {wave.slot: wave for wave in one.core.readout_waveforms}
    weights = {weight.slot: weight for weight in one.core.weights}
    settings = dict(compiled.settings)
    node = f"qachannels/{one.core.index}/readout"
    delay = round(float(settings.get(f"{node}/integration/delay", 0.0)) * 2e9)
    modulated = settings.get(f"qachannels/{one.core.index}/modulation/enable", 0) == 1
    left = {name: reference.samples[name].copy() for name in one.core.frames}
    windows = [c for c in reference.captures if c.frame in one.core.frames]
    captured: list[str] = []
    all_starts = one.starts()
    while done < len(all_starts):
        at, generators, integrators = all_starts[done]
        # A start lies on the grid of 16 samples, at or before what it is for.
        if at >= begin // 16 * 16 + reference.duration_ns // 16 * 16 + 16 or (
            at + 16 > begin + reference.duration_ns
        ):
            break
        assert at > begin - 16
        turned: dict[str, complex] = {}
        for slot, wave in waves.items():
            if not generators >> slot & 1:
                continue
            made = np.array(wave.i) + 1j * np.array(wave.q)
            if modulated:
                made = made * one.turned(slot, at, len(made))
            here = at - begin
            if here < 0:
                assert not made[:-here].any()
                made, here = made[-here:], 0
            there = [left[name][here : here + len(made)] for name in wave.frame.split(", ")]
            assert not made[len(there[0]) :].any()
            made = made[: len(there[0])]
            heard = np.abs(made) > 0
            columns = np.stack([samples[heard] for samples in there], axis=1)
            factors, *_ = np.linalg.lstsq(columns, made[heard])
            assert np.abs(columns @ factors - made[heard]).max() < 1e-6
            # What is below the tolerance has no factor that could be told.
            loud = np.abs(columns).max(axis=0, initial=0) > 1e-5
            if loud.all() and np.linalg.matrix_rank(columns) == len(there):
                for name, factor in zip(wave.frame.split(", "), factors, strict=True):
                    assert abs(abs(factor) - 1) < 1e-6
                    assert abs(turned.setdefault(name, 1 / factor) * factor - 1) < 1e-5
            for samples in there:
                samples[heard] = 0
        if integrators:
            assert integrators == sum(1 << slot for slot in weights), "all integrators each time"
            for layout in compiled.results:
                if layout.channel != one.core.index or layout.entry != entry % layout.entries:
                    continue
                (window,) = [w for w in windows if w.name == layout.capture]
                slot = slot_of(layout, repetition, number, points)
                logged = repetition % layout.logged
                length = int(settings[f"{node}/result/length"])
                expected = (logged * points + number) * layout.entries + layout.entry
                assert entry % length == expected
                weight = np.array(weights[slot].i) + 1j * np.array(weights[slot].q)
                each = np.flatnonzero(weight)
                assert len(each) == window.duration_ns == layout.samples
                assert (np.abs(np.abs(weight[each]) - 1) < 1e-12).all()
                assert at + delay + each[0] - begin == window.start_ns
                offset_hz = window.frequency_hz - lo_hz(target, port) / 2
                turns = window.phase_turns + offset_hz * 1e-9 * (each - each[0])
                if modulated:
                    weight = weight / one.turned(slot, at + delay, len(weight))
                factor = weight[each] * np.exp(2j * np.pi * (turns - layout.rotation_turns))
                assert np.abs(factor - factor[0]).max() < 1e-6
                assert abs(turned.get(window.frame, factor[0]) - factor[0]) < 1e-5, window
                captured.append(layout.capture)
            entry += 1
        done += 1
    for name, samples in left.items():
        assert not np.abs(samples).max(initial=0) > 1e-9, name
    assert sorted(captured) == sorted(w.name for w in windows)
    return done, entry


def slot_of(layout: ResultLayout, repetition: int, number: int, points: int) -> int:
    """The integrator of a point; where there are more than points, rounds of repetitions differ."""
    if len(layout.slots) == 1:
        return layout.slots[0]
    return layout.slots[(repetition * points + number) % len(layout.slots)]


def slower(program: Program, by: Fraction) -> Program:
    """Return ``program`` with all times so many times as long, frequencies so many times lower."""
    units = {v.name: v.unit for axis in program.axes for v in axis.variables}

    def longer(value: Value) -> Value:
        value = as_set(value)
        if isinstance(value, Affine):
            return Affine(value.variable, value.scale, value.offset * float(by))
        return round(value * by)

    def lower(value: Value) -> Value:
        value = as_set(value)
        if isinstance(value, Affine):
            # A variable in fs has become longer, one in Hz lower; others are as they were.
            unit = units[str(value.variable)]
            factor = {"Hz": 1.0, "fs": float(by) ** -2}.get(unit, 1 / float(by))
            return Affine(value.variable, value.scale * factor, value.offset / float(by))
        return value / float(by)

    def statement(one: Statement) -> Statement:
        match one:
            case Play(frame, waveform, amplitude):
                return Play(frame, stretched(waveform, by), amplitude)
            case Capture(frame, name, duration_fs, delay_fs, tells):
                return Capture(frame, name, round(duration_fs * by), round(delay_fs * by), tells)
            case If(condition, then, orelse):
                return If(condition, tuple(map(statement, then)), tuple(map(statement, orelse)))
            case RepeatUntil(body, condition, at_most):
                return RepeatUntil(tuple(map(statement, body)), condition, at_most)
            case Delay(frames, duration):
                return Delay(frames, longer(duration))
            case SetFrequency(frame, frequency):
                return SetFrequency(frame, lower(frequency))
            case _:
                return one

    def variable(one: Variable) -> Variable:
        factor = {"fs": by, "Hz": 1 / by}.get(one.unit, Fraction(1))
        match one.values:
            case Linear(start=start, step=step, count=count):
                values: Linear | Table = Linear.steps(start * factor, step * factor, count)
                if one.unit != "fs":
                    values = Linear.steps(float(start * factor), float(step * factor), count)
            case Table(given):
                values = Table(tuple(float(v * factor) for v in given))
        return Variable(one.name, one.unit, values)

    return Program(
        program.name,
        tuple(replace(f, frequency_hz=f.frequency_hz / float(by)) for f in program.frames),
        tuple(statement(one) for one in program.body),
        tuple(Axis(a.name, tuple(variable(v) for v in a.variables)) for a in program.axes),
        program.shots,
        program.keep_shots,
    )


def check_quantised(compiled: ZurichProgram) -> None:
    for entry in compiled.quantised:
        asked, got = np.array(entry.asked), np.array(entry.got)
        assert len(asked) == len(got) == math.prod(entry.shape)
        rounding = 8 * np.finfo(float).eps * np.abs(asked).max(initial=1.0)
        assert np.abs(got - asked).max() <= entry.step / 2 + rounding, entry.what


def rounded_at(
    compiled: ZurichProgram, program: Program, point: tuple[int, ...], by: float
) -> Rounded:
    """What the artifact says the hardware holds at ``point``, for the slower program."""
    index = {axis.name: i for axis, i in zip(program.axes, point, strict=True)}
    rounded: dict[tuple[int | str, str], float] = {}
    for entry in compiled.quantised:
        where = tuple(index[name] for name in entry.axes)
        flat = int(np.ravel_multi_index(where, entry.shape)) if where else 0
        key: int | str = entry.statement if entry.statement >= 0 else entry.frame
        got = entry.got[flat]
        rounded[key, entry.quantity] = got / by if entry.quantity == "frequency" else got
    return rounded
