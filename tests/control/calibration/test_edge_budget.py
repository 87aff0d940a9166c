"""The error budget of an edge: what is stored, what is computed, and what is left over."""

from pathlib import Path

import numpy as np
import pytest
from tests.benches.facility.loaded_examples import loaded
from tests.benches.web.page import entry

from podium.control.calibration.edge_budget import edge_budget
from podium.control.calibration.fits.gate_budget import decoherence

EXAMPLES = Path(__file__).parents[3] / "examples"
EDGE = loaded(EXAMPLES / "two_qubit" / "facility.yaml").edges()["node_a.q0_q1"]
TIMES = {
    "q0__t1": (33e-6, 1e-6, "s"),
    "q1__t1": (25e-6, 1e-6, "s"),
    "q0__t2_echo": (30e-6, 2e-6, "s"),
    "q1__t2_ramsey": (28e-6, 1e-6, "s"),
    "q0_q1__gate_duration": (90e-9, 0.3e-9, "s"),
}
WHOLE, LEAKAGE = (8e-3, 7e-4, "1"), (6e-4, 2e-4, "1")


def known(**values: tuple[float, float, str]):
    names = {name.replace("__", "."): one for name, one in values.items()}
    return {f"node_a.{name}": entry(f"node_a.{name}", *one) for name, one in names.items()}


def test_parts_and_the_rest_are_the_whole():
    found = edge_budget(EDGE, known(**TIMES, q0_q1__gate_error=WHOLE, q0_q1__gate_leakage=LEAKAGE))
    assert [one.name for one in found.parts] == ["decoherence", "leakage", "the rest"]
    assert sum(one.error.value for one in found.parts) == pytest.approx(8e-3)
    assert found.missing == ()
    at_rest, _, rest = (one.error for one in found.parts)
    assert rest.sigma == pytest.approx(np.hypot(7e-4, np.hypot(2e-4, at_rest.sigma)))
    entries = known(**TIMES)
    t1 = [entries[f"node_a.{q}.t1"] for q in ("q0", "q1")]
    t2 = [entries["node_a.q0.t2_echo"], entries["node_a.q1.t2_ramsey"]]
    assert at_rest == decoherence(90e-9, t1, t2)


def test_what_a_routine_has_found_goes_before_what_is_computed():
    stored = {
        "q0_q1__decoherence_error": (4e-3, 1e-4, "1"),
        "q0_q1__leakage_error": (5e-4, 1e-4, "1"),
        "q0_q1__phase_error": (-1e-4, 2e-4, "1"),
        "q0_q1__distortion_error": (2e-4, 1e-4, "1"),
    }
    found = edge_budget(EDGE, known(**stored, q0_q1__gate_error=WHOLE, q0_q1__gate_leakage=LEAKAGE))
    values = {one.name: one.error.value for one in found.parts}
    assert values.pop("the rest") == pytest.approx(8e-3 - 4.6e-3)
    assert values == {
        "decoherence": 4e-3, "leakage": 5e-4, "phase": -1e-4, "distortion": 2e-4,
    }  # fmt: skip
    assert found.missing == ()


def test_what_is_not_known_is_named_and_no_part_is_made_up():
    found = edge_budget(EDGE, known(q0__t1=TIMES["q0__t1"], q0_q1__gate_error=WHOLE))
    assert found.parts == ()
    assert found.missing == ("node_a.q0.t2_echo", "node_a.q1.t1", "node_a.q1.t2_echo")
    unmeasured = edge_budget(EDGE, known(**TIMES))
    assert unmeasured.whole is None
    assert [one.name for one in unmeasured.parts] == ["decoherence"]
