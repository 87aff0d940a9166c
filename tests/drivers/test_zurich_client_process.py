"""The process of the vendor's client: it holds nobody up, and is gone when it has to be."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import numpy as np
import pytest
from tests.benches.thoroughness import sampled
from tests.benches.zurich.data_server import DEVICES, ZurichServer, zurich_server

from podium.drivers import worker as worker_module
from podium.drivers.errors import Refused, Unreachable
from podium.drivers.roles import Instrument
from podium.drivers.worker import Worker
from podium.drivers.zurich import client_process
from podium.drivers.zurich.client_messages import GetInteger, SetAll
from podium.drivers.zurich.client_process import ClientProcess
from podium.drivers.zurich.data_server import ZurichDataServer
from podium.drivers.zurich.settings_cache import SettingsCache

TICKS = 1000
GONE_S = 30.0
NODE = "/dev12000/sgchannels/0/awg/enable"
FREQUENCY = "/dev12000/sgchannels/0/oscs/0/freq"
OUTPUT = "/dev12000/sgchannels/0/output/on"
OTHER_OUTPUT = "/dev12000/sgchannels/1/output/on"
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@pytest.fixture(scope="module")
def server():
    with zurich_server() as one:
        yield one


@pytest.fixture
def client(server):
    one = ClientProcess("zi", server.host, server.port, tuple(DEVICES))
    yield one
    one.close()


@asynccontextmanager
async def kept(connect: Callable[[], Instrument]) -> AsyncIterator[Worker]:
    worker: Worker = Worker("zi", connect)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(worker.keep())
        try:
            yield worker
        finally:
            keeping.cancel()


def is_gone(pid: int) -> bool:
    """Return whether a process is over, at once or within ``GONE_S``."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], GONE_S)[0])
    finally:
        os.close(handle)


async def ticks_while(asked: asyncio.Future, server: ZurichServer) -> None:
    """Let the loop go round while a server that has heard the question does not answer it."""
    while not server.heard.is_set():  # noqa: ASYNC110 - what is awaited happens in another thread
        await asyncio.sleep(0)
    for _ in range(TICKS):
        assert not asked.done()
        await asyncio.sleep(0)
    assert not asked.done()


CALLS = {
    "get": lambda driver: driver._server.whole("", NODE),
    "get all": lambda driver: driver.snapshot(),
    "get a text": lambda driver: driver.identity(),
    "set": lambda driver: driver._server.set("", [(NODE, 0)]),
    "make safe": lambda driver: driver.safe(),
}


def driver_of(server: ZurichServer) -> ZurichDataServer:
    return ZurichDataServer("zi", server.host, server.ports, DEVICES)


@pytest.mark.parametrize("what", sampled(CALLS, kept=["get", "make safe"]))
async def test_the_loop_goes_round_while_a_server_does_not_answer(server, what) -> None:
    async with kept(lambda: driver_of(server)) as worker:
        await worker.connected()
        with server.silent():
            asked = asyncio.ensure_future(worker.call(what, CALLS[what], 30))
            await ticks_while(asked, server)
        await asked


@pytest.mark.parametrize("greets", sampled([False, True], kept=[True]))
async def test_the_loop_goes_round_while_a_server_lets_nobody_in(server, greets) -> None:
    with server.silent(greets):
        async with kept(lambda: driver_of(server)) as worker:
            connected = asyncio.ensure_future(worker.connected())
            await ticks_while(connected, server)
            server.gate.set()
            await connected


def test_several_steps_end_with_the_first_that_fails_and_the_error_names_it(client) -> None:
    before = client.whole("", NODE)
    steps = [
        ("for the first", GetInteger(NODE)),
        ("for the second", GetInteger("/dev12000/no/such/node")),
        ("for the third", SetAll(((FREQUENCY, 7e6),))),
    ]
    client.set("", [(FREQUENCY, 1e6)])
    with pytest.raises(Refused, match=r"for the second: .*no/such/node"):
        client.several(steps)
    assert client.settings("", FREQUENCY.removesuffix("/freq"))[FREQUENCY] == 1e6
    assert client.several([steps[0], steps[2]]) == [before, None]
    assert client.settings("", FREQUENCY.removesuffix("/freq"))[FREQUENCY] == 7e6


