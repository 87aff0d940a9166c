"""The twins tektronix_awg70002a and tektronix_awg5208 take the files of the vendor's examples.

Made as Tektronix's ``make_wfmx_example.py`` and ``make_seqx_example.py`` make them
(Programmatic-Control-Examples, ``Examples/Signal_Sources``, "for Tektronix AWG70000 and AWG5200
series"): headers that do not say how long they are, with nothing in them that may be left out.
"""

import io
import zipfile

import numpy as np
import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces.ieee4882.program_message import definite_block
from podium.sim_instruments.twins.tektronix_awg5208 import tektronix_awg5208
from podium.sim_instruments.twins.tektronix_awg70002a import tektronix_awg70002a

FINE = '0,"No error"'
SINE = np.sin(2 * np.pi * np.arange(5000, dtype=np.single) / 5000 * 8).astype(np.single)
MARKERS = [np.roll(np.tile([1, 1, 1, 1, 0, 0, 0, 0], 625), by) for by in range(4)]
DEMO = (
    "<Step><StepNumber>1</StepNumber><Repeat>Infinite</Repeat>"
    "<EventJumpInput>TrigA</EventJumpInput>%s</Step>"
    "<Step><StepNumber>2</StepNumber>%s</Step>"
    "<Step><StepNumber>3</StepNumber><Repeat>Infinite</Repeat>"
    "<EventJumpInput>TrigA</EventJumpInput>%s</Step>"
    "<Step><StepNumber>4</StepNumber><GoTo>First</GoTo>%s</Step>"
)


def wfmx(samples, more="", specific="", markers=b""):
    header = (
        '<DataFile><DataSetsCollection><DataSets version="1"><DataDescription>'
        f"<NumberSamples>{len(samples)}</NumberSamples>{more}</DataDescription>{specific}"
        "</DataSets></DataSetsCollection><Setup /></DataFile>"
    )
    return header.encode() + samples.astype(np.single).tobytes() + markers


def specific(form):
    return (
        f"<ProductSpecific><SignalFormat>{form}</SignalFormat>"
        '<RecSamplingRate units="Hz">1230400000</RecSamplingRate>'
        '<RecAmplitude units="Volts">0.487</RecAmplitude>'
        '<RecOffset units="Volts">0.123</RecOffset></ProductSpecific>'
    )


def demo_sequence():
    def asset(name):
        return (
            f"<Assets><Asset><AssetName>{name}</AssetName><AssetType>Waveform</AssetType></Asset>"
            "</Assets>"
        )

    steps = DEMO % tuple(asset(name) for name in ("idle", "pos_pulse", "idle", "neg_pulse"))
    sml = (
        '<DataFile offset="000001311" version="0.1"><DataSetsCollection><DataSets version="1">'
        "<DataDescription><SequenceName>demo sequence</SequenceName>"
        "<RecSampleRate>10000000000</RecSampleRate>"
        f'<Steps StepCount="4" TrackCount="1">{steps}</Steps></DataDescription></DataSets>'
        "</DataSetsCollection><Setup /></DataFile>"
    )
    pulse = np.zeros(2400)
    pulse[:10] = 1
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, mode="w") as file:
        file.writestr("Sequences/main.sml", sml)
        for name, wave in (("idle", 0 * pulse), ("pos_pulse", pulse), ("neg_pulse", -pulse)):
            file.writestr(f"Waveforms/{name}.wfmx", wfmx(wave))
    return packed.getvalue()


class Box(TwinConversation):
    def opened(self, name, data):
        self.say(f'MMEM:DATA "{name}",'.encode() + definite_block(data))
        return self.say(f'MMEM:OPEN "{name}";:SYST:ERR?')


@pytest.fixture(params=[tektronix_awg70002a, tektronix_awg5208])
def box(request):
    return Box(request.param("B1"))


def test_the_idle_waveform(box):
    assert box.opened("my idle waveform.wfmx", wfmx(np.zeros(2400))) == FINE
    assert box.say('WLIS:LIST?;:WLIS:WAV:LENG? "my idle waveform"') == '"my idle waveform";2400'


def test_the_sine_with_markers(box):
    packed = sum(one << bit for bit, one in enumerate(MARKERS)).astype(np.uint8).tobytes()
    more = "<MarkersIncluded>true</MarkersIncluded><Timestamp>2020-01-01T00:00:00</Timestamp>"
    data = wfmx(SINE, more, specific("Real"), packed)
    assert box.opened("my sine with markers.wfmx", data) == FINE
    box.say('SOUR1:WAV "my sine with markers";DAC:RES MIN;:SOUR1:VOLT 0.4;:OUTP1 1;:AWGC:RUN')
    assert box.say("SYST:ERR?") == FINE
    played = box.twin.samples(1, 0, 5000)
    assert np.allclose(played.volts, 0.2 * SINE, rtol=0, atol=0.4 / 2**7)
    assert len(played.markers) in (2, 4)
    for found, wanted in zip(played.markers, MARKERS, strict=False):
        assert np.array_equal(found, wanted * 1.0)


def test_complex_waveforms_are_left_out(box):
    both = np.concatenate([SINE, SINE])
    data = wfmx(both, "", specific("IQ")).replace(b">10000<", b">5000<")
    assert "complex waveforms are not known here" in box.opened("my complex waveform.wfmx", data)


def test_the_demo_sequence(box):
    """Its comment says how it runs: idle until trigger A, a pulse, idle until it, a pulse, anew."""
    assert box.opened("my_seq.seqx", demo_sequence()) == FINE
    assert box.say("SLIS:NAME? 1;SIZE?;:WLIS:SIZE?") == '"demo sequence";1;3'
    box.say('SOUR1:CASS:SEQ "demo sequence",1;:SOUR1:VOLT 0.5;:OUTP1 1;:CLOC:SRAT 1E6;:AWGC:RUN')
    assert box.say("SYST:ERR?") == FINE
    assert not any(box.twin.samples(1, 0, 9600).volts)
    found = []
    for number in range(4):
        box.now_fs += 12_000 * 10**9  # at 1 MS/s within the sixth round of an idle waveform
        box.say("TRIG ATR")
        volts = np.array(box.twin.samples(1, 0, 12_000 * (number + 2)).volts)
        found = np.flatnonzero(np.abs(volts) > 0.1)
        assert len(found) == 10 * (number + 1)
        sign = 1 if number % 2 == 0 else -1
        assert np.allclose(volts[found[-10:]], sign * 0.25, rtol=0, atol=1e-3)
