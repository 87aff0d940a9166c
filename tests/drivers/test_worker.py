import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from podium.drivers import worker as worker_module
from podium.drivers.errors import NotStarted, ProtocolError, Refused, Unreachable
from podium.drivers.roles import Identity
from podium.drivers.worker import Worker


class Box:
    """A blocking driver whose every move is in the test's hand."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = threading.Event()
        self.hung = threading.Event()

    def identity(self) -> Identity:
        return Identity("ACME", "Box", str(self.number), "1.0")

    def snapshot(self) -> dict[str, object]:
        return {}

    def close(self) -> None:
        self.closed.set()

    def add(self, left: int, right: int) -> int:
        return left + right

    def refuse(self) -> None:
        raise Refused("box: add: asked for 11, takes 0 ... 10")

    def wait_in_vain(self) -> None:
        raise NotStarted("box: no trigger has come")

    def stumble(self) -> None:
        raise ValueError("invalid literal for int(): 'abc'")

    def break_off(self) -> None:
        raise Unreachable("box: add: connection reset")

    def hang(self) -> None:
        self.hung.set()
        self.closed.wait(30)
        raise OSError("closed under me")


class Patient(Box):
    """One whose long call can be asked to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.asked = threading.Event()

    def interrupt(self) -> None:
        self.asked.set()

    def hang(self) -> None:
        self.hung.set()
        self.asked.wait(30)
        self.asked.clear()


@asynccontextmanager
async def kept(connect: Callable[[], Box]) -> AsyncIterator[Worker[Box]]:
    worker: Worker[Box] = Worker("box", connect)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(worker.keep())
        try:
            yield worker
        finally:
            keeping.cancel()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is awaited happens in another thread
        await asyncio.sleep(0.001)


class Boxes:
    def __init__(self, kind: type[Box] = Box) -> None:
        self.kind = kind
        self.made: list[Box] = []

    def __call__(self) -> Box:
        self.made.append(self.kind(len(self.made) + 1))
        return self.made[-1]


async def test_a_call_runs_in_the_drivers_thread_and_returns_its_result() -> None:
    boxes = Boxes()
    async with kept(boxes) as worker:
        assert await worker.call("add", lambda box: box.add(2, 3), 5) == 5
        name = await worker.call("thread", lambda _: threading.current_thread().name, 5)
        assert name == "box driver"
        assert worker.health.state == "connected"
        assert worker.health.identity == Identity("ACME", "Box", "1", "1.0")
        assert worker.health.calls == 2
    assert boxes.made[0].closed.is_set()


async def test_calls_come_one_at_a_time_in_the_order_asked() -> None:
    order: list[int] = []
    async with kept(Boxes()) as worker, asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(worker.call("n", lambda _, n=number: order.append(n), 5))
    assert order == list(range(20))


async def test_the_loop_turns_while_a_driver_hangs() -> None:
    boxes = Boxes()
    async with kept(boxes) as worker, asyncio.TaskGroup() as tasks:

        async def hang() -> None:
            with pytest.raises(Unreachable):
                await worker.call("hang", lambda box: box.hang(), 0.3)

        hanging = tasks.create_task(hang())
        turns = 0
        while not hanging.done():
            await asyncio.sleep(0.01)
            turns += 1
    assert turns > 10


async def test_past_its_deadline_a_call_costs_the_connection_and_a_new_one_is_made(
    monkeypatch,
) -> None:
    monkeypatch.setattr(worker_module, "GRACE_S", 0.05)
    boxes = Boxes()
    async with kept(boxes) as worker:
        with pytest.raises(Unreachable, match=r"box: hang: no answer within 0\.1 s; connection cl"):
            await worker.call("hang", lambda box: box.hang(), 0.1)
        assert await worker.call("who", lambda box: box.number, 5) == 2
        assert boxes.made[0].closed.wait(5)
        assert worker.health.connections == 2


async def test_a_late_answer_is_never_taken_for_the_next_one(monkeypatch) -> None:
    monkeypatch.setattr(worker_module, "GRACE_S", 0.05)
    gate = threading.Event()

    def late(box: Box) -> str:
        gate.wait(30)
        return "late"

    async with kept(Boxes()) as worker:
        with pytest.raises(Unreachable):
            await worker.call("late", late, 0.1)
        gate.set()
        for _ in range(10):
            assert await worker.call("next", lambda _: "next", 5) == "next"