def test_its_process_hears_no_interrupt_and_has_no_share_of_processors_of_its_own(client) -> None:
    assert os.getpgid(client.pid) == client.pid != os.getpgid(0)
    assert os.getsid(client.pid) == os.getsid(0)


def test_a_pause_ends_when_a_node_changes(server, client) -> None:
    pause_s = 20.0
    client.wholes("", (OUTPUT,), 1e-3)  # from here on it listens
    other = ClientProcess("zi", server.host, server.port, tuple(DEVICES))
    try:
        with ThreadPoolExecutor(1) as pool:
            began = time.monotonic()
            looking = pool.submit(client.wholes, "", (OUTPUT,), pause_s)
            on = 0
            while not looking.done():  # whenever it begins to listen, there is a change after it
                on = 1 - on
                other.set("", [(OUTPUT, on)])
                server.poll()
            assert time.monotonic() - began < pause_s
            assert looking.result()[0] in (0, 1)
    finally:
        other.close()


def test_a_pause_ends_when_all_nodes_hold_what_is_waited_for(server, client) -> None:
    long_s, short_s = 20.0, 0.05
    both = OUTPUT, OTHER_OUTPUT
    client.set("", [(OUTPUT, 1), (OTHER_OUTPUT, 0)])
    began = time.monotonic()
    assert client.wholes("", (OTHER_OUTPUT,), long_s, 0) == (0,), "so it was before it listened"
    assert time.monotonic() - began < long_s
    client.set("", [(OUTPUT, 0)])
    assert client.wholes("", both, short_s, 0) == (0, 0)
    client.set("", [(OUTPUT, 1)])
    began = time.monotonic()
    assert client.wholes("", both, short_s, 0) == (1, 0), "what was told before counts no longer"
    assert time.monotonic() - began >= short_s
    other = ClientProcess("zi", server.host, server.port, tuple(DEVICES))
    try:
        with ThreadPoolExecutor(1) as pool:
            began = time.monotonic()
            looking = pool.submit(client.wholes, "", both, long_s, 0)
            other.set("", [(OTHER_OUTPUT, 1), (OUTPUT, 0), (OTHER_OUTPUT, 0)])
            while not looking.done():
                server.poll()
            assert looking.result() == (0, 0)
            assert time.monotonic() - began < long_s
    finally:
        other.close()


