"""A carrier beside its qubit is moved where runs can be told so, and refused where they cannot."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import NODE, MadeRunner, known

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.leaking_carrier import (
    APART_HZ,
    MOVED_WITHIN_HZ,
    moved_carrier,
    refuse_beside_a_carrier,
)
from podium.control.client.line_corrections import CARRIER, check_lines, stored_lines, with_drives
from podium.control.facility.facility import Qubit
from podium.control.facility.line_response import Cancel, LineResponse
from podium.control.facility.mixers import modulator_of
from podium.control.families.qblox.targets import targets_of
from podium.control.parameters.entry import ParameterEntry
from podium.control.runs.errors import RunRefused

PORT = "node_a.q2.drive"


@dataclass
class Correcting(MadeRunner):
    """Runs that heed where carriers are put."""

    lines: dict[str, LineResponse] = field(default_factory=dict)

    def corrected_lines(self) -> Mapping[str, LineResponse]:
        return self.lines

    def correct_lines(self, lines: Mapping[str, LineResponse]) -> None:
        check_lines(self.facility, lines)
        self.lines = dict(lines)


def bench_of(kind: type[MadeRunner] = Correcting) -> Bench:
    runner = kind(lambda asked, rng: np.zeros(asked.shape))
    qubits = tuple(q for q in runner.facility.qubits().values() if q.node == NODE)
    return Bench(runner, NODE, qubits, known(runner.facility), keep=lambda _: None)


def qubit_of(bench: Bench, element: str = "q2") -> Qubit:
    return next(q for q in bench.qubits if q.element == element)


def file_hz(bench: Bench) -> float:
    modulator = modulator_of(bench.runner.facility, PORT)
    assert modulator is not None
    return modulator.carrier_hz


def put(bench: Bench, quantity: str, value_hz: float) -> None:
    entry = bench.known_now.record.get(f"{NODE}.q2.f01")
    assert isinstance(entry, ParameterEntry)
    bench.record.put([replace(entry, name=f"{NODE}.q2.{quantity}", value=value_hz)])


@pytest.mark.parametrize("apart_hz", np.linspace(-19.9e6, 19.9e6, 9))
def test_a_carrier_that_is_near_goes_far_from_all_lines_of_the_qubit(apart_hz: float) -> None:
    bench = bench_of()
    f01_hz = file_hz(bench) + apart_hz
    moved = moved_carrier(bench, qubit_of(bench), f01_hz)[CARRIER]
    anharmonicity_hz = bench.guess(qubit_of(bench), "anharmonicity")
    for line_hz in (f01_hz, f01_hz + anharmonicity_hz, f01_hz + anharmonicity_hz / 2):
        assert abs(moved.value - line_hz) >= APART_HZ
    assert abs(moved.value - f01_hz) < 200e6


def test_a_carrier_that_is_far_stays_and_so_does_one_of_a_module() -> None:
    bench = bench_of()
    for apart_hz in (-1.01 * MOVED_WITHIN_HZ, 1.01 * MOVED_WITHIN_HZ):
        assert not moved_carrier(bench, qubit_of(bench), file_hz(bench) + apart_hz)
    other = qubit_of(bench, "q0")
    assert not moved_carrier(
        bench, other, bench.runner.facility.drive_wiring(other.drive_port).lo_hz
    )


def test_where_runs_cannot_be_told_it_stays_and_nothing_is_taken_for_heat() -> None:
    bench = bench_of(MadeRunner)
    put(bench, "f01", file_hz(bench) + 3e6)
    assert not moved_carrier(bench, qubit_of(bench), file_hz(bench) + 3e6)
    with pytest.raises(FitFailed, match=r"lo_q2, 3 MHz from f01.*wiring > node_a\.q2\.drive > lo"):
        refuse_beside_a_carrier(bench, qubit_of(bench))


async def test_a_carrier_that_was_moved_is_there_from_the_next_routine_on() -> None:
    bench = bench_of()
    put(bench, "f01", file_hz(bench) + 3e6)
    with pytest.raises(FitFailed):
        refuse_beside_a_carrier(bench, qubit_of(bench))
    put(bench, CARRIER, file_hz(bench) - 50e6)
    await bench.begin((), (qubit_of(bench),))
    assert bench.runner.lines == {PORT: LineResponse(carrier_hz=file_hz(bench) - 50e6)}
    refuse_beside_a_carrier(bench, qubit_of(bench))
    # Nor is it moved twice: it is far by now.
    assert not moved_carrier(bench, qubit_of(bench), file_hz(bench) + 3e6)


async def test_what_else_is_corrected_stays_as_it_is() -> None:
    bench = bench_of()
    put(bench, CARRIER, 4.91e9)
    cancel = Cancel(PORT, 0.02)
    bench.runner.correct_lines({PORT: LineResponse(cancels=(cancel,))})
    await bench.begin((), (qubit_of(bench),))
    both = {PORT: LineResponse(cancels=(cancel,), carrier_hz=4.91e9)}
    assert bench.runner.lines == both
    stored = stored_lines(bench.runner.facility, bench.record)
    assert stored == {PORT: LineResponse(carrier_hz=4.91e9)}
    assert with_drives(stored, {PORT: LineResponse(cancels=(cancel,))}) == both


def test_only_a_modulator_has_a_carrier_that_is_put_elsewhere() -> None:
    bench = bench_of()
    with pytest.raises(RunRefused, match=r"node_a\.q0\.drive has no modulator"):
        bench.runner.correct_lines({"node_a.q0.drive": LineResponse(carrier_hz=5e9)})


def test_a_cluster_sets_the_oscillator_and_plays_about_it() -> None:
    facility = bench_of().runner.facility
    before = targets_of(facility)["cluster_a"].ports
    after = targets_of(facility, {PORT: LineResponse(carrier_hz=4.91e9)})["cluster_a"].ports
    assert after[PORT].lo_hz == 4.91e9 != before[PORT].lo_hz
    assert {port: one for port, one in after.items() if port != PORT} == {
        port: one for port, one in before.items() if port != PORT
    }
