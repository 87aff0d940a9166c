"""SeqC compiled by the vendor's compiler plays what the program's own tree says."""

import json

import numpy as np
import pytest
from tests.referees import random_seqc, seqc_corpus

from podium.firmware_interfaces.zurich import command_table
from podium.firmware_interfaces.zurich.elf import SequencerElf
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG, SHFSG, make_image
from podium.sim_instruments.twins.zurich.sequencer.processor import Processor, Setup, Trace
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row, Status

MODELS = {
    "SHFSG8": (SHFSG, command_table.SHFSG, "1.1"),
    "HDAWG8": (HDAWG, command_table.HDAWG, "0.2"),
}
ENTRIES = [
    {"index": 0, "waveform": {"index": 0}},
    {"index": 1, "waveform": {"playZero": True, "length": 576}},
    {"index": 2, "waveform": {"index": 1}},
    {"index": 3, "waveform": {"index": 1, "length": 512}},
]


def run(source: str, device: str) -> tuple[Trace, SequencerElf]:
    model, family, version = MODELS[device]
    elf = seqc_corpus.compile_seqc(source, device).elf
    text = json.dumps({"header": {"version": version}, "table": ENTRIES})
    image = make_image(elf, model, command_table.parse_command_table(text, family))
    setup = Setup(random_seqc.USER_REGISTERS, log_silence=True)
    return Processor(image, setup).run(instructions=10**7), elf


def name_of(kind: int, address: int, elf: SequencerElf) -> str:
    """What is played, by the names of the program: the compiler keeps functions, not names."""
    if kind != Kind.WAVE:
        return {Kind.ZERO: "zero", Kind.HOLD: "hold"}[Kind(kind)]
    (wave,) = (one for one in elf.waveforms if one.address == address & 0xFFFF_FFFF)
    words = wave.words()
    peaks = {512: {32767: "w0", 29490: "w3"}, 640: {22937: "w1"}, 1024: {13107: "w2"}}
    names = []
    for channel in range(wave.channels):
        peak = int(np.max(np.abs(words[:, channel].astype(int))))
        near = peaks[wave.length]
        names.append(near[min(near, key=lambda known: abs(known - peak))])
    return "+".join(names)


@pytest.mark.parametrize("device", MODELS)
@pytest.mark.parametrize("part", range(4))
def test_random_programs_play_what_their_tree_says(device, part):
    plays = 0
    for seed in range(part * 50, part * 50 + 50):
        source, told = random_seqc.random_program(seed)
        trace, elf = run(source, device)
        assert trace.status is Status.ENDED, source
        rows = trace.kinds(Kind.WAVE, Kind.ZERO, Kind.HOLD)
        times = rows[:, Row.TIME]
        found = [
            (name_of(kind, address, elf), length)
            for kind, length, address in rows[:, [Row.KIND, Row.A, Row.B]].tolist()
        ]
        assert found == told.plays, source
        assert trace.played == sum(length for _, length in told.plays)
        assert trace.gaps == 0, source
        # One play ends where the next begins.
        assert np.array_equal(np.diff(times), rows[:-1, Row.A]), source
        triggers = trace.kinds(Kind.TRIGGER)
        assert triggers[:, Row.A].tolist() == [value for value, _ in told.triggers], source
        for (_, before), when in zip(told.triggers, triggers[:, Row.TIME], strict=True):
            if before:
                # While the play before it goes on.
                assert 0 <= when - times[before - 1] < rows[before - 1, Row.A], source
        for index, value in told.registers.items():
            assert trace.user_registers[index] == value, source
        plays += len(found)
    assert plays > 500
