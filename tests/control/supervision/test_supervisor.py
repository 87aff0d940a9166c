"""The supervisor's loop: it hears readings, publishes them with their quality, and answers."""

import asyncio

from tests.benches.supervision.cold_side import BEGIN_S, ColdSide, cold_side

from podium.control.bus.cold import (
    Acknowledge,
    AskCold,
    AskCorridor,
    AskHistory,
    ColdHistory,
    ColdNews,
    Rehearsal,
    ResetAlarm,
    SetService,
    Shelve,
    cold_key,
    cold_news_key,
)
from podium.control.bus.messages import Done, Failed, Now
from podium.control.bus.wire import decode, encode
from podium.control.supervision.supervisor import CLOCK_S
from podium.control.timebase.host_clock import host_tai_s


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


async def trip(side: ColdSide) -> str:
    """Let the fridge be cold, then the compressor stop; return the alarm's name."""
    await side.read("thermometry_a", {"4K": 3.0})
    await side.read("compressor_a", {"running": 1.0})
    await side.stepped()
    await side.read("compressor_a", {"running": 0.0})
    await side.stepped()
    side.wait(5)
    await side.read("compressor_a", {"running": 0.0})
    await side.stepped()
    return "fridge_a.compressor_stopped"


async def test_an_alarm_is_raised_acknowledged_over_and_reset() -> None:
    async with cold_side() as side:
        name = await trip(side)
        assert (await side.alarm(name)).state == "unacknowledged"
        assert await side.ask(Acknowledge(name, "ann"), Done) == Done()
        told = await side.alarm(name)
        assert (told.state, told.by, told.active) == ("acknowledged", "ann", True)
        side.wait(60)
        for _ in range(2):
            await side.read("compressor_a", {"running": 1.0})
            await side.stepped()
            side.wait(40)
        assert (await side.alarm(name)).state == "latched"
        assert await side.ask(ResetAlarm(name, "ann"), Done) == Done()
        assert await side.alarm(name) is None


async def test_what_cannot_be_done_is_refused_in_words() -> None:
    async with cold_side() as side:
        for request, words in (
            (Acknowledge("fridge_a.still_warm", "ann"), "there is nothing to acknowledge"),
            (Acknowledge("nobody", "ann"), "there is no alarm 'nobody'"),
            (Shelve("fridge_a.still_warm", 1e9, "ann"), "days at most"),
        ):
            refused = await side.ask(request, Done)
            assert refused.kind == "refused"
            assert words in refused.message


async def test_acknowledgements_outlive_the_supervisor(tmp_path) -> None:
    async with cold_side(folder=tmp_path) as side:
        name = await trip(side)
        await side.ask(Acknowledge(name, "ann"), Done)
        await side.ask(Shelve("fridge_a.still_warm", 3600.0, "ann"), Done)
        await side.ask(SetService("fridge_a.flow_lost", False, "bob"), Done)
    async with cold_side(folder=tmp_path) as side:
        assert (await side.alarm(name)).by == "ann", "before anything is read"
        await side.read("gauges_a", {})  # it tells the time
        await side.stepped()
        told = await side.alarm(name)
        assert (told.state, told.by) == ("acknowledged", "ann")
        assert (await side.alarm("fridge_a.still_warm")).state == "shelved"
        assert (await side.alarm("fridge_a.flow_lost")).by == "bob"


async def test_after_a_start_nothing_is_judged_before_the_clock_has_told_the_time() -> None:
    """The host's time is not the facility's: steps had ended before they began."""
    async with cold_side() as side:
        await side.read("compressor_a", {"running": 0.0}, dated=False)
        for _ in range(5):
            side.supervisor.wake()
            await asyncio.sleep(0)
        assert (await side.news()).number == 0
        await side.read("compressor_a", {"running": 0.0})
        await side.stepped()
        assert (await side.news()).tai == (BEGIN_S, 0)
        history = await side.ask(AskHistory(("compressor_a.running",), 1e9, 100), ColdHistory)
        (at_s,) = history.courses["compressor_a.running"].at_s
        assert at_s == BEGIN_S


async def test_a_clock_that_says_nothing_holds_supervision_up_for_half_a_minute() -> None:
    async with cold_side() as side:
        await side.read("thermometry_a", {"4K": 3.0}, dated=False)
        side.wait(CLOCK_S)
        await side.stepped()
        assert abs((await side.news()).tai[0] - host_tai_s()) < 60


async def test_a_file_of_alarms_that_is_damaged_is_put_aside(tmp_path) -> None:
    (tmp_path / "alarms.sqlite").write_bytes(b"no database at all" * 100)
    async with cold_side(folder=tmp_path) as side:
        await side.ask(Shelve("fridge_a.still_warm", 3600.0, "ann"), Done)
        assert (await side.alarm("fridge_a.still_warm")).state == "shelved"
    assert (tmp_path / "alarms.damaged").exists()


async def test_a_disk_that_cannot_be_written_is_an_alarm_and_ends_nothing(tmp_path) -> None:
    folder = tmp_path / "file"
    folder.write_text("no folder")
    async with cold_side(folder=folder) as side:
        refused = await side.ask(Shelve("fridge_a.still_warm", 3600.0, "ann"), Done)
        assert (refused.kind, "a restart forgets it" in refused.message) == ("failed", True)
        side.wait(CLOCK_S)
        await side.stepped()
        assert (await side.alarm("supervisor.alarm_store_dead")).state == "unacknowledged"
        assert (await side.alarm("fridge_a.still_warm")).state == "shelved"


async def test_a_cable_out_for_30_s_raises_silence_and_ends_it_again() -> None:
    async with cold_side() as side:
        name = "fridge_a.gauges_a_silent"
        for second in range(80):
            side.wait(1)
            for box in ("thermometry_a", "control_a", "compressor_a", "turbo_a"):
                await side.read(box, {"x": 1.0})
            if not 5 <= second < 35:
                await side.read("gauges_a", {"p1": 1.0})
            await side.stepped()
            told = await side.alarm(name)
            assert (told is not None) == (second >= 28), second
        assert (told.state, told.active) == ("returned", False)


async def test_a_corridor_that_nobody_has_rehearsed_is_refused() -> None:
    async with cold_side() as side:
        refused = await side.ask(AskCorridor("fridge_a-cooldown-1"), Rehearsal)
        assert isinstance(refused, Failed)
        assert refused.kind == "refused"
        assert "no corridor of 'fridge_a-cooldown-1'" in refused.message
