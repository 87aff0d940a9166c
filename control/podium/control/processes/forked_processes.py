"""Starts processes by a :mod:`fork server <podium.control.processes.fork_server>`, and waits."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count

from podium.control.processes.early_copy import EarlyCopy, early_copy
from podium.control.processes.fork_server import (
    LONGEST_MESSAGE,
    Ended,
    Start,
    Started,
    decoded,
    encoded,
    main,
    name_process,
)

MODULE = "podium.control.processes.fork_server"


class ForkServerLost(Exception):
    """The fork server has ended before it had started what was asked of it."""


class ForkedProcess:
    """A process that a fork server has started. Its standard input ends when we do."""

    def __init__(self, pid: int, stdin: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        """As of :class:`subprocess.Popen`; None while it runs, and where nobody knows."""
        self._stdin = stdin
        self._over = asyncio.Event()
        self._handle = -1
        with suppress(ProcessLookupError):  # it has ended already: its status is on the way
            self._handle = os.pidfd_open(pid)

    async def wait(self) -> int | None:
        """Return its status once it has ended; None: its fork server was gone by then."""
        await self._over.wait()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self._handle >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    @property
    def ended(self) -> bool:
        """Tell whether it runs no more."""
        return self._over.is_set()

    def note_end(self, status: int | None) -> None:
        """Note that it has ended, and how, if that is known."""
        self.returncode = status
        self._over.set()
        self.close_input()
        if self._handle >= 0:
            asyncio.get_running_loop().remove_reader(self._handle)
            os.close(self._handle)
            self._handle = -1

    def close_input(self) -> None:
        """End its standard input: a process that heeds that ends."""
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1

    def orphaned(self) -> None:
        """Note that nobody will say how it ends: that it does, the system says."""
        if self._handle < 0:
            self.note_end(None)
        else:
            asyncio.get_running_loop().add_reader(self._handle, self.note_end, None)


class ForkServer:
    """The near end of a fork server, which is started when it is first needed, or again."""

    def __init__(self, waiting: EarlyCopy | None = None) -> None:
        """``waiting``: the first one (:func:`waiting_server`); None: an interpreter is started."""
        self._waiting = waiting
        self._numbers = count()
        self._launching = asyncio.Lock()
        self._server: asyncio.subprocess.Process | int | None = None
        self._connection: socket.socket | None = None
        self._asked: dict[int, tuple[asyncio.Future[ForkedProcess], int]] = {}
        """Answers to come, and the end of each one's standard input that is ours."""
        self._running: dict[int, ForkedProcess] = {}

    async def start(
        self,
        module: str,
        arguments: Sequence[str],
        inherit: Sequence[int] = (),
        imports: Sequence[str] = (),
    ) -> ForkedProcess:
        """Start a process that runs ``module.main(arguments)``, a session of its own.

        ``inherit``: descriptors of ours that it has too, under the same numbers. ``imports``:
        modules that it will import. Raises :class:`ForkServerLost`, and ``OSError``.
        """
        async with self._launching:
            connection = self._connection or await self._launch()
        number = next(self._numbers)
        start = Start(number, module, tuple(arguments), (0, *inherit), tuple(imports))
        stdin, ours = os.pipe()
        answer: asyncio.Future[ForkedProcess] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer, ours
        try:
            try:
                socket.send_fds(connection, [encoded(start)], [stdin, *inherit])
            except ConnectionError:
                self._lost()
            finally:
                os.close(stdin)
            return await answer
        except BaseException:
            # Should it be there after all, it ends with its standard input.
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                answer.result().close_input()
            else:
                os.close(ours)
            raise
        finally:
            del self._asked[number]

    async def _launch(self) -> socket.socket:
        await self._reap()
        if self._waiting is None:
            ours = await self._start_interpreter()
        else:
            ours, self._server = self._waiting.connection, self._waiting.pid
            self._waiting = None
        ours.setblocking(False)
        self._connection = ours
        asyncio.get_running_loop().add_reader(ours, self._read)
        return ours

    async def _start_interpreter(self) -> socket.socket:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            words = (sys.executable, "-m", "podium_process", MODULE, str(its.fileno()))
            try:
                self._server = await asyncio.create_subprocess_exec(
                    *words,
                    stdin=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                    pass_fds=[its.fileno()],
                )
            except BaseException:
                ours.close()
                raise
        return ours

    def _read(self) -> None:
        """Take what the fork server says: one message, or that it has ended."""
        assert self._connection is not None
        try:
            said = self._connection.recv(LONGEST_MESSAGE)
        except BlockingIOError:
            return
        except ConnectionError:
            said = b""
        match decoded(said) if said else None:
            case Started(number, pid):
                answer, stdin = self._asked.get(number, (None, -1))
                if answer is not None and not answer.done():
                    self._running[pid] = ForkedProcess(pid, stdin)
                    answer.set_result(self._running[pid])
            case Ended(pid, status) if pid in self._running:
                self._running.pop(pid).note_end(status)
            case None:
                self._lost()

    def _lost(self) -> None:
        """Let go of a fork server that has ended; what it has started runs on."""
        if self._connection is None:
            return
        asyncio.get_running_loop().remove_reader(self._connection)
        self._connection.close()
        self._connection = None
        for answer, _ in self._asked.values():
            if not answer.done():
                answer.set_exception(ForkServerLost("the fork server has ended"))
        for process in self._running.values():
            process.orphaned()
        self._running.clear()

    async def close(self) -> None:
        """End the fork server; what it has started is no longer watched."""
        self._lost()
        if self._waiting is not None:
            await asyncio.to_thread(self._waiting.dismiss)
            self._waiting = None
        await self._reap()

    async def _reap(self) -> None:
        server, self._server = self._server, None
        if isinstance(server, int):
            await asyncio.to_thread(os.waitpid, server, 0)
        elif server is not None:
            await server.wait()


def waiting_server() -> EarlyCopy | None:
    """Make a copy of this process that is a fork server; None: there are threads already.

    What this process has imported by now is not imported again.
    """
    return early_copy(_serve)


def _serve(its: socket.socket) -> int:
    words = (MODULE, str(its.detach()))
    name_process("podium_process", *words)
    return main(words[1:])


@asynccontextmanager
async def fork_server(waiting: EarlyCopy | None = None) -> AsyncIterator[ForkServer]:
    """Start processes by the fork server while the context is open.

    ``waiting``: as of :class:`ForkServer`.
    """
    server = ForkServer(waiting)
    try:
        yield server
    finally:
        await server.close()
