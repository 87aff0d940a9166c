"""SeqC compiled by the vendor's compiler plays what the program's own tree says."""

import json

import numpy as np
import pytest
from tests.benches.referees import random_seqc, seqc_corpus
from tests.benches.zurich.sample_renderer import play

from podium.firmware_interfaces.zurich import command_table
from podium.firmware_interfaces.zurich.elf import SequencerElf
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import readouts
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG, SHFQA, SHFSG, make_image
from podium.sim_instruments.twins.zurich.sequencer.processor import Processor, Setup, Trace
from podium.sim_instruments.twins.zurich.sequencer.render import FULL_SCALE
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
    plays = asked = aligned = 0
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
        # With the start of the play itself, from the second on: before it nothing runs ahead.
        kinds = trace.rows[:, Row.KIND]
        first = np.flatnonzero((kinds[1:] == Kind.TRIGGER) & (kinds[:-1] <= Kind.HOLD)) + 1
        first = first[np.cumsum(kinds <= Kind.HOLD)[first] > 1]
        aligned += int(np.sum(trace.rows[first, Row.TIME] == trace.rows[first - 1, Row.TIME]))
        asked += len(first)
        for index, value in told.registers.items():
            assert trace.user_registers[index] == value, source
        plays += len(found)
    assert plays > 500
    assert asked > 20
    assert aligned == asked


SHAPES = {
    "gauss(256, 0.8, 120, 30)": lambda x: 0.8 * np.exp(-((x - 120) ** 2) / (2 * 30**2)),
    "rect(256, -0.3)": lambda x: 0 * x - 0.3,
    "ramp(256, -1.0, 1.0)": lambda x: -1 + 2 * x / 255,
    "sine(256, 0.7, 0.4, 3)": lambda x: 0.7 * np.sin(2 * np.pi * 3 * x / 256 + 0.4),
    "cosine(256, 0.7, 0.4, 3)": lambda x: 0.7 * np.cos(2 * np.pi * 3 * x / 256 + 0.4),
    "hann(256, 1.0)": lambda x: np.sin(np.pi * x / 255) ** 2,
    "zeros(128)": lambda x: 0 * x[:128],
    "0.5 * ones(256)": lambda x: 0 * x + 0.5,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("device", MODELS)
def test_what_is_played_are_the_compilers_words_and_the_languages_shapes(shape, device):
    model = MODELS[device][0]
    elf = seqc_corpus.compile_seqc(f"wave w = {shape}; playWave(1, 2, w);", device).elf
    image = make_image(elf, model)
    trace = Processor(image).run()
    (row,) = trace.kinds(Kind.WAVE)
    begin, length = int(row[Row.TIME]), int(row[Row.A])
    outputs = play(trace, image, begin, begin + length).outputs
    (wave,) = elf.waveforms
    assert np.array_equal(np.rint(outputs[0] * FULL_SCALE), wave.words()[:, 0])
    assert np.array_equal(outputs[0], outputs[1])
    expected = SHAPES[shape](np.arange(256.0))
    assert np.abs(outputs[0] - expected).max() < 0.51 / FULL_SCALE + 1e-9


def test_samples_of_the_users_own_are_kept():
    values = np.random.Generator(np.random.Philox(8)).uniform(-1, 1, 96)
    text = ", ".join(f"{value:.9f}" for value in values)
    elf = seqc_corpus.compile_seqc(f"wave w = vect({text}); playWave(w);").elf
    image = make_image(elf, SHFSG)
    trace = Processor(image).run()
    begin = int(trace.rows[0, Row.TIME])
    outputs = play(trace, image, begin, begin + 96).outputs
    assert np.abs(outputs[0] - values).max() < 0.51 / FULL_SCALE


def test_readout_programs_start_where_their_plays_begin():
    started = 0
    for seed in range(60):
        random = np.random.Generator(np.random.Philox(seed))
        body, told, at = "", [], 0
        for _ in range(random.integers(2, 7)):
            length = 16 * int(random.integers(64, 400))
            body += f"playZero({length}); "
            if random.random() < 0.7:
                generators, integrators = random.integers(0, 1 << 16, 2).tolist()
                monitor, trigger = int(random.integers(2)), int(random.integers(256))
                call = f"{generators}, {integrators}, {monitor}, 0, {trigger}"
                body += f"startQA({call}); "
                told.append((at, generators, integrators, monitor, trigger))
            at += length
        count = int(random.integers(1, 5))
        source = f"repeat ({count}) {{ {body} }}"
        elf = seqc_corpus.compile_seqc(source, "SHFQA4").elf
        trace = Processor(make_image(elf, SHFQA), Setup(log_silence=True)).run()
        begin = int(trace.kinds(Kind.ZERO)[0, Row.TIME])
        found = readouts(trace)
        expected = [
            [begin + shot * at + time, *rest] for shot in range(count) for time, *rest in told
        ]
        columns = (found.time, found.generators, found.integrators, found.monitor, found.trigger)
        read = [[int(column[k]) for column in columns] for k in range(len(found.time))]
        if read and expected[0][0] == begin:  # before it nothing runs ahead
            assert begin <= read[0][0] < begin + 100
            read[0][0] = begin
        assert read == expected, source
        assert trace.end >= begin + count * at
        assert trace.gaps == 0
        started += len(expected)
    assert started > 300
