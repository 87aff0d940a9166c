"""A run in which generators do what is measured is told to the world in pieces, in order."""

import json

import numpy as np
import pytest
from tests.benches.zurich.device_bench import QA, READOUT, SG, US, Bench
from tests.benches.zurich.precomputed_runs import Inline, set_up, trigger

from podium.firmware_interfaces.zurich.values import text_vector
from podium.firmware_interfaces.zurich.vector_headers import numbers_of
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import CHOSEN, CYCLE

SHOTS, PERIOD = 6, 8192
BITS = (1, 0, 0, 1, 1, 0)
READ = (
    f"waitDigTrigger(1); playZero(64); repeat ({SHOTS}) {{ playZero(64);"
    f"playZero({PERIOD - 64}); startQA(QA_GEN_0, QA_INT_0, true, 0, 0); }}"
)
LATENCY = 301
"""Cycles: behind the result, and the entry begins on the grid of 16 samples."""
DRIVE = (
    "wave w = 0.5 * ones(64); wave z = zeros(64); assignWaveIndex(1, 2, w, 1, 2, z, 0);"
    "configureFeedbackProcessing(QA_DATA_PROCESSED, 0, 1, 0); var t = 8;"
    f"waitDigTrigger(1); playZero(64); repeat ({SHOTS}) {{ playZero(2432);"
    f"executeTableEntry(QA_DATA_PROCESSED, t + {LATENCY}); playHold(128);"
    f"playZero({PERIOD - 2432 - 64 - 128}); t += {PERIOD // 8}; }}"
)


class Talking(Inline):
    """A world that answers one window after the other, with a sign for each bit."""

    def __init__(self, bits=BITS) -> None:
        super().__init__()
        self.bits = list(bits)
        self.chunks = []
        self.ended = None
        self.traced = []

    def __call__(self, signals):
        raise AssertionError("it is not played as a whole")

    def work(self) -> None:
        self.play = self
        super().work()

    def begin(self, run, start_tai_fs):
        return self

    def go_on(self, drives, captures, listeners):
        self.chunks.append((drives, captures, listeners))
        found = []
        for train in captures:
            if train.scope:
                found.append(CaptureAnswer(np.zeros(1, np.complex128), None))
                continue
            signs = [1.0 if self.bits.pop(0) else -1.0 for _ in train.start_ns]
            found.append(CaptureAnswer(np.array(signs, np.complex128), None))
        return tuple(found)

    def trace(self, listener):
        self.traced.append(listener)
        return np.full(400, len(self.traced) * 1e-6 + 0j), 7.1e9

    def end(self, signals) -> None:
        self.ended = signals


@pytest.fixture
def bench():
    return Bench(world=Talking())


def load(bench, drive=DRIVE) -> None:
    set_up(bench, drive, READ)
    table = {
        "header": {"version": "1.1"},
        "table": [
            {"index": 0, "waveform": {"playZero": True, "length": 64}},
            {"index": 1, "waveform": {"index": 0}},
        ],
    }
    bench.set(f"{SG}/commandtable/data", text_vector(json.dumps(table)))
    bench.set(f"{READOUT}/result/length", SHOTS)


def starts(trains, line):
    return [at for one in trains if one.line == line for at in one.start_ns.tolist()]


