"""A CNOT teleported between two nodes: what shots tell, its program, the product of its parts."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.links.data_ends import DATA, MORE, WIRED, data_bench
from tests.benches.links.linked_ends import LINKED, bench_of, entry
from tests.benches.links.teleported_circuit import chances_of_all, drawn_of, pair, shots_of

from podium.control.calibration.fits.teleported_gate import SETTINGS, teleported_cnot_of
from podium.control.calibration.links.cnot_product import CnotParts, Wait, expected_of
from podium.control.calibration.links.consumed_pair import GateBench
from podium.control.calibration.links.teleported_cnot import (
    cnot_program,
    fed_forward_cnot,
    parts_of,
    put_to_use,
)
from podium.control.calibration.sequences import RESULTS_APART_NS
from podium.control.client.result_latencies import stored_latencies
from podium.control.compilers.placing import place_in_fs
from podium.control.compilers.qblox.compile import compile_program
from podium.control.facility.load import load_facility
from podium.control.families.family import families_of, wirings_of
from podium.control.families.qblox.targets import targets_of
from podium.control.links.pair_fidelity import teleported_gate
from podium.control.links.teleported_cnot import (
    LocalGates,
    teleported_process_fidelity,
    werner_pair,
)
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.program.program import If
from podium.control.program.validate import validate
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ExternalStart
from podium.firmware_interfaces.zurich.rack import ZurichRack

MIXED = LINKED.parent / "facility_mixed_data_qubits.yaml"
NOTHING_WRONG = ((0.0, 0.0), (0.0, 0.0))
SHOTS = 300


def found(seen: np.ndarray, errors=NOTHING_WRONG):
    control, first, second, target = seen
    return teleported_cnot_of(put_to_use((control, target), (first, second)), errors)


@pytest.mark.parametrize(("fidelity", "phase"), [(1.0, 0.0), (1.0, 2.1), (0.8, 0.7), (0.7, 5.0)])
def test_the_process_fidelity_is_that_of_the_pair(fidelity: float, phase: float) -> None:
    """Local gates are perfect here: whatever the pair's phase, its fidelity is the CNOT's."""
    seen = found(shots_of(pair(fidelity, phase), SHOTS))
    assert abs(seen.fidelity - fidelity) < 5 * max(seen.sigma, 1e-3)
    assert seen.sigma < 0.006
    assert abs(np.exp(-1j * phase) - np.exp(2j * np.pi * seen.turns)) < 0.2


def test_fidelities_scatter_as_their_sigma_says() -> None:
    """Several products of Paulis are told by the same shots: they miss their means together."""
    each = chances_of_all(pair(0.8, 0.9))
    runs = [found(drawn_of(each, 12, seed)) for seed in range(60)]
    pulls = [(one.fidelity - 0.8) / one.sigma for one in runs]
    # 60 pulls of fixed seeds; more where products count as independent
    assert 0.75 < np.std(pulls) < 1.1


def test_results_that_are_not_used_leave_no_gate() -> None:
    control, _, _, target = shots_of(pair(1.0, 0.0), SHOTS)
    unused = teleported_cnot_of(np.stack([control, target]), NOTHING_WRONG)
    assert unused.fidelity < 0.4


def test_errors_of_readouts_are_taken_out_of_the_data_and_left_in_the_pair() -> None:
    """Against the closed form of a gate whose results are wrong now and then."""
    seen = shots_of(pair(0.9, 1.0), 600)
    rng, up, down = np.random.default_rng(5), 0.02, 0.06
    for place in (0, 3):
        wrong = rng.random(seen[place].shape) < np.where(seen[place], down, up)
        seen[place] ^= wrong
    told = found(seen, ((up, down),) * 2)
    assert abs(told.fidelity - 0.9) < 5 * told.sigma
    for place in (1, 2):
        seen[place] ^= rng.random(seen[place].shape) < 0.05
    less = found(seen, ((up, down),) * 2)
    assert abs(less.fidelity - teleported_gate(0.9, 0.05)) < 5 * less.sigma


def test_the_product_of_the_parts_is_near_the_density_matrix_of_all_of_them() -> None:
    """Within 0.01: the product leaves out squares of errors."""
    latency_s, t1_s, t2_s, gate, readout = 364e-9, 30e-6, 25e-6, 0.01, 0.01
    lifetimes = entry("q.t1", t1_s, "s"), entry("q.t2", t2_s, "s")
    parts = CnotParts(
        entry("l.bell_fidelity", 0.9, "1"),
        [entry("e.error", gate * 4 / 5, "1")] * 2,
        [(entry("q.up", readout, "1"), entry("q.down", readout, "1"))] * 2,
        [Wait(latency_s, *lifetimes)] * 5,
        (),
    )
    whole = teleported_process_fidelity(
        werner_pair(0.9), LocalGates(gate, readout, latency_s, t1_s, t2_s)
    )
    assert abs(expected_of(parts).value - whole) < 0.01
    assert expected_of(parts).value < 0.9 * 0.96


def test_qubits_that_begin_in_one_take_their_share() -> None:
    excited = Measured(0.03, 0.001, "1")
    parts = CnotParts(entry("l.bell_fidelity", 0.9, "1"), (), (), (), (excited,) * 2)
    seen = found(drawn_of(chances_of_all(pair(0.9, 0.7), excited.value), 1000, 8))
    assert abs(seen.fidelity - expected_of(parts).value) < 4 * seen.sigma
    assert abs(seen.fidelity - 0.9) > 8 * seen.sigma


def begins_ns(program, frame: str) -> list[int]:
    (placed,) = (one for one in place_in_fs(program).frames if one.frame.name == frame)
    return [int(np.ravel(one.start_fs)[0]) // 10**6 for one in placed.pulses]


def test_both_gates_are_played_at_once_behind_the_pair_and_data_wait_for_results() -> None:
    bench = data_bench()
    program = cnot_program(bench, 100)
    validate(program)
    assert len(SETTINGS) == len(program.axes[0].variables[0].values.values) == 144
    one, other = (begins_ns(program, side.gate.flux) for side in bench.sides)
    assert one == other
    caught = begins_ns(program, bench.link.second.sideband)[-1]
    assert one[0] >= caught + bench.link.photon().duration_ns
    read = begins_ns(program, bench.link.first.node.readout)[-1]
    tomography = begins_ns(program, bench.control.data.drive)[-1]
    waited = tomography - read - bench.link.first.node.probe_ns
    assert waited >= bench.wait_ns() >= 362


def test_results_that_travel_decide_what_the_data_qubits_play() -> None:
    bench = data_bench()
    program = cnot_program(bench, 100, fed_forward=True)
    validate(program)
    assert sum(isinstance(one, If) for one in program.body) == 2
    target = targets_of(load_facility(DATA))["cluster_a"]
    made = compile_program(program, target, ExternalStart(1))
    branching = {one.frame for one in made.sequencers if "set_cond" in one.text}
    assert branching == {side.data.drive for side in bench.sides}


def windows_end_ns(program) -> list[int]:
    """When windows of the pair's halves end, the first half's first."""
    halves = {"node_a.q0", "node_b.q0"}
    found = {
        window.name: int(np.ravel(window.start_fs)[0] + window.duration_fs) // 10**6
        for one in place_in_fs(program).frames
        for window in one.windows
    }
    return [found[name] for name in sorted(halves)]


def test_over_two_clusters_each_result_takes_its_line_and_both_halves_are_read_at_one_time() -> (
    None
):
    """One after the other they would meet on the network of the one that acts."""
    latencies = {
        f"link_ab.{name}": (744e-9, "s") for name in ("result_latency", "result_latency_back")
    }
    bench = data_bench(WIRED, **latencies)
    program = cnot_program(bench, 100, fed_forward=True)
    validate(program)
    first, second = windows_end_ns(program)
    assert abs(first - second) < 4
    apart, other = windows_end_ns(cnot_program(data_bench(), 100, fed_forward=True))
    assert abs(apart - other) >= 252
    for name, side in zip(("cluster_a", "cluster_b"), bench.sides, strict=True):
        made = compile_program(program, targets_of(load_facility(WIRED))[name], ExternalStart(1))
        branching = {one.frame for one in made.sequencers if "set_cond" in one.text}
        assert side.data.drive in branching
        other_side = next(one for one in bench.sides if one is not side)
        assert other_side.data.drive not in branching


def test_between_a_cluster_and_zurich_instruments_both_ends_take_the_same_program() -> None:
    """An HDAWG plays one gate; the SHFQC beside it acts on the cluster's result."""
    facility = load_facility(MIXED)
    latencies = {
        "link_ab.result_latency": (571e-9, "s"),
        "link_ab.result_latency_back": (680e-9, "s"),
    }
    bench = data_bench(MIXED, **latencies)
    known = stored_latencies(facility, bench.link.first.bench.record)
    program = replace(cnot_program(bench, 2, fed_forward=True), result_latencies=known)
    wirings = {one.controller: one for one in wirings_of(facility, facility.instruments)}
    families = families_of(facility)
    cluster = families["cluster_a"].compile(program, "cluster_a", wirings["cluster_a"])
    rack = families["zi_b"].compile(program, "zi_b", wirings["zi_b"])
    assert isinstance(cluster, ClusterProgram)
    assert isinstance(rack, ZurichRack)
    control, target = bench.sides
    branching = {one.frame for one in cluster.sequencers if "set_cond" in one.text}
    assert control.data.drive in branching
    cores = {name: one for part in rack.programs for one in part.cores for name in one.frames}
    assert "getDigTrigger(2)" in cores[target.data.drive].text
    assert "getFeedback" in cores["result line b_to_a"].text
    assert cores[target.gate.flux].kind == "hdawg"
    assert "getFeedback" not in cores[target.gate.flux].text


