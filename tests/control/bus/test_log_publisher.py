"""The log of a process, heard over the bus."""

import threading

from podium.control.bus.log import event_log
from podium.control.bus.log_publisher import KEPT, publish_log
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import ask
from podium.control.bus.news import Event, PastEvents, Recent, events_key, past_events_key
from podium.control.bus.wire import decode


async def test_events_come_with_their_circumstances_level_and_order():
    bus, log = MemoryBus(), event_log("trial")
    async with (
        bus.subscribe(events_key("f", "*")) as heard,
        publish_log(bus, "f", "agent room"),
    ):
        log.warning("instrument lost", instrument="bias_q0", tries=3)
        log.error("not made safe")
        first, second = [decode((await anext(heard))[1], Event) for _ in range(2)]
    assert (first.process, first.level, first.what) == ("agent room", "warning", "instrument lost")
    assert first.told == {"instrument": "bias_q0", "tries": "3"}
    assert (second.level, second.number) == ("error", first.number + 1)


async def test_events_of_other_threads_are_told_too():
    bus = MemoryBus()
    async with bus.subscribe(events_key("f", "*")) as heard, publish_log(bus, "f", "p"):
        thread = threading.Thread(target=lambda: event_log("trial").warning("from a thread"))
        thread.start()
        assert decode((await anext(heard))[1], Event).what == "from a thread"
        thread.join()


async def test_who_comes_late_is_told_the_latest():
    bus, log = MemoryBus(), event_log("trial")
    async with publish_log(bus, "f", "p"):
        for number in range(KEPT + 5):
            log.warning("again", number=number)
        past = await ask(bus, past_events_key("f", "p"), Recent(), PastEvents, timeout_s=5)
    assert isinstance(past, PastEvents)
    assert len(past.events) == KEPT
    assert past.events[-1].told == {"number": str(KEPT + 4)}


async def test_what_is_told_is_written_to_the_log_as_before(caplog):
    async with publish_log(MemoryBus(), "f", "p"):
        event_log("trial").warning("run failed", error="50 % of it", run="7-00001")
    assert caplog.messages == ["run failed error='50 % of it' run='7-00001'"]


async def test_nobody_is_told_after_the_context_has_ended():
    bus = MemoryBus()
    async with bus.subscribe(events_key("f", "*")) as heard:
        async with publish_log(bus, "f", "p"):
            pass
        event_log("trial").warning("too late")
        async with publish_log(bus, "f", "p"):
            event_log("trial").warning("in time")
            assert decode((await anext(heard))[1], Event).what == "in time"
