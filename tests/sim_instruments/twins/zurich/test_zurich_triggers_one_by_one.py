"""Triggers that come one by one: each is a run of its own on the world, of what comes after it."""

import numpy as np
import pytest
from tests.benches.zurich.device_bench import QA, READOUT, SG, US, Bench
from tests.benches.zurich.precomputed_runs import (
    SMALL,
    SPECTROSCOPY,
    VOLTS_RMS,
    Inline,
    probe,
    set_up,
)
from tests.benches.zurich.scope_on_the_world import WAVE, listen

from podium.firmware_interfaces.zurich.values import vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of, scaling_of
from podium.sim_instruments.physics.signals import CaptureAnswer

DRIVE = (
    "wave w = 0.5 * ones(64); wave z = zeros(64); {turn} repeat (3) {{ waitDigTrigger(1);"
    "playZero(32); playWave(1, 2, w, 1, 2, z); incrementSinePhase(30); playZero(4096); }}"
)
READ = (
    "repeat (3) {{ waitDigTrigger(1); setTrigger(1); setTrigger(0); playZero(64);"
    "startQA(QA_GEN_0, QA_INT_0, true, 0, 0);"
    "playZero(4096); {more} }}"
)
FAR = 100 * US


class World(Inline):
    """Answers each window with how many there were before it, over all runs; keeps all runs."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = []
        self.answered = 0

    def play(self, signals):
        self.runs.append(signals)
        answers = []
        for train in signals.captures:
            size = len(train.start_ns)
            trace = None
            if train.scope:
                trace = np.full(train.windows[0].duration_ns, SMALL * len(self.runs)) + 0j
            else:
                self.answered += size
            told = self.answered - size + np.arange(1, size + 1)
            answers.append(CaptureAnswer(SMALL * told + 0j, trace, 7e9))
        return tuple(answers)


@pytest.fixture
def bench():
    return Bench(world=World())


SOFTWARE, INTERNAL, ANALYSER = 1024, 8, 32
"""Sources of digital triggers; the last is the trigger output of the SHFQC's analyser."""


def begin(
    bench, qa=SOFTWARE, sg=ANALYSER, drive: str = DRIVE, read: str = READ, turn="", more=""
) -> None:
    set_up(bench, drive.format(turn=turn), read.format(more=more))
    for at, source in ((SG, sg), (QA, qa)):
        bench.set(f"{at}/auxtriggers/0/channel", source)
        bench.set(f"{at}/enable", 1)
    bench.wait(US)


def give(bench, qa=SOFTWARE, repetitions=1) -> None:
    if qa == SOFTWARE:
        bench.set("system/swtriggers/0/single", 1)
        return
    bench.set("system/internaltrigger/repetitions", repetitions)
    bench.set("system/internaltrigger/holdoff", 100e-6)
    bench.set("system/internaltrigger/enable", 1)


def trigger(bench, qa=SOFTWARE) -> None:
    bench.world.done_ = False
    give(bench, qa)
    bench.world.work()
    assert bench.world.error is None
    bench.wait(FAR)


