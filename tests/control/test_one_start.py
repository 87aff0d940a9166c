"""Runs on several agents: one start, or none whose data count."""

import asyncio
import json
import shutil
import threading
import time
from contextlib import AsyncExitStack, closing
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.nodes.several_nodes import facility_file
from tests.benches.nodes.triggered import (
    MARGINS,
    NS,
    PATIENCE,
    Node,
    agent_of,
    long_lead,
    nodes_up,
    now,
    ready,
    together,
)
from tests.benches.nodes.two_nodes_up import in_time
from tests.benches.thoroughness import sampled

from podium.control.bus import messages
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import ask
from podium.control.client import lab as lab_module
from podium.control.client.lab import Lab
from podium.control.client.stream import Stream
from podium.control.coordinator.coordinator import Coordinator
from podium.control.coordinator.jobs import Jobs
from podium.control.facility.load import load_facility
from podium.control.program.program import Affine, Axis, Delay, Play, Program, Table, Variable
from podium.control.program.serialise import digest
from podium.control.program.waveforms import Gaussian
from podium.control.records.run_attributes import late_starts
from podium.control.runs import attendance
from podium.control.runs.errors import RunError, RunFailed, RunRefused, StartLate, StartPartial
from podium.control.runs.journal import FileJournal, JobAccepted
from podium.control.runs.messages import Abort, Fire
from podium.drivers.errors import ProtocolError, Refused
from podium.firmware_interfaces.exact_time import FS_PER_MS


@pytest.fixture(autouse=True)
def patient(monkeypatch) -> None:
    """All agents share one loop: a pause of the machine is no silence of an agent."""
    monkeypatch.setattr(attendance, "STALE_S", 5.0)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return load_facility(facility_file(tmp_path_factory.mktemp("three"), 3))


async def reached(there: asyncio.Event, running: asyncio.Task) -> None:
    """Wait until a run comes to a place; one that ends before says why."""
    coming = asyncio.create_task(there.wait())
    await asyncio.wait({coming, running}, return_when=asyncio.FIRST_COMPLETED)
    if not coming.done():
        coming.cancel()
        raise AssertionError(f"the run has ended too early: {await running}")


async def well_again(lab, nodes) -> None:
    """All nodes are used again, and start together again."""
    await ready(lab, len(nodes))
    for node in nodes:
        node.played.clear()
    await lab.run(together(nodes))
    assert [len(node.played) for node in nodes] == [1] * len(nodes)


@pytest.mark.parametrize("count", sampled([2, 3], kept=[3]))
async def test_all_start_at_one_time_and_their_data_are_one_dataset(three, count) -> None:
    async with nodes_up(three, count) as (lab, nodes):
        data = await lab.run(together(nodes))
        ((t0,),) = {tuple(node.played) for node in nodes}
        assert data.attrs["started_tai"] == str(t0)
        for number, node in enumerate(nodes):
            assert np.all(data[f"of_{node.letter}_i"] == number)
        assert set(data.attrs["epochs"].split('"')[1::2]) == {
            name
            for node in nodes
            for name in (
                f"wrtd_{node.letter}",
                "house" if node.letter == "a" else f"house_{node.letter}",
            )
        }


async def test_only_the_nodes_of_a_run_take_part(three) -> None:
    async with nodes_up(three, 3) as (lab, nodes):
        for node in nodes:
            node.done.clear()
        await lab.run(together(nodes[:2]))
        assert "load" not in nodes[2].done
        assert nodes[2].played == []


async def test_one_node_starts_at_a_time_when_that_is_asked_for(three) -> None:
    async with nodes_up(three, 2) as (lab, nodes):
        data = await lab.run(together(nodes[:1]), timed=True)
        assert data.attrs["started_tai"] == str(nodes[0].played[0])


async def test_runs_on_disjoint_nodes_go_on_side_by_side(three) -> None:
    async with nodes_up(three, 3) as (lab, nodes):
        both = threading.Barrier(2, timeout=10)
        nodes[0].hooks["load"] = nodes[2].hooks["load"] = both.wait
        await asyncio.gather(lab.run(together(nodes[:2])), lab.run(together(nodes[2:]), timed=True))


async def test_runs_on_shared_nodes_come_one_after_the_other(three) -> None:
    async with nodes_up(three, 3) as (lab, nodes):
        runs = [nodes[:2], nodes[1:], [nodes[0], nodes[2]], nodes]
        await asyncio.gather(*(lab.run(together(run)) for run in runs))
        for node in nodes:
            assert len(node.played) == 3


