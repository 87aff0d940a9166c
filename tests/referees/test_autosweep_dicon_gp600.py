"""The twin of the DiCon GP600, judged by the unmodified driver of ``autosweep`` 0.1.0.

It was written for a real one, by the command table of its manual.
"""

import pytest
from autosweep.instruments.optical.DiConGP600 import DiConGP600X1

from podium.sim_instruments.twins.dicon_gp600 import DiconGp600


@pytest.fixture
def twin():
    return DiconGp600("19A0M10D0117", size="4x4")


@pytest.fixture
def client(serve, twin):
    client = DiConGP600X1(serve(twin, "commands").visa)
    yield client
    client.close()


def test_it_connects_and_reads_everything_without_setting_anything(client, twin, capsys) -> None:
    client.print_state()
    said = capsys.readouterr().out
    assert "IDN Dicon Fiberoptics Inc, GP600, 19A0M10D0117, 7.0" in said
    assert "CONF X1" in said
    assert "Channels (4 inputs x 4 outputs)" in said
    assert said.count("=> output 0") == 4
    assert client.wavelengths_availible_ask() == [1310.0, 1550.0]
    assert client.version_ask() == "7.0"
    assert twin.tallies() | {"commands": 0} == {"commands": 0, "unknown": 0, "unmeant": 0}


def test_channels_wavelength_and_automatic_saving_are_set_and_read_back(client, twin) -> None:
    client.channels([(1, 2), (3, 4)])
    client.wavelength(1310)
    client.wen(True)
    assert [client.channel_ask(number) for number in (1, 2, 3, 4)] == [2, 0, 4, 0]
    assert client.wavelength_ask() == 1310.0
    assert client.wen_ask() == 1
    client.assert_errors()
    client.channel(3, 0)
    assert client.channel_ask(3) == 0
    client.reset()
    assert [client.channel_ask(number) for number in (1, 2, 3, 4)] == [0] * 4
    assert twin.tallies()["unknown"] == 0


def test_what_is_refused_is_in_its_error_queue_until_it_is_read(client) -> None:
    client.channel(1, 2)
    with pytest.raises(AssertionError, match="-221, Settings Conflict"):
        client.channel(2, 2)
    client.wavelength(1064)
    with pytest.raises(AssertionError, match="-222, Data Out of Range"):
        client.assert_errors()
    client.assert_errors()
    assert client.channel_ask(2) == 0


def test_a_leading_colon_is_not_understood_as_its_author_found(client, twin) -> None:
    client.com.write(":SYST:CONF?")
    assert client.idn_ask().startswith("Dicon")
    assert twin.tallies()["unknown"] == 1
