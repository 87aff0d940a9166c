"""The twins tektronix_awg70002a and tektronix_awg5208 against their programmer manual.

Tektronix's package ``tm_devices`` carries the manual's text of each command, in
``commands/gen_chhuo_awg`` (AWG70000), ``gen_60bjc_awg`` (AWG5200) and ``gen_btm6t_awg`` (both):
what it does and what \\*RST sets. Ranges are those of its ``docs/advanced/signal_generators.md``.
Its example ``awg70k_example.py`` is sent as its classes send it, and so is what its drivers send
to make a function.
"""

import numpy as np
import pytest
from qcodes.instrument_drivers.tektronix.AWG70000A import TektronixAWG70000Base as Qcodes
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces.ieee4882.program_message import definite_block
from podium.sim_instruments.twins import tektronix_assets
from podium.sim_instruments.twins.tektronix_awg5208 import tektronix_awg5208
from podium.sim_instruments.twins.tektronix_awg70002a import tektronix_awg70002a

FINE = '0,"No error"'
MAKE = {"AWG70002A": tektronix_awg70002a, "AWG5208": tektronix_awg5208}


class Box(TwinConversation):
    def __init__(self, model):
        self.model = model
        super().__init__(MAKE[model]("B1"))

    def refused(self, message):
        self.say("*CLS")
        assert self.say(message) == ""
        return int(self.say("SYST:ERR:CODE?"))

    def near(self, query, wanted):
        return float(self.say(query)) == pytest.approx(wanted, rel=1e-9, abs=1e-12)

    def compiled(self, name, *more):
        """Make a waveform in the Basic Waveform editor."""
        self.say(";:".join((f':BWAV:COMP:NAME "{name}"', *more, "BWAV:COMP")))
        assert self.say("SYST:ERR?") == FINE
        return self


@pytest.fixture(params=sorted(MAKE))
def box(request):
    return Box(request.param)


@pytest.fixture
def awg70002a():
    return Box("AWG70002A")


@pytest.fixture
def awg5208():
    return Box("AWG5208")


RESET = (
    ("VOLT:HIGH", 0.25),
    ("VOLT:LOW", -0.25),
    ("VOLT", 0.5),
    ("MARK:VOLT:AMPL", 1),
    ("MARK:VOLT:OFFS", 0.5),
    ("MARK:VOLT:HIGH", 1),
    ("MARK:VOLT:LOW", 0),
    ("FGEN:CHAN1:AMPL:VOLT", 0.5),
    ("FGEN:CHAN1:HIGH", 0.25),
    ("FGEN:CHAN1:LOW", -0.25),
    ("FGEN:CHAN1:DCL", 0),
    ("FGEN:CHAN1:FREQ", 1.2e6),
    ("FGEN:CHAN1:OFFS", 0),
    ("FGEN:CHAN1:PHAS", 0),
    ("FGEN:CHAN1:SYMM", 100),
)


@pytest.mark.parametrize(("header", "wanted"), RESET)
def test_what_reset_sets_numbers_to(box, header, wanted):
    where = header if header.startswith("FGEN") else f"SOUR1:{header}"
    box.say("SOUR1:VOLT 0.3;:SOUR1:MARK:VOLT:HIGH 1.2;:FGEN:CHAN1:AMPL 0.1;SYMM 30;FREQ 2E6;*RST")
    assert box.near(f"{where}?", wanted)


def test_what_reset_sets_words_to(box):
    box.say("OUTP1:SVAL OFF;WVAL FIRS;:OUTP1:WVAL:MARK1 HIGH;:OUTP1:SVAL:MARK1 OFF;:CLOC:SOUR EFIX")
    box.say("OUTP1 ON;:OUTP:OFF ON;:FGEN:CHAN1:TYPE NOIS;:BWAV:FUNC RAMP;AUTO FREQ;*RST")
    asked = "OUTP1:SVAL:ANAL:STAT?;:OUTP1:WVAL:ANAL:STAT?;:OUTP1:WVAL:MARK1?;:OUTP1:SVAL:MARK1?"
    assert box.say(asked) == "ZERO;ZERO;LOW;LOW"
    assert box.say("CLOC:SOUR?;:OUTP1?;:OUTP:OFF?;:FGEN:CHAN1:TYPE?") == "INT;0;0;SINE"
    assert box.say("BWAV:FUNC?;AUTO?;FDR?") == "SINE;CYCLE;1"
    highest, bits = {"AWG70002A": (25e9, "10")}.get(box.model, (2.5e9, "16"))
    assert box.near("CLOC:SRAT?", highest)
    assert box.say("SOUR1:DAC:RES?") == bits


