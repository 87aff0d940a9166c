"""The error budget of an edge: decoherence against a master equation, and what is left over."""

from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm
from tests.benches.facility.loaded_examples import loaded
from tests.benches.web.page import entry

from podium.control.calibration.edge_budget import decoherence_error, edge_budget

EXAMPLES = Path(__file__).parents[3] / "examples"
TWO_QUBIT = loaded(EXAMPLES / "two_qubit" / "facility.yaml")
EDGE = TWO_QUBIT.edges()["node_a.q0_q1"]
LOWER = np.array([[0, 1], [0, 0]], complex)
Z = np.diag([1.0, -1.0]).astype(complex)


def waiting_error(duration_s: float, t1_t2_s) -> float:
    """Return 1 minus the mean fidelity of waiting, by the Lindblad equation of two qubits."""
    one = np.eye(4)
    generator = np.zeros((16, 16), complex)
    for place, (t1, t2) in enumerate(t1_t2_s):
        rates = ((1 / t1, LOWER), ((1 / t2 - 1 / (2 * t1)) / 2, Z))
        for rate, local in rates:
            parts = [np.eye(2), np.eye(2)]
            parts[place] = local
            jump = reduce(np.kron, parts)
            both = jump.conj().T @ jump
            generator += rate * (
                np.kron(jump, jump.conj()) - (np.kron(both, one) + np.kron(one, both.T)) / 2
            )
    process = np.trace(expm(generator * duration_s)).real / 16
    return 1 - (4 * process + 1) / 5


@pytest.mark.parametrize(
    "times", [((33e-6, 30e-6), (25e-6, 28e-6)), ((20e-6, 40e-6), (50e-6, 8e-6))]
)
def test_decoherence_costs_what_the_master_equation_says(times):
    """To first order: 60 ns of some 30 us leave 1 % of the error to higher ones."""
    assert decoherence_error(60e-9, times) == pytest.approx(waiting_error(60e-9, times), rel=0.01)


def known(**values: tuple[float, float, str]):
    names = {name.replace("__", "."): one for name, one in values.items()}
    return {f"node_a.{name}": entry(f"node_a.{name}", *one) for name, one in names.items()}


TIMES = {
    "q0__t1": (33e-6, 1e-6, "s"),
    "q1__t1": (25e-6, 1e-6, "s"),
    "q0__t2_echo": (30e-6, 2e-6, "s"),
    "q1__t2_ramsey": (28e-6, 1e-6, "s"),
    "q0_q1__gate_duration": (90e-9, 0.3e-9, "s"),
}


def test_parts_and_the_rest_are_the_whole():
    found = edge_budget(
        EDGE,
        known(**TIMES, q0_q1__gate_error=(8e-3, 7e-4, "1"), q0_q1__gate_leakage=(6e-4, 2e-4, "1")),
    )
    assert [one.name for one in found.parts] == ["decoherence", "leakage", "the rest"]
    assert sum(one.error for one in found.parts) == pytest.approx(8e-3)
    assert found.missing == ()
    decoherence, _, rest = found.parts
    assert rest.sigma == pytest.approx(np.hypot(7e-4, np.hypot(2e-4, decoherence.sigma)))
    assert decoherence.sigma == pytest.approx(
        0.4 * 90e-9 * np.sqrt(
            (1e-6 / (2 * 33e-6**2)) ** 2 + (2e-6 / 30e-6**2) ** 2
            + (1e-6 / (2 * 25e-6**2)) ** 2 + (1e-6 / 28e-6**2) ** 2
        )
    )  # fmt: skip


def test_what_is_not_known_is_named_and_stays_in_the_rest():
    some = known(q0__t1=TIMES["q0__t1"], q0_q1__gate_error=(8e-3, 7e-4, "1"))
    found = edge_budget(EDGE, some)
    assert found.parts == ()
    assert found.missing == ("node_a.q0.t2_echo", "node_a.q1.t1", "node_a.q1.t2_echo")
    assert edge_budget(EDGE, known(**TIMES)).whole is None
    assert "node_a.q0_q1.gate_error" in edge_budget(EDGE, known(**TIMES)).missing


def test_parts_that_were_measured_are_told_beside_one_another():
    stored = known(
        **TIMES,
        q0_q1__gate_error=(0.006, 2e-4, "1"),
        q0_q1__decoherence_error=(0.003, 1e-4, "1"),
        q0_q1__leakage_error=(0.0005, 1e-4, "1"),
        q0_q1__phase_error=(0.001, 1e-4, "1"),
        q0_q1__distortion_error=(0.0002, 1e-4, "1"),
    )
    told = {part.name: part.error for part in edge_budget(EDGE, stored).parts}
    assert list(told) == ["decoherence", "leakage", "phases", "distortion", "the rest"]
    assert told["decoherence"] == 0.003
    assert told["the rest"] == pytest.approx(0.006 - 0.0047)
