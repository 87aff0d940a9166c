"""The unmodified QCoDeS drivers against the twins of the Tektronix AWG70002A and AWG5208.

Their files go into the box, and what it then plays is what was in them. QCoDeS ends a file by the
end of a message, which a socket does not have: it is asked over VXI-11.
"""

import numpy as np
import pytest
from qcodes.instrument_drivers.tektronix import TektronixAWG5208, TektronixAWG70002A

from podium.sim_instruments.twins.tektronix_awg5208 import tektronix_awg5208
from podium.sim_instruments.twins.tektronix_awg70002a import tektronix_awg70002a

N = 2400
BOXES = {
    "AWG70002A": (TektronixAWG70002A, tektronix_awg70002a),
    "AWG5208": (TektronixAWG5208, tektronix_awg5208),
}


@pytest.fixture(params=sorted(BOXES))
def model(request):
    return request.param


@pytest.fixture
def twin(model):
    return BOXES[model][1]("B020397")


@pytest.fixture
def awg(model, twin, serve):
    at = serve(twin, "vxi11")
    driver = BOXES[model][0]("awg", f"TCPIP::{at.host},{at.port}::inst0::INSTR", visalib="@py")
    yield driver
    assert driver.ask("SYSTem:ERRor?") == '0,"No error"'
    assert twin.tallies()["unknown"] == 0
    driver.close()


def steps_v(awg, channel):
    return float(awg.submodules[f"ch{channel}"].awg_amplitude()) / 2**9


def ramp(amplitude_v, sign=1):
    return sign * np.linspace(-amplitude_v / 2, amplitude_v / 2, N)


def packed(wave, *markers):
    return np.array([wave, *(markers or (np.zeros(N), np.zeros(N)))])


def test_it_connects_and_a_snapshot_is_answered(awg, model):
    assert awg.get_idn()["model"] == model
    values = awg.snapshot(update=True)
    assert values["parameters"]["run_state"]["value"] == "Stopped"
    assert values["parameters"]["clock_source"]["value"] == "Internal"
    assert values["parameters"]["sample_rate"]["value"] == {"AWG70002A": 25e9}.get(model, 2.5e9)
    assert values["parameters"]["current_directory"]["value"] == '"\\Users\\OEM\\Documents"'
    channel = values["submodules"]["ch1"]["parameters"]
    assert channel["fgen_type"]["value"] == "SINE"
    assert channel["resolution"]["value"] == {"AWG70002A": 10}.get(model, 16)
    assert channel["assigned_asset"]["value"] == "N/A"


def test_what_it_sets_it_reads_back(awg, model):
    channel = awg.ch2
    channel.awg_amplitude(0.4)
    offset_v = {"AWG70002A": 0}.get(model, -0.25)  # the direct path has none
    channel.offset(offset_v)
    channel.marker1_high(1.2)
    channel.marker2_low(-0.1)
    channel.marker1_waitvalue("FIRST")
    channel.marker2_stoppedvalue("OFF")
    channel.hold("FIRST")
    channel.state(1)
    channel.resolution({"AWG70002A": 8}.get(model, 13))
    channel.fgen_type("GAUSSIAN")
    channel.fgen_type("SQUARE")
    channel.fgen_frequency(1e6)
    channel.fgen_phase(-90)
    for path in channel.fgen_signalpath.get_latest(), *channel.fgen_signalpath.vals._valid_values:
        channel.fgen_signalpath(path)
        assert channel.fgen_signalpath() == path
    awg.sample_rate(2e9)
    awg.clock_source("Internal, 10 MHZ ref.")
    awg.all_output_off(True)
    awg.mode("FGEN")
    assert channel.awg_amplitude() == 0.4
    assert channel.offset() == offset_v
    assert channel.marker1_high() == 1.2
    assert channel.marker2_low() == -0.1
    assert channel.marker1_waitvalue() == "FIRST"
    assert channel.marker2_stoppedvalue() == "OFF"
    assert channel.hold() == "FIRST"
    assert channel.state() == 1
    assert channel.fgen_type() == "SQUARE"
    assert channel.fgen_period() == 1e-6
    assert channel.fgen_phase() == -90
    assert awg.sample_rate() == 2e9
    assert awg.clock_source() == "Internal, 10 MHZ ref."
    assert awg.all_output_off() is True
    assert awg.mode() == "FGEN"
    assert awg.ch1.state() == 0