def test_waits_are_charged_as_long_as_the_program_makes_them() -> None:
    """Over lines nobody waits for the second half's readout."""
    parts = {
        "t1": (20e-6, "s"),
        "t2_ramsey": (10e-6, "s"),
        "false_excited": (0.01, "1"),
        "false_ground": (0.02, "1"),
    }
    more = {f"node_{n}.q{q}.{k}": v for n in "ab" for q in (0, 1) for k, v in parts.items()}
    more |= {f"node_{n}.q0_q1.budget_error": (0.02, "1") for n in "ab"}
    more["link_ab.bell_fidelity"] = (0.8, "1")
    one, other = (data_bench(file, **more) for file in (WIRED, DATA))
    spans = [
        sum(wait.span_s for wait in parts_of(each, fed_forward=True).waits) for each in (one, other)
    ]
    apart_ns = RESULTS_APART_NS + other.wait_ns() - one.wait_ns()
    assert spans[1] - spans[0] == pytest.approx(2 * apart_ns * 1e-9)


def test_ends_without_a_data_qubit_are_refused_by_name() -> None:
    with pytest.raises(NotMeasured, match=r"node_a\.q0 has no edges with a cz"):
        GateBench.of(bench_of(LINKED))
    less = {name: one for name, one in MORE.items() if "gate_amplitude" not in name}
    with pytest.raises(NotMeasured, match=r"node_a\.q0_q1"):
        GateBench.of(bench_of(DATA, **less))


async def test_nothing_is_played_that_could_not_be_read() -> None:
    less = {name: one for name, one in MORE.items() if name != "node_a.q1.ground_i"}
    with pytest.raises(NotMeasured, match=r"node_a\.q1\.ground_i"):
        await fed_forward_cnot(bench_of(WIRED, **less))
