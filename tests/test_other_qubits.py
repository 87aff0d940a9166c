"""Fluxoniums and a register of coupled transmons, calibrated on their twins as transmons are.

What is found is held against the world's truth at the biases that are set.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.benches.nodes.ten_nodes import ten

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import ROUTINES
from podium.control.calibration.outcome import Outcome
from podium.control.client.facility_access import open_facility
from podium.control.commands.part import written
from podium.control.facility.part import part_of
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.processes.child_processes import Children, podium
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world

FLUXONIUM = (
    *("time_of_flight", "resonator_spectroscopy", "flux_arc", "punch_out"),
    *("qubit_spectroscopy", "sweet_spot", "rabi", "readout_optimisation", "single_shot"),
    *("relaxation", "thermal_population", "ef_spectroscopy"),
)
REGISTER = ("time_of_flight", "resonator_spectroscopy", "punch_out", "qubit_spectroscopy")
THOROUGHNESS = 0.25

pytestmark = pytest.mark.slow


@dataclass
class Calibrated:
    """What was found on two nodes, and what is true."""

    chip: Chip
    record: MemoryRecord = field(default_factory=MemoryRecord)
    outcomes: list[Outcome] = field(default_factory=list)
    biases_v: dict[str, float] = field(default_factory=dict)

    def value(self, name: str) -> float:
        entry = self.record.get(name)
        assert entry is not None, name
        return entry.value

    def point(self, name: str) -> QubitPoint:
        lines = self.chip.at(self.biases_v)
        return next(q for line in lines for q in line.qubits if q.name == name)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Calibrated:
    folder = tmp_path_factory.mktemp("others")
    with ThreadPoolExecutor(1) as thread:  # a loop of its own: this one is for all tests here
        return thread.submit(asyncio.run, calibrate(folder)).result()


async def calibrate(folder: Path) -> Calibrated:
    facility, twin, endpoints = (folder / name for name in ("f.yaml", "twin.yaml", "ends.json"))
    facility.write_text(written(part_of(ten(), ["node_c", "node_d"])))
    world = sample(facility, 2)
    write_world(world, twin)
    found = Calibrated(world.chip())
    children = Children()
    try:
        serve = ("twin", "serve", facility, "--twin", twin, "--endpoints", endpoints)
        children.start("twins", podium(*serve, "--with-parent"), folder)
        await children.wait_for(endpoints)
        async with open_facility(facility, endpoints, state=folder / "state.json") as lab:
            await lab.ready(60)
            for node, steps in (("node_c", FLUXONIUM), ("node_d", REGISTER)):
                qubits = tuple(lab.facility.nodes[node].qubits.values())
                expected = {q.flux_port: q.design["flux_offset"].value for q in qubits}
                await lab.bias(expected)
                found.biases_v |= expected
                bench = Bench(
                    lab,
                    node,
                    qubits,
                    found.record,
                    keep=lambda data: None,
                    thoroughness=THOROUGHNESS,
                )
                async for outcome in bring_up(bench, steps, ROUTINES):
                    found.outcomes.append(outcome)
                    if outcome.routine in ("flux_arc", "sweet_spot"):
                        found.biases_v |= {
                            q.flux_port: bench.bias_on_grid(q, bench.known(q, "sweet_spot").value)
                            for q in qubits
                        }
    finally:
        await children.end()
    return found


def failures(found: Calibrated) -> dict[str, dict[str, str]]:
    return {one.routine: one.failures for one in found.outcomes if one.failures}


def test_all_is_found_and_what_a_fluxoniums_drive_cannot_reach_left_out(
    calibrated: Calibrated,
) -> None:
    assert failures(calibrated) == {}
    [last] = (one for one in calibrated.outcomes if one.routine == "ef_spectroscopy")
    assert "q0, q1: a fluxonium's 1-2 transition lies beyond the reach" in last.notes[0]


def test_a_fluxonium_decays_and_is_as_hot_as_the_world_has_it(calibrated: Calibrated) -> None:
    for qubit in (q for q in calibrated.chip.qubits if q.name.startswith("node_c")):
        rates = calibrated.point(qubit.name).rates_1_s
        up, down = float(rates[1, 0]), float(rates[0, 1])
        for quantity, true in (("t1", 1 / (up + down)), ("thermal_population", up / (up + down))):
            found = calibrated.record.get(f"{qubit.name}.{quantity}")
            assert found is not None
            assert found.value == pytest.approx(true, abs=4.5 * found.sigma)
            assert found.sigma < 0.25 * true


@pytest.mark.parametrize("node", ["node_c", "node_d"])
def test_resonators_stand_where_the_world_has_them(calibrated: Calibrated, node: str) -> None:
    for qubit in (q for q in calibrated.chip.qubits if q.name.startswith(node)):
        point = calibrated.point(qubit.name)
        kappa_hz = calibrated.value(f"{qubit.name}.kappa")
        assert kappa_hz == pytest.approx(point.kappa_hz, rel=0.2)
        if node == "node_d":
            # of a fluxonium it was found at another bias, before its arc was known
            line_hz = calibrated.value(f"{qubit.name}.ground_readout_frequency")
            assert line_hz == pytest.approx(point.resonator_hz[0], abs=0.2 * point.kappa_hz)
        bare_hz = calibrated.value(f"{qubit.name}.bare_readout_frequency")
        pull_hz = abs(point.resonator_hz[0] - point.bare_resonator_hz)
        # at the greatest power an eighth of the pull is left
        assert bare_hz == pytest.approx(point.bare_resonator_hz, abs=0.4 * pull_hz)


def test_a_fluxoniums_sweet_spot_is_at_half_a_flux_quantum(calibrated: Calibrated) -> None:
    for line, volts in calibrated.chip.sweet_spots_v().items():
        if line.startswith("node_c"):
            found_v = calibrated.value(f"{line.removesuffix('.flux')}.sweet_spot")
            assert found_v == pytest.approx(volts, abs=1e-3)


@pytest.mark.parametrize("node", ["node_c", "node_d"])
def test_lines_of_qubits_are_those_of_the_coupled_world(calibrated: Calibrated, node: str) -> None:
    for qubit in (q for q in calibrated.chip.qubits if q.name.startswith(node)):
        found = calibrated.record.get(f"{qubit.name}.f01")
        assert found is not None
        true_hz = calibrated.point(qubit.name).levels_hz[1]
        assert found.value == pytest.approx(true_hz, abs=4 * found.sigma)
        assert found.sigma < 200e3  # by spectroscopy at a quarter of the shots
