"""Light through switches: what is led where, what stays, and from when it gets through."""

from types import SimpleNamespace

import pytest

from podium.control.agent import optical_switches
from podium.control.agent.optical_switches import OpticalSwitches
from podium.drivers.errors import Refused
from podium.firmware_interfaces.exact_time import FS_PER_MS
from podium.firmware_interfaces.tai import Tai

SETTLE_S = 0.05


class Switch:
    """Notes what is asked of it, and when."""

    settle_s = SETTLE_S

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench
        self.set: list[dict[int, int]] = []
        self.there: dict[int, int] = {}

    def routes(self) -> dict[int, int]:
        return dict(self.there)

    def set_routes(self, routes: dict[int, int]) -> None:
        self.set.append(dict(routes))
        self.there = dict(routes)
        self._bench.moved_fs = self._bench.now_fs


class Bench:
    """One switch, and a clock that goes on as it is read."""

    def __init__(self, *, step_fs: int = 10 * FS_PER_MS) -> None:
        self.now_fs, self.moved_fs, self.step_fs = 0, 0, step_fs
        self.box = Switch(self)
        self.worker = SimpleNamespace(health=SimpleNamespace(connections=1), call=self._call)
        self.switches = OpticalSwitches(SimpleNamespace(worker=self._worker), self._now)

    def _worker(self, name: str, role: str) -> SimpleNamespace:
        if (name, role) != ("matrix", "OpticalSwitch"):
            raise Refused(f"{name}: no such instrument here")
        return self.worker

    async def _call(self, what: str, act, deadline_s: float):
        assert what
        assert deadline_s > 0
        return act(self.box)

    async def _now(self) -> Tai:
        self.now_fs += self.step_fs
        return Tai.from_fs(self.now_fs)

    @property
    def settled(self) -> bool:
        return self.now_fs - self.moved_fs >= SETTLE_S * 1e15


@pytest.fixture(autouse=True)
def at_once(monkeypatch) -> None:
    monkeypatch.setattr(optical_switches, "LOOK_S", 0.0)


async def test_a_run_goes_on_when_the_mirrors_stand() -> None:
    bench = Bench()
    await bench.switches.lead({"matrix": {1: 1, 2: 2}})
    assert bench.box.set == [{1: 1, 2: 2}]
    assert bench.settled


async def test_what_is_led_right_already_is_not_touched() -> None:
    bench = Bench()
    await bench.switches.lead({"matrix": {1: 1, 2: 2}})
    after = bench.now_fs
    await bench.switches.lead({"matrix": {1: 1, 2: 2}})
    assert len(bench.box.set) == 1
    assert bench.now_fs - after == bench.step_fs  # one look, and nothing to wait for


async def test_other_ways_stay_but_for_those_in_the_way() -> None:
    bench = Bench()
    bench.box.there = {1: 1, 2: 2, 4: 3}
    await bench.switches.lead({"matrix": {3: 2, 1: 1}})
    assert bench.box.set == [{1: 1, 3: 2, 4: 3}]


async def test_an_input_leaves_where_it_was() -> None:
    bench = Bench()
    bench.box.there = {2: 2, 3: 1}
    await bench.switches.lead({"matrix": {2: 1, 3: 2}})
    assert bench.box.set == [{2: 1, 3: 2}]


@pytest.mark.parametrize("before", ["nobody", "another connection"])
async def test_ways_that_nobody_here_has_set_are_waited_for(before: str) -> None:
    bench = Bench()
    if before == "another connection":
        await bench.switches.lead({"matrix": {1: 1}})
        bench.worker.health.connections += 1
    bench.box.there = {1: 1}
    bench.moved_fs = bench.now_fs  # just now, by whoever
    told = len(bench.box.set)
    await bench.switches.lead({"matrix": {1: 1}})
    assert len(bench.box.set) == told
    assert bench.settled


async def test_a_clock_that_stands_is_told() -> None:
    bench = Bench(step_fs=0)
    with pytest.raises(Refused, match=r"matrix: its mirrors move until .* it stands"):
        await bench.switches.lead({"matrix": {1: 1}})


async def test_a_switch_of_somebody_else_is_refused() -> None:
    with pytest.raises(Refused, match="lens: no such instrument here"):
        await Bench().switches.lead({"lens": {1: 1}})
