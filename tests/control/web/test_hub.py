"""The hub: everybody gets the latest of everything, and only that."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from functools import partial

from podium.control.web.app import drawing
from podium.control.web.hub import GONE_KEPT, NOT_DRAWN, Hub, Rows
from podium.control.web.pages import is_silent


async def events(hub: Hub, topics: Iterable[str], since: str = "") -> AsyncIterator[bytes]:
    """Give what a stream brings, without the numbers of its states."""
    async with aclosing(hub.stream(topics, since)) as stream:
        async for frame in stream:
            if not frame.startswith(b"id: "):
                yield frame


async def test_who_comes_is_given_everything_and_then_what_changes():
    shown = {"a": "1", "b": "x\ny"}
    changed = asyncio.Event()
    hub = Hub({name: (lambda name=name: shown[name]) for name in shown}.get, changed)
    async with asyncio.timeout(10), drawing(hub):
        stream = events(hub, "ab")
        assert await anext(stream) == b"retry: 1000\n\n"
        assert await anext(stream) == b"event: a\ndata: 1\n\n"
        assert await anext(stream) == b"event: b\ndata: x\ndata: y\n\n"
        shown["a"] = "2"
        changed.set()
        assert await anext(stream) == b"event: a\ndata: 2\n\n"
        await stream.aclose()
        assert hub.looking == 0


async def test_what_cannot_be_drawn_leaves_the_rest_of_the_page():
    def fails() -> str:
        raise KeyError("what")

    hub = Hub({"a": lambda: "1", "b": fails}.get, asyncio.Event())
    assert hub.shown("abc") == {"a": "1", "b": NOT_DRAWN}


async def test_who_is_slow_is_not_told_what_lay_between():
    shown, drawn = {"a": "0"}, []

    def draw() -> str:
        drawn.append(shown["a"])
        return shown["a"]

    changed = asyncio.Event()
    hub = Hub({"a": draw}.get, changed)
    async with asyncio.timeout(20), drawing(hub):
        slow = events(hub, "ab")
        for _ in range(2):
            await anext(slow)
        for value in ("1", "2", "3"):
            shown["a"] = value
            changed.set()
            async for frame in events(hub, "ab"):  # somebody who is quick sees each of them
                if frame == f"event: a\ndata: {value}\n\n".encode():
                    break
        assert await anext(slow) == b"event: a\ndata: 3\n\n"
        assert drawn[-1] == "3"


async def test_what_changes_by_itself_is_drawn_all_the_same():
    ages = iter(range(1000))
    hub = Hub({"age": lambda: str(next(ages))}.get, asyncio.Event())
    async with asyncio.timeout(10), drawing(hub):
        stream = events(hub, ["age"])
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

    hub = Hub({"a": draw}.get, changed)
    async with asyncio.timeout(10), drawing(hub):
        for value in ("1", "2", "3"):
            shown["a"] = value
            changed.set()
            await changed.times.acquire()
        assert drawn == []
        for _ in range(2):
            stream = events(hub, "ab")
            assert await anext(stream) == b"retry: 1000\n\n"
            assert await anext(stream) == f"event: a\ndata: {shown['a']}\n\n".encode()
            await stream.aclose()
            shown["a"] = "4"


async def test_streams_end_with_the_hub():
    hub = Hub({"a": lambda: "1"}.get, asyncio.Event())
    async with asyncio.timeout(10), drawing(hub):
        stream = events(hub, "ab")
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
    hub = Hub({name: partial(draw, name) for name in shown}.get, changed)
    async with asyncio.timeout(20), drawing(hub):
        stream = events(hub, "ab")
        first = [await anext(stream) for _ in range(3)]
        assert first[1:] == [b"event: a\ndata: 1\n\n", b"event: b\ndata: 1\n\n"]
        shown.update(a="bad", b="2")
        changed.set()
        assert await anext(stream) == b"event: b\ndata: 2\n\n"
        shown.update(a="3")
        changed.set()
        assert await anext(stream) == b"event: a\ndata: 3\n\n"
        await stream.aclose()


def table(rows: dict[str, str], *, listed: bool = True) -> Rows:
    html = {name: f"<li id={name}>{text}</li>" for name, text in rows.items()}
    return Rows(html, lambda: f"<ul>{''.join(html.values())}</ul>", listed)


async def next_event(hub: Hub, since: str) -> tuple[str, str]:
    async with aclosing(events(hub, "t", since)) as stream:
        await anext(stream)
        name, text = (await anext(stream)).decode().splitlines()[:2]
    return name.removeprefix("event: "), text.removeprefix("data: ")


async def test_of_rows_those_are_sent_that_differ_from_what_a_viewer_has():
    rows = {"a": "1", "b": "2", "c": "3"}
    hub = Hub({"t": lambda: table(rows)}.get, asyncio.Event())
    assert hub.shown("t")["t"].count("<li") == 3
    at = hub.state
    rows = {"a": "1", "x": "9", "c": "4"}
    name, text = await next_event(hub, at)
    assert name == "rows"
    assert json.loads(text) == {
        "topic": "t",
        "gone": ["b"],
        "rows": [["x", "a", "<li id=x>9</li>"], ["c", "x", "<li id=c>4</li>"]],
    }
    rows = {"first": "0", **rows}
    name, text = await next_event(hub, at)  # of both changes, for who has seen neither
    assert [row[:2] for row in json.loads(text)["rows"]] == [["first", ""], ["x", "a"], ["c", "x"]]
    name, text = await next_event(hub, "another-7")  # of a page's process before this one
    assert (name, text.count("<li")) == ("t", 4)


async def test_rows_that_change_places_are_sent_whole():
    rows = {"a": "1", "b": "2"}
    hub = Hub({"t": lambda: table(rows)}.get, asyncio.Event())
    hub.shown("t")
    at = hub.state
    rows = {"b": "2", "a": "1"}
    assert await next_event(hub, at) == ("t", "<ul><li id=b>2</li><li id=a>1</li></ul>")


async def test_cells_of_a_table_change_one_by_one_and_a_new_one_brings_the_table():
    cells = {"a": "1", "b": "2"}
    hub = Hub({"t": lambda: table(cells, listed=False)}.get, asyncio.Event())
    hub.shown("t")
    at = hub.state
    cells = {"a": "1", "b": "3"}
    assert json.loads((await next_event(hub, at))[1])["rows"] == [["b", "a", "<li id=b>3</li>"]]
    cells = {"a": "1", "b": "3", "c": "4"}
    assert (await next_event(hub, at))[0] == "t"


async def test_rows_that_are_gone_are_not_remembered_for_ever():
    number = 0
    hub = Hub({"t": lambda: table({str(number + k): "x" for k in range(3)})}.get, asyncio.Event())
    hub.shown("t")
    at = hub.state
    for number in range(GONE_KEPT + 50):  # noqa: B007  it is drawn
        hub.shown("t")
    assert (await next_event(hub, at))[0] == "t"


async def test_a_viewer_that_has_everything_is_sent_nothing_until_something_changes():
    shown, changed = {"a": "1"}, asyncio.Event()
    hub = Hub({"a": lambda: shown["a"]}.get, changed)
    hub.shown("a")
    async with asyncio.timeout(10), drawing(hub), aclosing(events(hub, "a", hub.state)) as stream:
        assert await anext(stream) == b"retry: 1000\n\n"
        shown["a"] = "2"
        changed.set()
        assert await anext(stream) == b"event: a\ndata: 2\n\n"


async def test_a_viewer_for_whom_nothing_changes_is_told_that_somebody_is_there(monkeypatch):
    """Its page takes silence for a loss."""
    monkeypatch.setattr("podium.control.web.hub.TICK_S", 0.12)
    hub = Hub({"a": lambda: "1"}.get, asyncio.Event())
    hub.shown("a")
    async with asyncio.timeout(10), drawing(hub), aclosing(events(hub, "a", hub.state)) as stream:
        assert await anext(stream) == b"retry: 1000\n\n"
        assert await anext(stream) == b"event: alive\ndata: 1\n\n"
        assert await anext(stream) == b"event: alive\ndata: 1\n\n"


async def test_names_that_are_no_topics_are_passed_over():
    hub = Hub({"a": lambda: "1"}.get, asyncio.Event())
    async with aclosing(events(hub, ["nothing", "a"])) as stream:
        await anext(stream)
        assert await anext(stream) == b"event: a\ndata: 1\n\n"
        assert hub.looking == 1


async def test_a_second_viewer_receives_what_no_page_has_in_its_html() -> None:
    hub = Hub(lambda name: lambda: f"{name} as it is", asyncio.Event())
    for _ in range(2):
        hub.shown(["now"])
        frames = hub.stream(["now", "plot"], hub.state, whole=is_silent)
        assert await anext(frames) == b"retry: 1000\n\n"
        assert await anext(frames) == b"event: plot\ndata: plot as it is\n\n"
        await frames.aclose()
