"""Codecs of analyzers: bandwidths go to what there is, numbers come back as they were written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.servers.random_commands import commands_of

from podium.firmware_interfaces import keysight_n5222b, keysight_n9030b, rohde_schwarz_znb20
from podium.firmware_interfaces.ieee4882.header import HeaderTree

CODECS = (keysight_n5222b, keysight_n9030b, rohde_schwarz_znb20)
bandwidths = st.decimals("0.5", "2E7", allow_nan=False, allow_infinity=False, places=3)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.MODEL)
def test_no_two_commands_have_one_header(codec):
    tree = HeaderTree()
    for command in commands_of(codec):
        tree.add(command.header, command)


@given(bandwidths)
def test_network_analyzers_round_a_bandwidth_up_to_the_next_they_have(asked):
    for codec, highest in ((rohde_schwarz_znb20, 10_000_000), (keysight_n5222b, 15_000_000)):
        found = codec.possible_bandwidth_hz(asked)
        assert codec.possible_bandwidth_hz(found) == found
        assert found >= min(asked, highest)
        assert found <= max(Decimal(1), 2 * asked)


@given(bandwidths)
def test_a_spectrum_analyzer_takes_the_nearest_bandwidth(asked):
    found = keysight_n9030b.possible_bandwidth_hz(asked, keysight_n9030b.BANDWIDTH_MAX_HZ)
    inside = min(max(asked, Decimal(1)), Decimal("7.5E6"))
    assert Decimal("0.92") < found / inside < Decimal("1.09")


@given(st.decimals("-1E12", "1E12", allow_nan=False, allow_infinity=False))
def test_numbers_come_back_as_they_were_written(value):
    for codec in (keysight_n5222b, keysight_n9030b):
        text = codec.written(value)
        assert text[0] in "+-"
        assert float(text) == pytest.approx(float(value), rel=1e-11, abs=1e-300)
