"""Routines that move a flux leave qubits out that have no flux line, and say so."""

from pathlib import Path

import pytest

from podium.control.calibration.bench import Bench
from podium.control.calibration.catalogue import DECLARATIONS, ROUTINES
from podium.control.calibration.runner import Runner
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import NotMeasured
from podium.control.parameters.memory_record import MemoryRecord

STRANGERS = Path(__file__).parents[2] / "strangers"


class NothingRuns:
    """A runner that knows the facility and must not be asked for anything."""

    def __init__(self, facility: Facility) -> None:
        self.facility = facility

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"{name} was asked for")


def bench_of(name: str) -> Bench:
    facility = load_facility(STRANGERS / f"{name}.yaml")
    runner: Runner = NothingRuns(facility)  # type: ignore[assignment]
    qubits = tuple(facility.qubits().values())
    return Bench(runner, "chip_7", qubits, MemoryRecord(), keep=lambda data: None)


TUNING = [name for name, one in DECLARATIONS.items() if one.targets == "tunable qubits"]


@pytest.mark.parametrize("routine", TUNING)
async def test_without_any_flux_line_nothing_is_run(routine: str) -> None:
    bench = bench_of("attic")
    outcome = await ROUTINES[routine](bench, bench.qubits)
    assert outcome.notes == ["left, right have no flux line: left out"]
    assert (outcome.runs, outcome.measured, outcome.failures) == ([], {}, {})


async def test_the_qubit_that_tunes_is_worked_on() -> None:
    bench = bench_of("shed")
    with pytest.raises(NotMeasured, match=r"chip_7\.right\.sweet_spot"):
        await ROUTINES["sweet_spot"](bench, bench.qubits)