async def test_a_cancelled_call_that_ends_when_asked_keeps_its_connection() -> None:
    boxes = Boxes(Patient)
    async with kept(boxes) as worker, asyncio.TaskGroup() as tasks:
        hanging = tasks.create_task(worker.call("wait", lambda box: box.hang(), 30))
        await until(lambda: bool(boxes.made) and boxes.made[0].hung.is_set())
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        assert await worker.call("who", lambda box: box.number, 5) == 1


async def test_a_cancelled_call_that_does_not_end_costs_the_connection(monkeypatch) -> None:
    monkeypatch.setattr(worker_module, "GRACE_S", 0.05)
    boxes = Boxes()
    async with kept(boxes) as worker, asyncio.TaskGroup() as tasks:
        hanging = tasks.create_task(worker.call("hang", lambda box: box.hang(), 30))
        await until(lambda: bool(boxes.made) and boxes.made[0].hung.is_set())
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        assert await worker.call("who", lambda box: box.number, 5) == 2


async def test_a_refusal_keeps_the_connection() -> None:
    async with kept(Boxes()) as worker:
        with pytest.raises(Refused, match="takes 0"):
            await worker.call("add", lambda box: box.refuse(), 5)
        assert await worker.call("who", lambda box: box.number, 5) == 1


async def test_a_trigger_that_does_not_come_keeps_the_connection() -> None:
    async with kept(Boxes()) as worker:
        with pytest.raises(NotStarted, match="no trigger has come"):
            await worker.call("wait", lambda box: box.wait_in_vain(), 5)
        assert await worker.call("who", lambda box: box.number, 5) == 1


async def test_a_foreign_exception_closes_the_connection_and_names_instrument_and_call() -> None:
    async with kept(Boxes()) as worker:
        with pytest.raises(ProtocolError, match="box: read: ValueError: invalid literal"):
            await worker.call("read", lambda box: box.stumble(), 5)
        assert await worker.call("who", lambda box: box.number, 5) == 2


async def test_a_lost_connection_is_made_again() -> None:
    async with kept(Boxes()) as worker:
        with pytest.raises(Unreachable, match="connection reset"):
            await worker.call("add", lambda box: box.break_off(), 5)
        assert await worker.call("who", lambda box: box.number, 5) == 2


async def test_an_instrument_that_cannot_be_reached_is_tried_again_with_growing_pauses(
    monkeypatch,
) -> None:
    monkeypatch.setattr(worker_module, "BACKOFF_FIRST_S", 0.001)
    monkeypatch.setattr(worker_module, "BACKOFF_MAX_S", 0.01)
    attempts = 0

    def connect() -> Box:
        nonlocal attempts
        attempts += 1
        if attempts < 6:
            raise ConnectionRefusedError("111")
        return Box(attempts)

    async with kept(connect) as worker:
        with pytest.raises(Unreachable, match="box: not connected: connecting: ConnectionRefused"):
            await worker.call("who", lambda box: box.number, 5)
        await worker.connected()
        assert await worker.call("who", lambda box: box.number, 5) == 6


async def test_who_asks_ends_the_pause_between_attempts(monkeypatch) -> None:
    monkeypatch.setattr(worker_module, "BACKOFF_FIRST_S", 3600.0)
    monkeypatch.setattr(worker_module, "BACKOFF_MAX_S", 3600.0)
    boxes, there = Boxes(), threading.Event()

    def connect() -> Box:
        if not there.is_set():
            raise ConnectionRefusedError("111")
        return boxes()

    async with kept(connect) as worker:
        for _ in range(3):
            with pytest.raises(Unreachable, match=r"not connected: .*; who was not asked"):
                await worker.call("who", lambda box: box.number, 5)
        there.set()
        assert await worker.call("who", lambda box: box.number, 5) == 1