async def test_a_partial_start_is_found_and_its_data_are_thrown_away(three) -> None:
    async with nodes_up(three, 3) as (lab, nodes):
        nodes[1].lose_edges = True
        with pytest.raises(RunError, match=r"partial start \(only on node_a, node_c\): node_b"):
            await lab.run(together(nodes))
        assert [len(node.played) for node in nodes] == [1, 0, 1]
        nodes[1].lose_edges = False
        await well_again(lab, nodes)


async def test_a_node_that_has_started_late_is_found(three, monkeypatch) -> None:
    async with nodes_up(three, 2) as (lab, nodes):

        def edge_is_late() -> None:
            for n, at in enumerate(nodes[1].edges):
                nodes[1].edges[n] = type(at).from_fs(at.total_fs + 4_000_000)

        nodes[1].hooks["wait"] = edge_is_late
        with pytest.raises(RunError, match="not as they should: node_b: it started 4000000 fs"):
            await lab.run(together(nodes))


async def test_a_trigger_that_is_set_too_late_starts_nothing(three) -> None:
    async with nodes_up(three, 2) as (lab, nodes):
        nodes[1].hooks["send"] = lambda: time.sleep(0.1)  # longer than the guard
        with pytest.raises(StartPartial, match="node_b: the trigger has not come"):
            await lab.run(together(nodes))
        assert nodes[1].played == []
        nodes[1].hooks.clear()
        await well_again(lab, nodes)


@pytest.mark.parametrize(
    ("recall_s", "error", "said"),
    [
        (PATIENCE.recall_s, StartLate, "no answer to FIRE from node_b in time; so did 0 starts"),
        (-0.5, RunFailed, r"node_b refused FIRE: .* fs too late; node_a had begun"),
    ],
)
async def test_a_fire_that_comes_late_starts_nobody(
    three, recall_s, error, said, monkeypatch
) -> None:
    """Where the other was told too late to take it back, it is not called late: it has played."""
    monkeypatch.setattr(lab_module, "PLAYED_AGAIN", 0)
    patience = replace(PATIENCE, recall_s=recall_s)
    async with nodes_up(three, 2, patience) as (lab, nodes):
        nodes[0].hooks["arm"] = lambda: nodes[1].hooks.update(time=lambda: time.sleep(0.25))
        with pytest.raises(error, match=said) as raised:
            await lab.run(together(nodes))
        assert type(raised.value) is error
        assert [len(node.played) for node in nodes] == [int(error is RunFailed), 0]
        for node in nodes:
            node.hooks.clear()
        await well_again(lab, nodes)


async def test_a_run_whose_start_was_late_is_begun_again_three_times_at_most(
    three, monkeypatch
) -> None:
    async with nodes_up(three, 2) as (lab, nodes):
        work, late = lab._client.work, StartLate("run 1-00001: FIRE came 3 fs too late")
        errors: list[RunError] = [late] * 3

        async def losing(*asked: object) -> object:
            if errors:
                raise errors.pop()
            return await work(*asked)

        monkeypatch.setattr(lab._client, "work", losing)
        data = await in_time(lab, lambda: lab.run(together(nodes)))
        assert json.loads(data.attrs["late_starts"]) == [str(late)] * 3
        assert late_starts(data) == 3
        data = await in_time(lab, lambda: lab.run(together(nodes)))
        assert "late_starts" not in data.attrs
        assert late_starts(data) == 0
        errors += [late] * 4
        with pytest.raises(StartLate, match="FIRE came 3 fs too late; so did 3 starts before it"):
            await lab.run(together(nodes))
        assert errors == []
        for other in (StartPartial("only on node_a"), RunRefused("no"), RunFailed("lost")):
            errors += [late, other]
            with pytest.raises(type(other)):
                await lab.run(together(nodes))
            assert errors.pop() is late


@pytest.mark.parametrize("when", sampled(["load", "arm", "time"], kept=["arm", "time"]))
async def test_a_clock_that_is_locked_anew_before_the_guard_is_refused(three, when) -> None:
    async with nodes_up(three, 2) as (lab, nodes):

        def lock_anew() -> None:
            nodes[1].hooks.pop(when, None)
            nodes[1].signs += 1

        def then() -> None:
            nodes[1].hooks[when] = lock_anew

        nodes[1].hooks["prepare" if when == "time" else when] = (
            then if when == "time" else lock_anew
        )
        with pytest.raises(RunError, match=r"house_b: epoch \d then, \d now"):
            await lab.run(together(nodes))
        assert [node.played for node in nodes] == [[], []]
        nodes[1].hooks.clear()
        await well_again(lab, nodes)


