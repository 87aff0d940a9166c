"""The scope on cables from outputs to inputs: its triggers, segments, averages and records."""

import numpy as np
import pytest
from tests.benches.zurich.analyser import GHZ, LENGTH, LSB_V, RAMP, STEP, Analyser, padded, same
from tests.benches.zurich.device_bench import MS, US

from podium.firmware_interfaces.zurich.values import vector_of


@pytest.fixture
def bench():
    return Analyser()


def test_a_readout_is_recorded_from_its_monitor_trigger_on(bench):
    bench.listen(0)
    assert bench.get("scopes/0/enable") == 1
    bench.run("playZero(4096); startQA(QA_GEN_0, 0x0, true, 0, 0x0); playZero(4096);")
    bench.wait(100 * US)
    assert bench.get("scopes/0/enable") == 0
    assert same(bench.record(), padded(RAMP))


def test_its_header_says_when_and_how(bench):
    bench.set("qachannels/0/centerfreq", 5e9)
    bench.listen(0, trigger_delay=100e-9, time=1)
    begun = bench.now_fs
    bench.run("playZero(4096); startQA(QA_GEN_0, 0x0, true, 0, 0x0); playZero(4096);")
    bench.wait(100 * US)
    said = bench.header()
    assert said["first"] - said["trigger"] == 400  # 100 ns in ticks of 0.25 ns
    assert 0 <= said["trigger"] - begun // 250_000 < 4_000
    assert said["ticks"] == 4
    assert (said["centre"], said["input"]) == (5e9, 0)
    assert (said["averages"], said["segments"], said["total"], said["missed"]) == (1, 1, 1, 0)
    assert said["scaling"] == pytest.approx(LSB_V)


def test_nothing_is_recorded_without_the_monitor_bit(bench):
    bench.listen(0)
    bench.run("playZero(4096); startQA(QA_GEN_0, 0x0, false, 0, 0x0); playZero(4096);")
    bench.wait(100 * US)
    assert bench.get("scopes/0/enable") == 1


@pytest.mark.parametrize("off", ["qachannels/0/output/on", "qachannels/0/input/on"])
def test_what_is_off_is_silent(bench, off):
    bench.set(off, 0)
    bench.listen(0)
    bench.run("playZero(4096); startQA(QA_GEN_0, 0x0, true, 0, 0x0); playZero(4096);")
    bench.wait(100 * US)
    assert bench.get("scopes/0/enable") == 0
    assert not bench.record().any()


def test_segments_and_averages_of_triggers_one_by_one(bench):
    bench.listen(0, segments_enable=1, segments_count=2, averaging_enable=1, averaging_count=3)
    bench.run(
        "repeat (3) { waitDigTrigger(1); startQA(QA_GEN_0, 0x0, true, 0, 0x0);"
        "waitDigTrigger(1); startQA(QA_GEN_1, 0x0, true, 0, 0x0); }",
        trigger=1024,
    )
    for _ in range(6):
        assert bench.get("scopes/0/enable") == 1
        bench.software_trigger()
    assert bench.get("scopes/0/enable") == 0
    assert same(bench.record(), np.concatenate([padded(RAMP), padded(STEP)]))
    said = bench.header()
    assert (said["averages"], said["segments"]) == (3, 2)
    assert said["scaling"] == pytest.approx(LSB_V / 3)


def test_a_delay_of_either_sign_moves_the_record(bench):
    program = "playZero(4096); startQA(QA_GEN_0, 0x0, true, 0, 0x0); playZero(4096);"
    for delay_s, first in ((50e-9, -100), (-50e-9, 100)):
        bench.listen(0, trigger_delay=delay_s)
        bench.run(program)
        bench.wait(100 * US)
        assert same(bench.record(), padded(RAMP, first))


def test_a_lower_rate_leaves_samples_out(bench):
    bench.set("scopes/0/length", 128)
    bench.listen(0, time=2)
    bench.run("playZero(4096); startQA(QA_GEN_0, 0x0, true, 0, 0x0); playZero(4096);")
    bench.wait(100 * US)
    assert same(bench.record(), padded(RAMP)[::4])