def test_words_are_taken_as_the_manual_spells_them(box):
    for short, long, header in (
        ("FIRS", "FIRST", "OUTP1:WVAL"),
        ("GAUS", "GAUSSIAN", "FGEN:CHAN1:TYPE"),
        ("EVAR", "EVARIABLE", "AWGC:CLOC:SOUR"),
    ):
        assert box.refused(f"{header} {short}") == 0
        answer = box.say(f"{header}?")
        assert box.refused(f"{header} {long}") == 0
        assert box.say(f"{header}?") == answer
    assert box.say("CLOC:SOUR?") == "EVAR"
    assert box.refused("OUTP1:SVAL LOW") == -141


def test_the_error_queue_is_told_whole_and_counted(box):
    box.say("OUTP1:SVAL LOW;:CLOC:SRAT 1E12;:NOSUCH")
    assert box.say("SYST:ERR:COUN?") == "3"
    assert box.say("SYST:ERR:CODE:ALL?;:SYST:ERR:COUN?") == "-141,-222,-113;0"
    assert box.say("SYST:ERR:CODE:ALL?;:SYST:ERR:ALL?") == f"0;{FINE}"
    box.say("OUTP1:SVAL LOW;:NOSUCH")
    assert [one[:5] for one in box.say("SYST:ERR:ALL?").split(",")[::2]] == ["-141", "-113"]
    assert box.say("SYST:ERR?") == FINE


def test_amplitude_offset_high_and_low_say_the_same(awg5208):
    awg5208.say("SOUR3:VOLT 0.4;VOLT:OFFS 0.1")
    assert awg5208.near("SOUR3:VOLT:HIGH?", 0.3)
    assert awg5208.near("SOUR3:VOLT:LOW?", -0.1)
    awg5208.say("SOUR3:VOLT:LEV:IMM:HIGH 0.5")
    assert awg5208.near("SOUR3:VOLT?", 0.6)
    assert awg5208.near("SOUR3:VOLT:OFFS?", 0.2)
    assert awg5208.refused("SOUR3:VOLT:HIGH 1.6") == -222
    assert awg5208.near("SOUR3:VOLT:HIGH?", 0.5)
    awg5208.say("SOUR3:MARK2:VOLT:AMPL 0.6")
    assert awg5208.near("SOUR3:MARK2:VOLT:HIGH?", 0.8)
    assert awg5208.near("SOUR3:MARK2:VOLT:LOW?", 0.2)
    awg5208.say("FGEN:CHAN2:LOW 0")
    assert awg5208.near("FGEN:CHAN2:AMPL?", 0.25)
    assert awg5208.near("FGEN:CHAN2:OFFS?", 0.125)


def test_the_direct_path_has_no_offset(awg70002a):
    """VOLTage:OFFSet "is only valid when the output path is set to DC Amplified"."""
    assert awg70002a.refused("SOUR1:VOLT:OFFS 0.1") == -222
    assert awg70002a.refused("SOUR1:VOLT:OFFS 0") == 0
    awg70002a.say("SOUR1:VOLT:HIGH 0.2")
    assert awg70002a.near("SOUR1:VOLT?", 0.4)
    assert awg70002a.near("SOUR1:VOLT:LOW?", -0.2)


@pytest.mark.parametrize(
    ("model", "path", "low", "high"),
    [
        ("AWG70002A", "DIR", 0.125, 0.5),
        ("AWG5208", "DCHB", 0.025, 1.5),
        ("AWG5208", "DCHV", 0.01, 5),
        ("AWG5208", "ACD", 0.025, 0.75),
    ],
)
def test_ranges_of_amplitude_by_path(model, path, low, high):
    box = Box(model)
    assert box.refused(f"OUTP1:PATH {path}") == 0
    assert box.say("OUTP1:PATH?") == path
    assert box.near("SOUR1:VOLT? MIN", low)
    assert box.near("SOUR1:VOLT? MAX", high)
    for volts in (low, high):
        assert box.refused(f"SOUR1:VOLT {volts}") == 0
        assert box.near("SOUR1:VOLT?", volts)
    for volts in (low * 0.99, high * 1.01):
        assert box.refused(f"SOUR1:VOLT {volts}") == -222
    box.say("SOUR1:VOLT MIN;VOLT MAX")
    assert box.near("SOUR1:VOLT?", high)


def test_paths_that_need_an_option_are_refused(box):
    """As the driver of ``tm_devices`` expects it of a box without an MDC4500."""
    lacking = {"AWG70002A": ("DCA", "AC")}.get(box.model, ("ACAM",))
    for path in lacking:
        box.say(f"*CLS;:OUTP2:PATH {path}")
        said = f'-222,"Data out of range;Data Out of Range - OUTPUT2:PATH {path}"'
        assert box.say("SYST:ERR?") == said
    assert box.refused("OUTP1:PATH XYZ") == -141


