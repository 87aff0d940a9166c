"""Threads in which a laboratory's physics is computed, and the memory that runs leave there."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Lock, Thread, local
from typing import Any, TypeVar

from podium.sim_instruments.servers.kernel_compilation import KernelGate
from podium_process import Spare

T = TypeVar("T")
WORKERS = 2
"""Threads for physics; kernels run without the interpreter's lock."""


class PhysicsWorkers:
    """Computes what instruments play, a run in a thread; it waits until kernels are compiled.

    It belongs to the server's thread, but for :meth:`turn` and :meth:`without_turn`.
    """

    def __init__(self, kernels: KernelGate, waiting: int) -> None:
        """``waiting``: how many runs may wait for others, each in a thread of its own."""
        self.after_work: Callable[[], object] = lambda: None
        """Called whenever a piece of physics is done, from the thread that has done it."""
        self.spare = Spare()
        """What runs have left of memory."""
        self._kernels = kernels
        self._threads = WORKERS + waiting
        self._pool = self._new_pool()
        self._under_way: set[Future[Any]] = set()
        self._long_run = Lock()
        """Who has it makes signals of a long run and plays them."""
        self._of_thread = local()
        """``has_turn``: whether the thread has it."""

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Run ``work()``, which plays a run, in a worker thread."""

        def played() -> T:
            self.spare.used()
            try:
                return work()
            finally:
                self.spare.used()
                self.spare.limit(is_left=True)

        return self.compute(played)

    def compute(self, work: Callable[[], T]) -> Future[T]:
        """Run ``work()``, which plays nothing, in a worker thread."""

        def waiting() -> T:
            self._kernels.wait()
            return work()

        future = self._pool.submit(waiting)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        future.add_done_callback(lambda _: self.after_work())
        return future

    @property
    def at_rest(self) -> bool:
        """Tell whether no physics is computed or waits to be, and all kernels are compiled."""
        return not self._under_way and self._kernels.is_open

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Let one long run after the other make its signals and play them, in worker threads."""
        with self._long_run:
            over = Event()
            watch = Thread(target=self.spare.watch, args=(over,), name="memory", daemon=True)
            watch.start()
            self._of_thread.has_turn = True
            try:
                yield
            finally:
                self._of_thread.has_turn = False
                over.set()
                watch.join()

    @contextmanager
    def without_turn(self) -> Iterator[None]:
        """Let others have the turn of a long run, if this thread has it."""
        has_turn = getattr(self._of_thread, "has_turn", False)
        if has_turn:
            self._long_run.release()
        try:
            yield
        finally:
            if has_turn:
                self._long_run.acquire()

    def give_back_memory(self, *, compiles: bool) -> None:
        """Give back what runs have left, in a worker thread, if nothing has run for a while.

        ``compiles``: whether kernels were compiled, or loaded.
        """
        if not self.spare.due:
            return
        self._pool.submit(self.spare.give_back)
        if compiles:
            from podium.sim_instruments.servers.kernel_libraries import release_compiler

            self._pool.submit(release_compiler)

    def forked(self) -> None:
        """Take up work in a copy of the process, which has none of the threads of the first."""
        self._pool = self._new_pool()

    def close(self) -> None:
        """Give up what waits to be computed; return when what is being computed is done."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _new_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, thread_name_prefix="physics")
