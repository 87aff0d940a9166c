"""The twin of the AWG5208, in what it differs from the AWG70002A."""

import numpy as np
from qcodes.instrument_drivers.tektronix.AWG70000A import TektronixAWG70000Base as Qcodes

from podium.firmware_interfaces.ieee4882.program_message import definite_block
from podium.sim_instruments.twins.tektronix_awg5208 import tektronix_awg5208

N = 2400
MARKS = np.array([np.arange(N) % 2 == one % 2 for one in range(4)])
WFMX = Qcodes.makeWFMXFile(np.array([np.full(N, 0.5), *MARKS]), 2.0)


def test_it_has_eight_channels_with_four_markers():
    twin = tektronix_awg5208("B1")
    session = twin.open("scpi")

    def say(message):
        return session.feed(message + b"\n", 0).decode().strip()

    assert WFMX[-1] == 0x0A  # the newline that is a sample's markers ends no message
    say(b'MMEM:DATA "a.wfmx",' + definite_block(WFMX))
    say(b'MMEM:OPEN "a.wfmx";:SOUR8:CASS:WAV "a";:SOUR8:VOLT 1.5;:OUTP8 1;:SOUR8:DAC:RES 12')
    say(b"AWGC:RUN")
    assert say(b"SYST:ERR?;*IDN?").startswith('0,"No error";TEKTRONIX,AWG5208,B1,')
    played = twin.samples(8, 0, 100)
    assert np.allclose(played.volts, 0.375, rtol=0, atol=1.5 / 2**12)
    assert np.array_equal(played.markers, MARKS[:, :100])
    assert say(b"SOUR9:VOLT 1;:SYST:ERR:CODE?") == "-114"
    assert say(b"CLOC:SRAT? MAX") == "+2.5E+9"
