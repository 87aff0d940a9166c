"""The link layer between its callers and a source of pairs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.benches.links.simulated_layer import link, network
from tests.benches.links.virtual_links import VirtualClock, VirtualSource

from podium.control.links.layer_state import EpochsNow
from podium.control.links.link_layer import LinkLayer, PairGone, RequestRefused
from podium.control.links.network import Link, Network
from podium.control.links.pair_source import NewPair
from podium.control.timebase.epochs import EpochMoved, Epochs


@asynccontextmanager
async def layer_on(net: Network, seed: int = 0) -> AsyncIterator[tuple[LinkLayer, VirtualSource]]:
    clock = VirtualClock()
    source = VirtualSource(clock, seed)
    time = asyncio.create_task(clock.leap())
    try:
        async with asyncio.timeout(5), LinkLayer(net, source, clock) as layer:
            yield layer, source
    finally:
        time.cancel()


def ways() -> Network:
    return network(
        link("a", "hub1", 0.98, 2000.0),
        link("hub1", "b", 0.98, 2000.0),
        link("a", "hub2", 0.98, 500.0),
        link("hub2", "b", 0.98, 500.0),
    )


async def test_pairs_are_delivered_checked_and_released() -> None:
    async with layer_on(ways()) as (layer, source):
        pairs = await layer.request(("b", "a"), fidelity=0.9, number=2, deadline_s=1.0)
        assert [one.ends for one in pairs] == [("a", "b")] * 2
        assert layer.check(pairs[0]) >= 0.9
        assert {one.number for one in pairs} <= source.held
        layer.release(pairs)
        with pytest.raises(PairGone, match="is not held"):
            layer.check(pairs[0])


async def test_a_cable_cut_in_a_request_is_routed_around() -> None:
    async with layer_on(ways()) as (layer, source):
        source.cut = {"link_a_hub1"}
        (pair,) = await layer.request(("a", "b"), 0.9, 1, 1.0)
        assert set(pair.links) == {"link_a_hub2", "link_b_hub2"}
        assert layer.state.network.down == {"link_a_hub1": "link_a_hub1 does not answer"}


async def test_a_hub_killed_or_hanging_with_pairs_is_routed_around() -> None:
    for fault in ("cut", "silent"):
        async with layer_on(ways(), 3) as (layer, source):
            setattr(source, fault, {"hub1"})
            (pair,) = await layer.request(("a", "b"), 0.9, 1, 60.0)
            assert "link_a_hub2" in pair.links


async def test_with_no_way_left_the_reason_is_raised() -> None:
    async with layer_on(network(link("a", "b"))) as (layer, source):
        source.silent = {"link_a_b"}
        with pytest.raises(RequestRefused, match="no pair and no word for too long"):
            await layer.request(("a", "b"), 0.9, 1, 60.0)
        assert source.cancelled > 0


async def test_a_pair_of_a_moved_epoch_is_refused() -> None:
    async with layer_on(network(link("a", "b"))) as (layer, source):
        (pair,) = await layer.request(("a", "b"), 0.9, 1, 1.0)
        layer.report(EpochsNow(Epochs.of({"clock_a": 2})))
        with pytest.raises(EpochMoved, match="clock_a: epoch 1 then, 2 now"):
            layer.check(pair)
        await asyncio.sleep(0)
        assert pair.number not in source.held
        with pytest.raises(RequestRefused, match="calibrate it"):
            await layer.request(("a", "b"), 0.9, 1, 1.0)


async def test_who_does_not_want_pairs_any_longer_holds_none() -> None:
    async with layer_on(ways()) as (layer, _):
        waiting = asyncio.create_task(layer.request(("a", "b"), 0.9, 4, 10.0))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not layer.state.requests
        assert not layer.state.attempts


async def test_a_layer_that_ends_refuses_those_that_wait() -> None:
    async with layer_on(network(link("a", "b"))) as (layer, source):
        waiting = asyncio.create_task(layer.request(("a", "b"), 0.5, 3, 10.0))
        await asyncio.sleep(0)
    with pytest.raises(RequestRefused, match="the link layer has ended"):
        await waiting
    assert not source.held


async def test_pairs_that_come_as_their_caller_gives_up_are_freed() -> None:
    async with layer_on(network(link("a", "b"))) as (layer, source):
        makes = source.attempt

        async def attempt(number: int, which: Link) -> NewPair:
            made = await makes(number, which)
            asyncio.get_running_loop().call_soon(waiting.cancel)  # runs before the caller wakes
            return made

        source.attempt = attempt  # type: ignore[method-assign]
        waiting = asyncio.create_task(layer.request(("a", "b"), 0.9, 1, 10.0))
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.sleep(0)
        assert not layer.state.delivered
        assert not source.held
