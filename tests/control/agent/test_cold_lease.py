"""Nothing is played into a warm fridge, whoever asks, and no bias stays there for ever."""

import asyncio
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests.benches.nodes.cold_room import reading_of, tell

from podium.control.agent import cold_lease
from podium.control.agent.cold_lease import BIASES_S, FIRST_S, LEASE_S, ColdLeases
from podium.control.bus.memory import MemoryBus
from podium.control.bus.readings import readings_key
from podium.control.bus.wire import encode
from podium.control.client.lab import Lab
from podium.control.facility.frozen_map import FrozenMap
from podium.control.runs.errors import RunError
from podium.drivers.errors import Refused


class Owned:
    """Instruments by name, and the state of those whose worker is asked."""

    names = ("cluster_a", "bias_q0")

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.asked = asyncio.Event()
        """Set whenever anybody looks at a state."""

    @property
    def workers(self) -> dict[str, SimpleNamespace]:
        self.asked.set()
        return {
            name: SimpleNamespace(health=SimpleNamespace(state=state))
            for name, state in self.states.items()
        }


class Hearing:
    """An agent's leases, told by hand at times of one's own."""

    def __init__(self, facility) -> None:
        self.now_s = 0.0
        self.fridge = facility.fridges["fridge_a"]
        self.owned = Owned()
        self.cold = ColdLeases("node", facility, self.owned, MemoryBus(), lambda: self.now_s)

    def hear(self, kelvin: float | None, problem: str = "", agent: str = "room") -> None:
        self.cold._hear_other(agent, reading_of(self.fridge, kelvin, problem))

    async def refusal(self) -> str:
        with pytest.raises(Refused) as refused:
            await self.cold.check(["cluster_a"])
        return str(refused.value)


@pytest.fixture
def hearing(example) -> Hearing:
    return Hearing(example)


async def test_a_lease_of_cold_ends_by_itself(hearing) -> None:
    hearing.hear(0.011)
    await hearing.cold.check(["cluster_a"])
    hearing.now_s = LEASE_S - 1
    await hearing.cold.check(["cluster_a"])
    hearing.now_s = LEASE_S + 1
    said = await hearing.refusal()
    assert "is at 11 mK by thermometry_a.mixing_chamber, read 21 s ago" in said
    hearing.hear(0.011)
    await hearing.cold.check(["cluster_a"])


async def test_a_warm_reading_ends_it_at_once_and_is_told(hearing) -> None:
    hearing.hear(0.011)
    hearing.hear(155.0)
    assert await hearing.refusal() == (
        "node: fridge_a is at 155 K by thermometry_a.mixing_chamber; it counts as cold below "
        "30 mK; nothing is played"
    )


@pytest.mark.parametrize("kelvin", [0.030, math.nan, math.inf])
async def test_what_is_not_below_the_limit_is_not_cold(hearing, kelvin) -> None:
    hearing.hear(kelvin)
    assert "counts as cold below 30 mK" in await hearing.refusal()


async def test_a_thermometer_that_cannot_be_read_is_named_with_what_it_said_last(hearing) -> None:
    hearing.hear(0.011)
    hearing.now_s = 3.0
    hearing.hear(None, "it does not answer")
    await hearing.cold.check(["cluster_a"])  # the lease still holds
    hearing.now_s = LEASE_S
    said = await hearing.refusal()
    assert "cannot be read: it does not answer; 11 mK was read 20 s ago" in said


async def test_a_thermometer_that_still_connects_is_waited_for(hearing) -> None:
    hearing.hear(None, "thermometry_a is connecting")

    async def connected() -> None:
        assert not checked.done()
        hearing.hear(0.011)

    async with asyncio.TaskGroup() as group:
        checked = group.create_task(hearing.cold.check(["cluster_a"]))
        group.create_task(connected())
    hearing.now_s = FIRST_S + LEASE_S
    assert "is at 11 mK" in await hearing.refusal()


async def test_an_own_thermometer_is_waited_for_as_long_as_it_connects_for_the_first_time(
    hearing, monkeypatch
) -> None:
    monkeypatch.setattr(cold_lease, "LOOK_S", 0.0)
    hearing.owned.states["thermometry_a"] = "connecting"

    async def connected() -> None:
        for _ in range(5):
            hearing.now_s += 0.9 * FIRST_S
            hearing.owned.asked.clear()
            await asyncio.wait_for(hearing.owned.asked.wait(), 20.0)
            assert not checked.done()
        hearing.owned.states["thermometry_a"] = "connected"
        await asyncio.sleep(0)
        hearing.hear(0.011)

    async with asyncio.TaskGroup() as group:
        checked = group.create_task(hearing.cold.check(["cluster_a"]))
        group.create_task(connected())


async def test_an_own_thermometer_that_does_not_answer_is_waited_for_no_longer(
    hearing, monkeypatch
) -> None:
    monkeypatch.setattr(cold_lease, "LOOK_S", 0.0)
    hearing.owned.states["thermometry_a"] = "connecting"
    checked = asyncio.create_task(hearing.refusal())
    await asyncio.sleep(0)
    hearing.owned.states["thermometry_a"] = "lost"
    hearing.now_s += FIRST_S
    async with asyncio.timeout(20.0):
        assert "nobody has told a reading of thermometry_a.mixing_chamber" in await checked


