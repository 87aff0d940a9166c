"""Which biases an agent lets move: within the limits, at the slew, never past a safe rule."""

import asyncio
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from podium.control.agent import biasing
from podium.control.agent.biasing import Biasing
from podium.control.facility.frozen_map import FrozenMap
from podium.control.runs.errors import RunRefused
from podium.drivers.errors import Refused

Q0, Q1 = "node_a.q0.flux", "node_a.q1.flux"
LIMIT_V = 1.2
"""Of both, in the facility file of the example."""


def ramps(bench) -> list[str]:
    return [one for one in bench.done if ".ramp " in one]


@pytest.fixture
def slow(example):
    """The example with another slew for each of two ports: to the limit takes two minutes."""
    wiring = {
        port: replace(example.wiring[port], slew_v_per_s=slew)
        for port, slew in ((Q0, 0.01), (Q1, 0.0125))
    }
    return replace(example, wiring=FrozenMap({**example.wiring, **wiring}))


@pytest.mark.parametrize("level_v", [LIMIT_V, -LIMIT_V])
async def test_a_bias_may_go_to_its_limit_either_way(lab, bench, level_v: float) -> None:
    await lab.bias({Q0: level_v})
    assert bench.levels["bias_q0."] == level_v


@pytest.mark.parametrize("port", [Q0, Q1])
@pytest.mark.parametrize("level_v", [1.2000001, -1.2000001, 50.0, -50.0, float("nan")])
async def test_no_bias_goes_beyond_its_limit_either_way(
    lab, bench, port: str, level_v: float
) -> None:
    with pytest.raises(RunRefused, match=r"the facility file allows -1\.2 \.\.\. 1\.2 V"):
        await lab.bias({port: level_v})
    assert ramps(bench) == []


@pytest.mark.parametrize("order", [1, -1])
async def test_one_bias_beyond_its_limit_keeps_all_of_them_still(lab, bench, order: int) -> None:
    asked = [(Q0, 0.1), (Q1, -1.3)][::order]
    with pytest.raises(RunRefused, match=f"{Q1}: -1.3 V asked of"):
        await lab.bias(dict(asked))
    assert ramps(bench) == []


async def test_each_bias_moves_at_the_slew_of_its_own_line(slow, bench, open_lab) -> None:
    async with open_lab(slow, bench) as lab:
        await lab.bias({Q0: -1.2, Q1: 0.3})
        await lab.bias({Q0: 1.2})
    assert sorted(ramps(bench)) == [
        "bias_q0.ramp  -1.2 0.01",
        "bias_q0.ramp  1.2 0.01",
        "cluster_a.ramp slot6.out2 0.3 0.0125",
    ]


async def test_channels_of_one_box_move_side_by_side_those_that_are_there_stay(lab, bench) -> None:
    q2 = "node_a.q2.flux"
    await lab.bias({Q0: 0.1, Q1: 0.3, q2: -0.2})
    await lab.bias({Q1: 0.3, q2: 0.0})
    assert sorted(ramps(bench)) == [
        "bias_q0.ramp  0.1 0.5",
        "cluster_a.ramp slot6.out3 0.0 0.5",
        "cluster_a.ramp together slot6.out2 0.3 0.5, slot6.out3 -0.2 0.5",
    ]


async def test_a_bias_that_is_there_is_not_ramped_again_unless_its_box_was_away(lab, bench) -> None:
    await lab.bias({Q0: 0.3})
    await lab.bias({Q0: 0.3})
    assert ramps(bench) == ["bias_q0.ramp  0.3 0.5"]
    await lab.release("bias_q0")
    bench.levels["bias_q0."] = 0.0  # somebody has turned the knob
    await lab.take_back("bias_q0")
    await lab.ready(10)
    await lab.bias({Q0: 0.3})
    assert bench.levels["bias_q0."] == 0.3


class Ramping:
    """Stands for a driver that ramps by itself, and for one whose steps the host sends."""

    def __init__(self, name: str, done: list[str], level_v: float = 0.0) -> None:
        self.name, self.done, self.at_v = name, done, level_v

    def level_v(self, channel: str) -> float:
        return self.at_v

    def ramp_v(self, channel: str, target_v: float, slew_v_per_s: float) -> None:
        self.done += [f"{self.name} is led", f"{self.name} is there"]
        self.at_v = target_v


