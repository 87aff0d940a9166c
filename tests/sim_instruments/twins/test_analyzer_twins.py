"""Twins of analyzers: whatever is sent in whatever order, nothing breaks and physics holds."""

import random

import pytest
from tests.benches.servers.hanger_network import HangerNetwork
from tests.benches.servers.random_commands import commands_of, message

from podium.firmware_interfaces import keysight_n5222b, keysight_n9030b, rohde_schwarz_znb20
from podium.sim_instruments.twins.continuous_tone import ContinuousTone
from podium.sim_instruments.twins.keysight_n5222b import KeysightN5222B
from podium.sim_instruments.twins.keysight_n9030b import KeysightN9030B
from podium.sim_instruments.twins.rohde_schwarz_znb20 import RohdeSchwarzZNB20

TWINS = {
    "rohde_schwarz_znb20": (rohde_schwarz_znb20, lambda: RohdeSchwarzZNB20("1", HangerNetwork())),
    "keysight_n5222b": (keysight_n5222b, lambda: KeysightN5222B("1", HangerNetwork())),
    "keysight_n9030b": (
        keysight_n9030b,
        lambda: KeysightN9030B("1", {1: "a"}, lambda name, now_fs: (ContinuousTone(5e9, -20.0),)),
    ),
}


@pytest.mark.parametrize("name", TWINS)
def test_two_thousand_random_commands_break_nothing(name):
    codec, build = TWINS[name]
    twin, commands, drawn = build(), commands_of(codec), random.Random(name)
    session, now_fs = twin.open("scpi"), 0
    for _ in range(2000):
        now_fs += drawn.randint(0, 10**13)
        text = message(commands, drawn)
        session.feed(text.encode() + b"\n", now_fs)
        ends = twin.horizon(now_fs).busy_until_fs
        assert ends is None or ends > now_fs, text
        if ends is not None and drawn.random() < 0.9:
            now_fs = ends
            session.feed(b"", now_fs)
    assert session.feed(b"*RST;*CLS;*IDN?\n", now_fs + 10**22).count(b",") >= 3
    assert twin.tallies()["commands"] > 2000
