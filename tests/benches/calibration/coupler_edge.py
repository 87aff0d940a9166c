"""Benches whose data are the signals of an edge with a coupler, in formulas."""

from collections.abc import Callable

import numpy as np
from tests.benches.calibration.synthetic_data import ONE_SHOT_V, Asked, MadeRunner, known
from tests.benches.docs.pages import ROOT

from podium.control.calibration.bench import Bench
from podium.control.facility.edges import Edge
from podium.control.facility.load import load_facility
from podium.control.parameters.memory_record import MemoryRecord

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility_coupler.yaml")
HALF_V = 1e-3
"""0 is read at this, 1 at minus it."""
Signal = Callable[[Asked], np.ndarray]
"""Returns how much of 1 is read."""


def bench_of(signal: Signal, seed: int, edge: Edge, record: MemoryRecord | None = None) -> Bench:
    def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        excited = signal(asked)
        scatter = np.hypot(2 * HALF_V * np.sqrt(excited * (1 - excited)), ONE_SHOT_V)
        pair = rng.normal(0, 1, (2, *asked.shape)) * scatter / np.sqrt(asked.program.shots)
        return HALF_V * (1 - 2 * excited) + pair[0] + 1j * pair[1]

    runner = MadeRunner(make, seed, facility=FACILITY)
    qubits = tuple(FACILITY.qubits().values())
    record = record or known(FACILITY)
    return Bench(runner, "node_a", qubits, record, keep=lambda _: None, edges=(edge,))
