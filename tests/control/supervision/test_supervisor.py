"""The supervisor's loop: it hears readings, publishes them with their quality, and answers."""

import asyncio

from tests.benches.supervision.cold_side import BEGIN_S, cold_side

from podium.control.bus.cold import AskCold, ColdNews, cold_key, cold_news_key
from podium.control.bus.messages import Failed, Now
from podium.control.bus.wire import decode, encode


async def test_what_agents_read_is_published_with_fridge_signal_and_quality() -> None:
    async with cold_side() as side, side.bus.subscribe(cold_news_key("cold")) as told:
        await side.read("thermometry_a", {"still": 0.8, "mixing_chamber": None})
        async with asyncio.timeout(5):
            async for _, payload in told:
                news = decode(payload, ColdNews)
                if any(one.value == 0.8 for one in news.readings):
                    break
        by_name = {one.name: one for one in news.readings}
        still = by_name["thermometry_a.still"]
        assert (still.fridge, still.signal) == ("fridge_a", "temperature.still")
        assert (still.value, still.quality, still.tai) == (0.8, "good", (BEGIN_S, 0))
        assert news.tai == (BEGIN_S, 0)
        lost = by_name["thermometry_a.mixing_chamber"]
        assert (lost.value, lost.quality) == (None, "out_of_range")


async def test_an_instrument_that_was_never_heard_is_disconnected_and_never_0() -> None:
    async with cold_side() as side:
        await side.read("thermometry_a", {"still": 0.8})
        by_name = {one.name: one for one in (await side.news()).readings}
        gauge = by_name["gauges_a.p1"]
        assert (gauge.value, gauge.quality, gauge.unit) == (None, "disconnected", "Pa")


async def test_silence_makes_readings_stale() -> None:
    async with cold_side() as side:
        await side.read("thermometry_a", {"still": 0.8})
        side.wait(3.5)
        (still,) = (
            one for one in (await side.news()).readings if one.name == "thermometry_a.still"
        )
        assert (still.quality, still.value) == ("stale", 0.8)


async def test_an_agent_speaks_only_for_what_it_owns() -> None:
    async with cold_side() as side:
        await side.read("thermometry_a", {"still": 0.1}, agent="stranger")
        by_name = {one.name: one for one in (await side.news()).readings}
        assert by_name["thermometry_a.still"].value is None


async def test_other_requests_and_garbage_are_refused() -> None:
    async with cold_side() as side:
        refused = await side.ask(Now(), ColdNews)
        assert isinstance(refused, Failed)
        assert refused.kind == "refused"
        said = await side.bus.request(cold_key("cold"), b"\x00garbage", 5.0)
        assert decode(said, Failed).kind == "refused"
        assert isinstance(
            decode(await side.bus.request(cold_key("cold"), encode(AskCold()), 5.0), ColdNews),
            ColdNews,
        )