def test_a_path_that_is_left_takes_its_range_with_it(awg5208):
    awg5208.say("OUTP1:PATH DCHV;:SOUR1:VOLT 4;VOLT:OFFS 1;:OUTP1:PATH ACDIRECT")
    assert awg5208.near("SOUR1:VOLT?", 0.75)
    assert awg5208.near("SOUR1:VOLT:OFFS?", 0)


def test_ranges_of_the_sample_rate(box):
    low, high = {"AWG70002A": (1490, 25e9)}.get(box.model, (298, 2.5e9))
    assert box.near("CLOC:SRAT? MIN", low)
    assert box.near("SOUR1:FREQ? MAX", high)
    for header in ("CLOC:SRAT", "SOUR1:FREQ", "FREQ:CW", "SOUR1:FREQ:FIX"):
        assert box.refused(f"{header} {low}") == 0
        assert box.near("CLOC:SRAT?", low)
        assert box.refused(f"{header} {high}") == 0
        assert box.near(f"{header}?", high)
        assert box.refused(f"{header} {low * 0.99}") == -222
        assert box.refused(f"{header} {high * 1.01}") == -222


def test_an_external_clock_limits_the_sample_rate(awg70002a):
    """ "2 * External Clock In frequency (AWG70002)"."""
    awg70002a.say("CLOC:ECL:FREQ 7E9;:CLOC:SOUR EXT")
    assert awg70002a.near("CLOC:SRAT?", 14e9)
    assert awg70002a.refused("CLOC:SRAT 14.1E9") == -222
    assert awg70002a.near("CLOC:SRAT? MAX", 14e9)
    assert awg70002a.refused("CLOC:SOUR INT;SRAT 14.1E9") == 0


def test_the_function_generators_frequency_is_one_and_its_offset_is_clipped(box):
    box.say("FGEN:CHAN2:FREQ 3E6;:FGEN:CHAN1:OFFS 7")
    assert box.near("FGEN:CHAN1:FREQ?", 3e6)
    assert box.near("FGEN:CHAN2:PER?", 1 / 3e6)
    assert box.near("FGEN:CHAN1:OFFS?", 0.25)
    assert box.refused("FGEN:CHAN1:OFFS -7") == 0
    assert box.near("FGEN:CHAN1:OFFS?", -0.25)


def test_files_are_written_and_read_in_parts(box):
    box.say(b'MMEM:DATA "x.bin",' + definite_block(b"0123456789"))
    assert box.say('MMEM:DATA:SIZE? "x.bin"') == "10"
    assert box.say('MMEM:DATA? "x.bin",4') == "#16456789"
    assert box.say('MMEM:DATA? "x.bin",2,3') == "#13234"
    box.say(b'MMEM:DATA "x.bin",8,' + definite_block(b"abcd"))
    assert box.say('MMEM:DATA? "x.bin"') == "#21201234567abcd"
    assert box.refused('MMEM:DATA? "x.bin",2,30') == -222
    assert box.refused(b'MMEM:DATA "x.bin",20,#11z') == -222
    assert box.refused('MMEM:DATA:SIZE? "y.bin"') == -256


def test_the_assets_of_a_channel(box):
    assert box.say("AWGC:CONF:CNUM?") == {"AWG70002A": "2"}.get(box.model, "8")
    box.compiled("a", "BWAV:LENG 2400")
    assert box.say('SOUR1:CASS:TYPE?;:SOUR1:WAV?;:WLIS:WAV:LENG? "a"') == 'NONE;"";2400'
    box.say('SOUR1:WAV "a"')
    assert box.say("SOUR1:CASS:TYPE?;:SOUR1:WAV?;CASS?") == 'WAV;"a";"a"'
    assert box.refused('SOUR1:WAV "b"') == -224
    assert box.refused('WLIS:WAV:LENG? "b"') == -224