def test_pulses_that_follow_each_other_lie_in_one_record(bench):
    bench.listen(0)
    bench.run(
        "playZero(4096); playZero(320); startQA(QA_GEN_0, 0x0, true, 0, 0x0); playZero(4096);"
        "startQA(QA_GEN_1, 0x0, true, 0, 0x0);"
    )
    bench.wait(100 * US)
    assert same(bench.record(), padded(RAMP) + padded(STEP, 320))


def test_a_trigger_within_a_record_is_missed_and_counted(bench):
    bench.listen(0, averaging_enable=1, averaging_count=2)
    bench.run(
        "playZero(4096); repeat (2) { playZero(320); startQA(QA_GEN_0, 0x0, true, 0, 0x0);"
        "playZero(4096); startQA(QA_GEN_1, 0x0, true, 0, 0x0); }"
    )
    bench.wait(100 * US)
    assert same(bench.record(), padded(RAMP) + padded(STEP, 320))
    assert bench.header()["missed"] == 1


def test_several_channels_are_recorded_on_the_trigger_of_one(bench):
    bench.listen(0, 2, 3)
    bench.set("qachannels/2/generator/auxtriggers/0/channel", 1024)
    bench.run("waitDigTrigger(1); startQA(QA_GEN_1, 0x0, false, 0, 0x0);", 2, 1024)
    bench.run("waitDigTrigger(1); startQA(QA_GEN_0, 0x0, true, 0, 0x0);", 0, 1024)
    bench.software_trigger()
    bench.wait(MS)
    assert same(bench.record(0), padded(RAMP))
    assert same(bench.record(2), padded(STEP))
    assert not bench.record(3).any()
    assert [bench.header(k)["input"] for k in (0, 2, 3)] == [0, 2, 3]


def test_a_channel_of_the_scope_listens_to_the_input_that_it_selects(bench):
    bench.set("scopes/0/channels/1/inputselect", 0)
    bench.set("scopes/0/channels/1/enable", 1)
    bench.listen()
    bench.run("playZero(4096); startQA(QA_GEN_0, 0x0, true, 0, 0x0); playZero(4096);")
    bench.wait(100 * US)
    assert same(bench.record(1), padded(RAMP))
    assert bench.header(1)["input"] == 0


@pytest.mark.parametrize(("output", "source"), [(1, 32), (2, 36)])
def test_a_trigger_output_of_a_sequencer_triggers(bench, output, source):
    bench.listen(0, trigger_channel=source)
    bench.run(
        f"playZero(4096); setTrigger({output}); startQA(QA_GEN_0, 0x0, false, 0, 0x0);"
        "playZero(4096); setTrigger(0);"
    )
    bench.wait(100 * US)
    assert bench.get("scopes/0/enable") == 0
    assert np.abs(bench.record()).max() == pytest.approx(0.9, abs=LSB_V)


def test_software_triggers_trigger_without_any_program(bench):
    bench.listen(0, trigger_channel=1024, averaging_enable=1, averaging_count=2)
    bench.software_trigger()
    assert bench.get("scopes/0/enable") == 1
    bench.software_trigger()
    assert bench.get("scopes/0/enable") == 0
    assert not bench.record().any()


def test_the_internal_trigger_triggers_and_probes(bench):
    envelope = np.hanning(400) * 0.8
    bench.set("qachannels/1/mode", 0)
    bench.set("qachannels/1/oscs/0/freq", 5e6)
    bench.set("qachannels/1/spectroscopy/trigger/channel", 8)
    bench.set("qachannels/1/spectroscopy/envelope/wave", vector_of(envelope + 0j))
    bench.set("qachannels/1/spectroscopy/envelope/enable", 1)
    bench.set("qachannels/1/spectroscopy/envelope/delay", 20e-9)
    bench.listen(1, trigger_channel=8, averaging_enable=1, averaging_count=4)
    # The oscillator turns whole turns from trigger to trigger: averages do not wash it out.
    bench.set("system/internaltrigger/repetitions", 4)
    bench.set("system/internaltrigger/holdoff", 2e-6)
    bench.set("system/internaltrigger/enable", 1)
    bench.wait(5 * US)
    assert bench.get("scopes/0/enable") == 1
    bench.wait(10 * US)
    assert bench.get("scopes/0/enable") == 0
    found = bench.record(1)
    carrier = np.exp(2j * np.pi * 5e6 / GHZ * np.arange(400))
    phase = np.angle(np.vdot(padded(envelope * carrier, 40), found))
    assert same(found, padded(envelope * carrier * np.exp(1j * phase), 40), steps=2)


