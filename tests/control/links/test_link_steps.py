"""The link layer's steps: pairs on request, and no label kinder than the world."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.links.simulated_layer import SimulatedLayer, link, network, station
from tests.benches.thoroughness import cases

from podium.control.links.layer_state import Attempt, CheckPairs, Swap, WentDown
from podium.control.links.network import Network, Request, Switch, ends_of
from podium.control.links.routes import Check, NoPlan, best_plan

S = 10**15
START = 10**18


def request(first: str, second: str, wanted: float, pairs: int = 1, number: int = 1, s: float = 10):
    return Request(number, ends_of(first, second), wanted, pairs, START + int(s * S))


def kinds(layer: SimulatedLayer, kind: type) -> int:
    return sum(isinstance(one, kind) for _, _, actions in layer.log for one in actions)


def test_a_direct_link_gives_pairs_with_fidelity_epochs_and_expiry() -> None:
    layer = SimulatedLayer(network(link("a", "b")))
    layer.ask(request("a", "b", 0.9, pairs=3))
    layer.run(START + S)
    fate = layer.fates[1]
    assert len(fate.pairs) == 3
    for pair in fate.pairs:
        assert pair.fidelity_at(fate.at_fs) >= 0.9
        assert pair.epochs.numbers == (("clock_a", 1), ("clock_b", 1))
        assert (
            pair.fidelity_at(pair.expiry_fs(0.9))
            >= 0.9
            > pair.fidelity_at(pair.expiry_fs(0.9) + S // 1000)
        )
    assert not layer.state.attempts


def test_pairs_are_swapped_at_hubs_two_deep_and_no_deeper() -> None:
    chain = [link("a", "hub1", 0.99), link("hub1", "hub2", 0.99), link("hub2", "b", 0.99)]
    layer = SimulatedLayer(network(*chain))
    layer.ask(request("a", "b", 0.9))
    layer.run(START + S)
    assert layer.fates[1].pairs[0].ends == ("a", "b")
    assert kinds(layer, Swap) == 2
    deeper = [*chain[:2], link("hub2", "hub3", 0.99), link("hub3", "b", 0.99)]
    layer = SimulatedLayer(network(*deeper))
    layer.ask(request("a", "b", 0.6))
    assert "at most 3 links" in layer.fates[1].reason


def test_checks_are_chosen_by_rate_and_fidelity() -> None:
    quiet = {name: station(name, operation_error=0.0, t1_s=10.0) for name in "ab"}
    net = network(link("a", "b", 0.9), **quiet)
    checks = [
        best_plan(net, request("a", "b", f)).legs[0].check for f in (0.89, 0.912, 0.922, 0.935)
    ]
    assert checks == [Check.NONE, Check.SHARED, Check.BBPSSW, Check.TWICE]
    rates = [best_plan(net, request("a", "b", f)).pairs_per_s for f in (0.89, 0.912, 0.922, 0.935)]
    assert rates == sorted(rates, reverse=True)
    with pytest.raises(NoPlan, match=r"the best there is now is 0\.94"):
        best_plan(net, request("a", "b", 0.99))


@pytest.mark.parametrize("check", [Check.SHARED, Check.BBPSSW, Check.TWICE])
def test_pairs_that_are_not_good_enough_are_bettered(check: Check) -> None:
    quiet = {name: station(name, operation_error=0.0, t1_s=10.0) for name in "ab"}
    net = network(link("a", "b", 0.9), **quiet)
    wanted = {Check.SHARED: 0.912, Check.BBPSSW: 0.922, Check.TWICE: 0.935}[check]
    assert best_plan(net, request("a", "b", wanted)).legs[0].check is check
    layer = SimulatedLayer(net)
    layer.ask(request("a", "b", wanted, pairs=2))
    layer.run(START + S)
    assert len(layer.fates[1].pairs) == 2
    assert kinds(layer, CheckPairs) >= check.levels
    assert all(pair.level == check.levels for pair in layer.fates[1].pairs)


def test_the_route_with_the_most_pairs_each_second_is_taken() -> None:
    slow = link("a", "b", 0.95, pairs_per_s=1.0)
    over = [link("a", "hub", 0.99), link("hub", "b", 0.99)]
    plan = best_plan(network(slow, *over), request("a", "b", 0.9))
    assert plan.stations == ("a", "hub", "b")
    assert best_plan(network(slow, *over), request("a", "b", 0.949)).stations == plan.stations
    fast = replace(slow, pairs_per_s=5000.0)
    assert best_plan(network(fast, *over), request("a", "b", 0.9)).stations == ("a", "b")


@pytest.mark.parametrize(("t1_s", "wanted"), [(100.0, 0.6), (100.0, 0.66), (0.02, 0.58)])
def test_labels_hold_where_everything_is_as_bad_as_they_allow(t1_s: float, wanted: float) -> None:
    """Over two hubs with checks, three pairs at a time, again and again."""
    places = {
        name: station(name, 4, t1_s, relay="hub" in name) for name in ("a", "b", "hub1", "hub2")
    }
    chain = network(
        link("a", "hub1", 0.85, 4000.0),
        link("hub1", "hub2", 0.87, 2000.0),
        link("hub2", "b", 0.89, 3000.0),
        **places,
    )
    layer = SimulatedLayer(chain, seed=1, worst=True)
    for number in range(4):
        layer.ask(request("a", "b", wanted, pairs=1 + number % 2, number=number))
        layer.run(layer.now_fs + S // 10)
    assert sum(bool(fate.pairs) for fate in layer.fates.values()) >= 2


def square() -> Network:
    return network(
        link("a", "hub1", 0.98, 2000.0),
        link("hub1", "b", 0.98, 2000.0),
        link("a", "hub2", 0.98, 500.0),
        link("hub2", "b", 0.98, 500.0),
    )


@pytest.mark.parametrize("what", ["link_a_hub1", "hub1"])
@pytest.mark.parametrize("heard", [True, False])
def test_what_is_down_is_routed_around_while_a_request_is_served(what: str, heard: bool) -> None:
    layer = SimulatedLayer(square(), seed=2)
    layer.ask(request("a", "b", 0.9, pairs=2))
    layer.run(START + S // 5000)
    layer.cut(what, heard)
    layer.run(START + 2 * S)
    pairs = layer.fates[1].pairs
    assert len(pairs) == 2
    assert any("link_a_hub2" in pair.links for pair in pairs)


def test_with_every_way_cut_a_request_fails_with_the_reasons() -> None:
    layer = SimulatedLayer(network(link("a", "b")))
    layer.ask(request("a", "b", 0.9, pairs=4))
    layer.cut("link_a_b")
    assert "link_a_b: told so" in layer.fates[1].reason
    assert not layer.state.attempts


def test_a_link_that_says_nothing_is_down_and_the_request_ends() -> None:
    layer = SimulatedLayer(network(link("a", "b")), silent=1.0)
    layer.ask(request("a", "b", 0.9))
    layer.run()
    assert "no pair and no word for too long" in layer.fates[1].reason
    assert layer.fates[1].at_fs < START + 2 * S


def test_a_request_ends_at_its_deadline() -> None:
    layer = SimulatedLayer(network(link("a", "b")))
    layer.ask(request("a", "b", 0.9, pairs=3, s=1e-4))
    layer.run()
    assert "by its deadline" in layer.fates[1].reason
    assert layer.fates[1].at_fs == START + S // 10_000
    assert not layer.state.attempts


def test_a_moved_epoch_takes_pairs_and_the_link_until_it_is_calibrated() -> None:
    layer = SimulatedLayer(network(link("a", "b")))
    layer.ask(request("a", "b", 0.9))
    layer.run(START + S // 50)
    pair = layer.fates[1].pairs[0]
    assert pair.number in layer.state.delivered
    layer.move_epoch("clock_a")
    assert pair.number not in layer.state.delivered
    layer.ask(request("a", "b", 0.9, number=2))
    assert "clock_a: epoch 1 then, 2 now; calibrate it" in layer.fates[2].reason
    layer.calibrate("link_a_b")
    layer.ask(request("a", "b", 0.9, number=3))
    layer.run(layer.now_fs + S // 10)
    assert layer.fates[3].pairs[0].epochs.numbers == (("clock_a", 2), ("clock_b", 1))


def test_a_pair_made_under_another_epoch_is_refused_though_nobody_told_of_it() -> None:
    layer = SimulatedLayer(network(link("a", "b")))
    layer.ask(request("a", "b", 0.9))
    layer.move_epoch("clock_b", heard=False)
    layer.run(START + S)
    assert "clock_b: epoch 1 then, 2 now" in layer.fates[1].reason


def test_an_early_deadline_comes_before_a_late_one_at_a_hub_with_few_qubits() -> None:
    net = network(
        link("a", "hub", 0.99),
        link("hub", "b", 0.99),
        link("hub", "c", 0.99),
        link("hub", "d", 0.99),
        hub=station("hub", qubits=2, relay=True),
    )
    layer = SimulatedLayer(net, seed=5)
    layer.ask(request("a", "b", 0.9, number=1, s=9))
    layer.run(START + S // 2000)
    layer.ask(request("c", "d", 0.9, number=2, s=1))
    layer.run(START + 5 * S)
    assert layer.fates[2].pairs
    assert layer.fates[1].pairs
    assert layer.fates[2].at_fs < layer.fates[1].at_fs


def test_unknown_places_and_too_many_pairs_are_named() -> None:
    layer = SimulatedLayer(network(link("a", "b"), a=station("a", qubits=2)))
    layer.ask(request("a", "z", 0.9, number=1))
    assert "two different ones are wanted of a, b" in layer.fates[1].reason
    layer.ask(request("a", "b", 0.9, pairs=3, number=2))
    assert "3 free qubits" in layer.fates[2].reason
    layer.ask(request("a", "b", 0.999, number=3))
    assert "the best there is now is" in layer.fates[3].reason


def test_unused_pairs_wait_in_the_buffer_for_the_next_request() -> None:
    chain = network(link("a", "hub", 0.98, 3000.0), link("hub", "b", 0.98, 30.0))
    layer = SimulatedLayer(chain, seed=1)
    layer.ask(request("a", "b", 0.5, number=1))
    layer.run(START + S // 500)
    assert any(pair.ends == ("a", "hub") for pair in layer.state.pairs.values())
    attempts = kinds(layer, Attempt)
    layer.ask(request("a", "hub", 0.5, number=2, s=5))
    assert layer.fates[2].pairs
    assert kinds(layer, Attempt) <= attempts + 1


FAULTS = ("cut", "cut unheard", "kill", "kill unheard", "epoch", "epoch unheard")


def switched(heralds: int, places: str = "abcd") -> Network:
    """Return stations that are all linked to each other, over one switch."""
    links = [
        replace(link(x, y, 0.95, 300.0), switch="switch")
        for x, y in itertools.combinations(places, 2)
    ]
    return replace(network(*links), switches={"switch": Switch("switch", heralds, 1e-4)})


def over_a_switch(net: Network) -> Network:
    """Return a network whose links all go over one switch with one herald station."""
    links = {name: replace(one, switch="switch") for name, one in net.links.items()}
    return replace(net, links=links, switches={"switch": Switch("switch", 1, 1e-5)})


@pytest.mark.parametrize(("heralds", "at_once"), [(1, 1), (2, 2), (9, 2)])
def test_a_switch_leads_each_arm_to_one_place_at_a_time(heralds: int, at_once: int) -> None:
    layer = SimulatedLayer(switched(heralds), seed=6)
    for number, ends in enumerate([("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"), ("b", "d")]):
        layer.ask(request(*ends, 0.5, pairs=2, number=number, s=1 + number))
    assert len(layer.state.attempts) == at_once
    layer.run(START + 20 * S)
    assert all(fate.pairs for fate in layer.fates.values())
    ended = [layer.fates[number].at_fs for number in range(5)]
    if heralds == 1:
        assert ended == sorted(ended), "an early deadline comes first"


def test_a_switch_that_is_down_takes_its_links_with_it() -> None:
    layer = SimulatedLayer(switched(2), seed=6)
    layer.ask(request("a", "b", 0.5, pairs=2))
    layer.take(WentDown("switch", "its power is off"))
    assert "switch: its power is off" in layer.fates[1].reason
    assert not layer.state.attempts


REMEDIES = ("mend", "mend", "calibrate", "calibrate")


def stormy(seed: int) -> tuple[SimulatedLayer, int]:
    """Return a layer after requests and faults at random times, and how many faults there were."""
    drawn = np.random.default_rng([77, seed])
    silent = 0.02 if seed % 2 else 0.0
    net = over_a_switch(square()) if seed % 4 == 1 else square()
    layer = SimulatedLayer(net, seed=seed, silent=silent, worst=seed % 3 == 0)
    names = [*net.links, *net.stations, *net.switches]
    wanted = int(drawn.integers(2, 6))
    for number in range(wanted):
        ends = drawn.choice(["a", "b", "hub1", "hub2"], 2, replace=False)
        asked = request(
            *ends,
            drawn.uniform(0.6, 0.95),
            int(drawn.integers(1, 4)),
            number,
            drawn.uniform(0.01, 3),
        )
        layer.at(START + int(drawn.random() * 0.004 * S), lambda asked=asked: layer.ask(asked))
    faults = int(drawn.integers(4, 12))
    for _ in range(faults):
        kind, name = str(drawn.choice(FAULTS + REMEDIES)), str(drawn.choice(names))
        layer.at(START + int(drawn.random() * 0.03 * S), lambda k=kind, n=name: fault(layer, k, n))
    layer.run()
    assert set(layer.fates) == set(range(wanted)), "a request never ends"
    return layer, faults


def fault(layer: SimulatedLayer, kind: str, name: str) -> None:
    heard = "unheard" not in kind
    if kind.startswith(("cut", "kill")):
        layer.cut(name, heard)
    elif kind.startswith("epoch") and name not in layer.net.switches:
        place = layer.net.links[name].ends[0] if name in layer.net.links else name
        layer.move_epoch(f"clock_{place}", heard)
    elif kind == "mend" or name in layer.net.switches:
        layer.mend(name)
    elif name in layer.net.links:
        layer.calibrate(name)


def test_hundreds_of_faults_hang_nothing_and_leave_no_label_kinder_than_the_world() -> None:
    total, delivered, refused = 0, 0, 0
    for seed in range(cases(100, 1000)):
        layer, faults = stormy(seed)
        total += faults
        delivered += sum(bool(fate.pairs) for fate in layer.fates.values())
        refused += sum(bool(fate.reason) for fate in layer.fates.values())
    assert total >= 500
    assert delivered > 50
    assert refused > 50
