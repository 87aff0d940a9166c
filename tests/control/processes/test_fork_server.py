"""Processes started by a fork, in place of an interpreter each."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import psutil
import pytest

from podium.control.processes import process_layout
from podium.control.processes.fork_server import Ended, Start, Started, decoded, encoded
from podium.control.processes.forked_processes import ForkServer, ForkServerLost, fork_server
from podium.firmware_interfaces.models import known_models

OBEDIENT = "tests.benches.processes.obedient_process"
ENOUGH_S = 30.0


def servers() -> set[int]:
    """Return the processes of fork servers that are children of this one."""
    return {
        one.pid
        for one in psutil.Process().children()
        if "podium.control.processes.fork_server" in one.cmdline()
    }


BEFORE: set[int] = set()
"""Those that other tests of this process have: twins are forked by one."""


@pytest.fixture
async def server() -> AsyncIterator[ForkServer]:
    BEFORE.clear()
    BEFORE.update(servers())
    async with asyncio.timeout(ENOUGH_S), fork_server() as server:
        yield server


class Said:
    """A pipe into which a process writes."""

    def __init__(self) -> None:
        self.reads, self.writes = os.pipe()

    async def heard(self) -> str:
        return (await asyncio.to_thread(os.read, self.reads, 1000)).decode()

    def close(self) -> None:
        os.close(self.reads)
        os.close(self.writes)


@pytest.fixture
def said():
    pipe = Said()
    yield pipe
    pipe.close()


@pytest.mark.parametrize("status", [0, 7])
async def test_the_status_of_what_was_run_is_told(server: ForkServer, status: int) -> None:
    process = await server.start(OBEDIENT, ["end", str(status)])
    assert await process.wait() == status
    assert process.ended


async def test_processes_side_by_side_have_one_server(server: ForkServer) -> None:
    started = await asyncio.gather(*(server.start(OBEDIENT, ["end", str(k)]) for k in range(5)))
    assert [await one.wait() for one in started] == [0, 1, 2, 3, 4]
    assert len(servers() - BEFORE) == 1


@pytest.mark.parametrize("imports", [[], ["podium.no_such_module", "colorsys"]])
async def test_what_a_process_will_import_is_there_when_it_begins(
    server: ForkServer, said: Said, imports: list[str]
) -> None:
    words = ["imported", str(said.writes), "colorsys"]
    process = await server.start(OBEDIENT, words, [said.writes], imports)
    assert await said.heard() == str(bool(imports))
    assert await process.wait() == 0


async def test_descriptors_come_under_their_numbers(server: ForkServer, said: Said) -> None:
    """Whichever numbers the fork server has in use itself."""
    high = os.dup2(said.writes, 200)
    try:
        for number in (said.writes, high):
            words = ["say", str(number), f"by {number}"]
            process = await server.start(OBEDIENT, words, inherit=[number])
            assert await process.wait() == 0
            assert await said.heard() == f"by {number}"
    finally:
        os.close(high)


async def test_a_process_says_in_the_list_of_processes_what_it_is(
    server: ForkServer, said: Said
) -> None:
    process = await server.start(OBEDIENT, ["wait", str(said.writes)], inherit=[said.writes])
    assert await said.heard() == "waiting"
    words = psutil.Process(process.pid).cmdline()
    assert {OBEDIENT, "wait"} <= set(words)
    assert os.getsid(process.pid) == process.pid
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == -signal.SIGTERM


async def test_its_input_ends_with_ours(server: ForkServer, said: Said) -> None:
    process = await server.start(OBEDIENT, ["wait", str(said.writes)], inherit=[said.writes])
    assert await said.heard() == "waiting"
    process.close_input()
    assert await process.wait() == 3


async def test_what_cannot_be_imported_ends_and_says_so(
    server: ForkServer, capfd: pytest.CaptureFixture[str]
) -> None:
    process = await server.start("podium.no_such_module", [])
    assert await process.wait() == 1
    assert "No module named 'podium.no_such_module'" in capfd.readouterr().err
    again = await server.start(OBEDIENT, ["end", "0"])
    assert await again.wait() == 0


def pid_of_server() -> int:
    (one,) = servers() - BEFORE
    return one


async def test_a_server_that_is_killed_takes_nothing_along_and_is_replaced(
    server: ForkServer, said: Said
) -> None:
    process = await server.start(OBEDIENT, ["wait", str(said.writes)], inherit=[said.writes])
    assert await said.heard() == "waiting"
    killed = pid_of_server()
    os.kill(killed, signal.SIGKILL)
    other = None
    while other is None:  # until it is seen to be gone
        with suppress(ForkServerLost):
            other = await server.start(OBEDIENT, ["end", "5"])
    assert await other.wait() == 5
    assert pid_of_server() != killed
    assert not process.ended
    process.close_input()
    assert await process.wait() is None, "nobody knows how it ended"


async def test_a_start_that_is_given_up_leaves_no_process(server: ForkServer, said: Said) -> None:
    first = await server.start(OBEDIENT, ["end", "0"])
    await first.wait()
    words = ["wait", str(said.writes)]
    asking = asyncio.create_task(server.start(OBEDIENT, words, inherit=[said.writes]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await said.heard() == "waiting"
    left = psutil.Process(pid_of_server()).children()
    _, alive = await asyncio.to_thread(psutil.wait_procs, left, ENOUGH_S)
    assert alive == []


def test_messages_come_back_as_they_were() -> None:
    start = Start(3, "a.b", ("x", "--y"), (0, 7), ("c.d",))
    for message in (start, Started(3, 99), Ended(99, -9)):
        assert decoded(encoded(message)) == message


def test_what_is_imported_before_a_copy_starts_no_thread() -> None:
    """A copy has the thread that made it alone: a lock held by another would stay held."""
    modules = [
        process_layout.ROUTER,
        process_layout.COORDINATOR,
        process_layout.AGENT,
        process_layout.SUPERVISOR,
        process_layout.RECORDS,
        process_layout.PAGE,
    ]
    models = [one for one in known_models().values() if one.driver.startswith("podium.")]
    paths = {path for one in models for path in (one.driver, one.family) if path}
    modules += sorted(path.partition(":")[0] for path in paths)
    text = (
        "import os, sys, podium_process; podium_process.configure_process()\n"
        "for module in sys.argv[1:]: __import__(module)\n"
        "print(len(os.listdir('/proc/self/task')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", text, *modules], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"
