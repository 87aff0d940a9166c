"""The network that the link layer works on, from a facility file and a store of parameters."""

from pathlib import Path

import pytest

from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.links.heralded_estimate import HeraldedFigures
from podium.control.links.heralded_estimate import Measured as Figure
from podium.control.links.measured_network import HeraldStation, Operations, measured_network
from podium.control.links.network import Request
from podium.control.links.routes import NoPlan, best_plan
from podium.control.parameters.entry import ParameterEntry

FILE = Path(__file__).parents[3] / "examples" / "two_nodes" / "facility.yaml"
FAST = {"link_ab": 20e3}


class Kept(dict[str, ParameterEntry]):
    """A record in memory."""

    def put(self, entries: object) -> None:
        raise NotImplementedError

    def all(self, path: str = "") -> dict[str, ParameterEntry]:
        return {name: one for name, one in self.items() if name.startswith(path)}


def entry(name: str, value: float, sigma: float) -> ParameterEntry:
    return ParameterEntry(name, value, sigma, "1", "run", "routine", 0.0, 3)


@pytest.fixture(scope="module")
def facility() -> Facility:
    return load_facility(FILE)


@pytest.fixture
def record(facility: Facility) -> Kept:
    kept = Kept()
    for number, qubit in enumerate(facility.qubits()):
        kept[f"{qubit}.t1"] = entry(f"{qubit}.t1", 30e-6 + 1e-6 * number, 1e-6)
        kept[f"{qubit}.t2_ramsey"] = entry(f"{qubit}.t2_ramsey", 20e-6, 2e-6)
    kept["link_ab.bell_fidelity"] = entry("link_ab.bell_fidelity", 0.93, 0.01)
    return kept


def test_figures_are_those_that_were_measured_less_three_sigma(
    facility: Facility, record: Kept
) -> None:
    network = measured_network(facility, record, FAST)
    assert network.down == {}
    link = network.links["link_ab"]
    assert link.fidelity == pytest.approx(0.90)
    assert set(dict(link.epochs.numbers).values()) == {3}
    memory = network.stations["node_a"].memory
    assert (memory.t1_s, memory.t2_s) == pytest.approx((27e-6, 14e-6))
    request = Request(1, ("node_a", "node_b"), 0.89, 1, 10**30)
    assert best_plan(network, request).stations == ("node_a", "node_b")


def test_what_is_not_known_is_down_with_the_routine_that_finds_it(
    facility: Facility, record: Kept
) -> None:
    del record["link_ab.bell_fidelity"], record["node_b.q0.t1"]
    network = measured_network(facility, record, FAST)
    request = Request(1, ("node_a", "node_b"), 0.5, 1, 10**30)
    with pytest.raises(NoPlan, match="podium link bell") as refused:
        best_plan(network, request)
    assert "T1 and T2 of node_b are not known: podium calibrate" in str(refused.value)


def test_no_plan_counts_on_operations_that_were_never_measured(
    facility: Facility, record: Kept
) -> None:
    able = {"node_a": Operations(0.01, 1e-6), "node_b": Operations(0.01, 1e-6)}
    for operations in (None, able):
        network = measured_network(facility, record, FAST, operations)
        assert not network.stations["node_a"].relay  # one link alone
        request = Request(1, ("node_a", "node_b"), 0.91, 1, 10**30)
        with pytest.raises(NoPlan, match="the best there is now"):
            best_plan(network, request)


def test_each_two_arms_of_a_herald_station_are_a_link_over_its_switch() -> None:
    ten = load_facility(FILE.parents[1] / "ten_nodes" / "facility.yaml")
    kept = Kept()
    for qubit in ten.qubits():
        for quantity in ("t1", "t2_ramsey"):
            kept[f"{qubit}.{quantity}"] = entry(f"{qubit}.{quantity}", 1e-3, 1e-6)
    figures = HeraldedFigures(True, Figure(0.5), 1e-6, visibility=Figure(0.95, 0.01))
    station = HeraldStation(figures, ("tagger", 4), heralds=2, reconfigure_s=1e-4)
    network = measured_network(ten, kept, {}, heralds={"exchange": station})
    assert len(network.links) == 45
    assert network.switches["exchange"].heralds == 2
    plan = best_plan(network, Request(1, ("node_a", "node_j"), 0.9, 1, 10**30))
    assert [leg.link for leg in plan.legs] == ["link_a+link_j"]
    assert network.links["link_a+link_j"].fidelity == pytest.approx((1 + 0.92) / 2)