def test_one_sequence_of_a_file(box):
    wave = np.zeros((3, 2400))
    seqx = Qcodes.makeSEQXFile([0, 0], [1, 2], [0, 0], [0, 0], [0, 0], [[wave, wave]], [0.5], "s")
    box.say(b'MMEM:DATA "s.seqx",' + definite_block(seqx))
    assert box.say("MMEM:OPEN:SASS:SEQ:MROP?") == '""'
    assert box.refused('MMEM:OPEN:SASS:SEQ "s.seqx","t"') == -224
    assert box.say("SLIS:SIZE?;:WLIS:SIZE?") == "0;0"
    assert box.refused('MMEM:OPEN:SASS:SEQ "s.seqx","s"') == 0
    assert box.say("MMEM:OPEN:SASS:SEQ:MROP?") == '"s"'
    assert box.say('SLIS:SIZE?;:SLIS:SEQ:LENG? "s";TRAC? "s";:WLIS:SIZE?') == "1;2;1;2"
    box.say('SOUR1:CASS:SEQ "s",1;:SOUR2:WAV "wfm_1_1"')
    assert box.say("SOUR1:CASS:TYPE?;:SOUR1:WAV?;:OUTP1 1;:AWGC:RUN;RSTAT?") == 'SEQ;"";2'
    first = box.say("WLIS:NAME? 1")
    box.say(f"WLIS:WAV:DEL {first}")
    assert box.say("AWGC:RSTAT?;:OUTP1?") == "0;0"


def test_a_deleted_waveform_is_unloaded_and_ends_the_run(box):
    box.compiled("a").compiled("b")
    box.say('SOUR1:WAV "a";:SOUR2:WAV "b";:OUTP1 1;:OUTP2 1;:AWGC:RUN')
    box.compiled("c").say('WLIS:WAV:DEL "c"')
    assert box.say("AWGC:RSTAT?;:OUTP1?;:OUTP2?") == "2;1;1"
    box.say('WLIS:WAV:DEL "a"')
    assert box.say("AWGC:RSTAT?;:OUTP1?;:OUTP2?") == "0;0;1"
    assert box.say("SOUR1:CASS?;:SOUR2:CASS?") == '"";"b"'


def test_a_name_that_is_taken_gets_a_suffix(box):
    """ "the name is appended with an underscore suffix such as 'Waveform_1'"."""
    box.compiled("Waveform").compiled("Waveform").compiled("Waveform")
    assert box.say("WLIS:LIST?") == '"Waveform,Waveform_1,Waveform_2"'


def test_the_editor_calculates_what_it_is_told_to(box):
    box.say("BWAV:SRAT 1E9;LENG 1000;FREQ 3E6")
    assert box.near("BWAV:CYCL?", 3)
    box.say("BWAV:AUTO FREQ;CYCL 5")
    assert box.near("BWAV:FREQ?", 5e6)
    box.say("BWAV:AUTO LEN;CYCL 10")
    assert box.near("BWAV:LENG?", 2000)
    box.say("BWAV:AUTO SR;LENG 1000")
    assert box.near("BWAV:SRAT?", 5e8)
    assert box.refused("BWAV:LENG 100000") == -222
    assert box.say("BWAV:LENG?") == "1000"
    box.say("BWAV:HIGH 0.2;LOW -0.1")
    assert box.near("BWAV:AMPL?", 0.3)
    assert box.near("BWAV:OFFS?", 0.05)
    assert box.refused("BWAV:HIGH 3") == -222
    box.say("BWAV:RES")
    assert box.near("BWAV:AMPL?", 0.5)


@pytest.mark.parametrize("full", [0, 1])
def test_what_the_editor_compiles_has_the_levels_asked_for(box, full):
    """With and without the full range of the DAC the same volts come out."""
    more = (f"BWAV:FDR {full}", "BWAV:AMPL 0.2", "BWAV:SRAT 1E9", "BWAV:LENG 100", "BWAV:FREQ 1E7")
    box.compiled("s", *more, "BWAV:COMP:CHAN 2", "BWAV:COMP:CASS ON", "BWAV:COMP:PLAY ON")
    assert box.say("AWGC:RSTAT?;:SOUR2:WAV?;:BWAV:COMP:CHAN?") == '2;"s";2'
    largest = {"AWG70002A": 0.5}.get(box.model, 1.5)
    assert box.near("SOUR2:VOLT?", 0.2 if full else largest)
    volts = np.array(box.twin.samples(2, 0, 100).volts)
    wanted = 0.1 * np.sin(2 * np.pi * np.arange(100) / 100)
    assert np.allclose(volts, wanted, rtol=0, atol=largest / 2**9)


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        ("SQUARE", [0.25, 0.25, -0.25, -0.25]),
        ("TRIANGLE", [0, 0.25, 0, -0.25]),
        ("RAMP", [-0.25, -0.125, 0, 0.125]),
        ("DC", [0.0] * 4),
    ],
)
def test_shapes_of_the_editor(box, function, wanted):
    more = ("BWAV:AUTO FREQ", "BWAV:LENG 4", f"BWAV:FUNC {function}")
    box.compiled("w", *more, "BWAV:COMP:CHAN 1", "BWAV:COMP:PLAY 1")
    assert np.allclose(box.twin.samples(1, 0, 4).volts, wanted, rtol=0, atol=1e-3)


