"""A search over two nodes: what its program does to perfect qubits, and when."""

from pathlib import Path

import numpy as np
import pytest
from tests.benches.links.data_ends import DATA, WIRED, data_bench
from tests.benches.links.searched_circuit import SearchedCircuit
from tests.benches.links.teleported_circuit import A, B, C, T

from podium.control.calibration.links.consumed_pair import TURNED
from podium.control.calibration.links.grover_program import (
    ENTRIES,
    beside_program,
    grover_program,
    pairs_program,
    sends_fs,
)
from podium.control.compilers.qblox.compile import compile_program
from podium.control.facility.load import load_facility
from podium.control.families.qblox.targets import targets_of
from podium.control.program.program import If
from podium.control.program.validate import validate
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart

TURNS = (0.13, 0.71)
LATENCIES = {f"link_ab.{name}": (744e-9, "s") for name in ("result_latency", "result_latency_back")}


def searched(
    entry: int,
    turns: tuple[float, float],
    *,
    corrected: bool = True,
    beside: tuple[float, float] = (0.0, 0.0),
    **known: tuple[float, str],
) -> np.ndarray:
    bench = data_bench(**known)
    program = grover_program(bench, TURNS, 1)
    (axis,) = program.axes
    values = {one.name: one.values.values[entry] for one in axis.variables}
    phases = [-2 * np.pi * turn for turn in turns]  # of |10> against |01>
    circuit = SearchedCircuit(bench, phases, values)
    circuit.corrected = corrected
    circuit.beside = {A: (C, beside[0]), B: (T, beside[1])}
    return circuit.played(program)


@pytest.mark.parametrize("entry", range(4), ids=ENTRIES)
def test_the_marked_entry_is_found_whatever_the_phases_of_both_pairs(entry: int) -> None:
    """Gates leave phases on both halves, and the second pair is read in the frame of the first."""
    assert searched(entry, TURNS)[entry] == pytest.approx(1.0, abs=1e-9)


def test_a_phase_that_is_off_turns_what_is_found() -> None:
    """A pair whose phase is half a turn off has the other sign: its qubit is found wrong."""
    off = searched(3, (TURNS[0], TURNS[1] + 0.5))
    assert off[3] == pytest.approx(0.0, abs=1e-9)
    quarter = searched(3, (TURNS[0] + 0.25, TURNS[1]))
    assert quarter[3] == pytest.approx(0.5, abs=1e-9)


def test_what_a_readout_turns_the_data_qubit_beside_it_is_taken_out_once_it_is_known() -> None:
    beside = (0.04, -0.07)
    assert searched(1, TURNS, beside=beside)[1] < 0.95
    known = {f"link_ab.{name}": (one, "turn") for name, one in zip(TURNED, beside, strict=True)}
    assert searched(1, TURNS, beside=beside, **known)[1] == pytest.approx(1.0, abs=1e-9)


def test_readouts_beside_data_qubits_are_played_or_not() -> None:
    program = beside_program(data_bench(), 100)
    validate(program)
    heights = program.axes[0].variables
    assert [one.values.values[0] for one in heights] == [0.0, 0.0]
    assert all(one.values.values[1] > 0 for one in heights)


def test_without_its_results_a_search_finds_nothing() -> None:
    assert searched(2, TURNS, corrected=False)[2] < 0.5


def test_halves_are_used_again_when_their_feedlines_are_dark() -> None:
    bench = data_bench()
    program = grover_program(bench, TURNS, 100)
    validate(program)
    first, second = sends_fs(bench, program)[-2:]
    assert (second - first) * 1e-6 > bench.pair_ns() + bench.again_ns()
    assert bench.again_ns() > bench.wait_ns()
    assert sum(isinstance(one, If) for one in program.body) == 2 + 2 * 4


def test_the_pairs_whose_phase_is_found_begin_when_those_of_a_search_do() -> None:
    """Both photons differ a little in frequency: a pair that is made later has another phase."""
    bench = data_bench()
    search = grover_program(bench, TURNS, 1)
    pairs = pairs_program(bench, search, 100)
    validate(pairs)
    (waits,) = pairs.axes[0].variables
    base_fs = sends_fs(bench, pairs)[-1] - waits.values.values[0]
    assert [base_fs + one for one in waits.values.values] == sends_fs(bench, search)[-2:]


@pytest.mark.parametrize("file", [DATA, WIRED], ids=["one cluster", "two clusters"])
def test_a_search_is_compiled_for_whom_results_reach(file: Path) -> None:
    bench = data_bench(file, **LATENCIES)
    program = grover_program(bench, TURNS, 100)
    targets = targets_of(load_facility(file))
    clusters = [name for name in ("cluster_a", "cluster_b") if name in targets]
    branching: set[str] = set()
    for name in clusters:
        made = compile_program(program, targets[name], ExternalStart(1))
        branching |= {one.frame for one in made.sequencers if "set_cond" in one.text}
    drives = {side.data.drive for side in bench.sides}
    drives |= {end.node.drive for end in bench.link.ends}
    assert {one for one in branching if not one.startswith("result line")} == drives
