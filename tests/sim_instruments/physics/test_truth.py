from pathlib import Path

import numpy as np
import pytest

from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.truth import qubit_truth, truth

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
CHIP = sample(EXAMPLE, 21).chip()
UNITS = {
    "f01": "Hz",
    "anharmonicity": "Hz",
    "t1": "s",
    "t1_ef": "s",
    "t2_ramsey": "s",
    "t2_echo": "s",
    "readout_frequency": "Hz",
    "chi": "Hz",
    "kappa": "Hz",
    "sweet_spot": "V",
    "assignment_fidelity": "1",
    "thermal_population": "1",
}


def test_the_truth_has_every_listed_parameter_of_every_qubit() -> None:
    told = truth(CHIP)
    assert {name: known.unit for name, known in told.items()} == {
        f"node_a.q{number}.{quantity}": unit
        for number in range(3)
        for quantity, unit in UNITS.items()
    }
    assert all(np.isfinite(known.value) for known in told.values())
    assert all(type(known.value) is float for known in told.values())
    for number in range(3):
        f01, readout = (told[f"node_a.q{number}.{name}"].value for name in ("f01", "chi"))
        assert readout < 0 < f01
        assert 0.97 < told[f"node_a.q{number}.assignment_fidelity"].value < 1


def test_live_biases_move_the_truth_and_not_the_sweet_spot() -> None:
    spots = CHIP.sweet_spots_v()
    there = truth(CHIP)
    moved = truth(CHIP, {**spots, "node_a.q1.flux": spots["node_a.q1.flux"] + 0.2})
    assert moved["node_a.q1.sweet_spot"] == there["node_a.q1.sweet_spot"]
    assert moved["node_a.q1.f01"].value < there["node_a.q1.f01"].value - 100e6
    assert moved["node_a.q1.t2_ramsey"].value < 0.5 * there["node_a.q1.t2_ramsey"].value
    # Less detuned or more, the echo loses only what relaxation changes.
    assert moved["node_a.q1.t2_echo"].value == pytest.approx(
        there["node_a.q1.t2_echo"].value, rel=0.1
    )
    # The neighbours feel the crosstalk alone.
    assert moved["node_a.q0.f01"].value == pytest.approx(there["node_a.q0.f01"].value, abs=1e6)


def test_a_small_error_of_the_bias_moves_no_parameter_by_a_fifth_of_its_floor() -> None:
    spots = CHIP.sweet_spots_v()
    for feedline, near in zip(
        CHIP.at(spots),
        CHIP.at({line: volts + 1e-4 for line, volts in spots.items()}),
        strict=True,
    ):
        for point, other in zip(feedline.qubits, near.qubits, strict=True):
            here, there = qubit_truth(point), qubit_truth(other)
            assert abs(here["f01"].value - there["f01"].value) < 0.2 * 2e3
            for name, share in (("t1", 0.1), ("t2_ramsey", 0.1), ("chi", 0.1), ("kappa", 0.1)):
                assert there[name].value == pytest.approx(here[name].value, rel=share / 5)
