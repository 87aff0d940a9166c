"""The example's instruments on real sockets."""

import asyncio
import threading
from functools import partial
from types import SimpleNamespace

import pytest
from tests.benches.servers.socket_client import WITHIN_S, client, ramp

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.servers import serving as serving_module
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.leaps import Timekeeper
from podium.sim_instruments.servers.serving import open_serving


@pytest.fixture
def opened(facility, twin_file):
    """Open the example's serving with a clock of that mode."""
    return lambda mode=ClockMode.LEAP: open_serving(facility, twin_file, WorldClock(mode))


async def test_every_instrument_answers_on_an_address_of_its_own(opened) -> None:
    async with opened() as serving:
        said = {}
        for name in serving.served:
            async with client(serving, name) as one:
                said[name] = await one.ask(b"*IDN?\n")
        assert {name: text.split(b",")[1].split(b" ")[0] for name, text in said.items()} == {
            "cluster_a": b"Cluster",
            "thermometry_a": b"MODEL372",
            "bias_q0": b"GS210",
            "lo_q2": b"SGS100A",
        }
        hosts = [served.listening.host for served in serving.served.values()]
        assert len(set(hosts)) == 4
        assert all(host.startswith("127.") for host in hosts)


async def test_every_module_has_a_socket_at_the_base_plus_its_slot(opened) -> None:
    async with opened() as serving:
        ports = serving.served["cluster_a"].listening.ports
        assert ports == {"scpi": 5025, "slot2": 25002, "slot4": 25004, "slot6": 25006}
        async with client(serving, "cluster_a", "slot4") as module:
            assert b"QCM" in await module.ask(b"*IDN?\n")


async def test_two_clients_do_not_hear_each_others_answers(opened) -> None:
    async with (
        opened() as serving,
        client(serving, "bias_q0") as one,
        client(serving, "bias_q0") as other,
    ):
        one.tell(b":SOUR:FUNC?;")
        assert await other.ask(b":OUTP?\n") == b"0\n"
        assert await one.ask(b":OUTP?\n") == b"VOLT;0\n"


async def test_a_ramp_of_an_hour_is_over_when_it_is_asked_for(opened) -> None:
    async with opened() as serving, client(serving, "bias_q0") as source:
        before_fs = serving.timekeeper.clock.now_fs()
        source.tell(ramp(3600))
        assert await source.ask(b"*OPC?\n") == b"1\n"
        assert serving.timekeeper.clock.now_fs() - before_fs >= 3600 * FS_PER_S
        assert float(await source.ask(b":SOUR:LEV?\n")) == 0.5


async def test_on_a_paced_clock_a_late_reply_comes_by_itself_when_it_is_due(opened) -> None:
    async with opened(ClockMode.PACED) as serving, client(serving, "bias_q0") as source:
        clock = serving.timekeeper.clock
        source.tell(ramp(0.2))
        before_fs = clock.now_fs()
        assert await source.ask(b"*OPC?\n") == b"1\n"
        assert (clock.now_fs() - before_fs) / FS_PER_S > 0.1
        assert clock.leapt_fs == 0


async def test_a_twin_that_breaks_down_cuts_only_who_spoke_to_it(opened, caplog) -> None:
    async with (
        opened() as serving,
        client(serving, "bias_q0") as source,
        client(serving, "lo_q2") as other,
    ):
        await source.ask(b"*IDN?\n")
        session = next(iter(serving.served["bias_q0"].faults.open))._session

        def broken(data: bytes, now_fs: int) -> bytes:
            raise RuntimeError("a slip of the twin")

        session.feed = broken  # type: ignore[method-assign]
        source.tell(b"*IDN?\n")
        assert await source.is_cut()
        assert (await other.ask(b"*IDN?\n")).startswith(b"Rohde")
        async with client(serving, "bias_q0") as again:
            assert (await again.ask(b"*IDN?\n")).startswith(b"YOKOGAWA")
    assert "a slip of the twin" in caplog.text


async def test_whoever_closes_leaves_nothing_behind(opened) -> None:
    before = set(asyncio.all_tasks())
    async with opened() as serving, client(serving, "cluster_a") as still_there:
        await still_there.ask(b"*IDN?\n")
        serving.laboratory.submit("cluster_a", lambda play: None).result(10)
        addresses = [
            (served.listening.host, port)
            for served in serving.served.values()
            for port in served.listening.ports.values()
        ]
    assert await still_there.is_cut()
    for host, port in addresses:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, port)
    assert set(asyncio.all_tasks()) == before
    assert not [t for t in threading.enumerate() if t.name.startswith("physics")]


