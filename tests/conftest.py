"""Twins behind real TCP servers on loopback, for clients that know only sockets."""

import asyncio
import gc
import logging
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from podium_process import configure_process

# As a process of Podium, and before NumPy is imported: one thread of linear algebra, and memory of
# arrays that is kept. By default the system may clear its pages anew for each array of some hundred
# kB (docs/decisions/0119-tests-are-set-as-a-process-of-podium.md).
configure_process()

pytest.register_assert_rewrite("tests.benches")
from tests.benches.file_collection import CollectionByFile  # noqa: E402
from tests.benches.left_over import LeftOver  # noqa: E402
from tests.benches.records.postgresql_server import programs  # noqa: E402
from tests.benches.thoroughness import cases  # noqa: E402

# By the clock a busy machine fails any example, or any drawing of one: nothing here is timed so.
settings.register_profile(
    "busy",
    settings.default,
    deadline=None,
    max_examples=cases(25, 100),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("busy")
# Else it looks for constants in the source of each module that a worker has imported so far: that
# takes seconds, and what is drawn depends on which tests ran before.
providers.is_local_module_file = lambda file: False

FS_PER_NS = 1_000_000
COLLECTED_AFTER = (20_000, 20, 20)
"""Thresholds of the garbage collector: with those of Python (700, 10, 10) about a tenth of the time
goes to looking through all that pytest and the imported packages keep."""
LEFT_OVER = LeftOver()


@pytest.fixture(scope="session", autouse=True)
def state_of_its_own(tmp_path_factory) -> Iterator[None]:
    """Keep what facilities in use leave behind out of the user's own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """Give the log its level and handlers back: a command that is called here sets its own."""
    logger = logging.getLogger("podium")
    level, handlers = logger.level, logger.handlers[:]
    yield
    if logger.level != level:  # to set it forgets what is known of the levels of all loggers
        logger.setLevel(level)
    logger.handlers[:] = handlers


class Session(Protocol):
    def feed(self, data: bytes, now_fs: int) -> bytes: ...


class Served(Protocol):
    def open(self, port: str) -> Session: ...

    def horizon(self, now_fs: int) -> Any: ...


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    @property
    def visa(self) -> str:
        return f"TCPIP::{self.host}::{self.port}::SOCKET"


class LeapingClock:
    """World time: goes on at wall rate, and leaps to the end of what runs."""

    def __init__(self) -> None:
        self._origin_ns = time.monotonic_ns()
        self._leapt_fs = 0

    def now_fs(self) -> int:
        return (time.monotonic_ns() - self._origin_ns) * FS_PER_NS + self._leapt_fs

    def leap_to(self, then_fs: int) -> None:
        self._leapt_fs += max(0, then_fs - self.now_fs())


class TwinServers:
    """A thread with an event loop that serves twins until closed."""

    def __init__(self) -> None:
        self.clock = LeapingClock()
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._datagrams: list[asyncio.DatagramTransport] = []
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def serve(self, twin: Served, port: str = "scpi", leaping: bool = True) -> Address:
        """Listen for clients of one port of ``twin``; return where."""
        return self._call(self._listen(twin, port, leaping))

    def serve_datagrams(self, twin: Any, port: str) -> Address:
        """Listen on a UDP port for datagrams to one port of ``twin``; return where."""
        return self._call(self._hear(twin, port))

    def drop_clients(self) -> None:
        """Break all connections, without a word."""
        for writer in tuple(self._clients.values()):
            self._loop.call_soon_threadsafe(writer.transport.abort)

    def close(self) -> None:
        self._call(self._shut_down())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self, twin: Served, port: str, leaping: bool) -> Address:
        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            session = twin.open(port)
            task = asyncio.current_task()
            assert task is not None
            self._clients[task] = writer
            try:
                while data := await reader.read(65536):
                    now_fs = self.clock.now_fs()  # what ends after it is still waited for
                    reply, horizon = session.feed(data, now_fs), twin.horizon(now_fs)
                    if leaping and horizon.busy_until_fs is not None:
                        self.clock.leap_to(horizon.busy_until_fs)
                        reply += session.feed(b"", self.clock.now_fs())
                    writer.write(reply)
                    await writer.drain()
                    if getattr(session, "ended", False):
                        break
            except ConnectionError:
                pass
            finally:
                writer.close()
                del self._clients[task]
                if (hung_up := getattr(session, "hung_up", None)) is not None:
                    hung_up()

        server = await asyncio.start_server(client, "127.0.0.1", 0)
        self._servers.append(server)
        host, number = server.sockets[0].getsockname()
        return Address(host, number)

    async def _hear(self, twin: Any, port: str) -> Address:
        clock = self.clock

        class Hearing(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: Any) -> None:
                answer = twin.hear(port, data, clock.now_fs())
                if answer:
                    self.transport.sendto(answer, addr)

        transport, _ = await self._loop.create_datagram_endpoint(
            Hearing, local_addr=("127.0.0.1", 0)
        )
        self._datagrams.append(transport)
        host, number = transport.get_extra_info("sockname")
        return Address(host, number)

    async def _shut_down(self) -> None:
        for transport in self._datagrams:
            transport.abort()
        for server in self._servers:
            server.close()
        for writer in self._clients.values():
            writer.transport.abort()
        await asyncio.gather(*self._clients)

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)


@pytest.fixture
def twin_servers() -> Iterator[TwinServers]:
    servers = TwinServers()
    yield servers
    servers.close()


@pytest.fixture
def serve(twin_servers: TwinServers) -> Callable[..., Address]:
    """Return a function that puts a twin on a wire: ``serve(twin).visa``."""
    return twin_servers.serve


# What needs something that is not everywhere runs where it is found, and is named where it is not

NOT_RUN = "PODIUM_NOT_RUN"
"""Environment variable: the file in which what did not run is named; ``make test`` prints it."""

ALONE = (
    "chaos/test_twin_chaos.py",
    "control/test_one_start",
    "control/test_skews_on_twins.py",
    "control/test_up_skews.py",
    "control/timebase/test_skew_on_twins.py",
    "docs/test_tutorials_of_several_nodes.py",
    "many_nodes/",
    "sim_instruments/servers/test_event_loop.py",
    "sim_instruments/servers/test_two_nodes_start_together.py",
)
"""Tests that keep a deadline of the wall, or that load all processors: nothing runs beside them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--alone",
        choices=("only", "never"),
        help="of the tests that run beside no other, those only, or none; others are not imported",
    )
    parser.addoption(
        "--by-file",
        action="store_true",
        help="a worker imports a test file when its turn comes (tests/benches/file_collection.py)",
    )