def test_nothing_of_the_vendors_is_in_the_process_of_the_driver(server) -> None:
    code = (
        "import sys; from podium.drivers.zurich.data_server import ZurichDataServer as Driver\n"
        f"driver = Driver('zi', {server.host!r}, {server.ports}, {DEVICES})\n"
        "print(driver.identity().model, [name for name in sys.modules if 'zhinst' in name])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout == "data server []\n", ended.stderr


OWNER = """
import sys
from podium.drivers.own_process import OwnProcess
from podium.drivers.zurich.client_messages import Connect
process = OwnProcess("podium.drivers.zurich.client")
print(process.pid, flush=True)
process.ask(Connect("127.0.0.1", int(sys.argv[1]), (12000,)), 60)
"""


def test_when_its_owner_is_killed_it_is_gone_although_its_server_is_silent(server) -> None:
    with (
        server.silent(),
        subprocess.Popen(
            [sys.executable, "-c", OWNER, str(server.port)], env=ENVIRONMENT, stdout=subprocess.PIPE
        ) as owner,
    ):
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert server.heard.wait(30)  # the client waits for its server, with Python's lock in hand
        owner.kill()
        assert is_gone(pid)


def test_a_client_that_dies_is_told_with_how_it_died(client) -> None:
    assert client.whole("for it", NODE) == 0
    os.kill(client.pid, signal.SIGKILL)
    with pytest.raises(Unreachable, match=r"zi at .* asked for it: .* ended by SIGKILL"):
        client.whole("for it", NODE)
    assert is_gone(client.pid)
    with pytest.raises(Unreachable, match="its process was ended"):
        client.whole("again", NODE)


def test_a_client_that_hangs_is_ended_and_told(client, monkeypatch) -> None:
    monkeypatch.setattr(client_process, "ANSWER_S", 0.1)
    os.kill(client.pid, signal.SIGSTOP)
    with pytest.raises(Unreachable, match=r"asked for it: no answer within 0.1 s; process ended"):
        client.whole("for it", NODE)
    assert is_gone(client.pid)


def test_closing_it_ends_a_call_that_waits_in_another_thread(server, client) -> None:
    with server.silent(), ThreadPoolExecutor(1) as pool:
        waits = pool.submit(client.whole, "for it", NODE)
        assert server.heard.wait(30)
        client.close()
        with pytest.raises(Unreachable, match="was ended meanwhile"):
            waits.result(30)
    assert is_gone(client.pid)


async def test_after_a_call_is_cancelled_nothing_of_it_is_left(server, monkeypatch) -> None:
    monkeypatch.setattr(worker_module, "GRACE_S", 0.05)
    async with kept(lambda: driver_of(server)) as worker:
        await worker.connected()
        pid = await worker.call("pid", lambda driver: driver._server.pid, 30)
        with server.silent():
            asked = asyncio.ensure_future(worker.call("set", CALLS["set"], 30))
            await ticks_while(asked, server)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            assert await asyncio.to_thread(is_gone, pid)
        assert (await worker.call("identity", lambda driver: driver.identity(), 30)).model
        assert await worker.call("pid", lambda driver: driver._server.pid, 30) != pid


async def test_a_client_that_died_is_started_anew(server) -> None:
    async with kept(lambda: driver_of(server)) as worker:
        await worker.connected()
        pid = await worker.call("pid", lambda driver: driver._server.pid, 30)
        os.kill(pid, signal.SIGSEGV)
        with pytest.raises(Unreachable, match="ended by SIGSEGV"):
            await worker.call("identity", lambda driver: driver.identity(), 30)
        assert (await worker.call("identity", lambda driver: driver.identity(), 30)).model
        assert worker.health.connections == 2


def test_vectors_come_and_go_whole(client) -> None:
    samples = np.linspace(-1, 1, 4096) * (0.8 - 0.5j)
    path = "/dev12000/qachannels/0/readout/integration/weights/3/wave"
    client.set("to take it", [(path, samples), (NODE, 0)])
    np.testing.assert_array_equal(client.vectors("for it", [path])[0], samples)


def test_what_is_no_value_of_a_node_is_refused_with_its_words(client) -> None:
    with pytest.raises(Refused, match=r"zi at .* asked for it: .*nothing/0 not found"):
        client.whole("for it", "/dev12000/nothing/0")
    with pytest.raises(Refused, match=r"asked to take it: .*no keyword|is not a keyword"):
        client.set("to take it", [(NODE, "loud")])
    with pytest.raises(Refused, match=r"asked to take it: .*None"):
        client.set("to take it", [(NODE, None)])


def test_what_another_client_has_set_is_seen_and_set_again(server, client):
    settings = SettingsCache(client)
    items = [(FREQUENCY, 12.3e6), (OUTPUT, 1)]
    settings.set("for a run", items)
    sent = settings.changes
    settings.set("for a run", items)
    assert settings.changes == sent
    other = ClientProcess("page", server.host, server.port, tuple(DEVICES))
    try:
        other.set("by hand", [(OUTPUT, 0)])
        settings.set("for a run", items)
        assert settings.changes == sent + len(items)
        assert other.wholes("how it is", (OUTPUT, NODE), 0.0) == (1, 0)
    finally:
        other.close()


def test_nodes_are_read_together_and_one_that_is_not_there_is_left_out(client):
    found = client.values("for both", (OUTPUT, "/dev12000/nonsense", FREQUENCY))
    assert found.keys() == {OUTPUT, FREQUENCY}
    with pytest.raises(Refused, match="/dev12000/nonsense not found"):
        client.wholes("for both", (OUTPUT, "/dev12000/nonsense"), 0.0)
    with pytest.raises(Refused, match=f"{OUTPUT} holds no vector"):
        client.vectors("for a vector", (OUTPUT,))
