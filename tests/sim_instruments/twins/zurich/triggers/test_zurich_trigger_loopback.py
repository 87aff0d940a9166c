"""Markers that test themselves, looped back: who hears them, how often, and until when."""

import numpy as np
import pytest
from tests.benches.zurich.analyser import LENGTH, LSB_V, Analyser, padded, same
from tests.benches.zurich.device_bench import MS, US

from podium.firmware_interfaces.zurich.values import vector_of
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun

COUNTING = "var k; for (k = 0; k < 1000; k++) { waitDigTrigger(1); setUserReg(0, k + 1); }"
GENERATOR = "qachannels/0/generator"


@pytest.fixture
def bench():
    return Analyser()


def loop_back(bench, number=0, hz=500e3):
    """Do what the vendor's examples do."""
    for marker in range(8):
        bench.set(f"raw/markers/{marker}/testsource", 2)
    bench.set(f"raw/markers/{number}/testsource", 1)
    bench.set(f"raw/markers/{number}/frequency", hz)
    bench.set(f"raw/triggers/{number}/loopback", 1)


def heard(bench):
    bench.wait(0)
    return bench.get(f"{GENERATOR}/userregs/0")


def test_a_sequencer_counts_the_edges_of_a_marker(bench):
    bench.run(COUNTING, trigger=3)
    loop_back(bench, 3, 250e3)
    bench.wait(101 * US)
    assert heard(bench) == 26  # from a microsecond on, every 4
    bench.wait(100 * US)
    assert heard(bench) == 51
    bench.set("raw/triggers/3/loopback", 0)
    bench.wait(100 * US)
    assert heard(bench) == 51


@pytest.mark.parametrize("source", [0, 2])
def test_a_marker_that_is_low_or_left_alone_triggers_nothing(bench, source):
    bench.run(COUNTING, trigger=0)
    loop_back(bench)
    bench.set("raw/markers/0/testsource", source)
    bench.wait(100 * US)
    assert heard(bench) == 0


def test_an_input_hears_its_own_marker_alone(bench):
    bench.run(COUNTING, trigger=1)
    loop_back(bench, 0)
    bench.wait(100 * US)
    assert heard(bench) == 0


def test_edges_that_nobody_waited_for_are_gone(bench):
    loop_back(bench, 0, 1e3)
    bench.wait(500 * MS)
    bench.run(COUNTING, trigger=0)
    bench.wait(10 * MS)
    assert heard(bench) == 10


def test_the_scope_sees_pulses_of_spectroscopy_without_any_program(bench):
    envelope = 0.7 * np.hanning(300) * np.exp(2j * np.pi * 0.05 * np.arange(300))
    bench.set("qachannels/0/mode", 0)
    bench.set("qachannels/0/oscs/0/freq", 0.0)
    bench.set("qachannels/0/spectroscopy/trigger/channel", 0)
    bench.set("qachannels/0/spectroscopy/envelope/wave", vector_of(envelope))
    bench.set("qachannels/0/spectroscopy/envelope/enable", 1)
    loop_back(bench)
    bench.listen(0, trigger_channel=0, averaging_enable=1, averaging_count=1000)
    bench.wait(MS)
    assert bench.get("scopes/0/enable") == 1
    bench.wait(2 * MS)
    assert bench.get("scopes/0/enable") == 0
    assert same(bench.record(), padded(envelope))
    assert bench.header()["missed"] == 0
    assert np.abs(bench.record()).max() == pytest.approx(0.7, abs=2 * LSB_V)
    assert len(bench.record()) == LENGTH


@pytest.mark.parametrize(("hears", "again"), [("", False), ("waitDigTrigger(1);", True)])
def test_triggers_that_no_program_hears_do_not_have_its_end_looked_for_again(
    bench, monkeypatch, hears, again
):
    """Each look goes twenty million instructions ahead of an endless program."""
    looks = []
    look = ProgramRun._look_ahead
    monkeypatch.setattr(ProgramRun, "_look_ahead", lambda run: (looks.append(run), look(run)))
    bench.run(f"while (1) {{ {hears} playZero(100000); setTrigger(1); setTrigger(0); }}", trigger=0)
    loop_back(bench, 0, 1e3)
    bench.wait(10 * MS)
    for _ in range(10):  # as many goes as it takes to look twenty million instructions ahead
        bench.execution.horizon(bench.now_fs)
    before = len(looks)
    for _ in range(3):
        bench.wait(10 * MS)
        bench.execution.horizon(bench.now_fs)
    assert before
    assert (len(looks) > before) == again
