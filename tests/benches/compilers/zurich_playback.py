"""What a compiled program plays: the vendor's machine code, executed.

SeqC is compiled by the vendor's own compiler; waveforms are put where its placeholders are.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tests.benches.referees.seqc_corpus import compile_seqc
from tests.benches.zurich.sample_renderer import (
    modulate_iq,
    modulate_sines,
    oscillator_turns,
    play,
)

from podium.firmware_interfaces.zurich import command_table
from podium.firmware_interfaces.zurich.latency import Route, feedback_cycles
from podium.firmware_interfaces.zurich.program import CoreProgram, ZurichProgram
from podium.sim_instruments.twins.zurich.sequencer import image
from podium.sim_instruments.twins.zurich.sequencer.processor import (
    Input,
    Processor,
    Setup,
    Trace,
)
from podium.sim_instruments.twins.zurich.sequencer.render import Oscillators
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    Kind,
    Row,
    Source,
    Status,
)

DEVICES = {"sg": "SHFSG8", "qa": "SHFQA4", "hdawg": "HDAWG8"}
MODELS = {"sg": image.SHFSG, "qa": image.SHFQA, "hdawg": image.HDAWG}
TRIGGER = 8000
"""Samples from the program's start to the trigger."""


@dataclass(frozen=True, slots=True, eq=False)
class Executed:
    """One core after its run."""

    core: CoreProgram
    image: image.Image
    trace: Trace
    """In the order of time."""
    oscillators: Oscillators
    origin: int
    """When the first thing is played after the trigger."""
    known: NDArray[np.int64]
    """By row: the first row of those that say what is played from it on."""

    @property
    def rate_hz(self) -> int:
        return self.image.model.sample_rate_hz

    def samples(self, start: int, stop: int) -> NDArray[np.complex128]:
        """Shape (2, stop - start) of an HDAWG core, else (1, stop - start); from the origin."""
        start, stop = start + self.origin, stop + self.origin
        found = np.zeros((1 if self.core.kind == "sg" else 2, stop - start), np.complex128)
        for first, last in self._sounding(start, stop):
            found[:, first - start : last - start] = self._rendered(first, last)
        return found

    def _sounding(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Where anything but zeros is played."""
        first, last = self._rows(start, stop)
        rows = self.trace.rows[first:last]
        rows = rows[np.isin(rows[:, Row.KIND], (Kind.WAVE, Kind.HOLD))]
        begins = np.maximum(rows[:, Row.TIME], start)
        ends = np.minimum(rows[:, Row.TIME] + rows[:, Row.A], stop)
        return [one for one in zip(begins.tolist(), ends.tolist(), strict=True) if one[0] < one[1]]

    def _rows(self, start: int, stop: int) -> tuple[int, int]:
        """The rows that say what is played between two times."""
        times = self.trace.rows[:, Row.TIME]
        before = int(np.searchsorted(times, start, side="right")) - 1
        return int(self.known[before]), int(np.searchsorted(times, stop))

    def _rendered(self, start: int, stop: int) -> NDArray[np.complex128]:
        first, last = self._rows(start, stop)
        earlier = self.trace.rows[:first]
        tuned = np.isin(earlier[:, Row.KIND], (Kind.FREQUENCY, Kind.RESET_OSCILLATORS))
        part = replace(
            self.trace, rows=np.concatenate([earlier[tuned], self.trace.rows[first:last]])
        )
        played = play(part, self.image, start, stop)
        if self.core.kind == "sg":
            return modulate_iq(played, part, self.oscillators, self.rate_hz, start)[None]
        nothing = (None, None)
        return modulate_sines(played, part, self.oscillators, self.rate_hz, start, nothing).astype(
            np.complex128
        )

    def turned(self, which: int, start: int, samples: int) -> NDArray[np.complex128]:
        """What an oscillator is, from the origin."""
        begin = start + self.origin
        turns = oscillator_turns(
            self.trace, self.oscillators, which, self.rate_hz, begin, begin + samples
        )
        return np.exp(2j * np.pi * turns)

    def starts(self) -> list[tuple[int, int, int]]:
        """Of a quantum analyzer: time from the origin, generators and integrators as bits."""
        rows = self.trace.kinds(Kind.START_QA)
        return [
            (int(row[Row.TIME]) - self.origin, int(row[Row.A]) & 0xFFFF, int(row[Row.B]) & 0xFFFF)
            for row in rows
        ]


Dice = Callable[[int, int], Mapping[str, Sequence[int]]]
"""What captures come to in a repetition at a point, by name: 0 or 1, each time that it is made."""


def execute(program: ZurichProgram, dice: Dice | None = None) -> tuple[Executed, ...]:
    """Run all cores; each must come to a clean end without a gap.

    Generators hear what ``dice`` says that the analyser has measured.
    """
    made: dict[CoreProgram, Executed] = {}
    words: list[Input] = []
    for core in sorted(program.cores, key=lambda one: one.kind != "qa"):
        source = Source.ZSYNC if program.start.zsync else Source.DIGITAL_1
        made[core] = _execute(core, program, words, source)
        if core.kind == "qa" and dice is not None:
            words += told(program, made[core], dice)
    return tuple(made[core] for core in program.cores)


def told(program: ZurichProgram, one: Executed, dice: Dice) -> list[Input]:
    """What an analyser tells the generators of its instrument, whose other bits are all up."""
    settings = dict(program.settings)
    node = f"qachannels/{one.core.index}/readout/integration"
    layouts = [layout for layout in program.results if layout.channel == one.core.index]
    if not layouts:
        return []
    duration = round(float(settings[f"{node}/delay"]) * 2e9) + int(settings[f"{node}/length"])
    points = math.prod(layouts[0].shape)
    inputs = []
    listening = [at for at, _, integrators in one.starts() if integrators]
    for place, at in enumerate(listening):
        shot, entry = divmod(place, layouts[0].entries)
        repetition, number = divmod(shot, points)
        results, word = dice(repetition, number), 0x5555_5555
        for layout in layouts:
            if layout.entry == entry:
                which = 0 if len(layout.slots) == 1 else shot % len(layout.slots)
                couple = 2 * layout.slots[which]
                word = word & ~(3 << couple) | results[layout.capture][0] << couple
        route = Route.INTERNAL_ZSYNC if program.start.zsync else Route.INTERNAL
        cycles = feedback_cycles(route, at + duration)
        inputs.append(Input(one.origin + 8 * cycles, Source.QA, word))
    return inputs


def executed_from(
    program: ZurichProgram, core: CoreProgram, source: Source, heard: Sequence[Input] = ()
) -> Executed:
    """Run one core, which hears its start as ``source``, and ``heard`` later."""
    return _execute(core, program, heard, source)


def _execute(
    core: CoreProgram, program: ZurichProgram, heard: Sequence[Input], source: Source
) -> Executed:
    settings = dict(program.settings)
    device = "SHFQC" if (core.kind, program.model) == ("sg", "SHFQC") else DEVICES[core.kind]
    compiled = compile_seqc(core.text, device)
    assert not compiled.messages, compiled.messages
    elf = compiled.elf
    assert len(elf.waveforms) == len(core.waveforms)
    waveforms = []
    for placeholder, wave in zip(elf.waveforms, core.waveforms, strict=True):
        paths = [wave.i] if wave.q is None else [wave.i, wave.q]
        words = np.array(paths, "<i2").T
        assert words.shape == (placeholder.length, placeholder.channels)
        waveforms.append(replace(placeholder, data=words.tobytes()))
    table = None
    if core.command_table is not None:
        family = command_table.HDAWG if core.kind == "hdawg" else command_table.SHFSG
        table = command_table.parse_command_table(core.command_table, family)
    made = image.make_image(replace(elf, waveforms=tuple(waveforms)), MODELS[core.kind], table)
    gains = (1.0, -1.0, 1.0, 1.0) if core.kind == "sg" else (1.0,) * 4
    processor = Processor(made, Setup(amplitudes=gains, log_silence=True))
    processor.feed([Input(TRIGGER, source), *heard])
    trace = processor.run()
    assert trace.status is Status.ENDED, (trace.status, trace.fault)
    node = f"{'qa' if core.kind == 'qa' else 'sg'}channels/{core.index}"
    hz = tuple(float(settings.get(f"{node}/oscs/{k}/freq", 0.0)) for k in range(8))
    first = trace.kinds(Kind.WAVE, Kind.HOLD, Kind.ZERO)[0]
    assert trace.gaps == 0, (core.frames, trace.gaps, trace.gap_samples)
    assert trace.late == 0, "results are read in time"
    rows = trace.rows[np.argsort(trace.rows[:, Row.TIME], kind="stable")]
    return Executed(
        core, made, replace(trace, rows=rows), Oscillators(hz), int(first[Row.TIME]), _known(rows)
    )


def _known(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """By row: the last one that plays a wave, or the last with settings, whichever is earlier."""
    found = np.arange(len(rows))
    for kinds in ((Kind.WAVE,), (Kind.WAVE, Kind.SETTING, Kind.SINE_PHASE, Kind.HOLD)):
        here = np.isin(rows[:, Row.KIND], kinds)
        found = np.minimum(found, np.maximum.accumulate(np.where(here, np.arange(len(rows)), 0)))
    return found