def test_pulses_are_where_results_were_one_and_the_world_hears_each_before_what_follows(bench):
    load(bench)
    trigger(bench)
    bench.world.work()
    played = starts(bench.world.ended.drives, "dev12000.sg0")
    assert len(played) == sum(BITS)
    shots = [k for k, bit in enumerate(BITS) if bit]
    first = [at - shot * PERIOD // 2 for at, shot in zip(played, shots, strict=True)]
    assert set(first) == {first[0]}
    begun = starts(bench.world.ended.drives, "dev12000.qa0_out")[0] - 32
    assert first[0] - begun == (LATENCY * CYCLE + CHOSEN) // 2
    heard_ns = -1
    for drives, captures, _ in bench.world.chunks:
        begins = starts(drives, "dev12000.sg0") + starts(drives, "dev12000.qa0_out")
        assert all(at > heard_ns for at in begins), "nothing is told again, nothing late"
        for train in captures:
            ends = train.start_ns + train.windows[0].duration_ns
            heard_ns = max([heard_ns, *ends.tolist()])
    pieces = starts([t for drives, *_ in bench.world.chunks for t in drives], "dev12000.sg0")
    assert pieces == played, "in pieces it is what it is as a whole"
    assert len(bench.world.chunks) == SHOTS, "behind the last reading nothing is played"


def test_a_chosen_pulse_is_held_also_where_the_hold_is_told_later(bench):
    load(bench)
    trigger(bench)
    bench.world.work()
    told = [t for drives, *_ in bench.world.chunks for t in drives if t.line == "dev12000.sg0"]
    pieces = [one.pieces[k] for one in told for k in np.unique(one.piece)]
    assert {piece.duration_ns for piece in pieces} == {32 + 64}


def test_the_sequencers_then_do_what_was_precomputed(bench):
    load(bench, DRIVE + "setUserReg(3, 7);")
    trigger(bench)
    bench.world.work()
    bench.wait(US)
    horizon = bench.execution.horizon(bench.now_fs)
    bench.wait(horizon.busy_until_fs - bench.now_fs)
    assert bench.get(f"{SG}/enable") == bench.get(f"{QA}/enable") == 0
    assert bench.get(f"{SG}/userregs/3") == 7
    run = bench.execution._runs["dev12000", SG]
    assert run.trace.late == 0
    assert run.trace.gaps == 0
    found = numbers_of(bench.get(f"{READOUT}/result/data/0/wave"))
    assert np.sign(found.real).tolist() == [1 if bit else -1 for bit in BITS]


def test_each_shot_may_begin_with_a_trigger_and_not_each_asks(bench):
    """Times of results count from the last trigger; every other result is not looked at."""
    drive = (
        DRIVE[: DRIVE.index("var t = 8;")]
        + f"repeat ({SHOTS // 2}) {{ waitDigTrigger(1); playZero(2496);"
        f"executeTableEntry(QA_DATA_PROCESSED, {LATENCY + 8}); waitDigTrigger(1); playZero(64); }}"
    )
    read = (
        f"repeat ({SHOTS}) {{ waitDigTrigger(1); playZero(128); playZero(1024);"
        "startQA(QA_GEN_0, QA_INT_0, true, 0, 0); }"
    )
    load(bench, drive)
    bench.upload(QA, read)
    for at in (SG, QA):
        bench.set(f"{at}/auxtriggers/0/channel", 8)
        bench.set(f"{at}/enable", 1)
    bench.wait(US)
    bench.set("system/internaltrigger/repetitions", SHOTS)
    bench.set("system/internaltrigger/holdoff", 5e-6)
    bench.set("system/internaltrigger/enable", 1)
    bench.world.work()
    played = starts(bench.world.ended.drives, "dev12000.sg0")
    shots = [k for k in range(0, SHOTS, 2) if BITS[k]]
    assert [at // 5000 for at in played] == shots
    assert len({at % 5000 for at in played}) == 1


def test_the_scope_records_shot_by_shot(bench):
    load(bench)
    for path, value in {
        "length": 256,
        "segments/enable": 1,
        "segments/count": 2,
        "trigger/channel": 64,
        "trigger/enable": 1,
        "channels/0/enable": 1,
        "enable": 1,
    }.items():
        bench.set(f"scopes/0/{path}", value)
    trigger(bench)
    bench.world.work()
    bench.wait(200 * US)
    assert bench.get("scopes/0/enable") == 0
    pairs = numbers_of(bench.get("scopes/0/channels/0/wave")).view(np.int32).reshape(-1, 2)
    size_nv = np.hypot(*pairs.T.astype(float))
    assert size_nv == pytest.approx(np.repeat([10_000.0, 20_000.0], 256), rel=1e-3)
    assert len(set(bench.world.traced)) == 2, "each record is a listener of its own"


def test_a_generator_that_loads_the_word_as_it_is_goes_on_in_turns_too(bench):
    drive = (
        "wave w = 0.5 * ones(64); wave z = zeros(64); var t = 8; waitDigTrigger(1); playZero(64);"
        f"repeat ({SHOTS}) {{ playZero(2432); if (getFeedback(QA_DATA_RAW, t + 290) & 1)"
        "{ playWave(1, 2, w, 1, 2, z); } else { playZero(64); }"
        f"playZero({PERIOD - 2432 - 64}); t += {PERIOD // 8}; }}"
    )
    load(bench, drive)
    trigger(bench)
    bench.world.work()
    played = starts(bench.world.ended.drives, "dev12000.sg0")
    assert len(played) == sum(BITS)