async def test_a_clock_that_is_locked_anew_within_the_guard_costs_the_run(three) -> None:
    async with nodes_up(three, 2) as (lab, nodes):

        def lock_anew() -> None:
            nodes[1].signs += 1

        nodes[1].hooks["send"] = lock_anew
        with pytest.raises(RunError, match=r"not as they should: node_b: house_b: epoch"):
            await lab.run(together(nodes))


@pytest.mark.parametrize(
    "step",
    sampled(
        ["load", "arm", "prepare", "send", "wait", "collect"], kept=["load", "send", "collect"]
    ),
)
async def test_a_step_that_fails_ends_the_run_everywhere(three, step) -> None:
    async with nodes_up(three, 2) as (lab, nodes):

        def fail() -> None:
            raise OSError("the cable is off")

        nodes[1].hooks[step] = fail
        with pytest.raises(RunError, match="the cable is off"):
            await lab.run(together(nodes))
        nodes[1].hooks.clear()
        await well_again(lab, nodes)


@pytest.mark.parametrize("step", sampled(["load", "arm", "prepare"], kept=["arm"]))
async def test_a_run_that_is_given_up_before_the_guard_plays_nothing(three, step) -> None:
    async with nodes_up(three, 2) as (lab, nodes):
        there, loop = asyncio.Event(), asyncio.get_running_loop()
        nodes[1].hooks[step] = lambda: loop.call_soon_threadsafe(there.set)
        running = asyncio.create_task(lab.run(together(nodes)))
        await reached(there, running)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert [node.played for node in nodes] == [[], []]
        nodes[1].hooks.clear()
        await well_again(lab, nodes)


async def test_an_agent_that_ends_is_quarantined_and_its_run_fails(three) -> None:
    bus = MemoryBus()
    nodes = [Node("a"), Node("b")]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(agent_of(three, bus, nodes[0]))
        ending = await stack.enter_async_context(AsyncExitStack())
        await ending.enter_async_context(agent_of(three, bus, nodes[1]))
        await stack.enter_async_context(
            Coordinator(three, bus, patience=PATIENCE, lead=long_lead()).running()
        )
        lab = Lab(three, bus)
        await ready(lab, 2)
        there, loop = asyncio.Event(), asyncio.get_running_loop()
        nodes[0].hooks["load"] = lambda: (loop.call_soon_threadsafe(there.set), time.sleep(0.3))
        running = asyncio.create_task(lab.run(together(nodes)))
        await reached(there, running)
        nodes[0].hooks.clear()
        await ending.aclose()
        with pytest.raises(RunError, match="agent node_b is lost: its process or the way"):
            await running
        assert [node.played for node in nodes] == [[], []]
        await lab.run(together(nodes[:1]), timed=True)  # the other goes on
        async with agent_of(three, bus, nodes[1]):  # another life of it
            await well_again(lab, nodes)


async def test_an_agent_without_triggers_is_refused_with_the_reason(
    three, bench, open_agent
) -> None:
    bus = MemoryBus()
    async with (
        open_agent(three, bench, bus, "node_a", ["cluster_a"]),
        open_agent(three, bench, bus, "node_b", ["cluster_b"]),
        Coordinator(three, bus).running(),
    ):
        lab = Lab(three, bus)
        await ready(lab, 2)
        with pytest.raises(RunRefused, match="node_a cannot start at a time: the facility file"):
            await lab.run(together([Node("a"), Node("b")]))


async def test_a_stream_over_several_agents_starts_each_batch_on_all_of_them(three) -> None:
    async with nodes_up(three, 2) as (lab, nodes):
        shots = [data.attrs["shots_done"] async for data in stream_of(lab, nodes)]
        assert shots == [2, 4, 5]
        assert [len(node.played) for node in nodes] == [3, 3]
        assert nodes[0].played == nodes[1].played
        assert len(set(nodes[0].played)) == 3
        await well_again(lab, nodes)


def stream_of(lab: Lab, nodes: list[Node]) -> Stream:
    return lab.stream(replace(together(nodes), shots=5), batch_shots=2)


