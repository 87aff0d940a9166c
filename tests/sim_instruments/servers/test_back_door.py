"""The second door, over its own socket, with the example's instruments behind it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.benches.servers.socket_client import WITHIN_S, Client, client, ramp

from podium.sim_instruments.servers import back_door
from podium.sim_instruments.servers.back_door import BackDoor, BadRequest
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.faults import FAULTS, On
from podium.sim_instruments.servers.serving import open_serving


class Laboratory:
    """A serving and its back door."""

    def __init__(self, serving, door, place) -> None:
        self.serving = serving
        self.door = door
        self.place = place

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection(*self.place)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()

    def let_in(self, line: bytes) -> bytes:
        """Return a line of JSON with the token, where it is an object."""
        return line.replace(b"{", b'{"token": "%s", ' % self.door.token.encode(), 1)

    async def ask(self, line: bytes):
        async with self.caller() as caller:
            return json.loads(await caller.ask(self.let_in(line) + b"\n"))

    async def do(self, verb: str, **more):
        return await self.door.do({"do": verb, **more})

    async def fault(self, fault: str, on: str) -> None:
        assert await self.do("fault", fault=fault, on=on) == f"{fault} {on}"


@pytest.fixture
async def lab(facility, twin_file) -> AsyncIterator[Laboratory]:
    async with open_serving(facility, twin_file, WorldClock(ClockMode.MANUAL)) as serving:
        door = BackDoor(serving)
        async with door.listen() as place:
            yield Laboratory(serving, door, place)


async def test_it_listens_on_loopback_only(lab) -> None:
    assert lab.place[0] == "127.0.0.1"


async def test_one_line_is_one_request_and_one_answer(lab) -> None:
    async with lab.caller() as caller:
        for line in (b'{"do": "time"}\n', b'{"do": "tallies"}\n'):
            caller.tell(lab.let_in(line))
        assert "tai_s" in json.loads(await caller.hear())["ok"]
        assert set(json.loads(await caller.hear())["ok"]) == {
            "cluster_a",
            "thermometry_a",
            "bias_q0",
            "lo_q2",
        }


async def test_who_waits_for_an_answer_gets_signs_of_life(lab, monkeypatch) -> None:
    monkeypatch.setattr(back_door, "ALIVE_S", 1e-3)
    wait = asyncio.Event()

    async def work(request) -> int:
        await wait.wait()
        return 7

    monkeypatch.setattr(lab.door, "do", work)
    async with lab.caller() as caller, asyncio.timeout(WITHIN_S):
        caller.tell(lab.let_in(b'{"do": "truth"}') + b"\n")
        assert await caller.reader.readexactly(3) == b"   "
        wait.set()
        assert json.loads(await caller.hear()) == {"ok": 7}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"nonsense", "one JSON object a line is wanted"),
        (b"", "one JSON object a line is wanted"),
        (b"\xff\xfe", "one JSON object a line is wanted"),
        (b"[" * 30_000, "one JSON object a line is wanted"),
        (
            b'{"do": null}',
            'the back door knows {"do": one of truth, gate, played, samples, signals, clocks, '
            "advance, time, rate, tallies, log, fault, state, operate, debug, save, fork, end}, "
            "not None",
        ),
        (b'{"do": "dance"}', "not 'dance'"),
        (b'{"do": ["time"]}', "not ['time']"),
        (b'{"do": "log"}', "no log of commands is kept here: `podium twin serve --log`"),
        (b'{"do": "advance"}', "advance wants seconds, from 0 up, not None"),
        (b'{"do": "advance", "seconds": "3h"}', "not '3h'"),
        (b'{"do": "rate", "rate": 600}', "a manual clock cannot go 600 times as fast"),
        (b'{"do": "rate", "rate": true}', "a whole number"),
        (b'{"do": "advance", "seconds": -1}', "not -1: time goes forward"),
        (b'{"do": "advance", "seconds": Infinity}', "not inf"),
        (b'{"do": "advance", "seconds": NaN}', "not nan"),
        (b'{"do": "truth", "at": {"do": [[]]}}', "truth wants at: "),
        (
            b'{"do": "played", "connectors": "slot4.out0"}',
            "a list of their names, not 'slot4.out0'",
        ),
        (b'{"do": "advance", "seconds": 1e300}', "31622400 (a year) at most, not 1e+300"),
        (b'{"do": "advance", "seconds": true}', "not True"),
        (b"[" * 20_000, "nested too deep"),
        (b'{"do": "advance", "seconds": ' + b"9" * 5000 + b"}", "thousands of digits"),
        (b'{"do": "fault"}', "there is no fault ''; there are unplug, plug, "),
        (b'{"do": "fault", "fault": "burn"}', "there is no fault 'burn'"),
        (
            b'{"do": "fault", "fault": "unplug", "on": "q0"}',
            "unplug wants one line of node_a.feedline, ",
        ),
        (b'{"do": "fault", "fault": "freeze"}', "freeze wants one instrument of bias_q0, "),
        (
            b'{"do": "fault", "fault": "warm", "on": "bias_q0"}',
            "warm wants one fridge of fridge_a, not 'bias_q0'",
        ),
    ],
)
async def test_a_bad_request_is_answered_with_what_would_be_right(lab, line, complaint) -> None:
    async with lab.caller() as caller:
        answer = json.loads(await caller.ask(lab.let_in(line) + b"\n"))
        assert complaint in answer["error"]
        assert "ok" in json.loads(await caller.ask(lab.let_in(b'{"do": "time"}\n')))


@pytest.mark.parametrize(
    "line",
    [
        b'{"do": "advance", "seconds": 5}',
        b'{"do": "advance", "seconds": 5, "token": ""}',
        b'{"do": "advance", "seconds": 5, "token": null}',
        b'{"do": "advance", "seconds": 5, "token": "\xce\xba"}',
        b'{"do": "advance", "seconds": 5, "token": "%s"}' % (b"0" * 32),
        b"[1]",
        b"5",
    ],
)
async def test_who_does_not_know_the_token_is_cut_off_and_nothing_is_done(lab, line) -> None:
    async with lab.caller() as caller:
        caller.tell(line + b"\n" + lab.let_in(b'{"do": "advance", "seconds": 7}\n'))
        assert "the token is missing or wrong" in json.loads(await caller.hear())["error"]
        assert await caller.is_cut()
    assert (await lab.do("time"))["leapt_s"] == 0


async def test_each_simulation_has_a_token_of_its_own(lab) -> None:
    assert len({lab.door.token, *(BackDoor(lab.serving).token for _ in range(9))}) == 10


async def test_a_line_without_end_is_cut_off_and_others_go_on(lab) -> None:
    async with lab.caller() as caller:
        caller.tell(b"x" * (1 << 20))
        assert await caller.is_cut()
    assert "ok" in await lab.ask(b'{"do": "time"}')


async def test_a_caller_that_hangs_up_stops_nobody(lab) -> None:
    async with lab.caller() as caller:
        caller.tell(lab.let_in(b'{"do": "time"}\n{"do": "ti'))
        caller.writer.transport.abort()
    assert "ok" in await lab.ask(b'{"do": "time"}')


async def test_time_tells_the_clock_and_what_it_was_spent_on(lab) -> None:
    before = await lab.do("time")
    assert before["since_start_s"] == before["leapt_s"] == before["running_s"] == 0
    after = await lab.do("advance", seconds=10_800)
    assert after["since_start_s"] == after["leapt_s"] == 10_800
    assert after["tai_s"] - before["tai_s"] == 10_800


async def test_time_that_is_advanced_ends_what_runs(facility, twin_file) -> None:
    async with open_serving(facility, twin_file, WorldClock(ClockMode.PACED)) as serving:
        door = BackDoor(serving)
        async with client(serving, "bias_q0") as source:
            source.tell(ramp(3600))
            assert float(await source.ask(b":SOUR:LEV?\n")) < 0.1
            source.tell(b"*OPC?\n")
            assert (await door.do({"do": "advance", "seconds": 3600}))["leapt_s"] == 3600
            assert await source.hear() == b"1\n"
            assert float(await source.ask(b":SOUR:LEV?\n")) == 0.5


async def test_tallies_count_what_came(lab) -> None:
    async with client(lab.serving, "bias_q0") as source:
        await source.ask(b"*IDN?\n")
        await source.ask(b":DANCE 5\n:OUTP?\n")
    tallies = await lab.do("tallies")
    assert tallies["bias_q0"] == {"commands": 3, "unknown": 1, "unmeant": 0}
    assert tallies["lo_q2"]["commands"] == 0


async def test_the_truth_is_told_at_the_biases_of_the_moment(lab) -> None:
    async with client(lab.serving, "bias_q0") as source:
        source.tell(b":SOUR:FUNC VOLT;:SOUR:RANG 1;:SOUR:LEV 0.1;:OUTP 1\n")
        await source.ask(b"*OPC?\n")
    told = await lab.do("truth")
    assert len(told) == 36
    chip = lab.serving.laboratory.chip
    biased = chip.at({"node_a.q0.flux": 0.1})[0].qubits[0].levels_hz[1]
    assert told["node_a.q0.f01"] == {"value": biased, "unit": "Hz"}
    assert abs(biased - chip.at({})[0].qubits[0].levels_hz[1]) > 1e6
    assert told["node_a.q0.sweet_spot"]["unit"] == "V"


# Faults, as a client and the world see them


async def test_the_lines_that_can_be_unplugged_are_all_that_are_wired(lab) -> None:
    for line in lab.serving.laboratory.plan.lines:
        await lab.fault("unplug", line)
    assert lab.serving.laboratory.unplugged == lab.serving.laboratory.plan.lines
    assert set(lab.serving.laboratory.cabling().biases_v.values()) == {0.0}
    for line in lab.serving.laboratory.plan.lines:
        await lab.fault("plug", line)
    await lab.fault("plug", "node_a.feedline")  # it is in already
    assert lab.serving.laboratory.unplugged == set()


async def test_a_frozen_instrument_answers_nothing_until_it_thaws(lab) -> None:
    async with client(lab.serving, "bias_q0") as source, client(lab.serving, "lo_q2") as other:
        await source.ask(b"*IDN?\n")
        await lab.fault("freeze", "bias_q0")
        source.tell(b":OUTP?\n")
        assert (await other.ask(b"*IDN?\n")).startswith(b"Rohde")
        async with client(lab.serving, "bias_q0") as late:
            late.tell(b"*IDN?\n")
            assert (await other.ask(b"*IDN?\n")).startswith(b"Rohde")
            await lab.fault("thaw", "bias_q0")
            assert await late.ask(b":SOUR:FUNC?\n") == b"VOLT\n"
        assert await source.ask(b":SOUR:FUNC?\n") == b"VOLT\n"


async def test_dropped_connections_may_come_again(lab) -> None:
    async with client(lab.serving, "bias_q0") as source, client(lab.serving, "lo_q2") as other:
        await source.ask(b"*IDN?\n")
        await lab.fault("drop", "bias_q0")
        assert await source.is_cut()
        assert (await other.ask(b"*IDN?\n")).startswith(b"Rohde")
        async with client(lab.serving, "bias_q0") as again:
            assert (await again.ask(b"*IDN?\n")).startswith(b"YOKOGAWA")


async def test_a_refusing_instrument_cuts_old_and_new_connections_until_it_accepts(lab) -> None:
    async with client(lab.serving, "bias_q0") as source:
        await source.ask(b"*IDN?\n")
        await lab.fault("refuse", "bias_q0")
        assert await source.is_cut()
    async with client(lab.serving, "bias_q0") as refused:
        assert await refused.is_cut()
    await lab.fault("accept", "bias_q0")
    async with client(lab.serving, "bias_q0") as accepted:
        assert (await accepted.ask(b"*IDN?\n")).startswith(b"YOKOGAWA")


async def test_half_an_answer_has_no_end_and_the_rest_never_comes(lab) -> None:
    async with client(lab.serving, "bias_q0") as source:
        whole = await source.ask(b"*IDN?\n")
        await lab.fault("halve", "bias_q0")
        source.tell(b"*IDN?\n")
        async with asyncio.timeout(WITHIN_S):
            half = await source.reader.readexactly(len(whole) // 2)
        assert whole.startswith(half)
        await lab.fault("whole", "bias_q0")
        assert await source.ask(b":OUTP?\n") == b"0\n"


async def test_a_fridge_warms_up_and_cools_down(lab) -> None:
    async with client(lab.serving, "thermometry_a") as thermometer:
        kelvin = []
        for fault in (None, "warm", "cool"):
            if fault is not None:
                await lab.fault(fault, "fridge_a")
            await lab.do("advance", seconds=3600)
            kelvin.append(float(await thermometer.ask(b"KRDG? 6\n")))
    cold, warm, cooler = kelvin
    assert cold < 0.03
    assert warm > 10
    assert cooler < warm


async def test_swapped_cables_carry_each_others_signals_until_they_are_swapped_back(lab) -> None:
    flux = "node_a.q0.flux", "node_a.q1.flux"
    laboratory = lab.serving.laboratory
    async with client(lab.serving, "bias_q0") as bias:
        for line in (":SOUR:FUNC VOLT", ":SOUR:RANG 1", ":OUTP 1", ":SOUR:LEV 0.25"):
            bias.writer.write(f"{line}\n".encode())
        assert await bias.ask(b":SOUR:LEV?\n")
    for mine, other in (flux, flux[::-1]):
        before = laboratory.cabling().biases_v
        await lab.fault("swap", ",".join(flux))
        after = laboratory.cabling().biases_v
        assert (after[mine], after[other]) == (before[other], before[mine])
        assert before[mine] != before[other]
    await lab.fault("swap", "node_a.q0.drive,node_a.q1.drive")
    state = await lab.do("state")
    assert [state[f"node_a.q{n}.drive.own_cable"] for n in range(3)] == [0.0, 0.0, 1.0]
    await lab.fault("swap", "node_a.q1.drive,node_a.q0.drive")
    assert (await lab.do("state"))["node_a.q0.drive.own_cable"] == 1.0


@pytest.mark.parametrize(
    "on",
    ["", "node_a.q0.drive", "node_a.q0.drive,", "node_a.q0.drive,node_a.q0.flux", "a,b", ",,"],
)
async def test_what_is_no_pair_of_lines_is_not_swapped(lab, on: str) -> None:
    with pytest.raises(BadRequest, match="line"):
        await lab.do("fault", fault="swap", on=on)
    assert lab.serving.laboratory.plan == lab.serving.laboratory.laid_plan


async def test_what_is_done_by_hand_is_counted_and_what_a_scenario_does_is_not(lab) -> None:
    await lab.do("fault", fault="unplug", on="node_a.q0.drive", by="scenario")
    state = await lab.do("state")
    assert (state["interventions"], state["node_a.q0.drive.plugged"]) == (0.0, 0.0)
    await lab.fault("plug", "node_a.q0.drive")
    with pytest.raises(BadRequest):
        await lab.do("fault", fault="plug", on="nowhere")
    state = await lab.do("state")
    assert (state["interventions"], state["node_a.q0.drive.plugged"]) == (1.0, 1.0)


def test_every_fault_is_told_in_words_and_is_done_to_something() -> None:
    assert {fault.on for fault in FAULTS.values()} == set(On)
    assert all(fault.does for fault in FAULTS.values())


async def test_a_bad_request_in_process_is_raised(lab) -> None:
    with pytest.raises(BadRequest, match="not 'dance'"):
        await lab.do("dance")


async def test_closing_cuts_callers(facility, twin_file) -> None:
    async with open_serving(facility, twin_file, WorldClock(ClockMode.MANUAL)) as serving:
        door = BackDoor(serving)
        async with door.listen() as place:
            reader, writer = await asyncio.open_connection(*place)
            caller = Client(reader, writer)
            await caller.ask(b'{"do": "time"}\n')
        assert await caller.is_cut()
        writer.close()


async def test_many_advances_end_with_the_century(lab) -> None:
    lab.serving.timekeeper.clock.leap_to(4_102_444_799 * 10**15)
    with pytest.raises(BadRequest, match="2100"):
        await lab.do("advance", seconds=2)


def test_who_asks_imports_no_server() -> None:
    code = """
import sys
from podium.sim_instruments import command
from podium.sim_instruments.servers import back_door_client
servers = "asyncio", "numpy", "podium.firmware_interfaces.models"
print([one for one in servers if one in sys.modules])
"""
    words = [sys.executable, "-c", code]
    found = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
