import asyncio

from podium.control.bus import messages
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Done
from podium.control.bus.queue import AskQueue
from podium.control.bus.wire import encode
from podium.control.client import coordinator_client
from podium.control.client.coordinator_client import CoordinatorClient


async def test_who_dies_over_the_first_question_is_asked_again(monkeypatch) -> None:
    """However long that question was waited for: the next coordinator is there by then."""
    monkeypatch.setattr(coordinator_client, "ANSWER_S", 0.1)
    monkeypatch.setattr(coordinator_client, "LOST_S", 0.05)
    bus, asked, never = MemoryBus(), [], asyncio.Event()

    async def answer(payload: bytes) -> bytes:
        asked.append(payload)
        if len(asked) == 1:
            await never.wait()
        return encode(Done())

    async with bus.serve(messages.coordinator_key("first_light"), answer):
        got = await CoordinatorClient(bus, "first_light", "ann").ask(AskQueue(), Done)
        assert (got, len(asked)) == (Done(), 2)
        never.set()