async def test_a_stream_over_several_agents_ends_where_one_batch_fails(three) -> None:
    async with nodes_up(three, 2) as (lab, nodes):
        stream = stream_of(lab, nodes)

        def fails() -> None:
            if nodes[0].done.count("arm") == 2:
                raise ProtocolError("cluster_a: no")

        nodes[0].hooks["arm"] = fails
        with pytest.raises(RunFailed, match="cluster_a: no"):
            async for _ in stream:
                pass
        assert stream.data.attrs["shots_done"] == 2
        nodes[0].hooks.clear()
        await well_again(lab, nodes)


def too_many(nodes: list[Node]) -> Program:
    """As many amplitudes as no register can count through: too many instructions on each node."""
    program = together(nodes)
    drawn = np.random.default_rng(1).uniform(-0.9, 0.9, 9000)
    axis = Axis("point", (Variable("amplitude", "1", Table(tuple(drawn))),))
    rest = Delay(tuple(frame.name for frame in program.frames), 5000 * NS)
    body = [
        replace(one, waveform=Gaussian(100 * NS, 25 * NS))
        if isinstance(one, Play) and isinstance(one.amplitude, Affine)
        else one
        for one in program.body
    ]
    return replace(program, body=(*body, rest), axes=(axis,))


async def test_what_does_not_fit_is_played_in_parts_each_with_a_start_of_its_own(three) -> None:
    async with nodes_up(three, 2) as (lab, nodes):
        program = too_many(nodes)
        data = await lab.run(program)
        first, second = nodes
        assert len(first.played) == 2
        assert first.played == second.played, "each part is started at one time"
        assert data.attrs["started_tai"] == str(first.played[0])
        assert data.attrs["program_hash"] == digest(program)
        assert dict(data.sizes) == {"point": 9000}
        assert np.all(data.of_a_i == 0)
        assert np.all(data.of_b_i == 1)
        rounded = [one["what"] for one in json.loads(data.attrs["quantised"])]
        assert rounded.count("d_b: amplitude of statement 3") == 2
        small = await lab.run(together(nodes))
        assert set(small.attrs) == set(data.attrs)


async def test_a_part_that_fails_fails_the_run_on_all_nodes(three) -> None:
    async with nodes_up(three, 2) as (lab, nodes):
        loads = []

        def second_fails() -> None:
            loads.append(1)
            if len(loads) == 2:
                raise Refused("no second")

        nodes[1].hooks["load"] = second_fails
        with pytest.raises(RunError, match="no second"):
            await lab.run(too_many(nodes))
        nodes[1].hooks.clear()
        await well_again(lab, nodes)


async def test_one_shot_that_is_too_long_is_refused_and_says_so(three) -> None:
    async with nodes_up(three, 2) as (lab, nodes):
        program = together(nodes)
        wave = Gaussian(100 * NS, 25 * NS)
        pulses = [Play("d_a", wave, 0.1 + 1e-3 * (k % 7)) for k in range(9000)]
        fixed = [
            replace(one, amplitude=0.1) if isinstance(one, Play) else one for one in program.body
        ]
        with pytest.raises(RunError, match="instructions"):
            await lab.run(replace(program, body=(*pulses, *fixed), axes=()))
        assert not any(node.played for node in nodes)
        await well_again(lab, nodes)


async def test_what_is_left_armed_is_disarmed_when_an_agent_begins(three) -> None:
    node = Node("a")
    node.armed, safe, loop = now(), asyncio.Event(), asyncio.get_running_loop()
    node.hooks["safe"] = lambda: loop.call_soon_threadsafe(safe.set)
    async with agent_of(three, MemoryBus(), node), asyncio.timeout(10):
        await safe.wait()
    assert node.armed is None
    assert node.played == []


async def test_epochs_outlive_the_agent(three, tmp_path) -> None:
    bus, node, kept = MemoryBus(), Node("a"), tmp_path / "epochs.json"
    found = []
    async with Coordinator(three, bus, patience=PATIENCE, lead=long_lead()).running():
        lab = Lab(three, bus)
        for signs in (1, 1, 2):
            node.signs = signs
            async with agent_of(three, bus, node, kept):
                await ready(lab, 1)
                found.append((await lab.run(together([node]), timed=True)).attrs["epochs"])
    house = [int(one.split('"house": ')[1].split(",")[0].strip("}")) for one in found]
    assert house == [1, 1, 2]


