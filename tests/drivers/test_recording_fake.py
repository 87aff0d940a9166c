"""Somebody to talk to in a rehearsal."""

import socket

import pytest

from podium.drivers.qblox_cluster import QbloxCluster
from podium.drivers.recording_fake import RecordingFake
from podium.drivers.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A
from podium.drivers.roles import Tone
from podium.drivers.yokogawa_gs200 import REHEARSAL, YokogawaGS200

USUAL = {"*IDN": "YOKOGAWA,GS210,2,3", "SYST:ERR": '0,"No error"'}


@pytest.fixture
def noted() -> list[str]:
    return []


@pytest.fixture
def fake(noted):
    with RecordingFake(USUAL | REHEARSAL, noted.append) as fake:
        yield fake


def test_what_is_set_is_noted_and_read_back(fake, noted) -> None:
    assert fake.hear(":SOUR:POW -3;:SOUR:POW?") == "-3"
    assert fake.hear("*IDN?") == "YOKOGAWA,GS210,2,3"
    assert noted == [":SOUR:POW -3;:SOUR:POW?"]


def test_a_source_ramps_and_is_told_that_it_is_there(fake, noted) -> None:
    source = YokogawaGS200("bias", fake.visa)
    try:
        assert noted == []
        source.ramp_v("", 0.25, 0.5)
        assert source.level_v("") == 0.25
    finally:
        source.close()
    assert noted[0] == ":SOUR:RANG 1;:SOUR:LEV 0;:OUTP 1"
    assert ":PROG:INT 0.5" in noted[1]
    assert len(noted) == 2


def test_a_tone_is_set(noted) -> None:
    answers = USUAL | {"*IDN": "Rohde&Schwarz,SGS100A,2,3"}
    with RecordingFake(answers, noted.append) as fake:
        source = RohdeSchwarzSGS100A("lo", fake.visa)
        try:
            source.set_tone(5e9, -3.0, modulated=True)
            source.output(True)
            assert source.tone() == Tone(5e9, -3.0, True, True)
        finally:
            source.close()
    assert len(noted) == 4


def test_a_cluster_that_is_none_ramps_a_bias(noted) -> None:
    cluster = QbloxCluster.rehearse("c", noted.append, {6: "QCM"})
    try:
        cluster.ramp_v("slot6.out2", 0.02, 0.5)
    finally:
        cluster.close()
    assert [one for one in noted if "OFFSet" in one] == [
        "SLOT6:AFE:OFFSet:DAC2 0.01",
        "SLOT6:AFE:OFFSet:DAC2 0.02",
    ]
    assert noted.count("SLOT6:SEQuencer5:START") == 2
    assert not any("?" in one for one in noted)


def test_it_listens_on_loopback_and_only_while_open(noted) -> None:
    with RecordingFake(USUAL, noted.append) as fake:
        _, host, port, _ = fake.visa.split("::")
        assert host == "127.0.0.1"
        socket.create_connection((host, int(port)), 5).close()
    with pytest.raises(ConnectionError):
        socket.create_connection((host, int(port)), 5)
