"""Samples that a generator plays, asked of the back door."""

from types import SimpleNamespace

import pytest

from podium.sim_instruments.servers.back_door import BackDoor, BadRequest
from podium.sim_instruments.twins.played_samples import SAMPLES_MAX
from podium.sim_instruments.twins.tektronix_awg5208 import tektronix_awg5208

ASKED = {"do": "samples", "on": "awg", "channel": 8, "first": 10**15, "count": 3}


@pytest.fixture
def door():
    twins = {"awg": tektronix_awg5208("1"), "other": object()}
    return BackDoor(SimpleNamespace(laboratory=SimpleNamespace(twins=twins)))


async def test_samples_of_a_channel_are_told(door) -> None:
    told = await door.do(ASKED)
    assert told == {"volts": [0.0] * 3, "markers": [], "samples_per_s": 2.5e9}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"on": "other"}, "'other' is no instrument here"),
        ({"on": "nobody"}, "'nobody' is no instrument here"),
        ({"channel": 9}, "awg: it has channels 1 to 8"),
        ({"first": -1}, "samples wants"),
        ({"first": 2**62}, "samples wants"),
        ({"count": SAMPLES_MAX + 1}, "samples wants"),
        ({"count": None}, "samples wants"),
        ({"count": "3"}, "samples wants"),
    ],
)
async def test_what_makes_no_sense_is_refused(door, changed, said) -> None:
    with pytest.raises(BadRequest, match=said):
        await door.do(ASKED | changed)
