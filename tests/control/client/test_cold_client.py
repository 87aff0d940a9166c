import asyncio

import pytest

from podium.control.bus.cold import AskCold, cold_key
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Done
from podium.control.bus.wire import encode
from podium.control.client import cold_client
from podium.control.client.cold_client import ColdClient
from podium.control.facility.example import COLD_SIDE, example_facility
from podium.control.facility.load import load_facility
from podium.control.runs.errors import RunFailed


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> MemoryBus:
    monkeypatch.setattr(cold_client, "ANSWER_S", 0.1)
    monkeypatch.setattr(cold_client, "AGAIN_S", 0.01)
    return MemoryBus()


@pytest.fixture
def client(bus: MemoryBus) -> ColdClient:
    return ColdClient(bus, load_facility(example_facility(COLD_SIDE)))


async def test_who_dies_over_the_first_question_is_asked_again(
    bus: MemoryBus, client: ColdClient
) -> None:
    """However long that question was waited for: the next supervisor is there by then."""
    asked, never = [], asyncio.Event()

    async def answer(payload: bytes) -> bytes:
        asked.append(payload)
        if len(asked) == 1:
            await never.wait()
        return encode(Done())

    async with bus.serve(cold_key("cold"), answer):
        assert await client.ask(AskCold(), Done, lost_s=0.05) == Done()
        assert len(asked) == 2
        never.set()


async def test_a_supervisor_that_starts_is_waited_for_as_long_as_one_says(
    bus: MemoryBus, client: ColdClient
) -> None:
    with pytest.raises(RunFailed, match="no supervisor answers"):
        await client.ask(AskCold(), Done, lost_s=0.0)

    async def answer(payload: bytes) -> bytes:
        return encode(Done())

    asking = asyncio.create_task(client.ask(AskCold(), Done, lost_s=60.0))
    await asyncio.sleep(0)
    async with bus.serve(cold_key("cold"), answer):
        assert await asking == Done()
