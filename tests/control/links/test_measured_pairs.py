"""Pairs that are measured at once: labels, epochs, links that are down, deadlines."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.links.pair_world import fidelity as true_fidelity
from tests.benches.links.pair_world import random_pair
from tests.benches.links.simulated_layer import link, network, station
from tests.benches.thoroughness import cases

from podium.control.links.measured_pairs import RunClock, epochs_of_link, measured_pairs
from podium.control.links.network import Link, Network, Pair
from podium.control.links.pair_source import NewPair, PairSourceFailed

S = 10**15
START = 10**18
SHOT_FS = 60 * 10**9


class World:
    """Runs of a facility: links with a true state, clocks, and what is cut."""

    def __init__(self, net: Network) -> None:
        self.net, self.at_fs = net, START
        self.true = {name: one.fidelity for name, one in net.links.items()}
        self.epoch = dict.fromkeys(net.links, 1)
        self.cut: dict[str, str] = {}
        self.silent: set[str] = set()
        self.runs: list[tuple[str, int]] = []
        self.before_run: Callable[[], None] = lambda: None

    async def read_fs(self) -> int:
        self.at_fs += S // 20  # a question takes time
        return self.at_fs

    async def share(self, link: Link, number: int) -> list[NewPair]:
        self.before_run()
        self.runs.append((link.name, number))
        await asyncio.sleep(0)
        if link.name in self.silent:
            await asyncio.Event().wait()
        if link.name in self.cut:
            raise PairSourceFailed(link.name, self.cut[link.name])
        self.at_fs += S // 10
        epochs = epochs_of_link(link, self.epoch[link.name])
        worth = self.true[link.name]
        return [NewPair(self.at_fs + k * SHOT_FS, epochs, worth) for k in range(number)]

    async def ask(
        self, wanted: float, number: int = 1, deadline_s: float = 5.0
    ) -> tuple[tuple[Pair, ...], str]:
        clock = RunClock(self.at_fs, self.read_fs)
        async with asyncio.timeout(20):
            return await measured_pairs(
                self.net, self.share, clock, ("a", "b"), wanted, number, deadline_s
            )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podium.control.links.measured_pairs.POLL_S", 0.0)


def two_ways(better: float = 0.9, worse: float = 0.8) -> Network:
    net = network(link("a", "b", better, 1000.0))
    first = net.links["link_a_b"]
    second = replace(first, name="spare", fidelity=worse, pairs_per_s=10.0)
    return replace(net, links={**net.links, "spare": second})


async def test_one_run_gives_many_pairs_one_after_the_other_to_ends_with_few_qubits() -> None:
    world = World(network(link("a", "b", 0.9)))
    found, reason = await world.ask(0.85, 7)
    assert (len(found), reason) == (7, "")
    assert world.runs == [("link_a_b", 7)]
    made = [one.made_fs for one in found]
    assert np.diff(made).tolist() == [SHOT_FS] * 6
    for pair in found:
        assert pair.fidelity == 0.9
        assert pair.made_fs < pair.expiry_fs(0.85)
        assert dict(pair.epochs.numbers) == {"clock_a": 1, "clock_b": 1}


async def test_a_label_is_the_lesser_of_calibration_and_run() -> None:
    world = World(network(link("a", "b", 0.9)))
    world.true["link_a_b"] = 0.84
    (pair,), _ = await world.ask(0.8)
    assert pair.fidelity == 0.84
    world.true["link_a_b"] = 0.97
    (pair,), _ = await world.ask(0.8)
    assert pair.fidelity == 0.9


async def test_pairs_worse_than_asked_for_are_not_handed_out() -> None:
    world = World(network(link("a", "b", 0.9)))
    world.true["link_a_b"] = 0.7
    found, reason = await world.ask(0.85, deadline_s=1.0)
    assert not found
    assert "by its deadline" in reason
    _, reason = await world.ask(0.95)
    assert "the best there is now is 0.9000, over link_a_b" in reason


async def test_a_link_that_is_down_is_routed_around() -> None:
    world = World(two_ways())
    world.cut["link_a_b"] = "cluster_a does not answer"
    found, reason = await world.ask(0.7, 3)
    assert (len(found), reason) == (3, "")
    assert {one.links for one in found} == {("spare",)}
    assert [name for name, _ in world.runs] == ["link_a_b", "spare"]
    world.cut["spare"] = "its cable is off"
    found, reason = await world.ask(0.7, 3)
    assert not found
    assert "link_a_b: cluster_a does not answer" in reason
    assert "spare: its cable is off" in reason


async def test_a_moved_epoch_is_refused() -> None:
    world = World(network(link("a", "b", 0.9)))
    world.epoch["link_a_b"] = 2
    found, reason = await world.ask(0.8)
    assert not found
    assert "clock_a: epoch 1 then, 2 now" in reason
    assert "calibrate it" in reason


async def test_a_link_that_says_nothing_ends_with_the_deadline() -> None:
    world = World(network(link("a", "b", 0.9, pairs_per_s=1e-3)))
    world.silent.add("link_a_b")
    found, reason = await world.ask(0.8, deadline_s=2.0)
    assert not found
    assert "by its deadline" in reason


async def test_a_pair_does_not_wait_for_a_swap_in_another_run() -> None:
    kept = {name: station(name, t1_s=100.0, relay=name == "hub") for name in ("a", "b", "hub")}
    net = network(link("a", "hub", 0.95), link("hub", "b", 0.95), **kept)
    found, reason = await World(net).ask(0.8, deadline_s=2.0)
    assert not found
    assert "hub plays no swaps within a run" in reason


async def test_faults_leave_no_label_kinder_than_the_world_and_hang_nothing() -> None:
    """Five hundred of them, over links that wear, are cut, fall silent or lose their clocks."""
    faults, handed, refused = 0, 0, 0
    for seed in range(cases(60, 200)):
        drawn = np.random.default_rng([91, seed])
        world = World(two_ways(drawn.uniform(0.8, 0.99), drawn.uniform(0.7, 0.9)))
        for _ in range(int(drawn.integers(6, 12))):
            faults += 1
            name = str(drawn.choice(list(world.net.links)))
            match str(drawn.choice(["cut", "silent", "epoch", "worse", "mend", "better"])):
                case "cut":
                    world.cut[name] = "cut"
                case "silent":
                    world.silent.add(name)
                case "epoch":
                    world.epoch[name] += 1
                case "worse":
                    world.true[name] *= drawn.uniform(0.7, 1.0)
                case "mend":
                    world.cut.pop(name, None)
                    world.silent.discard(name)
                    world.epoch[name] = 1
                case _:
                    world.true[name] = min(0.99, world.true[name] * 1.05)
            asked, wanted = int(drawn.integers(1, 4)), float(drawn.uniform(0.55, 0.9))
            found, reason = await world.ask(wanted, asked, 0.5)
            assert (len(found) == asked) is (not reason)
            for pair in found:
                (name,) = pair.links
                state = random_pair(world.true[name], drawn)
                assert wanted <= pair.fidelity <= true_fidelity(state) + 1e-9
                assert name not in world.cut
                assert world.epoch[name] == 1
            handed += len(found)
            refused += bool(reason)
    assert faults >= 500
    assert min(handed, refused) > 100