async def test_only_who_owns_the_thermometer_is_believed(hearing) -> None:
    hearing.hear(0.011, agent="node_b")
    hearing.now_s = FIRST_S
    said = await hearing.refusal()
    assert "nobody has told a reading of thermometry_a.mixing_chamber" in said


async def test_instruments_that_play_into_no_fridge_need_no_lease(hearing) -> None:
    await hearing.cold.check(["thermometry_a"])


async def test_an_instrument_that_plays_into_a_fridge_since_the_facility_grew_needs_one(
    example, hearing
) -> None:
    nodes = {name: replace(node, fridge=None) for name, node in example.nodes.items()}
    hearing.cold.grow(replace(example, nodes=FrozenMap(nodes)))
    await hearing.cold.check(["cluster_a"])
    hearing.cold.grow(example)
    hearing.hear(1.0)
    assert "nothing is played" in await hearing.refusal()


async def test_biases_are_named_once_their_fridge_has_long_been_warm(hearing) -> None:
    hearing.hear(0.011)
    hearing.now_s = 100.0
    hearing.hear(4.0)
    hearing.now_s = BIASES_S - 1
    assert hearing.cold.long_warm() == ()
    hearing.now_s = BIASES_S
    assert [one.port for one in hearing.cold.long_warm()] == [
        f"node_a.q{number}.flux" for number in range(3)
    ]


# The whole way


async def test_a_run_into_a_warm_fridge_is_refused_with_the_reading(
    example, bench, open_lab, trial
) -> None:
    bench.kelvin = 155.0
    async with open_lab(example, bench) as lab:
        with pytest.raises(RunError, match="fridge_a is at 155 K by thermometry_a"):
            await lab.run(trial())
        notes = [note for one in (await lab.status()).agents for note in one.notes]
    assert not [what for what in bench.done if what.endswith((".load", ".arm", ".start"))]
    assert notes == [] or "155 K" in notes[0]


async def test_a_stream_into_a_warm_fridge_is_refused(example, bench, open_lab, trial) -> None:
    bench.kelvin = 4.0
    async with open_lab(example, bench) as lab:
        with pytest.raises(RunError, match="fridge_a is at 4 K"):
            async for _ in lab.stream(trial()):
                pass


async def connected(lab: Lab, *names: str) -> None:
    """Return once these are connected; others have no agent here."""
    async with asyncio.timeout(10):
        while True:
            agents = (await lab.status()).agents
            states = {one.name: one.state for agent in agents for one in agent.instruments}
            if all(states.get(name) == "connected" for name in names):
                return


async def test_an_agent_that_owns_no_thermometer_plays_once_it_is_told(
    example, bench, open_agent, trial
) -> None:
    from podium.control.coordinator.coordinator import Coordinator

    bus = MemoryBus()
    async with (
        Coordinator(example, bus).running(),
        open_agent(example, bench, bus, "node", ["cluster_a", "bias_q0", "lo_q2"]),
    ):
        lab = Lab(example, bus)
        await connected(lab, "cluster_a", "bias_q0", "lo_q2")
        running = asyncio.create_task(lab.run(trial()))
        while not running.done():  # it waits for the first reading, which an agent soon hears
            await tell(example, bus, 0.012)
            await asyncio.wait({running}, timeout=0.05)
        await running
        forged = encode(reading_of(example.fridges["fridge_a"], 300.0))
        await bus.publish(readings_key(example.name, "stranger"), forged)
        await lab.run(trial())
        await tell(example, bus, 4.2)
        with pytest.raises(RunError, match=r"fridge_a is at 4.2 K"):
            await lab.run(trial())


async def test_biases_of_a_fridge_that_stays_warm_go_where_their_safe_rule_says(
    example, bench, open_lab, monkeypatch
) -> None:
    monkeypatch.setattr("podium.control.agent.agent.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("podium.control.agent.cold_lease.BIASES_S", 0.0)
    wiring = example.wiring["node_a.q0.flux"]
    facility = replace(
        example, wiring=FrozenMap({**example.wiring, wiring.port: replace(wiring, safe=0.0)})
    )
    moved = asyncio.Event()
    loop = asyncio.get_running_loop()
    bench.levels["bias_q0.out"] = bench.levels[str(wiring.source)] = 0.3
    ramp = f"{wiring.source.instrument}.ramp {wiring.source.channel} 0.0 {wiring.slew_v_per_s}"
    bench.hooks[ramp] = lambda: loop.call_soon_threadsafe(moved.set)
    bench.kelvin = 80.0
    async with open_lab(facility, bench) as lab, asyncio.timeout(20):
        await moved.wait()
        while any(  # noqa: ASYNC110  # of this nobody tells
            one.doing == "moving biases" for one in (await lab.status()).agents
        ):
            await asyncio.sleep(0)