def test_a_waveform_file_is_played_sample_by_sample(awg, twin):
    awg.ch1.awg_amplitude(0.4)
    marks = (np.arange(N) < 100, np.arange(N) >= 2000)
    wave = ramp(0.4)
    awg.sendWFMXFile(awg.makeWFMXFile(packed(wave, *(m * 1.0 for m in marks)), 0.4), "ramp.wfmx")
    awg.loadWFMXFile("ramp.wfmx")
    assert awg.waveformList == ["ramp"]
    awg.ch1.setWaveform("ramp")
    assert awg.ch1.assigned_asset() == "ramp"
    awg.ch1.resolution(awg.ch1.resolution() - 2)  # leaves two bits to markers
    awg.ch1.state(1)
    awg.play()
    assert awg.run_state() == "Running"
    played = twin.samples(1, 1000, N)
    assert played.samples_per_s == awg.sample_rate()
    bits = awg.ch1.resolution()
    assert np.allclose(played.volts, np.roll(wave, -1000), rtol=0, atol=0.4 / 2**bits)
    for found, marked in zip(played.markers, marks, strict=True):
        assert np.array_equal(found, np.roll(marked, -1000) * 1.0)
    awg.stop()
    assert awg.run_state() == "Stopped"
    assert not any(twin.samples(1, 0, 10).volts)
    awg.ch1.clear_asset()
    assert awg.ch1.assigned_asset() == "N/A"
    awg.clearWaveformList()
    assert awg.waveformList == [""]


def test_a_sequence_file_is_played_step_by_step(awg, twin):
    waves = [[packed(np.full(N, level)) for level in (0.05, 0.1, 0.15)] for _ in range(2)]
    waves[1] = [packed(-one[0]) for one in waves[1]]
    seqx = awg.makeSEQXFile(
        [0, 0, 0], [1, 2, 1], [0, 0, 0], [0, 0, 0], [0, 0, 2], waves, [0.5, 0.5], "my stairs"
    )
    awg.sendSEQXFile(seqx, "stairs.seqx")
    awg.loadSEQXFile("stairs.seqx")
    assert awg.sequenceList == ["my_stairs"]
    assert len(awg.waveformList) == 6
    for number, channel in enumerate((awg.ch1, awg.ch2), 1):
        channel.awg_amplitude(0.5)
        channel.setSequenceTrack("my_stairs", number)
        channel.state(1)
    awg.play()
    # 1, twice 2, 3, and from 2 on again
    wanted = [0.05, 0.1, 0.1, 0.15, 0.1, 0.1, 0.15, 0.1]
    for number, sign in ((1, 1), (2, -1)):
        volts = twin.samples(number, 0, 8 * N).volts
        assert np.allclose(volts, sign * np.repeat(wanted, N), rtol=0, atol=steps_v(awg, number))
        late = twin.samples(number, (1 + 3 * 10**12) * N, N).volts
        assert np.allclose(late, sign * 0.1, rtol=0, atol=steps_v(awg, number))
    awg.delete_sequence_from_list("my_stairs")
    assert awg.sequenceList == []


