"""Made-up worlds of a campaign: truths drawn from the designs, values with pulls as asked."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from podium.control.campaign.null_values import design_guesses
from podium.control.campaign.world_record import Recovery, Scan, WorldRecord
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
FACILITY: Facility = load_facility(EXAMPLE)
UNITS = {
    "f01": "Hz",
    "anharmonicity": "Hz",
    "t1": "s",
    "t2_ramsey": "s",
    "t2_echo": "s",
    "readout_frequency": "Hz",
    "chi": "Hz",
    "kappa": "Hz",
    "sweet_spot": "V",
    "assignment_fidelity": "1",
    "thermal_population": "1",
}
WITHOUT_DESIGN = {"assignment_fidelity": (0.99, 2e-3), "thermal_population": (0.01, 3e-3)}
SIGMA_OF_SPREAD = 0.1
QUBITS = tuple(FACILITY.qubits())


def made_world(seed: int, pull: float = 1.0) -> WorldRecord:
    """Return a world whose pulls are normal with standard deviation ``pull``."""
    draw = np.random.default_rng(seed)
    designs = design_guesses(FACILITY, UNITS)
    recoveries = []
    for qubit in QUBITS:
        for quantity, unit in UNITS.items():
            name = f"{qubit}.{quantity}"
            mean, spread = WITHOUT_DESIGN.get(quantity) or (
                designs[name].value,
                designs[name].spread,
            )
            truth = mean + spread * float(draw.standard_normal())
            sigma = SIGMA_OF_SPREAD * spread
            value = truth + sigma * pull * float(draw.standard_normal())
            recoveries.append(Recovery(name, value, sigma, unit, truth))
    return WorldRecord(
        seed=seed,
        options=("--node-only",),
        facility="first_light",
        facility_digest="",
        version="0.1.0",
        commit="0123456789ab",
        qubits=dict.fromkeys(QUBITS, True),
        recoveries=tuple(recoveries),
        scans=(),
        failures=(),
        lab_s=75.0,
        lab_s_by_routine={"relaxation": 5.0},
        cpu_s=30.0,
        wall_s=40.0,
    )


def made_worlds(count: int = 40, pull: float = 1.0) -> list[WorldRecord]:
    return [made_world(seed, pull) for seed in range(1000, 1000 + count)]


def changed(record: WorldRecord, name: str, **values: float) -> WorldRecord:
    """Return the world with one recovery changed."""
    rows = tuple(replace(r, **values) if r.name == name else r for r in record.recoveries)
    return replace(record, recoveries=rows)


def with_scans(record: WorldRecord, pull: float) -> WorldRecord:
    """Return the world with two scans of T1 after the sweet spot, their difference drawn."""
    draw = np.random.default_rng([record.seed, 7])
    scans = [Scan("relaxation", f"{qubit}.t1", 20e-6, 1e-7) for qubit in QUBITS]  # before: left out
    scans += [Scan("sweet_spot", f"{qubit}.sweet_spot", 0.01, 1e-5) for qubit in QUBITS]
    for _ in range(2):
        scans += [
            Scan("relaxation", f"{qubit}.t1", 33e-6 + 4e-7 * pull * draw.standard_normal(), 4e-7)
            for qubit in QUBITS
        ]
    return replace(record, scans=tuple(scans))
