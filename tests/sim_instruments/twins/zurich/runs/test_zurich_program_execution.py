"""Programs on a data server: uploaded, enabled, triggered, read, as clients would."""

import json

import numpy as np
import pytest
from tests.benches.zurich.device_bench import MS, QA, READOUT, SG, US, Bench

from podium.firmware_interfaces.zurich.refusals import Refused
from podium.firmware_interfaces.zurich.values import bytes_vector, text_vector, vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of
from podium.sim_instruments.twins.twin import IDLE
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import to_the_end


@pytest.fixture
def bench():
    return Bench()


def test_a_program_runs_to_its_end_and_its_registers_are_read(bench):
    bench.upload(SG, "var a = getUserReg(0); playZero(2000000); setUserReg(1, a + 1);")
    assert bench.get(f"{SG}/ready") == 1
    assert "playZero" in bench.get(f"{SG}/sequencer/program")
    assert "wvfs" in bench.get(f"{SG}/sequencer/assembly")
    bench.set(f"{SG}/userregs/0", 41)
    bench.set(f"{SG}/enable", 1)
    bench.wait(MS // 2)
    assert bench.get(f"{SG}/enable") == 1
    assert bench.get(f"{SG}/sequencer/status") == 1
    bench.wait(MS)
    assert bench.get(f"{SG}/enable") == 0
    assert bench.get(f"{SG}/userregs/1") == 42
    assert bench.execution.horizon(bench.now_fs) == IDLE


def test_a_trigger_from_software_is_waited_for(bench):
    for at in (QA, SG):
        bench.upload(at, "waitDigTrigger(1); setUserReg(2, 5);")
        bench.set(f"{at}/auxtriggers/0/channel", 1024)
        bench.set(f"{at}/enable", 1)
        bench.wait(MS)
        assert bench.get(f"{at}/sequencer/status") == 4
    bench.set("system/swtriggers/0/single", 1)
    bench.wait(MS)
    assert bench.get(f"{QA}/enable") == 0
    assert bench.get(f"{QA}/userregs/2") == 5
    assert bench.get(f"{SG}/sequencer/status") == 4, "generators do not hear software"


@pytest.mark.parametrize("output", [0, 1])
def test_generators_hear_either_trigger_output_of_the_analyser_and_none_of_each_other(
    bench, output
):
    other = "sgchannels/1/awg"
    for at in (SG, other):
        bench.upload(at, "waitDigTrigger(1); setTrigger(3); setTrigger(0); setUserReg(2, 5);")
        bench.set(f"{at}/auxtriggers/0/channel", 32 + 4 * (output if at == SG else 1 - output))
        bench.set(f"{at}/enable", 1)
    bench.upload(QA, f"playZero(64); setTrigger({1 << output}); setTrigger(0);")
    bench.set(f"{QA}/enable", 1)
    bench.wait(MS)
    assert bench.get(f"{SG}/userregs/2") == 5
    assert bench.get(f"{other}/sequencer/status") == 4


def test_a_register_that_is_written_during_a_run_is_read_by_it(bench):
    bench.upload(SG, "while (getUserReg(0) == 0) { playZero(4096); } setUserReg(1, getUserReg(0));")
    for value in (5, 0xFFFF_FFFE):
        bench.set(f"{SG}/userregs/0", 0)
        bench.set(f"{SG}/enable", 1)
        bench.wait(MS)
        assert bench.get(f"{SG}/enable") == 1
        bench.set(f"{SG}/userregs/0", value)
        bench.wait(MS)
        assert bench.get(f"{SG}/enable") == 0
        assert bench.get(f"{SG}/userregs/1") == value


@pytest.mark.parametrize("order", [0, 1])
def test_readouts_are_averaged_and_read(bench, order):
    points, averages = 4, 3
    pulse = np.full(256, 0.5 + 0j)
    bench.set("qachannels/0/mode", 1)
    bench.set("qachannels/0/generator/waveforms/0/wave", vector_of(pulse))
    bench.set("qachannels/0/generator/waveforms/1/wave", vector_of(-pulse))
    bench.set(f"{READOUT}/integration/length", 256)
    bench.set(f"{READOUT}/integration/weights/2/wave", vector_of(np.ones(256) + 0j))
    bench.set(f"{READOUT}/result/length", points)
    bench.set(f"{READOUT}/result/averages", averages)
    bench.set(f"{READOUT}/result/mode", order)
    bench.upload(
        QA,
        f"repeat ({points * averages // 2}) {{ waitDigTrigger(1);"
        "playZero(1024); startQA(QA_GEN_0, QA_INT_2); playZero(1024);"
        "startQA(QA_GEN_1, QA_INT_2); }",
    )
    bench.set(f"{QA}/auxtriggers/0/channel", 8)
    bench.set(f"{READOUT}/result/enable", 1)
    bench.set(f"{QA}/enable", 1)
    bench.set("system/internaltrigger/repetitions", points * averages // 2)
    bench.set("system/internaltrigger/holdoff", 10e-6)
    bench.set("system/internaltrigger/enable", 1)
    bench.wait(25 * US)
    assert bench.get(f"{READOUT}/result/acquired") in (5, 6)
    bench.wait(100 * US)
    assert bench.get(f"{READOUT}/result/enable") == 0
    assert bench.get(f"{QA}/enable") == 0
    assert bench.get("system/internaltrigger/enable") == 0
    assert bench.get("system/internaltrigger/progress") == 1.0
    data = numbers_of(bench.get(f"{READOUT}/result/data/2/wave"))
    signs = np.tile([1, -1], points * averages // 2)
    table = signs.reshape(averages, points) if order == 0 else signs.reshape(points, averages).T
    assert data == pytest.approx(table.mean(axis=0) * 128)
    assert np.isnan(numbers_of(bench.get(f"{READOUT}/result/data/0/wave"))).all()  # not asked


def test_many_readouts_are_worked_out_look_by_look(bench):
    bench.set("qachannels/0/mode", 1)
    bench.set("qachannels/0/generator/waveforms/0/wave", vector_of(np.full(1000, 0.5 + 0j)))
    bench.set(f"{READOUT}/integration/length", 1000)
    bench.set(f"{READOUT}/integration/weights/0/wave", vector_of(np.ones(1000) + 0j))
    bench.set(f"{READOUT}/result/length", 3000)
    bench.upload(QA, "repeat (3000) { playZero(4096); startQA(QA_GEN_0, QA_INT_0); }")
    bench.set(f"{READOUT}/result/enable", 1)
    bench.set(f"{QA}/enable", 1)
    bench.wait(10 * MS)
    assert bench.get(f"{READOUT}/result/enable") == 1
    assert bench.execution.horizon(bench.now_fs).computing
    looks = 0
    while bench.get(f"{READOUT}/result/enable"):
        looks += 1
        assert looks < 20
    assert bench.execution.horizon(bench.now_fs) == IDLE
    data = numbers_of(bench.get(f"{READOUT}/result/data/0/wave"))
    assert data == pytest.approx(np.full(3000, 500.0))


def test_many_rows_are_executed_look_by_look(bench):
    shots = 100_000  # a look that takes up all of 400,000 takes half a second
    bench.set("qachannels/0/mode", 1)
    bench.set("qachannels/0/generator/waveforms/0/wave", vector_of(np.full(64, 0.5 + 0j)))
    bench.upload(QA, f"repeat ({shots}) {{ playZero(4096); startQA(QA_GEN_0, 0); }}")
    bench.set(f"{QA}/enable", 1)
    (run,) = bench.execution._runs.values()
    ahead = run.again()
    to_the_end(ahead)
    assert len(ahead.trace.rows) == shots
    done = [0]
    while run.going_on:
        bench.execution.advance(bench.now_fs + 300 * MS)
        done.append(run.trace.instructions)
        assert run.behind == run.going_on, "time does not leap before all is executed"
        assert len(done) < 10
        assert not len(run.trace.rows), "what was taken up is not kept"
    assert done[-1] == ahead.trace.instructions
    assert max(np.diff(done)) < 0.8 * done[-1]


def test_waveforms_and_weights_are_cleared_for_good(bench):
    weights, pulses = "readout/integration/weights/2/wave", "generator/waveforms/1/wave"
    for node in (weights, pulses):
        bench.set(f"qachannels/0/{node}", vector_of(np.ones(8) + 0j))
    bench.set("qachannels/0/readout/integration/clearweight", 1)
    assert len(bench.get(f"qachannels/0/{weights}")) == 0
    assert len(bench.get(f"qachannels/0/{pulses}")) == 8
    bench.set("qachannels/0/generator/clearwave", 1)
    bench.set(f"qachannels/0/{pulses}", vector_of(np.ones(4) + 0j))
    assert len(bench.get(f"qachannels/0/{pulses}")) == 4
    assert bench.get("qachannels/0/generator/clearwave") == 0


def test_a_result_decides_what_a_generator_does(bench):
    for state in (0, 1):
        pulse = np.full(256, (0.5 if state else -0.5) + 0j)
        bench.set("qachannels/0/mode", 1)
        bench.set("qachannels/0/generator/waveforms/0/wave", vector_of(pulse))
        bench.set(f"{READOUT}/integration/length", 256)
        bench.set(f"{READOUT}/integration/weights/0/wave", vector_of(np.ones(256) + 0j))
        bench.upload(QA, "waitDigTrigger(1); startQA(QA_GEN_0, QA_INT_0); playZero(1024);")
        bench.upload(
            SG,
            "waitDigTrigger(1); if (getFeedback(QA_DATA_PROCESSED, 400)) { setUserReg(0, 77); }"
            "else { setUserReg(0, 11); }",
        )
        for at in (QA, SG):
            bench.set(f"{at}/auxtriggers/0/channel", 8)
            bench.set(f"{at}/enable", 1)
        bench.set("system/internaltrigger/repetitions", 1)
        bench.set("system/internaltrigger/enable", 1)
        bench.wait(20 * US)
        assert bench.get(f"{SG}/userregs/0") == (77 if state else 11)


def test_a_sweep_of_spectroscopy_is_read(bench):
    bench.set("qachannels/0/mode", 0)
    bench.set("qachannels/0/spectroscopy/length", 1000)
    bench.set("qachannels/0/spectroscopy/trigger/channel", 32)
    bench.set("qachannels/0/oscs/0/gain", 0.25)
    bench.set("qachannels/0/spectroscopy/result/length", 5)
    bench.set("qachannels/0/spectroscopy/result/enable", 1)
    bench.upload(
        QA,
        "configFreqSweep(0, -1e8, 5e7); var k; for (k = 0; k < 5; k++) { setSweepStep(0, k);"
        "playZero(4096); setTrigger(1); playZero(2048); setTrigger(0); }",
    )
    bench.set(f"{QA}/enable", 1)
    bench.wait(MS)
    data = numbers_of(bench.get("qachannels/0/spectroscopy/result/data/wave"))
    assert data == pytest.approx(np.full(5, 0.25 / np.sqrt(2)))
    assert bench.get("qachannels/0/spectroscopy/result/enable") == 0


def test_a_point_that_begins_during_another_is_lost_and_counted(bench):
    bench.set("qachannels/0/mode", 0)
    bench.set("qachannels/0/spectroscopy/length", 20_000)
    bench.set("qachannels/0/spectroscopy/trigger/channel", 32)
    bench.set("qachannels/0/spectroscopy/result/length", 6)
    bench.set("qachannels/0/spectroscopy/result/enable", 1)
    bench.upload(
        QA,
        "repeat (6) { playZero(8000); setTrigger(1); playZero(8000); setTrigger(0); }",
    )
    bench.set(f"{QA}/enable", 1)
    bench.wait(MS)
    assert bench.get("qachannels/0/spectroscopy/result/error/count") == 3
    assert bench.get("qachannels/0/spectroscopy/result/acquired") == 3
    assert bench.get("qachannels/0/spectroscopy/result/enable") == 1


def test_tables_and_written_waveforms_are_played(bench):
    bench.upload(SG, "wave w = placeholder(64); assignWaveIndex(1, 2, w, 0); executeTableEntry(3);")
    table = {"header": {"version": "1.1"}, "table": [{"index": 3, "waveform": {"index": 0}}]}
    bench.set(f"{SG}/commandtable/data", text_vector(json.dumps(table)))
    assert bench.get(f"{SG}/commandtable/status") == 1
    bench.set(f"{SG}/waveform/waves/0", vector_of(np.full(64, 1234, np.int16)))
    bench.set(f"{SG}/enable", 1)
    bench.wait(MS)
    assert bench.get(f"{SG}/enable") == 0
    (run,) = bench.execution._runs.values()
    assert run.trace.played == 64
    assert (run.elf.waveforms[0].words() == 1234).all()


def test_what_cannot_run_is_refused_with_the_reason(bench):
    bench.upload(SG, "wave w = placeholder(64); assignWaveIndex(1, 2, w, 0); executeTableEntry(0);")
    bench.set(f"{SG}/waveform/waves/0", vector_of(np.zeros(32, np.int16)))
    with pytest.raises(Refused, match="128 bytes, not 64"):
        bench.set(f"{SG}/enable", 1)
    bench.set(f"{SG}/elf/data", bytes_vector(b"\x7fELF" + bytes(100)))
    assert bench.get(f"{SG}/ready") == 0


def test_a_fault_stops_the_program_and_is_told_with_its_line(bench):
    bench.upload(SG, "playZero(64);\nexecuteTableEntry(9);\nplayZero(64);")
    bench.set(f"{SG}/enable", 1)
    bench.wait(MS)
    assert bench.get(f"{SG}/enable") == 0
    told = json.loads(bench.get("raw/error/json/errors"))["messages"][0]["message"]
    assert told == f"{SG}: line 2: bad_table_index (9)"


def test_settings_that_cannot_be_stop_the_analyser_and_nobody_else(bench):
    bench.set("qachannels/0/mode", 1)
    bench.upload(QA, "waitDigTrigger(1); startQA(QA_GEN_0, QA_INT_0); playZero(1024);")
    bench.set(f"{QA}/auxtriggers/0/channel", 1024)
    bench.set(f"{QA}/enable", 1)
    too_large = np.full(500, 2 + 0j)
    bench.set(f"{READOUT}/integration/weights/0/wave", vector_of(too_large))
    bench.set("system/swtriggers/0/single", 1)
    bench.wait(MS)
    assert bench.get(f"{QA}/enable") == 0
    assert "weights 0 go beyond 1" in bench.get("raw/error/json/errors")
    with pytest.raises(Refused, match="weights 0 go beyond 1"):
        bench.set(f"{QA}/enable", 1)


def test_a_logger_that_cannot_be_records_nothing(bench):
    bench.set("qachannels/0/mode", 1)
    bench.devices["SHFQC"].store.put(f"{READOUT}/result/mode", 7, 0)
    bench.upload(QA, "playZero(1024); startQA(QA_GEN_0, QA_INT_0);")
    bench.set(f"{READOUT}/result/enable", 1)
    bench.set(f"{QA}/enable", 1)
    bench.wait(MS)
    assert "mode 7, source 1" in bench.get("raw/error/json/errors")
    assert bench.get(f"{READOUT}/result/acquired") == 0
    assert bench.get(f"{QA}/enable") == 0


def test_an_hdawg_plays_on_its_own_grid(bench):
    bench.upload("awgs/1", "playZero(2400000); setUserReg(3, 9);", "HDAWG8")
    bench.set("awgs/1/enable", 1, "HDAWG8")
    bench.wait(MS - US)
    assert bench.get("awgs/1/enable", "HDAWG8") == 1
    bench.wait(2 * US)
    assert bench.get("awgs/1/enable", "HDAWG8") == 0
    assert bench.get("awgs/1/userregs/3", "HDAWG8") == 9


def test_time_may_leap_to_the_end_of_a_program_that_waits_for_nobody(bench):
    horizon = bench.execution.horizon
    bench.upload(SG, "repeat (1000) { playZero(1000000); } setUserReg(1, 3);")
    bench.set(f"{SG}/enable", 1)
    told = horizon(bench.now_fs)
    assert not told.armed
    assert 500 * MS <= told.busy_until_fs < 501 * MS
    bench.wait(told.busy_until_fs - bench.now_fs)
    assert bench.get(f"{SG}/enable") == 0
    bench.upload(SG, "repeat (3) { waitDigTrigger(1); playZero(64); }")
    bench.set(f"{SG}/auxtriggers/0/channel", 8)
    bench.set(f"{SG}/enable", 1)
    assert horizon(bench.now_fs).armed
    bench.set("system/internaltrigger/repetitions", 3)
    bench.set("system/internaltrigger/holdoff", 1e-3)
    bench.set("system/internaltrigger/enable", 1)
    told = horizon(bench.now_fs)
    assert not told.armed
    assert 2 * MS < told.busy_until_fs - bench.now_fs < 2 * MS + 2 * US
    bench.upload("sgchannels/1/awg", "while (true) { playZero(1024); }")
    bench.set("sgchannels/1/awg/enable", 1)
    assert horizon(bench.now_fs).armed


def link(bench) -> None:
    """Have both instruments listen to ZSync."""
    bench.set("system/clocks/referenceclock/in/source", 2)
    bench.set(f"{SG}/diozsyncswitch", 1)
    bench.set("system/clocks/referenceclock/source", 2, "HDAWG8")
    bench.set("dios/0/mode", 3, "HDAWG8")


def test_a_pqsc_starts_all_instruments(bench):
    link(bench)
    program = "repeat (3) { waitZSyncTrigger(); playZero(1024); } setUserReg(0, 8);"
    bench.upload(SG, program)
    bench.upload("awgs/0", program, "HDAWG8")
    bench.set(f"{SG}/enable", 1)
    bench.set("awgs/0/enable", 1, "HDAWG8")
    bench.set("execution/repetitions", 3, "PQSC")
    bench.set("execution/holdoff", 200e-6, "PQSC")
    bench.set("execution/enable", 1, "PQSC")
    bench.wait(300 * US)
    assert bench.get(f"{SG}/sequencer/status") == 4
    bench.wait(MS)
    assert bench.get("execution/enable", "PQSC") == 0
    assert bench.get(f"{SG}/userregs/0") == 8
    assert bench.get("awgs/0/userregs/0", "HDAWG8") == 8


def test_a_sequencer_that_is_stopped_stops(bench):
    bench.upload(SG, "while (true) { playZero(1024); }")
    bench.set(f"{SG}/enable", 1)
    bench.wait(US)
    bench.set(f"{SG}/enable", 0)
    bench.wait(MS)
    assert bench.execution.horizon(bench.now_fs) == IDLE


def test_a_second_run_tells_its_results_although_they_are_the_same(bench):
    heard = []

    class Listener:
        def heard(self, value):
            heard.append(value.path)

    bench.set("qachannels/0/mode", 1)
    bench.upload(QA, "startQA(QA_GEN_0, QA_INT_0);")
    store = bench.devices["SHFQC"].store
    store.subscribe(Listener(), f"{store.root}/{READOUT}/result/data/*/wave")
    for run in (1, 2):
        bench.set(f"{READOUT}/result/enable", 1)
        bench.set(f"{QA}/enable", 1)
        bench.wait(100 * US)
        assert len(heard) == 16 * run


def test_the_factory_preset_is_what_was_at_power_on_and_says_when_it_is_there(bench):
    store, heard = bench.devices["SHFQC"].store, []

    class Listener:
        def heard(self, value):
            heard.append((value.path.removeprefix(f"{store.root}/"), value.value))

    wanted = ("system/preset/busy", "system/clocks/referenceclock/in/source")
    for path in wanted:
        store.subscribe(Listener(), f"{store.root}/{path}")
    bench.set("sgchannels/3/output/range", -20.0)
    bench.set("synthesizers/2/centerfreq", 5e9)
    bench.set("system/clocks/referenceclock/in/source", 2)
    bench.set("qachannels/0/markers/0/source", 1024)
    assert bench.get("system/clocks/referenceclock/in/sourceactual") == 2
    heard.clear()
    bench.set("system/preset/load", 1)
    assert bench.get("sgchannels/3/output/range") == 10.0
    assert bench.get("sgchannels/3/centerfreq") == 1e9
    assert bench.get("sgchannels/3/synthesizer") == 2
    assert bench.get("system/clocks/referenceclock/in/sourceactual") == 0
    assert heard[0] == ("system/preset/busy", 1)
    assert heard[-1] == ("system/preset/busy", 0)
    assert (wanted[1], 0) in heard


@pytest.mark.parametrize(
    ("wait", "what"),
    [("waitSineOscPhase(1)", "phase of an oscillator"), ("waitCntTrigger(0)", "a counter")],
)
def test_a_wait_for_what_never_comes_is_refused_with_its_line(bench, wait, what):
    bench.upload("awgs/0", f"playZero(64);\n{wait};\nplayZero(64);", "HDAWG8")
    with pytest.raises(Refused, match=rf"awgs/0: line 2: it waits for .*{what}"):
        bench.set("awgs/0/enable", 1, "HDAWG8")
    assert bench.get("awgs/0/enable", "HDAWG8") == 0
