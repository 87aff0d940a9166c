"""The twin of the N9030B (keysight_n9030b) against the manuals of the X-Series.

Ten pages could be read where others publish them: of Agilent's N9030A with the swept SA
measurement 559, 1156, 1157, 1347, 1351, 1352; of Keysight's X-Series user's and programmer's
references 688 and 1844 (points), 938 (formats of data), 1044 (attenuation). What they print as an
example is sent as printed.
"""

import numpy as np
import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces import keysight_n9030b as box
from podium.sim_instruments.twins.continuous_tone import ContinuousTone
from podium.sim_instruments.twins.keysight_n9030b import KeysightN9030B

FINE = '+0,"No error"'


class Client(TwinConversation):
    def swept(self) -> np.ndarray:
        """Return the trace of one sweep, dBm."""
        self.say("INIT:CONT 0;:INIT")
        self.later(4000)
        return np.array([float(one) for one in self.say("FETC:SAN1?").split(",")])[1::2]


@pytest.fixture
def client() -> Client:
    return Client(KeysightN9030B("1", {1: "a"}, lambda *_: (ContinuousTone(1e9, -20.0),), 5))


def error(client: Client) -> str:
    return client.say("SYST:ERR?")


def test_points_have_the_preset_and_the_limits_of_the_manual(client: Client) -> None:
    """Page 1844: preset 1001, min 1, max 100,001; trace data are erased with each change."""
    assert client.say("SWE:POIN?") == "1001"
    for text in (":SWE:POIN 501", ":SWE:POIN 1", ":SWE:POIN 100001"):
        client.say(text)
        assert client.say(":SWE:POIN?") == text.rpartition(" ")[2]
    for text in (":SWE:POIN 0", ":SWE:POIN 100002"):
        client.say(text)
        assert error(client).startswith("-222,")
    assert client.say(":SWE:POIN?") == "100001"
    client.say("INIT:CONT 0;:SWE:POIN 1001")
    assert client.say("FETC:SAN1?") == ""
    assert error(client).startswith("-230,")


def test_the_shortest_sweep_is_a_millisecond(client: Client) -> None:
    """Page 688: "its normal value of 1 ms"."""
    assert float(client.say("SWE:TIME? MIN")) == 1e-3


@pytest.mark.parametrize(
    ("sent", "said"), [("ASC", "ASC,8"), ("REAL,32", "REAL,32"), ("REAL,64", "REAL,64")]
)
def test_formats_are_answered_with_their_length(client: Client, sent: str, said: str) -> None:
    """Page 938. INTeger,32 is left out, and refused."""
    client.say(f":FORM:TRAC:DATA {sent}")
    assert client.say(":FORM?") == said
    client.say("FORM INT,32")
    assert error(client) != FINE
    assert client.say(":FORM?") == said


def test_the_attenuator_is_set_as_printed(client: Client) -> None:
    """Page 1044: ``:POW:ATT 20``."""
    client.say(":POW:ATT 20")
    assert client.say("POW:ATT?") == "20"
    assert error(client) == FINE


def test_four_ways_of_stating_a_gaussian_filter(client: Client) -> None:
    """Page 559: -3 dB, -6 dB, the rectangle of the same noise power, that of the same impulse."""
    client.say("FREQ:STAR 0.9999E9;STOP 1.0001E9;:BAND 20E3;:DET:TRAC SAMP;:SWE:POIN 401")
    off = np.linspace(-1e5, 1e5, 401)
    for kind in ("DB3", "DB6", "NOIS", "IMP"):
        client.say(f"BAND:TYPE {kind}")
        assert client.say("BAND:TYPE?") == kind
        trace = client.swept()
        power = 10 ** ((trace - trace.max()) / 10)
        edge = float(power[np.argmin(abs(off - 10e3))])
        stated = {
            "DB3": (edge, 0.5),
            "DB6": (edge, 0.25),
            "NOIS": (float(power.sum() * 500), 20e3),
            "IMP": (float(np.sqrt(power).sum() * 500), 20e3),
        }[kind]
        assert stated[0] == pytest.approx(stated[1], rel=0.03), kind


def test_a_detector_is_of_its_trace(client: Client) -> None:
    """Page 1347: ``DET:TRAC AVER`` sets that of trace 1, ``DET:TRAC2 SAMP`` that of trace 2."""
    client.say("DET:TRAC AVER")
    assert client.say("DET:TRAC1?;:DET:TRAC2?") == "AVER;NORM"
    client.say("DET:TRAC1 POS;:DET:TRAC2 SAMP")
    assert client.say("DET:TRAC1?;:DET:TRAC2?") == "POS;SAMP"
    client.say("DET:TRAC7 SAMP")
    assert error(client).startswith("-114,")
    for word in box.CISPR_DETECTORS:  # left out
        client.say(f"DET:TRAC1 {word}")
        assert error(client).startswith("-221,")
    assert client.say("DET:TRAC1?") == "POS"


def test_a_detector_that_is_chosen_is_manual_until_auto(client: Client) -> None:
    """Pages 1351, 1352: ``DET:TRACE2:AUTO ON``; a detector that is named turns auto off.

    The legacy switch is of all traces, and its query of trace 1.
    """
    assert client.say("DET:TRAC3:AUTO?;:DET:AUTO?") == "1;1"
    client.say("DET:TRAC3 NORM")
    assert client.say("DET:TRAC3:AUTO?;:DET:AUTO?") == "0;1"
    client.say("DET:TRAC1 SAMP;:DET:TRACE2:AUTO ON")
    assert client.say("DET:TRAC2:AUTO?;:DET:AUTO?") == "1;0"
    client.say("DET:AUTO ON")
    assert client.say("DET:TRAC1?;:DET:TRAC1:AUTO?;:DET:TRAC3:AUTO?") == "NORM;1;1"


def test_normal_shows_peaks_and_pits_of_noise_in_turn_and_the_peak_of_a_tone(
    client: Client,
) -> None:
    """Page 1352: where it is noise, even buckets have the maximum, odd ones the minimum."""
    client.say("FREQ:STAR 1.1E9;STOP 1.2E9;:BAND 1E6;:DET:TRAC1 NORM;:SWE:TIME 1")
    trace = client.swept()
    assert np.mean(trace[::2]) != pytest.approx(np.mean(trace[1::2]), abs=3)
    client.say("FREQ:STAR 0.5E9;STOP 1.5E9")
    assert client.swept().max() == pytest.approx(-20, abs=0.3)