def test_a_steady_oscillator_is_there_all_the_time(bench):
    bench.set("qachannels/0/mode", 0)
    bench.set("qachannels/0/oscs/0/freq", 50e6)
    bench.set("qachannels/0/oscs/0/gain", 0.5)
    bench.listen(0, trigger_channel=1024)
    bench.software_trigger()
    turning = bench.record() * np.exp(-2j * np.pi * 50e6 / GHZ * np.arange(LENGTH))
    assert np.abs(turning - turning.mean()).max() < 2 * LSB_V
    assert abs(turning.mean()) == pytest.approx(0.5, abs=LSB_V)


def test_a_node_that_is_set_after_a_program_tunes_the_oscillator_again(bench):
    bench.set("qachannels/0/mode", 0)
    bench.run("configFreqSweep(0, 300e6, 0); setSweepStep(0, 0);")
    bench.wait(10 * US)
    for hz in (None, 50e6):
        if hz is not None:
            bench.set("qachannels/0/oscs/0/freq", hz)
        bench.listen(0, trigger_channel=1024)
        bench.software_trigger()
        turning = bench.record() * np.exp(-2j * np.pi * (hz or 300e6) / GHZ * np.arange(LENGTH))
        assert abs(turning.mean()) == pytest.approx(1.0, abs=2 * LSB_V)


def test_without_trigger_it_records_at_once(bench):
    bench.listen(0, trigger_enable=0, segments_enable=1, segments_count=3)
    assert bench.get("scopes/0/enable") == 1
    bench.wait(10 * US)
    assert bench.get("scopes/0/enable") == 0
    assert len(bench.record()) == 3 * LENGTH


def test_it_goes_on_where_it_is_not_single(bench):
    bench.set("scopes/0/single", 0)
    bench.listen(0, trigger_channel=1024)
    stamps = []
    for _ in range(3):
        bench.software_trigger()
        assert bench.get("scopes/0/enable") == 1
        stamps.append(bench.header()["trigger"])
    assert stamps == sorted(set(stamps))
    bench.set("scopes/0/enable", 0)
    bench.software_trigger()
    assert bench.header()["trigger"] == stamps[-1]


def test_time_may_leap_to_the_end_of_a_record_whose_triggers_are_known(bench):
    bench.set("scopes/0/length", 65536)
    bench.listen(0, trigger_channel=1024, time=4)
    assert bench.execution.horizon(bench.now_fs).busy_until_fs is None
    bench.set("system/swtriggers/0/single", 1)
    until = bench.execution.horizon(bench.now_fs).busy_until_fs
    assert until - bench.now_fs == pytest.approx(65536 * 16 * 500_000, abs=2 * US)
    bench.wait(until - bench.now_fs)
    assert bench.get("scopes/0/enable") == 0


def test_time_may_leap_over_a_train_of_triggers(bench):
    bench.listen(0, trigger_channel=8, averaging_enable=1, averaging_count=7)
    bench.set("system/internaltrigger/repetitions", 20)
    bench.set("system/internaltrigger/holdoff", 100e-9)  # each third one begins a record
    bench.set("system/internaltrigger/enable", 1)
    begun = bench.now_fs
    until = bench.execution.horizon(bench.now_fs).busy_until_fs
    assert until - begun == pytest.approx(US + 1_800_000_000 + 256_000_000, abs=20_000_000)
    bench.wait(until - begun - 1_000_000)
    assert bench.get("scopes/0/enable") == 1
    bench.wait(1_000_000)
    assert bench.get("scopes/0/enable") == 0
    assert bench.header()["missed"] == 12


def test_what_it_cannot_record_is_told(bench):
    bench.set("scopes/0/length", 262144)
    bench.listen(0, 1)
    assert "there is room for 131072 samples" in bench.get("raw/error/json/errors")


def test_thousands_of_averages_are_taken_look_by_look(bench):
    bench.listen(0, averaging_enable=1, averaging_count=50_000)
    bench.run("repeat (50000) { playZero(1024); startQA(QA_GEN_0, 0x0, true, 0, 0x0); }")
    bench.wait(40 * MS)
    looks = 0
    while bench.get("scopes/0/enable"):
        looks += 1
        assert looks < 10
    assert looks >= 1
    assert same(bench.record(), padded(RAMP))
