"""Worlds off their facility file: by how much, to which side, and what stays physical."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.benches.physics.sampled_facility import FACILITY, facility
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics import displaced_design
from podium.sim_instruments.physics.design import NodeDesign, read_design
from podium.sim_instruments.physics.displaced_design import (
    DELAY_ERROR_S,
    LEAST,
    LINE_ERROR_DB,
    check_wrong,
    displaced_node,
)
from podium.sim_instruments.physics.relaxation import lifetime_s
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.sampling_qubits import SamplingError, drawn_values
from podium.sim_instruments.physics.spread import CUT
from podium.sim_instruments.physics.truth import qubit_truth
from podium.sim_instruments.physics.world_file import dump_world

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
TOGETHER = {"t1", "t2_echo", "t2_ramsey"}


@cache
def design() -> NodeDesign:
    return read_design(EXAMPLE).nodes[0]


@pytest.fixture
def without_circuits(monkeypatch) -> None:
    """Finding a circuit takes 10 ms, and is not what most of these tests are about."""
    monkeypatch.setattr(displaced_design, "circuit", lambda kind, drawn: None)


def off(wrong: float, seeds: range) -> dict[str, np.ndarray]:
    """Return by how many spreads the values drawn lie off the design, signed, by quantity."""
    found: dict[str, list[float]] = {}
    for seed in seeds:
        moved = displaced_node(design(), wrong, seed)
        for qubit, known in zip(moved.qubits, design().qubits, strict=True):
            for quantity, value in drawn_values(qubit, f"node_a.{qubit.name}", seed).items():
                spread = known.values[quantity]
                found.setdefault(quantity, []).append((value - spread.value) / spread.spread)
    return {quantity: np.array(values) for quantity, values in found.items()}


def test_values_lie_k_spreads_to_a_side_of_their_own_and_the_usual_draw_about_that(
    without_circuits,
) -> None:
    for quantity, values in off(3.0, range(120)).items():
        size = np.abs(values)
        assert size.min() > 3 - CUT - 1e-9, quantity
        assert size.max() < 3 + CUT + 1e-9, quantity
        if quantity in TOGETHER:  # of these, sides and draws that do not go together are left out
            assert 2.5 < size.mean() < 3.2, quantity
            continue
        # 360 draws, fixed seeds: within 5 standard errors of the cut normal's mean and deviation.
        assert abs(size.mean() - 3) < 5 * 0.95 / math.sqrt(360), quantity
        assert 0.8 < size.std() < 1.1, quantity
        assert 0.35 < np.mean(values > 0) < 0.65, quantity


def test_sides_of_two_quantities_are_drawn_apart(without_circuits) -> None:
    signs = {name: np.sign(values) for name, values in off(3.0, range(120)).items()}
    for one, other in (("f01", "readout_frequency"), ("f01", "asymmetry"), ("chi", "kappa")):
        assert abs(np.mean(signs[one] * signs[other])) < 5 / math.sqrt(360)


def test_the_truth_of_such_a_world_is_what_was_drawn_and_physical() -> None:
    for seed in range(4):
        chip = sample(EXAMPLE, seed, wrong=3.0).chip()
        for point, qubit in zip(
            chip.at(chip.sweet_spots_v())[0].qubits, design().qubits, strict=True
        ):
            told = {name: one.value for name, one in qubit_truth(point).items()}
            for quantity in ("f01", "anharmonicity", "readout_frequency", "chi", "kappa"):
                spread = qubit.values[quantity]
                distance = abs(told[quantity] - spread.value) / spread.spread
                assert 3 - CUT - 1e-3 < distance < 3 + CUT + 1e-3, quantity
            assert told["t2_ramsey"] < told["t2_echo"] < 2 * lifetime_s(point.rates_1_s)


def test_no_quantity_changes_sign_or_vanishes_however_far_the_world_is_off() -> None:
    for seed in range(6):
        moved = displaced_node(design(), 6.0, seed)
        for qubit, known in zip(moved.qubits, design().qubits, strict=True):
            drawn = drawn_values(qubit, f"node_a.{qubit.name}", seed)
            for quantity, value in drawn.items():
                if quantity == "asymmetry":
                    assert 0 <= value < 1
                elif quantity != "flux_offset":
                    assert value / known.values[quantity].value > LEAST - 1e-9, quantity


def test_lines_are_off_by_up_to_six_decibels_and_delays_by_twenty_nanoseconds() -> None:
    attenuations, gains, delays = [], [], []
    spread_s = design().feedlines[0].delay.spread
    for seed in range(cases(20, 30)):
        (feedline,) = sample(EXAMPLE, seed, wrong=0.5).chip().feedlines
        attenuations.append(20 * math.log10(feedline.transmission_in) + 66)
        gains.append(20 * math.log10(feedline.gain_out) - 70)
        delays.append(1e-9 * (feedline.delay_in_ns + feedline.delay_out_ns) - 150e-9)
    for errors in (attenuations, gains):
        assert max(map(abs, errors)) <= LINE_ERROR_DB
        assert max(errors) > 3
        assert min(errors) < -3
    assert max(map(abs, delays)) < DELAY_ERROR_S + CUT * spread_s + 1e-12
    # mean of 20 draws of |20 ns + a normal of 20 ns|, 20 to 29 ns within 5 standard errors
    assert 10e-9 < np.mean(np.abs(delays)) < 40e-9


def test_the_same_seed_draws_the_same_and_zero_spreads_are_the_usual_world() -> None:
    assert dump_world(sample(EXAMPLE, 5, wrong=3.0)) == dump_world(sample(EXAMPLE, 5, wrong=3.0))
    assert sample(EXAMPLE, 5, wrong=3.0) != sample(EXAMPLE, 6, wrong=3.0)
    assert sample(EXAMPLE, 5, wrong=0.0) == sample(EXAMPLE, 5)
    assert "wrong: 3.0" in dump_world(sample(EXAMPLE, 5, wrong=3.0))
    assert "wrong" not in dump_world(sample(EXAMPLE, 5))


def test_an_asymmetry_without_a_spread_is_drawn_all_the_same(tmp_path: Path) -> None:
    drawn = [
        sample(facility(tmp_path), seed).nodes["n"].qubits["a"].asymmetry.value  # type: ignore[union-attr]
        for seed in range(12)
    ]
    assert len(set(drawn)) == 12
    assert 0.02 < np.std(drawn) < 0.08
    exact = FACILITY.replace("asymmetry: 0.4", "asymmetry: {value: 0.4, spread: 0}")
    assert sample(facility(tmp_path, exact), 1).nodes["n"].qubits["a"].asymmetry.value == 0.4  # type: ignore[union-attr]


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_no_number_of_spreads_is_refused_in_words(wrong: float) -> None:
    with pytest.raises(SamplingError, match=r"some number of spreads off .* 0 or more, not"):
        check_wrong(wrong)


def test_a_world_that_cannot_be_is_refused_with_what_is_in_the_way() -> None:
    with pytest.raises(
        SamplingError, match=r"node_a\.q0: no qubit 40 spreads off the design .* within"
    ):
        sample(EXAMPLE, 1, wrong=40.0)
