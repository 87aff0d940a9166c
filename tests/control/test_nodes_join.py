"""A facility file grows while its facility is up: who takes it over, who joins, what goes on."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.benches.nodes.several_nodes import facility_file
from tests.benches.nodes.triggered import PATIENCE, Node, agent_of, long_lead, ready, together

from podium.control.agent.facility_growth import growing as agent_growing
from podium.control.bus.facility_growth import FacilityGrown, GrowTo, coordinator_grow_key
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import AgentStatus, FacilityStatus, Failed, InstrumentStatus, ask
from podium.control.client.lab import Lab
from podium.control.commands.join import CannotJoin, newcomers
from podium.control.coordinator.coordinator import Coordinator
from podium.control.coordinator.facility_growth import growing
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.runs.errors import RunError


class Grows:
    """A facility of two nodes, whose file has grown to three."""

    def __init__(self, folder: Path) -> None:
        self.after = load_facility(facility_file(folder, 3))
        text = facility_file(folder, 2).read_text()
        smaller = folder / "smaller.yaml"
        smaller.write_text(text.replace("facility: nodes_2", "facility: nodes_3"))
        self.before = load_facility(smaller)
        self.bus = MemoryBus()
        self.lab = Lab(self.before, self.bus)
        self.nodes = [Node(letter) for letter in "abc"]
        self.copies: dict[str, Facility] = {}
        """What each process reads now, where it is not ``after``."""

    async def agent(self, stack: AsyncExitStack, node: Node, facility: Facility) -> None:
        agent = await stack.enter_async_context(agent_of(facility, self.bus, node))

        def read() -> Facility:
            return self.copies.get(node.name, self.after)

        await stack.enter_async_context(agent_growing(agent, node.name, facility, self.bus, read))

    async def up(self, stack: AsyncExitStack) -> None:
        for node in self.nodes[:2]:
            await self.agent(stack, node, self.before)
        coordinator = Coordinator(self.before, self.bus, patience=PATIENCE, lead=long_lead())
        await stack.enter_async_context(coordinator.running())

        def read() -> Facility:
            return self.copies.get("coordinator", self.after)

        await stack.enter_async_context(growing(coordinator, self.before, self.bus, read))
        await ready(self.lab, 2)

    async def grow(self) -> FacilityGrown | Failed:
        key = coordinator_grow_key(self.before.name)
        return await ask(self.bus, key, GrowTo(self.after.digest), FacilityGrown, timeout_s=20)


@pytest.fixture
def grows(tmp_path: Path) -> Grows:
    return Grows(tmp_path)


async def test_a_node_joins_and_starts_together_with_one_that_was_there(grows: Grows) -> None:
    async with AsyncExitStack() as stack:
        await grows.up(stack)
        assert await grows.grow() == FacilityGrown()
        await grows.agent(stack, grows.nodes[2], grows.after)
        await ready(grows.lab, 3)
        later = Lab(grows.after, grows.bus)
        first, _, third = grows.nodes
        await later.run(together([first, third]))
        assert [len(node.played) for node in grows.nodes] == [1, 0, 1]


async def test_what_runs_goes_on_as_the_file_is_taken_over(grows: Grows) -> None:
    async with AsyncExitStack() as stack:
        await grows.up(stack)
        pair = grows.nodes[:2]
        running = asyncio.create_task(grows.lab.run(together(pair)))
        await until(grows, lambda status: bool(status.asked))
        assert await grows.grow() == FacilityGrown()
        await running
        await grows.lab.run(together(pair))
        assert [len(node.played) for node in pair] == [2, 2]


async def test_a_newcomer_is_not_used_before_the_others_know_of_it(grows: Grows) -> None:
    async with AsyncExitStack() as stack:
        await grows.up(stack)
        await grows.agent(stack, grows.nodes[2], grows.after)
        await until(grows, lambda status: any("another facility file" in w for w in status.missing))
        with pytest.raises(RunError, match=r"node_c"):
            await Lab(grows.after, grows.bus).run(together([grows.nodes[0], grows.nodes[2]]))
        assert await grows.grow() == FacilityGrown()
        await ready(grows.lab, 3)
        await Lab(grows.after, grows.bus).run(together([grows.nodes[0], grows.nodes[2]]))


async def until(grows: Grows, so: Callable[[FacilityStatus], bool]) -> None:
    """Return once the facility is ``so``."""
    async with asyncio.timeout(20):
        while True:
            if so(await grows.lab.status()):
                return
            await asyncio.sleep(0.01)


async def missing(grows: Grows) -> tuple[str, ...]:
    return (await grows.lab.status()).missing


async def test_an_agent_whose_copy_is_old_is_told_of_and_not_used(grows: Grows) -> None:
    async with AsyncExitStack() as stack:
        await grows.up(stack)
        grows.copies["node_b"] = grows.before
        answer = await grows.grow()
        assert isinstance(answer, FacilityGrown)
        (left,) = answer.not_by
        assert left.startswith("agent node_b: node_b: its copy of the facility file says something")
        assert any(
            "agent node_b" in w and "another facility file" in w for w in await missing(grows)
        )
        await grows.lab.run(together(grows.nodes[:1]), timed=True)
        grows.copies.clear()
        assert await grows.grow() == FacilityGrown()
        await ready(grows.lab, 2)


async def test_a_coordinator_whose_copy_is_old_refuses_and_nothing_has_changed(
    grows: Grows,
) -> None:
    async with AsyncExitStack() as stack:
        await grows.up(stack)
        grows.copies["coordinator"] = grows.before
        answer = await grows.grow()
        assert isinstance(answer, Failed)
        assert answer.kind == "refused"
        assert "bring it up to date there" in answer.message
        assert not [one for one in await missing(grows) if one.startswith("agent ")]
        await grows.lab.run(together(grows.nodes[:2]))


def status(**owned: tuple[str, ...]) -> FacilityStatus:
    return FacilityStatus(
        "f",
        tuple(
            AgentStatus(
                agent,
                "idle",
                tuple(InstrumentStatus(n, "", "connected", "", 1, 0, "") for n in names),
            )
            for agent, names in owned.items()
        ),
        (),
        0,
        0,
    )


THERE = status(node_a=("cluster_a",), room=("tagger",))


def test_newcomers_are_the_agents_that_are_not_there() -> None:
    owners = {"node_a": ("cluster_a",), "node_b": ("cluster_b", "lo_b"), "room": ("tagger",)}
    assert newcomers(owners, THERE) == {"node_b": ("cluster_b", "lo_b")}


@pytest.mark.parametrize(
    ("owners", "says"),
    [
        ({"node_a": ("cluster_a",), "room": ("tagger",)}, "nobody is new"),
        (
            {"node_a+node_b": ("cluster_a", "cluster_b"), "room": ("tagger",)},
            r"node_a\+node_b would own cluster_a, which node_a owns now: .* share an agent",
        ),
        (
            {"node_a": ("cluster_a",), "node_b": ("cluster_b",), "room": ("tagger", "fridge")},
            "fridge would belong to agent room, which runs without",
        ),
    ],
)
def test_agents_that_would_have_to_change_do_not_join(
    owners: dict[str, tuple[str, ...]], says: str
) -> None:
    with pytest.raises(CannotJoin, match=says):
        newcomers(owners, THERE)