def sent(runs, line: str):
    """Return what leaves a connector, run after run: instants, ns, and phases."""
    starts, turns = [], []
    for signals in runs:
        for train in (one for one in signals.drives if one.line == line):
            starts += (signals.start_tai_fs // 10**6 + train.start_ns).tolist()
            turns += (train.phase_turns % 1.0).tolist()
    return starts, turns


@pytest.mark.parametrize("turn", ["", "setSinePhase(17);"])
@pytest.mark.parametrize(
    ("qa", "sg"), [(INTERNAL, INTERNAL), (INTERNAL, ANALYSER), (SOFTWARE, ANALYSER)]
)
def test_what_is_sent_is_what_a_train_that_is_known_beforehand_sends(bench, qa, sg, turn):
    begin(bench, qa, sg, turn=turn)
    for _ in range(3):
        assert bench.get(f"{SG}/sequencer/status") == bench.get(f"{QA}/sequencer/status") == 4
        trigger(bench, qa)
    assert len(bench.world.runs) == 3
    assert bench.get(f"{SG}/enable") == bench.get(f"{QA}/enable") == 0
    others = Bench(world=World())
    begin(others, INTERNAL, sg, turn=turn)
    give(others, INTERNAL, 3)
    others.world.work()
    assert len(others.world.runs) == 1
    for line in ("dev12000.sg0", "dev12000.qa0_out"):
        starts, turns = sent(bench.world.runs, line)
        assert np.diff(starts).tolist() == [100_000, 100_000]
        known, same = sent(others.world.runs, line)
        assert starts == known
        assert np.exp(2j * np.pi * np.array(turns)) == pytest.approx(
            np.exp(2j * np.pi * np.array(same)), abs=1e-6
        )


def test_results_are_counted_on(bench):
    begin(bench)
    for count in (1, 2, 3):
        trigger(bench)
        acquired = 0 if count == 3 else count
        assert bench.get(f"{READOUT}/result/enable") == (count < 3)
        if acquired:
            assert bench.get(f"{READOUT}/result/acquired") == acquired
    found = numbers_of(bench.get(f"{READOUT}/result/data/0/wave"))
    assert found == pytest.approx(np.array([1, 2, 3]) * SMALL * 10.0 * 256, rel=1e-9)


def test_triggers_that_come_while_the_last_ones_are_worked_out_are_counted_on_too():
    tickets = []

    class Later(World):
        def submit(self, work):
            one = World()
            one.waiting = work
            tickets.append(one)
            return one

    bench = Bench(world=Later())
    begin(bench)
    for _ in range(3):
        give(bench)
        bench.wait(FAR)
    for place in (2, 1, 0):  # known in any order
        tickets[place].answered = place
        tickets[place].work()
        bench.wait(US)
    bench.wait(FAR)
    found = numbers_of(bench.get(f"{READOUT}/result/data/0/wave"))
    assert found == pytest.approx(np.array([1, 2, 3]) * SMALL * 10.0 * 256, rel=1e-9)


def test_what_is_set_between_two_triggers_counts_from_the_next_on(bench):
    begin(bench)
    trigger(bench)
    bench.set("qachannels/0/output/range", -15)
    bench.set("sgchannels/0/output/on", 0)
    trigger(bench)
    before, after = bench.world.runs
    earlier = {one.line: one for one in before.drives}
    assert earlier.keys() == {"dev12000.sg0", "dev12000.qa0_out"}
    (readout,) = after.drives
    assert readout.line == "dev12000.qa0_out"
    ratio = abs(readout.pieces[0].level) / abs(earlier[readout.line].pieces[0].level)
    assert ratio == pytest.approx(10 ** (10 / 20), rel=1e-6)


def test_a_trigger_before_the_end_of_what_the_last_one_started_is_no_trigger(bench):
    begin(bench, INTERNAL, INTERNAL, more="wait(50000);")
    trigger(bench, INTERNAL)  # 200 us
    trigger(bench, INTERNAL)
    bench.wait(4 * FAR)
    assert bench.get(f"{SG}/sequencer/status") == bench.get(f"{QA}/sequencer/status") == 4
    assert bench.get(f"{READOUT}/result/acquired") == 1, "the analyser was not waiting"
    assert len(sent(bench.world.runs, "dev12000.qa0_out")[0]) == 1
    assert len(sent(bench.world.runs, "dev12000.sg0")[0]) == 2, "the generator was"


def test_the_scope_averages_over_triggers(bench):
    listen(bench, averaging_enable=1, averaging_count=3)
    begin(bench)
    for count in (1, 2, 3):
        assert bench.get("scopes/0/enable") == 1
        trigger(bench)
        assert sum(one.scope for one in bench.world.runs[-1].captures) == 1, count
    assert bench.get("scopes/0/enable") == 0
    record = bench.get(WAVE)
    words = numbers_of(record).view("<i4").reshape(-1, 2) * scaling_of(record)
    assert words[:, 0] == pytest.approx(np.full(64, 2 * SMALL * 10.0), rel=1e-6)


def test_a_scope_that_is_enabled_anew_begins_anew(bench):
    listen(bench, averaging_enable=1, averaging_count=2)
    begin(bench)
    trigger(bench)
    bench.set("scopes/0/enable", 0)
    bench.set("scopes/0/enable", 1)
    trigger(bench)
    assert bench.get("scopes/0/enable") == 1
    trigger(bench)
    record = bench.get(WAVE)
    words = numbers_of(record).view("<i4").reshape(-1, 2) * scaling_of(record)
    assert words[:, 0] == pytest.approx(np.full(64, 2.5 * SMALL * 10.0), rel=1e-6)


def test_spectroscopy_goes_on_point_by_point(bench):
    probe(
        bench,
        "setTrigger(0); configFreqSweep(0, -100e6, 50e6); var k; for (k = 0; k < 3; k++) {"
        "waitDigTrigger(1); setSweepStep(0, k); resetOscPhase(); playZero(8000);"
        "setTrigger(1); setTrigger(0); }",
    )
    bench.set(f"{QA}/auxtriggers/0/channel", 1024)
    bench.set(f"{QA}/enable", 1)
    bench.wait(US)
    for hz in (6.9e9, 6.95e9, 7.0e9):
        trigger(bench)
        (capture,) = bench.world.runs[-1].captures
        assert [capture.windows[k].demod_hz for k in capture.window] == pytest.approx([hz])
    found = numbers_of(bench.get(f"{SPECTROSCOPY}/result/data/wave"))
    assert found == pytest.approx(np.array([1, 2, 3]) * SMALL * VOLTS_RMS, rel=1e-9)


def test_generators_that_act_on_results_are_refused_more_triggers(bench):
    act = (
        "wave w = ones(64); {turn} repeat (3) {{ waitDigTrigger(1); playZero(4096);"
        "var r = getFeedback(QA_DATA_RAW, 300); if (r & 1) playWave(w); }}"
    )
    set_up(bench, act.format(turn=""), READ.format(more=""))
    for at, source in ((SG, ANALYSER), (QA, SOFTWARE)):
        bench.set(f"{at}/auxtriggers/0/channel", source)
        bench.set(f"{at}/enable", 1)
    bench.wait(US)
    give(bench)
    bench.world.work()
    bench.wait(US)
    assert "it waits for DIGITAL_1" in str(bench.get("raw/error/json/errors"))


def test_a_registers_new_value_is_heard_between_triggers(bench):
    read = (
        "var k; repeat (3) {{ waitDigTrigger(1); setTrigger(1); setTrigger(0);"
        "k = getUserReg(0); if (k) {{ playZero(64);"
        "startQA(QA_GEN_0, QA_INT_0, true, 0, 0); playZero(4096); }} {more} }}"
    )
    begin(bench, read=read)
    for value, readouts in ((0, 0), (1, 1), (1, 1)):
        bench.world.waiting = None
        bench.set(f"{QA}/userregs/0", value)
        assert bench.world.waiting is None, "what has been played is not played again"
        trigger(bench)
        assert sum(len(one.start_ns) for one in bench.world.runs[-1].captures) == readouts
    assert bench.get(f"{READOUT}/result/acquired") == 2
    assert bench.get(f"{QA}/enable") == 0


def test_weights_that_cannot_be_at_a_later_trigger_end_the_program_with_a_message(bench):
    begin(bench)
    trigger(bench)
    bench.set(f"{READOUT}/integration/weights/0/wave", vector_of(np.full(500, 2 + 0j)))
    bench.set("system/swtriggers/0/single", 1)
    bench.wait(US)
    assert "qachannels/0" in str(bench.get("raw/error/json/errors"))
    assert bench.get(f"{QA}/enable") == 0