async def test_if_one_cannot_listen_all_others_stop(opened, monkeypatch) -> None:
    listening = []

    async def three_times(doors, draw):
        if len(listening) == 3:
            raise OSError("no more")
        listening.append(await serving_listen(doors, draw))
        return listening[-1]

    serving_listen = serving_module.listen
    monkeypatch.setattr(serving_module, "listen", three_times)
    with pytest.raises(OSError, match="no more"):
        async with opened():
            pass
    for one in listening:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(one.host, next(iter(one.ports.values())))


async def test_an_error_of_the_body_comes_out_as_it_is(opened) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with opened():
            raise KeyError("mine")


async def test_physics_that_ends_lets_time_leap_without_a_word_from_outside(opened) -> None:
    """A program that runs for an hour is leapt over once its physics is done."""
    hour = b"""move 3600,R0
a: move 20000,R1
b: wait 50000
loop R1,@b
loop R0,@a
stop
"""
    load = b"SEQuencer0:PROGram #%d%d%s\n" % (len(str(len(hour))), len(hour), hour)
    async with opened() as serving, client(serving, "cluster_a", "slot4") as module:
        leaps = asyncio.Event()
        clock = serving.timekeeper.clock
        leap_to = clock.leap_to

        def leap(until_fs: int) -> None:
            leap_to(until_fs)
            leaps.set()

        clock.leap_to = leap  # type: ignore[method-assign]
        module.tell(load + b"SEQuencer0:ARM\nSEQuencer0:START\n")
        async with asyncio.timeout(WITHIN_S):
            await leaps.wait()
        assert clock.leapt_fs / FS_PER_S == pytest.approx(3600, abs=5)
        assert b"STOPPED" in await module.ask(b"SEQuencer0:STATE?\n")


def test_the_doors_of_a_twin_are_its_ports_and_its_modules() -> None:
    class Rack:
        ports = {"scpi": 10, "module_scpi_base": 100}  # noqa: RUF012
        modules = {3: "", 7: ""}  # noqa: RUF012

    opened = []
    doors = serving_module.doors(Rack(), opened.append)
    assert {name: port for name, (port, _) in doors.items()} == {
        "scpi": 10,
        "slot3": 103,
        "slot7": 107,
    }
    for _, factory in doors.values():
        assert isinstance(factory, partial)
        factory()
    assert opened == ["scpi", "slot3", "slot7"]


@pytest.mark.parametrize(("awake", "polls"), [(True, 90), (False, 10)])
async def test_twins_that_do_nothing_are_asked_more_rarely(
    awake: bool, polls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    served = serving_module.ServedLaboratory
    monkeypatch.setattr(serving_module, "TICK_S", 0.0)
    for name in ("poll", "look"):
        monkeypatch.setattr(served, name, lambda _, name=name: asked.append(name))
    timekeeper = SimpleNamespace(is_awake=awake, woken=asyncio.Event())
    serving = served(SimpleNamespace(), timekeeper)
    ticking = asyncio.create_task(serving.tick())
    while asked.count("look") < 11:  # noqa: ASYNC110  the loop is what is tested
        await asyncio.sleep(0)
    ticking.cancel()
    await asyncio.wait({ticking})
    until_the_last_look = asked[: len(asked) - asked[::-1].index("look")]
    assert until_the_last_look.count("poll") == polls


async def test_twins_at_rest_are_asked_soon_after_somebody_has_spoken_to_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = asyncio.Event()
    served = serving_module.ServedLaboratory
    monkeypatch.setattr(serving_module, "TICK_S", 1e-6)
    monkeypatch.setattr(serving_module, "TICKS_OF_REST", 10**12)
    for name in ("poll", "look"):
        monkeypatch.setattr(served, name, lambda _: asked.set())
    keeper = Timekeeper(WorldClock(ClockMode.LEAP), {})
    ticking = asyncio.create_task(served(SimpleNamespace(), keeper).tick())
    for _ in range(100):
        await asyncio.sleep(0)
    assert not asked.is_set(), "there is nothing to be done"
    keeper.wake()
    async with asyncio.timeout(WITHIN_S):
        await asked.wait()
    ticking.cancel()
    await asyncio.wait({ticking})