async def test_a_coordinator_that_comes_after_a_crash_goes_on_with_what_was_accepted(
    three, tmp_path
) -> None:
    bus, nodes = MemoryBus(), [Node("a"), Node("b")]
    kept, as_it_was = tmp_path / "accepted", tmp_path / "as_it_was"
    async with AsyncExitStack() as stack:
        for node in nodes:
            await stack.enter_async_context(agent_of(three, bus, node))
        lab = Lab(three, bus)
        there, loop = asyncio.Event(), asyncio.get_running_loop()
        nodes[1].hooks["load"] = lambda: (loop.call_soon_threadsafe(there.set), time.sleep(0.3))
        with closing(FileJournal(kept)) as journal:
            coordinator = Coordinator(
                three, bus, accepted=journal, patience=PATIENCE, lead=long_lead()
            )
            async with coordinator.running():
                await ready(lab, 2)
                running = asyncio.create_task(lab.run(together(nodes)))
                await reached(there, running)
                (job,) = coordinator._jobs._jobs.values()
                await asyncio.wait({job.accepted})
                shutil.copy(kept, as_it_was)
        running.cancel()
        await asyncio.wait({running})
        nodes[1].hooks.clear()
        with closing(FileJournal(as_it_was)) as journal:
            (ticket,) = [one.ticket for one in journal.entries() if isinstance(one, JobAccepted)]
            async with Coordinator(
                three, bus, accepted=journal, patience=PATIENCE, lead=long_lead()
            ).running():
                key = messages.coordinator_key(three.name)
                done = await ask(
                    bus, key, messages.Await(ticket, 20), messages.RunDone, timeout_s=25
                )
                assert [len(node.played) for node in nodes] == [1, 1]
                started = nodes[0].played[0]
                assert done.started == messages.Time(started.seconds, started.femtoseconds)
                assert set(done.captures) == {"of_a", "of_b"}
                await well_again(lab, nodes)


class StuckDisk:
    """A journal that does not get on once a run is accepted."""

    takes_time = True

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.kept = []

    def entries(self):
        return ()

    def keep(self, entry) -> None:
        if isinstance(entry, JobAccepted) and not self.goes_on.wait(10):
            raise OSError("the disk is stuck")
        self.kept.append(type(entry).__name__)


async def test_a_run_is_made_ready_beside_the_disk_and_fired_once_it_is_on_it(
    three, monkeypatch
) -> None:
    bus, nodes, disk = MemoryBus(), [Node("a"), Node("b")], StuckDisk()
    ask_bus, send, fired, at_fire = bus.request, Jobs._send, [], []

    async def request(key, payload, timeout_s):
        if b"Fire" in payload and b"OfRun" in payload:
            fired.append(tuple(disk.kept))
        return await ask_bus(key, payload, timeout_s)

    def noted(starts, agent, request) -> None:
        send(starts, agent, request)
        if isinstance(request, Fire):  # it is said again until it is answered
            at_fire.append(tuple(disk.kept))
        if isinstance(request, Fire | Abort):
            asyncio.get_running_loop().call_soon(disk.goes_on.set)

    async with AsyncExitStack() as stack:
        for node in nodes:
            await stack.enter_async_context(agent_of(three, bus, node))
        coordinator = Coordinator(three, bus, accepted=disk, patience=PATIENCE, lead=long_lead())
        await stack.enter_async_context(coordinator.running())
        lab = Lab(three, bus)
        await ready(lab, 2)
        monkeypatch.setattr(bus, "request", request)
        monkeypatch.setattr(Jobs, "_send", noted)
        await lab.run(together(nodes))
    assert at_fire[0] == ("SessionBegun",)
    assert fired
    assert set(fired) == {("SessionBegun", "JobAccepted")}
    assert [len(node.played) for node in nodes] == [1, 1]


async def test_the_trigger_is_set_no_sooner_than_the_guard(three) -> None:
    async with nodes_up(three, 2) as (lab, nodes):
        sent = []
        for node in nodes:
            node.hooks["send"] = lambda: sent.append(now())
        await lab.run(together(nodes))
        ahead_ms = [(nodes[0].played[0] - at) / FS_PER_MS for at in sent]
        assert len(ahead_ms) == 2
        assert max(ahead_ms) <= MARGINS.guard_fs / FS_PER_MS
