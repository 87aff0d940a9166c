"""Readings of a fridge's instruments over their sockets: what the wiring claims is published."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.bus.memory import MemoryBus
from podium.control.bus.readings import InstrumentReadings, readings_key
from podium.control.bus.wire import decode
from podium.control.facility.facility import Facility
from podium.control.facility.fridge_wiring import channels_of, wiring_of
from podium.control.facility.interlock_rules import TURBO_INLET_PA
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.records.latest_readings import LatestReadings
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.models import known_models
from podium.sim_instruments.testing import twin_facility
from podium.sim_instruments.testing.facility import TwinFacility

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"
MORE = """
  thermometry_b:
    model: lakeshore_336
    address: "TCPIP::192.168.0.21::7777::SOCKET"
    channels: {1: 50K, 2: 4K}
    heaters: {1: 4k, 3: 50k}
  thermometry_c:
    model: lakeshore_350
    address: "TCPIP::192.168.0.22::7777::SOCKET"
    channels: {1: still}
    heaters: {2: still}
  triton_a:
    model: oxford_triton
    address: 192.168.0.23
    channels: {1: 50K, 5: mixing_chamber}
  bftc_a:
    model: bluefors_tc
    address: 192.168.0.25
    channels: {1: 50K, 6: mixing_chamber}
  chiller_a:
    model: smc_hrs100
    address: 192.168.0.26
  ups_a:
    model: nut_ups
    address: 192.168.0.24
"""
FILE = "fridge.yaml"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = COLD.read_text()
    more = ", thermometry_b, thermometry_c, triton_a, bftc_a]"
    wired = "[control_a, compressor_a, gauges_a, turbo_a"
    text = text.replace(f"{wired}]", wired + more)
    file = tmp_path_factory.mktemp("cold") / FILE
    file.write_text(text + MORE)
    return file


@pytest.fixture
def twins(file: Path) -> Iterator[TwinFacility]:
    with twin_facility(file, clock="manual", seed=3) as facility:
        facility.advance("10 min")
        yield facility


@pytest.fixture
def facility(file: Path, twins: TwinFacility, tmp_path: Path) -> Facility:
    endpoints = tmp_path / "endpoints.json"
    endpoints.write_text(json.dumps(twins.endpoints))
    return load_facility(file, endpoints)


News = AsyncIterator[tuple[str, bytes]]


@pytest.fixture
async def news(facility: Facility) -> AsyncIterator[News]:
    """What an agent of all instruments publishes."""
    bus = MemoryBus()
    instruments = Instruments.of(facility, facility.instruments)
    agent = Agent("room", facility, instruments, compiler_for(facility), bus)
    async with bus.subscribe(readings_key(facility.name, "*")) as news, agent.running():
        async with asyncio.timeout(60):
            yield news


async def all_of(news: News, facility: Facility) -> dict[str, InstrumentReadings]:
    """Return readings of each instrument, once each has answered."""
    found: dict[str, InstrumentReadings] = {}
    async for _, payload in news:
        one = decode(payload, InstrumentReadings)
        qualities = {reading.quality for reading in one.readings}
        if one.tai_fs is not None and "disconnected" not in qualities:
            found[one.instrument] = one
        if found.keys() == set(facility.instruments) - {"clock_a"}:
            break
    return found


def value_of(told: InstrumentReadings, channel: str) -> float:
    (found,) = (one.value for one in told.readings if one.channel == channel)
    assert found is not None
    return found


async def test_every_channel_that_is_claimed_is_read_and_dated(
    facility: Facility, twins: TwinFacility, news: News
) -> None:
    told = await all_of(news, facility)
    for name, news in told.items():
        claimed = channels_of(facility.instruments[name])
        read = {one.channel: one for one in news.readings}
        assert claimed.keys() <= read.keys(), name
        for channel, unit in claimed.items():
            assert read[channel].unit == unit, (name, channel)
            assert "does not tell" not in read[channel].problem, (name, channel)
            assert (read[channel].value is None) == (read[channel].quality != "good")
        assert news.every_s == known_models()[facility.instruments[name].model].read_every_s
    now_s = told["control_a"].tai_fs
    assert now_s is not None
    assert abs(now_s[0] - told["thermometry_a"].tai_fs[0]) < 2
    assert not twins.unknown

    latest = LatestReadings()
    for news in told.values():
        latest.hear(news, 0.0)
    wiring = wiring_of(facility, facility.fridges["fridge_a"])
    view = latest.view(wiring, now_s, 0.0)
    assert view.signals.keys() == wiring.readings.keys()
    assert 5e-3 < view.good("temperature.mixing_chamber") < 0.02
    assert view.good(signals.PULSE_TUBE) == view.good("compressor.running") == 1.0
    assert view.good(signals.open_of("v1")) == 1.0
    assert view.good(signals.power_of("still")) > 1e-3
    assert set(wiring.parts) >= {signals.open_of(valve) for valve in signals.VALVES}
    # Several boxes read the same: they agree, and a gauge under its range gives way.
    assert len(view.others["pressure.p1"]) == 3
    assert "under range" in {one.problem for one in view.others["pressure.p1"]}
    assert view.signals["pressure.p1"].quality == "good"


async def test_an_interlock_acts_by_itself_over_the_wire(
    facility: Facility, twins: TwinFacility, news: News
) -> None:
    told = await all_of(news, facility)
    assert value_of(told["control_a"], "v1") == 1.0
    await asyncio.to_thread(twins.fault, "compressor_trip", "fridge_a")
    await asyncio.to_thread(twins.advance, "2 min")
    async for _, payload in news:
        one = decode(payload, InstrumentReadings)
        if one.instrument == "control_a" and value_of(one, "v1") == 0.0:
            break
    assert value_of(one, "p2") > TURBO_INLET_PA
    assert not twins.unknown
