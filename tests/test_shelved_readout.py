"""A readout with 1 shelved in 2, found from nothing on the twins of a fluxonium by the routines.

What is found is held against the world's truth; nothing was tuned on these worlds.
"""

from pathlib import Path
from typing import Any

import pytest
from tests.benches.facility.fluxonium_pair import written

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import ROUTINES
from podium.control.client.facility_access import open_facility
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.processes.child_processes import Children, podium
from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.truth import truth
from podium.sim_instruments.physics.world_file import write_world

STEPS = (
    *("time_of_flight", "resonator_spectroscopy", "flux_arc", "punch_out"),
    *("qubit_spectroscopy", "sweet_spot", "rabi", "readout_optimisation", "single_shot"),
    *("thermal_population", "shelving_pulse", "plasmon_readout"),
    *("readout_optimisation", "single_shot", "dispersive_shift"),
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


TIMING: dict[str, Any] = {
    "instruments": {
        "wrtd_a": {"model": "wrtd_node", "address": "192.0.2.40"},
        "switch": {
            "model": "white_rabbit_switch",
            "address": "192.0.2.41",
            "mode": "grandmaster",
            "links": {2: "wrtd_a"},
        },
        "rubidium": {"model": "srs_fs725", "address": "TCPIP::192.0.2.42::4001::SOCKET"},
    },
    "clocks": {
        "house": {"source": "wrtd_a", "reference": "plane"},
        "plane": {"source": "switch", "reference": "standard"},
        "standard": {"source": "rubidium"},
    },
}
"""What tells the time beside a data server, which counts ticks."""


def facility_on(model: str) -> dict[str, Any]:
    """Return the facility file of one such fluxonium on instruments of a model."""
    tree: dict[str, Any] = facility_of(model, "bao2022_shelved", 1)
    if model == "zurich":
        tree["instruments"] |= TIMING["instruments"]
        tree["clocks"] = TIMING["clocks"]
        tree["nodes"]["node_a"]["clock"] = "house"
    return tree


async def brought_up(folder: Path, model: str, seed: int) -> tuple[MemoryRecord, dict[str, str]]:
    """Return what the steps have found, and what has failed."""
    facility, twin, endpoints = folder / "facility.yaml", folder / "twin.yaml", folder / "ends.json"
    write_world(sample(facility, seed), twin)
    record, failures = MemoryRecord(), {}
    children = Children()
    try:
        serve = ("twin", "serve", facility, "--twin", twin, "--endpoints", endpoints)
        children.start("twins", podium(*serve, "--with-parent"), folder)
        await children.wait_for(endpoints)
        async with open_facility(facility, endpoints, state=folder / "state.json") as lab:
            await lab.ready(60)
            qubits = tuple(lab.facility.nodes["node_a"].qubits.values())
            await lab.bias({q.flux_port: q.design["flux_offset"].value for q in qubits})
            bench = Bench(lab, "node_a", qubits, record, keep=lambda data: None)
            async for outcome in bring_up(bench, STEPS, ROUTINES):
                failures |= {f"{outcome.routine}: {k}": why for k, why in outcome.failures.items()}
                print(outcome.routine, *(panel.text for panel in outcome.panels), sep="\n  ")
    finally:
        await children.end()
    return record, failures


@pytest.mark.parametrize(("model", "seed"), [("qblox_cluster", 101), ("zurich", 102)])
async def test_1_is_shelved_where_that_is_wrong_less_often(
    tmp_path: Path, model: str, seed: int
) -> None:
    file = written(facility_on(model), tmp_path)
    record, failures = await brought_up(tmp_path, model, seed)
    assert failures == {}
    true = {
        name.removeprefix("node_a.q0."): one.value
        for name, one in truth(sample(file, seed).chip()).items()
    }

    def check(name: str, more: float = 0.0) -> None:
        found = record.get(f"node_a.q0.{name}")
        assert found is not None, name
        assert found.value == pytest.approx(true[name], abs=4 * found.sigma + more), name

    gain = record.get("node_a.q0.shelving")
    assert gain is not None
    assert gain.value > 4 * gain.sigma
    allowed = true["shelved_fidelity"] - true["assignment_fidelity"]
    assert gain.value < allowed + 0.02  # the readout before was not at its best
    check("shelving_frequency", 20e3)
    check("shelved_t1")
    check("shelved_shift", 30e3)
    check("shelved_fidelity", 1e-3)
    check("chi")
