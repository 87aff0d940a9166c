"""A CZ over the plasmon, found from nothing on the twins of two fluxoniums by the routines.

What is found is held against the world's truth.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.benches.facility.fluxonium_pair import pair, written

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import ROUTINES, edge_bring_up
from podium.control.calibration.outcome import Outcome
from podium.control.client.facility_access import open_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.processes.child_processes import Children, podium
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.joint.gate_truth import gate_truth
from podium.sim_instruments.physics.known_truth import Truth
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world

QUBITS = (
    *("time_of_flight", "resonator_spectroscopy", "flux_arc", "punch_out"),
    *("qubit_spectroscopy", "sweet_spot", "rabi", "readout_optimisation", "single_shot"),
    *("ramsey", "rabi", "relaxation", "echo", "thermal_population", "single_shot"),
)
EDGE = "node_a.q0_q1"
THOROUGHNESS = 0.5
SEED = 21

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@dataclass
class Calibrated:
    """What was found, and what is true."""

    chip: Chip
    record: MemoryRecord = field(default_factory=MemoryRecord)
    outcomes: list[Outcome] = field(default_factory=list)

    def entry(self, name: str) -> ParameterEntry:
        found = self.record.get(f"{EDGE}.{name}")
        assert found is not None, name
        return found

    def truth(self, name: str) -> Truth:
        return gate_truth(self.chip, self.chip.sweet_spots_v())[f"{EDGE}.{name}"]


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Calibrated:
    folder = tmp_path_factory.mktemp("microwave")
    with ThreadPoolExecutor(1) as thread:  # a loop of its own: this one is for all tests here
        return thread.submit(asyncio.run, calibrate(folder)).result()


async def calibrate(folder: Path) -> Calibrated:
    facility, twin, endpoints = written(pair(), folder), folder / "twin.yaml", folder / "ends.json"
    world = sample(facility, SEED)
    write_world(world, twin)
    found = Calibrated(world.chip())
    children = Children()
    try:
        serve = ("twin", "serve", facility, "--twin", twin, "--endpoints", endpoints)
        children.start("twins", podium(*serve, "--with-parent"), folder)
        await children.wait_for(endpoints)
        async with open_facility(facility, endpoints, state=folder / "state.json") as lab:
            await lab.ready(60)
            node = lab.facility.nodes["node_a"]
            qubits, edges = tuple(node.qubits.values()), tuple(node.edges.values())
            await lab.bias({q.flux_port: q.design["flux_offset"].value for q in qubits})
            bench = Bench(
                lab,
                "node_a",
                qubits,
                found.record,
                keep=lambda data: None,
                thoroughness=THOROUGHNESS,
                edges=edges,
            )
            async for outcome in bring_up(bench, (*QUBITS, *edge_bring_up(edges)), ROUTINES):
                found.outcomes.append(outcome)
    finally:
        await children.end()
    return found


def test_every_routine_of_the_gate_finds_what_it_looks_for(calibrated: Calibrated) -> None:
    assert {one.routine: one.failures for one in calibrated.outcomes if one.failures} == {}
    assert [one.routine for one in calibrated.outcomes][len(QUBITS) :] == [
        *("plasmon_spectroscopy", "jazz", "plasmon_turn"),
        *("phase_compensation", "bell_state"),
    ]


@pytest.mark.parametrize("name", ["plasmon_frequency", "plasmon_shift", "zz"])
def test_lines_are_those_of_both_circuits(calibrated: Calibrated, name: str) -> None:
    found = calibrated.entry(name)
    assert found.value == pytest.approx(calibrated.truth(name).value, abs=5 * found.sigma + 5e3)
    assert found.sigma < 60e3


def test_the_gate_is_between_both_lines_and_as_long_as_the_best_one(
    calibrated: Calibrated,
) -> None:
    line, shift = (calibrated.truth(f"plasmon_{one}").value for one in ("frequency", "shift"))
    assert 0.2 < (calibrated.entry("gate_frequency").value - line) / shift < 0.8
    best_s = calibrated.truth("cz_duration").value
    assert calibrated.entry("gate_duration").value == pytest.approx(best_s, abs=8e-9)


def test_it_makes_a_bell_state(calibrated: Calibrated) -> None:
    assert calibrated.entry("bell_fidelity").value > 0.95
    assert calibrated.entry("bell_concurrence").value > 0.9