def runs_alone(path: Path) -> bool:
    return path.relative_to(Path(__file__).parent).as_posix().startswith(ALONE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    wanted = config.getoption("--alone")
    if wanted is None or collection_path.is_dir():
        return None
    return True if runs_alone(collection_path) != (wanted == "only") else None


def chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path is not None), None)


def pytest_configure(config: pytest.Config) -> None:
    """Let SIGINT interrupt, and leave no event loop to be made in passing.

    A shell that starts tests in its background has them ignore SIGINT. And a policy that was never
    told its loop makes one when it is first asked, as pytest-asyncio does before each runner of its
    own: nobody would close it, and the collector would blame the test that happens to run.
    """
    if config.getoption("by_file") and hasattr(config, "workerinput"):
        config.pluginmanager.register(CollectionByFile())
    gc.set_threshold(*COLLECTED_AFTER)
    asyncio.set_event_loop(None)
    LEFT_OVER.watch(asyncio.BaseEventLoop)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None, item: pytest.Item) -> Iterator[None]:
    """Let a module fail that leaves an event loop open, once its fixtures have ended."""
    yield
    if nextitem is None or nextitem.path != item.path:
        told = LEFT_OVER.told()
        assert not told, told


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if runs_alone(item.path):
            item.add_marker(pytest.mark.alone)
    needs = {
        "chromium": (chromium(), "there is no Chromium (apt-get install chromium)"),
        "nut": (shutil.which("upsc"), "there is no upsc (apt-get install nut-client)"),
        "postgresql": (programs(), "there is no PostgreSQL (apt-get install postgresql)"),
        "net_snmp": (shutil.which("snmpwalk"), "there is no snmpwalk (apt-get install snmp)"),
    }
    for marker, (found, why) in needs.items():
        for item in items if found is None else ():
            if item.get_closest_marker(marker) is not None:
                item.add_marker(pytest.mark.skip(reason=why))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    place = os.environ.get(NOT_RUN)
    if place:
        said = not_run_line(terminalreporter.stats.get("skipped", []))
        Path(place).write_text(said)


def not_run_line(skipped: list[Any]) -> str:
    """Return the line that names what did not run and why; empty when all did."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in skipped
        if isinstance(report.longrepr, tuple)
    )
    told = [f"{count} test{'s' * (count > 1)}: {why}" for why, count in reasons.items()]
    return f"Not run: {'; '.join(told)}\n" if told else ""
