"""Memory is given back when nothing is done, and not before."""

import asyncio
from collections.abc import Callable

import pytest

from podium.control.bus import idle_memory


class Memory:
    """Counts what is asked of it; it is due as soon as nobody uses it."""

    def __init__(self) -> None:
        self.due = False
        self.given_back = asyncio.Event()

    def used(self) -> None:
        self.due = True

    def give_back(self) -> None:
        self.due = False
        self._tell()

    def telling(self, tell: Callable[[], object]) -> "Memory":
        self._tell = tell
        return self


@pytest.mark.parametrize("busy", [False, True])
async def test_it_is_given_back_when_work_has_ended(monkeypatch, busy: bool) -> None:
    loop = asyncio.get_running_loop()
    memory = Memory()
    memory.telling(lambda: loop.call_soon_threadsafe(memory.given_back.set))
    monkeypatch.setattr(idle_memory, "Spare", lambda: memory)
    monkeypatch.setattr(idle_memory, "LOOK_EVERY_S", 0.0)
    looks: list[int] = []

    def on() -> bool:
        looks.append(1)
        return busy or len(looks) < 3

    task = asyncio.create_task(idle_memory.give_back_memory(on))
    if busy:
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(looks) > 10
        assert not memory.given_back.is_set()
    else:
        async with asyncio.timeout(10):
            await memory.given_back.wait()
    task.cancel()
    await asyncio.wait({task})
