"""Clicks of meetings as edges of a time tagger's inputs: when they are known, and what replaces."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from podium.firmware_interfaces.yaml_text import parse_yaml
from podium.sim_instruments.physics.digital_lines import DigitalLines
from podium.sim_instruments.physics.meeting.herald_clicks import HeraldClicks
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import dump_world, parse_world
from podium.sim_instruments.servers.herald_stations import HeraldStations
from podium.sim_instruments.servers.parts.division import divide, plan_of_part
from podium.sim_instruments.wiring import PlanError, read_plan

OPTICAL = Path(__file__).parents[3] / "examples" / "linked" / "facility_optical.yaml"
SWITCHED = OPTICAL.parent / "facility_switched.yaml"
ORIGIN = 1_800_000_000 * 10**15
US = 10**9


class Bench:
    """Stations of the example, laid without instruments."""

    def __init__(self, *, dark: bool = False) -> None:
        world = sample(OPTICAL, 3)
        if not dark:
            link = world.links["link_ab"]
            station = link.station
            arms = tuple(_silent(arm) for arm in station.arms)
            detectors = {
                name: one.model_copy(update={"dark_rate": _zero(one.dark_rate)})
                for name, one in station.detectors.items()
            }
            station = station.model_copy(update={"arms": arms, "detectors": detectors})
            link = link.model_copy(update={"station": station})
            world = world.model_copy(update={"links": {"link_ab": link}})
        self.world, self.busy = world, set[str]()
        self.lines = DigitalLines()
        plan = read_plan(OPTICAL)
        drivers = {c.line: name for name, cables in plan.outputs.items() for c in cables.values()}
        self.stations = HeraldStations(
            world.quantum_links(), self.lines, lambda: drivers, lambda name, _: name in self.busy
        )
        self.laid = self.stations.lay(plan, world.links, world.seed)

    def heard(self, connector: str, span_fs: int = 1000 * US) -> list[int] | None:
        self.lines.catch_up(("station", connector), ORIGIN + span_fs)
        edges = self.lines.heard(("station", connector), ORIGIN, ORIGIN + span_fs)
        return None if edges is None else [at - ORIGIN for at, up in edges if up]


def _zero(known):
    return known.model_copy(update={"value": 0.0})


def _silent(arm):
    return arm.model_copy(update={"added_noise": _zero(arm.added_noise)})


def runs(*numbers: int) -> list[SimpleNamespace]:
    return [SimpleNamespace(signals=SimpleNamespace(run=n, start_tai_fs=ORIGIN)) for n in numbers]


def clicks(at_fs: list[int], detector: list[int]) -> HeraldClicks:
    return HeraldClicks("link_ab", ORIGIN, np.array(at_fs, np.int64), np.array(detector))


def test_each_detector_is_heard_at_its_own_input_behind_its_cable() -> None:
    bench = Bench()
    assert bench.laid == {
        "link_ab.d0": ("station", "slot10.io0"),
        "link_ab.d1": ("station", "slot10.io1"),
    }
    bench.stations.take(runs(1, 2), [clicks([10 * US, 30 * US, 50 * US], [0, 1, 0])])
    cable_fs = [
        round(one.delay.value * 1e15)
        for one in bench.world.links["link_ab"].station.detectors.values()
    ]
    assert bench.heard("slot10.io0") == [10 * US + cable_fs[0], 50 * US + cable_fs[0]]
    assert bench.heard("slot10.io1") == [30 * US + cable_fs[1]]


def test_nothing_is_known_while_a_node_computes() -> None:
    bench = Bench()
    for name in ("cluster_a", "cluster_b"):
        bench.busy = {name}
        assert bench.heard("slot10.io0") is None
    bench.busy = {"tagger"}  # it drives no emitter
    assert bench.heard("slot10.io0") == []


def test_a_meeting_that_is_played_again_replaces_its_clicks() -> None:
    bench = Bench()
    bench.stations.take(runs(1, 2), [clicks([10 * US, 20 * US], [0, 0])])
    bench.stations.take(runs(3), [clicks([700 * US], [0])])
    bench.stations.take(runs(2, 1), [clicks([15 * US], [0])])
    assert len(bench.heard("slot10.io0")) == 2
    bench.stations.take(runs(1, 2), [])
    assert [round(at / US) for at in bench.heard("slot10.io0")] == [700]


def test_a_detector_whose_cable_is_off_is_not_heard() -> None:
    bench = Bench()
    bench.stations.take(runs(1, 2), [clicks([10 * US, 500 * US, 900 * US], [0, 0, 0])])
    bench.lines.unplug(bench.laid["link_ab.d0"], ORIGIN + 100 * US)
    bench.lines.plug(bench.laid["link_ab.d0"], ORIGIN + 600 * US)
    assert [round(at / US) for at in bench.heard("slot10.io0")] == [10, 900]


def test_dark_counts_are_heard_without_any_run() -> None:
    assert len(Bench(dark=True).heard("slot10.io0", 10**15)) > 100


def test_a_world_of_another_file_is_refused() -> None:
    bench = Bench()
    plan = replace(read_plan(OPTICAL), detectors={})
    stations = HeraldStations(bench.world.quantum_links(), DigitalLines(), dict, lambda *_: False)
    with pytest.raises(PlanError, match="detector d0, which the file connects to nothing"):
        stations.lay(plan, bench.world.links, 3)


def test_a_twin_file_keeps_its_station() -> None:
    world = sample(OPTICAL, 5)
    again = parse_world(dump_world(world))
    assert again == world
    other = sample(OPTICAL, 6)
    arms = [one.links["link_ab"].station.arms[0].transducer.value for one in (world, other)]
    assert arms[0] != arms[1]
    assert all(0.5 < one < 0.7 for one in arms)


def test_a_stations_time_tagger_is_in_the_part_of_its_nodes() -> None:
    plan = read_plan(OPTICAL)
    parts = divide(plan, parse_yaml(OPTICAL.read_bytes()))
    (nodes,) = (part for part in parts if part.nodes)
    assert set(nodes.nodes) == {"node_a", "node_b"}
    assert "station" in nodes.instruments
    assert "tagger" not in nodes.instruments
    rest = [part for part in parts if not part.nodes]
    assert all(not plan_of_part(plan, part).detectors for part in rest)
    assert len(plan_of_part(plan, nodes).detectors) == 2


class SwitchedBench:
    """Three links with one station, laid without instruments; its switch leads what is ``lit``."""

    def __init__(self) -> None:
        world = sample(SWITCHED, 3)
        self.lit: set[tuple[int, int]] = set()
        self.busy = set[str]()
        self.lines = DigitalLines()
        plan = read_plan(SWITCHED)
        drivers = {c.line: name for name, cables in plan.outputs.items() for c in cables.values()}
        self.links = world.quantum_links()
        self.stations = HeraldStations(
            self.links, self.lines, lambda: drivers, lambda name, _: name in self.busy
        )
        self.laid = self.stations.lay(plan, world.links, world.seed, self._light)

    def _light(self, way, at_fs: int) -> float:
        return 0.5 * ((way.input, way.output) in self.lit)

    def heard(self, span_fs: int = 10**15) -> int | None:
        sink = self.laid["link_ab.d0"]
        self.lines.catch_up(sink, ORIGIN + span_fs)
        edges = self.lines.heard(sink, ORIGIN, ORIGIN + span_fs)
        return None if edges is None else sum(up for _, up in edges)


def test_clicks_of_all_links_of_a_station_come_to_the_same_inputs() -> None:
    bench = SwitchedBench()
    dark = bench.heard()
    assert {bench.laid[f"{name}.d0"] for name in ("link_ab", "link_ac", "link_bc")} == {
        ("station", "slot10.io0")
    }
    found = [
        replace(clicks([10 * US, 30 * US, 50 * US], [0, 1, 0]), link=name)
        for name in ("link_ac", "link_bc")
    ]
    bench.stations.take(runs(1, 2), found[:1])
    bench.stations.take(runs(3, 4), [replace(found[1], origin_fs=ORIGIN + 500 * US)])
    assert bench.heard() == dark + 4


def test_nothing_is_known_at_a_station_while_any_of_its_nodes_computes() -> None:
    bench = SwitchedBench()
    for name in ("cluster_a", "cluster_b", "cluster_c"):
        bench.busy = {name}
        assert bench.heard() is None
    bench.busy = set()
    assert bench.heard() is not None


def test_what_transducers_add_is_heard_of_those_whose_light_is_led_there() -> None:
    counts = {}
    for led in ((), ((1, 1),), ((2, 2),), ((2, 1),), ((1, 1), (2, 2))):
        bench = SwitchedBench()
        bench.lit = set(led)
        counts[led] = bench.heard()
    station = bench.links[0].station
    one = station.detectors[0]
    for led, arms in (((), ()), (((1, 1),), (0,)), (((2, 1),), (1,)), (((1, 1), (2, 2)), (0, 1))):
        noise_hz = sum(station.arms[arm].noise_hz for arm in arms) * one.efficiency / 2 / 2
        assert counts[led] == pytest.approx(one.dark_hz + noise_hz, abs=5 * (100 + noise_hz) ** 0.5)
    assert counts[((1, 1),)] > counts[()] + 5 * counts[((1, 1),)] ** 0.5