class ByItself(Ramping):
    def begin_ramp_v(self, channel: str, target_v: float, slew_v_per_s: float) -> None:
        self.done.append(f"{self.name} begins")
        self.at_v = target_v

    def end_ramp_v(self, channel: str) -> None:
        self.done.append(f"{self.name} is asked for its end")


@dataclass
class Workers:
    """Stands for the workers of some drivers, and for all instruments."""

    drivers: dict[str, Ramping]

    def playing(self, role: str) -> tuple[str, ...]:
        return tuple(self.drivers)

    def worker(self, name: str, role: str) -> SimpleNamespace:
        async def call(what: str, function, within_s: float):
            await asyncio.sleep(0)
            return function(self.drivers[name])

        health = SimpleNamespace(state="connected", connections=1)
        return SimpleNamespace(name=name, call=call, health=health)


class Journal:
    """Stands for safe rules of which none is needed."""

    async def begin(self, *ramp: object) -> None:
        pass

    async def end(self, *ramp: object) -> None:
        pass


async def test_a_source_that_ramps_by_itself_begins_first_and_is_asked_for_its_end_last(
    example,
) -> None:
    """Asked before, a simulated one lets time pass in which the others stand still."""
    done: list[str] = []
    drivers = {"bias_q0": ByItself("bias_q0", done), "cluster_a": Ramping("cluster_a", done)}
    biases = Biasing(example, Workers(drivers), Journal())
    await biases.move({Q0: 0.3, Q1: 0.1})
    assert done == [
        "bias_q0 begins",
        "cluster_a is led",
        "cluster_a is there",
        "bias_q0 is asked for its end",
    ]
    done.clear()
    await biases.move({Q0: 0.0})
    assert done == ["bias_q0 is led", "bias_q0 is there"], "alone, in one call"


@dataclass
class Rules:
    """Stands for the safe rules of one source that was left in a ramp."""

    done: list[str] = field(default_factory=list)

    async def left_over(self) -> frozenset[str]:
        return frozenset({"bias_q0"})

    async def report_ramps(self, source: str) -> None:
        pass

    async def carry_out(self, worker) -> None:
        self.done.append("safe rule")

    async def begin(self, worker, wiring, from_v: float, target_v: float, by: str) -> None:
        self.done.append(f"ramp to {target_v} V")
        raise Refused("that is enough for a test")


class Source:
    """Stands for the worker of a source, and for all instruments."""

    name, released = "bias_q0", ""
    health = SimpleNamespace(state="connected", connections=1)

    @property
    def workers(self) -> dict[str, "Source"]:
        return {self.name: self}

    def playing(self, role: str) -> tuple[str, ...]:
        return (self.name,)

    def worker(self, name: str, role: str) -> "Source":
        return self

    async def call(self, what: str, function, within_s: float) -> float:
        return 0.1


async def test_a_new_ramp_begins_after_the_safe_rule_of_the_one_that_was_cut_off(example) -> None:
    rules = Rules()
    biases = Biasing(example, Source(), rules)
    await biases.look_back()
    with pytest.raises(Refused, match="enough"):
        await biases.move({Q0: 0.3})
    assert rules.done == ["safe rule", "ramp to 0.3 V"]
    with pytest.raises(Refused, match="enough"):
        await biases.move({Q0: 0.3})
    assert rules.done[2:] == ["ramp to 0.3 V"], "and it is carried out once"


async def test_no_safe_rule_moves_a_bias_under_a_run(example, monkeypatch) -> None:
    monkeypatch.setattr(biasing, "AGAIN_S", 0.001)
    rules, looks, over = Rules(), 0, False

    def run_on() -> bool:
        nonlocal looks
        looks += 1
        return not over

    biases = Biasing(example, Source(), rules, run_on)
    await biases.look_back()
    async with asyncio.timeout(10):
        keeping = asyncio.ensure_future(biases.keep(at_once=True))
        while looks < 3:  # noqa: ASYNC110  # it waits for the keeper to look
            await asyncio.sleep(0.001)
        assert rules.done == []
        over = True
        await biases.settled()
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
    assert rules.done == ["safe rule"]