def test_steps_wait_for_triggers_and_jump(awg, twin):
    waves = [[packed(np.full(N, level)) for level in (0.05, 0.1, 0.15)]]
    seqx = awg.makeSEQXFile(
        [1, 0, 0], [1, 0, 0], [0, 2, 0], [0, 3, 0], [0, 0, 0], waves, [0.5], "waits"
    )
    awg.sendSEQXFile(seqx, "waits.seqx")
    awg.loadSEQXFile("waits.seqx")
    awg.ch1.awg_amplitude(0.5)
    awg.ch1.setSequenceTrack("waits", 1)
    awg.ch1.state(1)
    awg.play()
    assert awg.run_state() == "Waiting for trigger"

    def now_v():
        """What it plays long after, if nothing happens."""
        (level,) = twin.samples(1, 10**15, 1).volts
        return round(level, 2)

    assert now_v() == 0.0
    awg.force_triggerB()
    assert awg.run_state() == "Waiting for trigger"
    awg.force_triggerA()
    assert awg.run_state() == "Running"
    assert now_v() == 0.1
    awg.force_triggerB()
    assert now_v() == 0.15
    awg.set_event_jump('"waits"', 2, 1)
    awg.force_jump(2)
    assert now_v() == 0.1
    awg.force_triggerB()
    assert awg.run_state() == "Waiting for trigger"
    awg.ch1.hold("FIRST")
    assert now_v() == 0.05


def test_a_forged_sequence_has_sequences_inside(awg, twin):
    def element(level):
        return {
            channel: {
                "wfm": np.full(N, level * channel),
                "m1": np.zeros(N),
                "m2": np.zeros(N),
            }
            for channel in (1, 2)
        }

    def seqing(**words):
        return {"twait": 0, "nrep": 1, "jump_input": 0, "jump_target": 0, "goto": 0} | words

    forged = {
        1: {
            "type": "subsequence",
            "content": {
                1: {"data": element(0.02), "sequencing": {"nrep": 2}},
                2: {"data": element(0.04), "sequencing": {"nrep": 1}},
            },
            "sequencing": seqing(nrep=2),
        },
        2: {
            "type": "element",
            "content": {1: {"data": element(0.06)}},
            "sequencing": seqing(goto=1),
        },
    }
    seqx = awg.make_SEQX_from_forged_sequence(forged, [0.5, 0.5], "forged")
    awg.sendSEQXFile(seqx, "forged.seqx")
    awg.loadSEQXFile("forged.seqx")
    assert "forged" in awg.sequenceList
    for channel in (1, 2):
        awg.submodules[f"ch{channel}"].awg_amplitude(0.5)
        awg.submodules[f"ch{channel}"].setSequenceTrack("forged", channel)
        awg.submodules[f"ch{channel}"].state(1)
    awg.play()
    inside = [0.02, 0.02, 0.04]
    wanted = np.repeat([*inside, *inside, 0.06, *inside], N)
    for channel in (1, 2):
        volts = twin.samples(channel, 0, 10 * N).volts
        assert np.allclose(volts, channel * wanted, rtol=0, atol=steps_v(awg, channel))


def test_a_file_may_end_with_the_byte_that_ends_lines(serve):
    twin = tektronix_awg5208("B020397")
    at = serve(twin, "vxi11")
    awg = TektronixAWG5208("awg", f"TCPIP::{at.host},{at.port}::inst0::INSTR", visalib="@py")
    marks = [np.full(N, value) for value in (0.0, 1.0, 0.0, 1.0)]
    wfmx = awg.makeWFMXFile(packed(ramp(1.0), *marks), 1.0)
    assert wfmx.endswith(b"\n")
    awg.sendWFMXFile(wfmx, "marked.wfmx")
    awg.loadWFMXFile("marked.wfmx")
    assert awg.waveformList == ["marked"]
    awg.close()


def test_a_file_of_more_than_a_megabyte_is_taken(awg, twin):
    """Of 300,000 samples."""
    wave = np.tile(ramp(0.5), 125)
    awg.sendWFMXFile(awg.makeWFMXFile(wave, 0.5), "long.wfmx")
    awg.loadWFMXFile("long.wfmx")
    assert awg.waveformList == ["long"]