def test_channels_of_the_editor_are_those_of_the_box(box):
    assert box.refused("BWAV:COMP:CHAN 9") == -222
    assert box.refused("BWAV:COMP:CHAN NONE") == 0
    assert box.say("BWAV:COMP:CHAN?") == "NONE"
    assert box.refused("BWAV:FUNC SINUS") == -141


def test_the_list_of_waveforms_has_an_end(box, monkeypatch):
    monkeypatch.setattr(tektronix_assets, "LISTED_MAX", 2500)
    box.compiled("a").compiled("a")
    assert box.refused("BWAV:COMP") == -223
    assert box.say("WLIS:SIZE?") == "2"


# --- the vendor's published examples ---------------------------------------------------


def test_awg70k_example(awg70002a):
    """``examples/signal_generators/awgs/awg70k_example.py`` of ``tm_devices``."""
    for message in (
        "BWAVeform:FUNCtion SINE",
        "BWAVeform:AMPLitude 0.25",
        "BWAVeform:SRATe 2000000000.0",
        "BWAVeform:COMPile:NAME Basic_Wfm_sine",
        "BWAVeform:COMPile:PLAY ON",
    ):
        assert awg70002a.say(message) == ""
    assert awg70002a.say("BWAVeform:FUNCtion?;:BWAVeform:COMPile:PLAY?") == "SINE;1"
    assert awg70002a.near("BWAVeform:AMPLitude?", 0.25)
    assert awg70002a.near("BWAVeform:SRATe?", 2e9)
    assert awg70002a.say("BWAVeform:COMPile:NAME?").strip('"').lower() == "basic_wfm_sine"
    assert awg70002a.say("*ESR?;:SYST:ERR?") == f"128;{FINE}"


def test_a_function_by_the_vendors_driver(box):
    """``generate_function(0.5e6, SIN, 0.25, 0)`` of ``tm_devices``: its messages, in its order."""
    series, rate_header = "AWG5200", "CLOCK:SRATE"
    if box.model == "AWG70002A":
        series, rate_header = "AWG70000", "SOURCE1:FREQUENCY"
    file = rf"C:\Program Files\Tektronix\{series}\Samples\AWG5k7k Predefined Waveforms.awgx"
    box.say("*CLS")
    assert "*Sine3600" not in box.say("WLISt:LIST?")
    assert box.say(f'MMEMORY:OPEN:SASSET "{file}";*OPC?') == "1"
    assert "*Sine3600" in box.say("WLISt:LIST?").strip('"').split(",")
    assert box.say(f"{rate_header} 1800000000.0;:OUTPUT1:STATE 0;STATE?") == "0"
    assert box.say("SOURCE1:VOLTAGE:AMPLITUDE 0.25;*ESR?") == "0"
    if box.model == "AWG70002A":
        assert box.say("OUTPUT1:PATH DCA;PATH?;*ESR?") == "DIR;16"
        assert box.say("SYSTEM:ERROR?;:OUTPUT1:PATH DIR;PATH?").endswith(";DIR")
    else:
        assert box.say("OUTPUT1:PATH DCHB;PATH?;:SOURCE1:VOLTAGE:OFFSET 0.1") == "DCHB"
    box.say('SOURCE1:WAVEFORM "*Sine3600";:OUTPUT1:STATE 1;:AWGCONTROL:RUN')
    assert box.say("*OPC?;*ESR?;:AWGControl:RSTate?;:SYSTEM:ERROR?") == f"1;0;2;{FINE}"
    volts = np.array(box.twin.samples(1, 0, 3600).volts)
    offset = 0 if box.model == "AWG70002A" else 0.1
    wanted = offset + 0.125 * np.sin(2 * np.pi * np.arange(3600) / 3600)
    assert np.allclose(volts, wanted, rtol=0, atol=1e-3)


def test_one_waveform_of_the_predefined(box):
    file = {"AWG70002A": "AWG70000"}.get(box.model, "AWG5200")
    path = rf"C:\Program Files\Tektronix\{file}\Samples\AWG5k7k Predefined Waveforms.awgx"
    assert box.refused(f'MMEM:OPEN:SASS:WAV "{path}", "*Sine100"') == 0
    assert box.say('WLIS:LIST?;:WLIS:WAV:LENG? "*Sine100"') == '"*Sine100";100'
    assert box.refused(f'MMEM:OPEN:SASS:WAV "{path}", "*Cosine100"') == -224
    assert box.refused('MMEM:OPEN:SASS "unittest.awgx"') == -256
