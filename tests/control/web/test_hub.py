"""The hub: everybody gets the latest of everything, and only that."""

import asyncio
from functools import partial

from podium.control.web.app import drawing
from podium.control.web.hub import Hub


async def test_who_comes_is_given_everything_and_then_what_changes():
    shown = {"a": "1", "b": "x\ny"}
    changed = asyncio.Event()
    hub = Hub({name: (lambda name=name: shown[name]) for name in shown}, changed)
    async with asyncio.timeout(10), drawing(hub):
        stream = hub.stream()
        assert await anext(stream) == b"retry: 1000\n\n"
        assert await anext(stream) == b"event: a\ndata: 1\n\n"
        assert await anext(stream) == b"event: b\ndata: x\ndata: y\n\n"
        shown["a"] = "2"
        changed.set()
        assert await anext(stream) == b"event: a\ndata: 2\n\n"
        await stream.aclose()
        assert hub.looking == 0


async def test_who_is_slow_is_not_told_what_lay_between():
    shown, drawn = {"a": "0"}, []

    def draw() -> str:
        drawn.append(shown["a"])
        return shown["a"]

    changed = asyncio.Event()
    hub = Hub({"a": draw}, changed)
    async with asyncio.timeout(20), drawing(hub):
        slow = hub.stream()
        for _ in range(2):
            await anext(slow)
        for value in ("1", "2", "3"):
            shown["a"] = value
            changed.set()
            async for frame in hub.stream():  # somebody who is quick sees each of them
                if frame == f"event: a\ndata: {value}\n\n".encode():
                    break
        assert await anext(slow) == b"event: a\ndata: 3\n\n"
        assert drawn[-1] == "3"


async def test_what_changes_by_itself_is_drawn_all_the_same():
    ages = iter(range(1000))
    hub = Hub({"age": lambda: str(next(ages))}, asyncio.Event())
    async with asyncio.timeout(10), drawing(hub):
        stream = hub.stream()
        frames = [await anext(stream) for _ in range(3)]
    assert frames[1] != frames[2]


class Taken(asyncio.Event):
    """Tells when it was cleared: somebody has taken note of what has changed."""

    def __init__(self) -> None:
        super().__init__()
        self.times = asyncio.Semaphore(0)

    def clear(self) -> None:
        super().clear()
        self.times.release()


async def test_nothing_is_drawn_while_nobody_looks_and_who_comes_sees_it_as_it_is_now():
    shown, drawn, changed = {"a": "1"}, [], Taken()

    def draw() -> str:
        drawn.append(shown["a"])
        return shown["a"]

    hub = Hub({"a": draw}, changed)
    async with asyncio.timeout(10), drawing(hub):
        for value in ("1", "2", "3"):
            shown["a"] = value
            changed.set()
            await changed.times.acquire()
        assert drawn == []
        for _ in range(2):
            stream = hub.stream()
            assert await anext(stream) == b"retry: 1000\n\n"
            assert await anext(stream) == f"event: a\ndata: {shown['a']}\n\n".encode()
            await stream.aclose()
            shown["a"] = "4"


async def test_streams_end_with_the_hub():
    hub = Hub({"a": lambda: "1"}, asyncio.Event())
    async with asyncio.timeout(10), drawing(hub):
        stream = hub.stream()
        await anext(stream)
        hub.close()
        assert [frame async for frame in stream] in ([], [b"event: a\ndata: 1\n\n"])


async def test_a_part_that_cannot_be_drawn_stays_as_it_was_and_the_others_go_on() -> None:
    shown = {"a": "1", "b": "1"}

    def draw(name: str) -> str:
        if shown[name] == "bad":
            raise ZeroDivisionError("somebody told what cannot be drawn")
        return shown[name]

    changed = asyncio.Event()
    hub = Hub({name: partial(draw, name) for name in shown}, changed)
    async with asyncio.timeout(20), drawing(hub):
        stream = hub.stream()
        first = [await anext(stream) for _ in range(3)]
        assert first[1:] == [b"event: a\ndata: 1\n\n", b"event: b\ndata: 1\n\n"]
        shown.update(a="bad", b="2")
        changed.set()
        assert await anext(stream) == b"event: b\ndata: 2\n\n"
        shown.update(a="3")
        changed.set()
        assert await anext(stream) == b"event: a\ndata: 3\n\n"
        await stream.aclose()