async def test_an_attempt_that_began_before_it_was_back_is_not_the_last(monkeypatch) -> None:
    monkeypatch.setattr(worker_module, "BACKOFF_FIRST_S", 3600.0)
    monkeypatch.setattr(worker_module, "BACKOFF_MAX_S", 3600.0)
    boxes, trying, away = Boxes(), threading.Event(), threading.Event()

    def connect() -> Box:
        if not away.is_set():
            trying.set()
            away.wait(30)
            raise ConnectionRefusedError("111")
        return boxes()

    async with kept(connect) as worker:
        await until(trying.is_set)
        asking = asyncio.ensure_future(worker.call("who", lambda box: box.number, 5))
        await asyncio.sleep(0)
        away.set()
        assert await asking == 1


async def test_the_address_stands_in_every_error(monkeypatch) -> None:
    monkeypatch.setattr(worker_module, "GRACE_S", 0.05)
    worker: Worker[Box] = Worker("box", Boxes(), "10.0.0.7:5025")
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(worker.keep())
        for ask in (Box.hang, Box.break_off, Box.stumble):
            with pytest.raises((Unreachable, ProtocolError), match=r"10\.0\.0\.7:5025"):
                await worker.call("it", ask, 0.5)
        keeping.cancel()


async def test_a_box_that_is_not_the_one_wanted_is_never_used() -> None:
    boxes = Boxes()

    def complaint(identity: Identity) -> str:
        return "" if identity.serial == "3" else f"it is number {identity.serial}, not 3"

    worker: Worker[Box] = Worker("box", boxes, "10.0.0.7:5025", complaint)
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(worker.keep())
        with pytest.raises(Unreachable, match=r"box at 10\.0\.0\.7:5025: it is number \d, not 3"):
            await worker.call("who", lambda box: box.number, 5)
        while True:
            try:
                assert await worker.call("who", lambda box: box.number, 5) == 3
            except Unreachable:
                continue
            break
        assert [box.closed.is_set() for box in boxes.made] == [True, True, False]
        keeping.cancel()


async def test_a_connection_made_after_it_was_given_up_is_closed(monkeypatch) -> None:
    monkeypatch.setattr(worker_module, "CONNECT_S", 0.05)
    gate = threading.Event()
    boxes = Boxes()

    def connect() -> Box:
        if not boxes.made:
            box = boxes()
            gate.wait(30)
            return box
        return boxes()

    async with kept(connect) as worker:
        await until(lambda: worker.health.state == "lost")
        assert "no answer within 0.05 s" in worker.health.last_error
        gate.set()
        assert boxes.made[0].closed.wait(5)
        await worker.connected()
        assert await worker.call("who", lambda box: box.number, 5) == 2


async def test_what_was_lost_is_lost_while_it_is_tried_again(monkeypatch) -> None:
    monkeypatch.setattr(worker_module, "BACKOFF_FIRST_S", 0.001)
    seen: list[str] = []
    boxes = Boxes()

    def connect() -> Box:
        seen.append(worker.health.state)
        if len(seen) < 4:
            raise Unreachable("box: nobody listens")
        return boxes()

    async with kept(connect) as worker:
        await worker.connected()
    assert seen == ["connecting", "lost", "lost", "lost"]


async def test_waiting_for_ones_turn_counts_against_the_deadline_and_costs_nothing() -> None:
    boxes = Boxes(Patient)
    async with kept(boxes) as worker, asyncio.TaskGroup() as tasks:
        hanging = tasks.create_task(worker.call("wait", lambda box: box.hang(), 30))
        await until(lambda: bool(boxes.made) and boxes.made[0].hung.is_set())
        with pytest.raises(Unreachable, match="it waited for 'wait' to end"):
            await worker.call("who", lambda box: box.number, 0.05)
        boxes.made[0].asked.set()
        await hanging
        assert await worker.call("who", lambda box: box.number, 5) == 1


async def test_a_worker_knows_when_its_instrument_answered_last() -> None:
    async with kept(Boxes()) as worker:
        await worker.connected()
        first = worker.health.heard
        assert first is not None
        await worker.call("add", lambda box: box.add(1, 2), 5)
        second = worker.health.heard
        assert second is not None
        assert second > first
        with pytest.raises(Refused):
            await worker.call("refuse", lambda box: box.refuse(), 5)
        third = worker.health.heard
        assert third is not None
        assert third > second  # a refusal is an answer
        with pytest.raises(ProtocolError):
            await worker.call("stumble", lambda box: box.stumble(), 5)
        assert worker.health.heard is not None
