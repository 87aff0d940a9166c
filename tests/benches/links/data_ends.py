"""Two ends of a link with a data qubit beside each, their gates, and what is known of them."""

from pathlib import Path

from tests.benches.links.linked_ends import LINKED, bench_of

from podium.control.calibration.links.consumed_pair import GateBench

DATA = LINKED.parent / "facility_data_qubits.yaml"
WIRED = LINKED.parent / "facility_wired_data_qubits.yaml"
READOUT = {
    "ground_i": (1e-3, "V"),
    "ground_q": (1e-6, "V"),
    "excited_i": (-1e-3, "V"),
    "excited_q": (1e-6, "V"),
    "ground_variance": (1e-8, "V^2"),
    "excited_variance": (1e-8, "V^2"),
    "readout_threshold": (0.5, "1"),
}
GATE = {
    "gate_amplitude": (0.5, "1"),
    "gate_duration": (96e-9, "s"),
    "phase_first": (0.1, "turn"),
    "phase_second": (0.2, "turn"),
}
MORE = {
    "link_ab.result_latency": (362e-9, "s"),
    "link_ab.result_latency_back": (362e-9, "s"),
    "node_a.q1.f01": (5.6e9, "Hz"),
    "node_b.q1.f01": (5.35e9, "Hz"),
    **{f"node_{n}.q{q}.{k}": v for n in "ab" for q in (0, 1) for k, v in READOUT.items()},
    **{f"node_{n}.q0_q1.{k}": v for n in "ab" for k, v in GATE.items()},
}


def data_bench(facility: Path = DATA, **more: tuple[float, str]) -> GateBench:
    return GateBench.of(bench_of(facility, **MORE | more))
