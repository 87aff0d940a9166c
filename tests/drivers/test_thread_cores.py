import asyncio
import os
import queue
import threading
from collections.abc import Iterator

import pytest

from podium.drivers import thread_cores
from podium.drivers.driver_thread import DriverThread
from podium.drivers.roles import Identity
from podium.drivers.thread_cores import ThreadCores

here_only = pytest.mark.skipif(
    thread_cores._core_of_caller is None, reason="no system that tells cores of threads"
)


class Idle:
    """A driver that does nothing."""

    def identity(self) -> Identity:
        return Identity("maker", "box", "1", "1.0")

    def snapshot(self) -> dict[str, object]:
        return {}

    def close(self) -> None:
        pass


class Worker(threading.Thread):
    """Does what it is given, on the cores where that was to be."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.jobs: queue.SimpleQueue[ThreadCores | None] = queue.SimpleQueue()
        self.seen: queue.SimpleQueue[tuple[set[int], set[int]]] = queue.SimpleQueue()

    def run(self) -> None:
        while (cores := self.jobs.get()) is not None:
            begun = os.sched_getaffinity(0)
            cores.release()
            self.seen.put((begun, os.sched_getaffinity(0)))


@pytest.fixture
def worker() -> Iterator[Worker]:
    one = Worker()
    one.start()
    yield one
    one.jobs.put(None)
    one.join()


@here_only
def test_a_thread_wakes_where_its_work_comes_from_and_goes_where_it_may_from_there(
    worker: Worker,
) -> None:
    allowed = os.sched_getaffinity(0)
    cores = ThreadCores(worker)
    try:
        for core in sorted(allowed):
            os.sched_setaffinity(0, {core})
            cores.bring_here()
            worker.jobs.put(cores)
            assert worker.seen.get(timeout=10) == ({core}, allowed)
    finally:
        os.sched_setaffinity(0, allowed)


@here_only
async def test_a_driver_that_is_at_work_is_not_moved_by_more_work() -> None:
    allowed, begun, over = os.sched_getaffinity(0), threading.Event(), threading.Event()

    def at_work(_: "Idle") -> int:
        begun.set()
        assert over.wait(10)
        return threading.get_native_id()

    thread = DriverThread("box", Idle, lambda _: None)
    await thread.opened
    try:
        first = thread.submit(at_work)
        assert await asyncio.to_thread(begun.wait, 10)
        second = thread.submit(lambda _: threading.get_native_id())
        assert thread._thread.native_id is not None
        assert os.sched_getaffinity(thread._thread.native_id) == allowed
        over.set()
        assert await first.answer == await second.answer
    finally:
        over.set()
        thread.leave().join()
        thread.ended(10)


@here_only
def test_a_thread_that_has_ended_is_brought_nowhere(worker: Worker) -> None:
    allowed, cores = os.sched_getaffinity(0), ThreadCores(worker)
    worker.jobs.put(None)
    worker.join()
    cores.bring_here()
    assert os.sched_getaffinity(0) == allowed


def test_a_system_that_tells_no_cores_moves_threads_as_it_likes(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_cores, "_core_of_caller", None)
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    cores = ThreadCores(worker)
    cores.bring_here()
    cores.release()
    assert thread_cores._find_core() is None
