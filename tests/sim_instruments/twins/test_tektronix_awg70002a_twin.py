"""The twin of the AWG70002A: files, lists, refusals, and what it plays."""

import numpy as np
import pytest
from qcodes.instrument_drivers.tektronix.AWG70000A import TektronixAWG70000Base as Qcodes
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces.ieee4882.program_message import definite_block
from podium.sim_instruments.twins.tektronix_awg70002a import tektronix_awg70002a

N = 2400
WAVE = np.linspace(-1, 1, N)
WFMX = Qcodes.makeWFMXFile(np.array([WAVE, WAVE > 0, WAVE < 0]), 2.0)
SECOND_FS = 10**15


class Bench(TwinConversation):
    def __init__(self):
        super().__init__(tektronix_awg70002a("B1"))

    def refused(self, message):
        assert self.say(message) == ""
        code = int(self.say("SYST:ERR:CODE?"))
        assert self.say("SYST:ERR?") == '0,"No error"'
        return code

    def save(self, name, data):
        self.say(b'MMEM:DATA "%s",%s' % (name.encode(), definite_block(data)))

    def loaded(self, name="a", data=WFMX):
        self.save(f"{name}.wfmx", data)
        self.say(f'MMEM:OPEN "{name}.wfmx"')
        return self


@pytest.fixture
def bench():
    return Bench()


def test_files_stand_in_folders_whatever_their_capitals(bench):
    bench.save("a.wfmx", WFMX)
    assert bench.refused('MMEM:OPEN "C:\\Users\\OEM\\DOCUMENTS\\A.wfmx"') == 0
    assert bench.say("WLIS:LIST?;SIZE?;NAME? 1") == '"A";1;"A"'
    bench.say('MMEM:CDIR "\\elsewhere"')
    assert bench.refused('MMEM:OPEN "a.wfmx"') == -256
    assert bench.refused('MMEM:DEL "a.wfmx"') == -256
    assert bench.say("MMEM:CDIR?") == '"\\elsewhere"'
    read = bench.session.feed(b'MMEM:DATA? "/Users/OEM/Documents/a.wfmx"\n', 0)
    assert read == definite_block(WFMX) + b"\n"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("AWGC:RUN", -221),
        ('SOUR1:CASS:WAV "b"', -224),
        ('SOUR3:CASS:WAV "a"', -114),
        ('SOUR1:CASS:SEQ "b",1', -224),
        ("SOUR1:VOLT 0.6", -222),
        ("SOUR1:DAC:RES 7", -222),
        ("SOUR1:MARK3:VOLT:HIGH 1", -114),
        ("OUTP2:OFF 1", -114),
        ("CLOC:SRAT 26E9", -222),
        ('WLIS:WAV:DEL "b"', -224),
        ("WLIS:NAME? 2", -222),
        ('SLIS:SEQ:STEP1:EJUM "b", 1', -224),
        ('MMEM:DATA "x.wfmx", 5', -104),
        ("WLIS:WAV:NEW", -113),
    ],
)
def test_refusals(bench, message, code):
    assert bench.loaded().refused(message) == code
    assert bench.say("AWGC:RSTAT?") == "0"


def test_a_spoilt_file_changes_nothing(bench):
    bench.save("b.wfmx", WFMX[:-1])
    assert bench.refused('MMEM:OPEN "b.wfmx"') == -200
    bench.save("b.seqx", WFMX)
    assert bench.refused('MMEM:OPEN "b.seqx"') == -200
    assert bench.refused('MMEM:OPEN:SASS:SEQ "b.wfmx"') == -200
    assert bench.say("WLIS:LIST?;:SLIS:SIZE?") == '"";0'


def test_outputs_amplitude_offset_and_bits(bench):
    bench.loaded()
    bench.say('SOUR1:CASS:WAV "a";:SOUR1:VOLT 0.25;:AWGC:RUN')
    assert not any(bench.twin.samples(1, 0, N).volts)  # its output is off
    bench.say("OUTP1 1")
    volts = np.array(bench.twin.samples(1, 0, N).volts)
    assert np.allclose(volts, WAVE / 8, rtol=0, atol=0.25 / 2**10)
    assert bench.twin.samples(1, 0, 5).markers == []  # all bits are the wave's
    bench.say("SOUR1:DAC:RES 8;:SOUR1:MARK1:VOLT:HIGH 0.8;LOW -0.2")
    assert len(set(bench.twin.samples(1, 0, N).volts)) == 2**8 - 1
    first, second = bench.twin.samples(1, 0, N).markers
    assert np.array_equal(first, np.where(WAVE > 0, 0.8, -0.2))
    assert np.array_equal(second, np.where(WAVE < 0, 1.0, 0.0))
    bench.say("OUTP:OFF 1")
    assert not any(bench.twin.samples(1, 0, N).volts)
    assert bench.say("OUTP1?") == "1"
    assert not any(bench.twin.samples(2, 0, N).volts)


def test_what_is_not_simulated_is_not_told(bench):
    with pytest.raises(ValueError, match="channels 1 to 2"):
        bench.twin.samples(3, 0, 1)
    bench.say("INST:MODE FGEN")
    with pytest.raises(ValueError, match="not simulated"):
        bench.twin.samples(1, 0, 1)


def test_a_reset_keeps_files_and_empties_lists(bench):
    bench.loaded().say('SOUR1:CASS:WAV "a";:SOUR1:VOLT 0.3;:AWGC:RUN')
    assert bench.say("AWGC:RSTAT?") == "2"
    bench.say("*RST")
    assert bench.say("AWGC:RSTAT?;:WLIS:LIST?;:SOUR1:VOLT?;CASS?") == '0;"";+5E-1;""'
    assert bench.refused('MMEM:OPEN "a.wfmx"') == 0


def test_it_ends_where_a_sequence_ends(bench):
    seqx = Qcodes.makeSEQXFile([0], [2], [0], [0], [0], [[WAVE]], [2.0], "s")
    ends = seqx.replace(b"<GoTo>Next", b"<GoTo>End ")
    assert len(ends) == len(seqx)
    bench.save("s.seqx", _stored_anew(ends))
    bench.say('MMEM:OPEN:SASS:SEQ "s.seqx";:SOUR2:CASS:SEQ "s",1;:OUTP2 1;:CLOC:SRAT 1E6;:AWGC:RUN')
    assert bench.say("SOUR2:CASS?;:AWGC:RSTAT?") == '"s,1";2'
    assert any(bench.twin.samples(2, 2 * N - 10, 10).volts)
    assert not any(bench.twin.samples(2, 2 * N, 10).volts)
    bench.now_fs = SECOND_FS // 100
    assert bench.say("AWGC:RSTAT?") == "0"
    bench.say('SLIS:SEQ:STEP1:EJUM "s", END')
    assert bench.say('SLIS:SEQ:STEP1:EJUM? "s"') == "END"
    bench.say("SLIS:SEQ:DEL ALL")
    assert bench.say("SOUR2:CASS?") == '""'


def _stored_anew(seqx):
    """Return a ZIP file whose contents were changed in place with check sums that fit."""
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(seqx)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            with old.open(entry) as file:
                file._expected_crc = None
                new.writestr(entry.filename, file.read())
    return buffer.getvalue()


def test_switched_off_it_keeps_files_and_forgets_lists(bench) -> None:
    bench.loaded()
    assert bench.say("WLIS:SIZE?") == "1"
    bench.twin.power_cycle(0)
    assert bench.say("WLIS:SIZE?;*ESR?") == "0;128"
    assert bench.refused('MMEM:OPEN "a.wfmx"') == 0
    assert bench.say("WLIS:SIZE?") == "1"
