"""The demo from nothing, in processes of its own."""

import sys
import time
from pathlib import Path

import pytest
from tests.benches.command_line import answer_of, draw_world
from tests.benches.processes.forked_podium import start_podium

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
PODIUM = [sys.executable, "-m", "podium.control.cli"]
SEED = 16
"""Its truths lie so far from their designs that a guess with a fifth of the spread as sigma breaks
every window. Chosen by that alone: docs/decisions/0026-windows-that-a-guess-breaks.md."""


WITHIN_S = 560.0
QUBITS = [f"node_a.q{k}" for k in range(3)]


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


class Simulation:
    """``podium twin serve`` in a process of its own, a copy of one that has imported it."""

    def __init__(self, folder: Path, seed: int = SEED) -> None:
        twin, self.endpoints = folder / "twin.yaml", folder / "endpoints.json"
        draw_world(EXAMPLE, twin, "--seed", seed)
        words = ["twin", "serve", EXAMPLE, "--twin", twin, "--endpoints", self.endpoints]
        with (folder / "log").open("w") as log:
            self.process = start_podium(*words, out=log)
        give_up = time.monotonic() + WITHIN_S
        while not self.endpoints.exists():
            assert self.process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.01)

    def twin(self, *words: object) -> str:
        return answer_of("twin", *words, "--endpoints", self.endpoints)

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(WITHIN_S)


of_the_vendor = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]


def with_vendor_clients(test):
    """Let pass what the vendors' clients warn of."""
    for mark in of_the_vendor:
        test = mark(test)
    return test
