"""What a compiled program plays: the vendor's machine code, executed.

SeqC is compiled by the vendor's own compiler; waveforms are put where its placeholders are.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tests.referees.seqc_corpus import compile_seqc

from podium.firmware_interfaces.zurich import command_table
from podium.firmware_interfaces.zurich.program import CoreProgram, ZurichProgram
from podium.sim_instruments.twins.zurich.sequencer import image
from podium.sim_instruments.twins.zurich.sequencer.processor import (
    Input,
    Processor,
    Setup,
    Trace,
)
from podium.sim_instruments.twins.zurich.sequencer.render import (
    Oscillators,
    modulate_iq,
    modulate_sines,
    oscillator_turns,
    play,
)
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
    oscillators: Oscillators
    origin: int
    """When the first thing is played after the trigger."""

    @property
    def rate_hz(self) -> int:
        return self.image.model.sample_rate_hz

    def samples(self, start: int, stop: int) -> NDArray[np.complex128]:
        """Shape (2, stop - start) of an HDAWG core, else (1, stop - start); from the origin."""
        start, stop = start + self.origin, stop + self.origin
        played = play(self.trace, self.image, start, stop)
        if self.core.kind == "sg":
            iq = modulate_iq(played, self.trace, self.oscillators, self.rate_hz, start)
            return iq[None]
        nothing = (None, None)
        return modulate_sines(
            played, self.trace, self.oscillators, self.rate_hz, start, nothing
        ).astype(np.complex128)

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


def execute(program: ZurichProgram) -> tuple[Executed, ...]:
    """Run all cores; each must come to a clean end without a gap."""
    return tuple(_execute(core, dict(program.settings)) for core in program.cores)


def _execute(core: CoreProgram, settings: dict[str, int | float]) -> Executed:
    compiled = compile_seqc(core.text, DEVICES[core.kind])
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
    processor.feed([Input(TRIGGER, Source.DIGITAL_1)])
    trace = processor.run()
    assert trace.status is Status.ENDED, (trace.status, trace.fault)
    node = f"{'qa' if core.kind == 'qa' else 'sg'}channels/{core.index}"
    hz = tuple(float(settings.get(f"{node}/oscs/{k}/freq", 0.0)) for k in range(8))
    first = trace.kinds(Kind.WAVE, Kind.HOLD, Kind.ZERO)[0]
    assert trace.gaps == 0, (core.frames, trace.gaps, trace.gap_samples)
    return Executed(core, made, trace, Oscillators(hz), int(first[Row.TIME]))
