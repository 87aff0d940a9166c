"""Floors over made-up worlds: 20 worlds of 3 qubits, the pulls normal with a given spread.

The seeds are fixed. Drawn anew, 60 pulls of spread 1 leave 0.7 ... 1.4 for one of the 11
quantities in fewer than 1 of 100 draws.
"""

from dataclasses import replace

import pytest
from tests.control.demo.made_up import QUBITS, TRUE, world

from podium.control.calibration.measured import Measured
from podium.control.demo.comparison import Comparison
from podium.control.demo.floors import Floor, floors, spreads

World = tuple[Comparison, ...]


def worlds(pull: float = 1.0) -> list[World]:
    return [world(seed, pull) for seed in range(20)]


def broken(checked: tuple[Floor, ...]) -> set[str]:
    return {floor.name for floor in checked if not floor.held}


def with_value(made: World, name: str, found: Measured | None) -> World:
    return tuple(replace(row, found=found) if row.name == name else row for row in made)


def test_honest_sigmas_hold_all_floors() -> None:
    assert broken(floors(worlds())) == set()


def test_the_spread_of_the_pulls_is_about_zero_not_about_their_mean() -> None:
    # A constant offset is an error too: it must not hide in the mean.
    made = [
        tuple(
            replace(row, found=replace(row.found, value=row.truth.value + 3 * row.found.sigma))
            if row.found is not None and row.truth is not None
            else row
            for row in one
        )
        for one in worlds(0.0)
    ]
    assert all(one.std == pytest.approx(3.0) for one in spreads(made))
    assert all(one.mean == pytest.approx(3.0) for one in spreads(made))


@pytest.mark.parametrize("pull", [0.5, 2.0], ids=["sigmas too large", "sigmas too small"])
def test_dishonest_sigmas_break_the_floor_of_pulls(pull: float) -> None:
    lost = broken(floors(worlds(pull)))
    assert {f"{name}, pulls" for name in TRUE} <= lost
    assert ("all pulls" in lost) == (pull > 1)


@pytest.mark.parametrize(
    ("quantity", "error", "held"),
    [
        ("f01", 1.9e3, True),
        ("f01", -2.1e3, False),
        ("t1", 0.09 * 33.2e-6, True),
        ("t1", 0.11 * 33.2e-6, False),
        ("chi", 0.11 * 1.21e6, False),
        ("kappa", -0.11 * 4.34e6, False),
        ("anharmonicity", 0.021 * 174.3e6, False),
        ("assignment_fidelity", -0.009, True),
        ("assignment_fidelity", -0.011, False),
    ],
)
def test_one_inaccurate_value_breaks_its_floor(quantity: str, error: float, held: bool) -> None:
    made = worlds()
    true = TRUE[quantity]
    wrong = Measured(true.value + error, abs(error) / 4, true.unit)
    made[3] = with_value(made[3], f"{QUBITS[1]}.{quantity}", wrong)
    assert (quantity not in broken(floors(made))) == held


def test_a_time_may_be_far_off_when_its_sigma_says_so() -> None:
    made = worlds()
    made[3] = with_value(made[3], f"{QUBITS[1]}.t2_echo", Measured(55e-6, 6e-6, "s"))
    assert "t2_echo" not in broken(floors(made))


def test_one_world_of_twenty_may_miss_a_qubit_two_may_not() -> None:
    made = worlds()
    made[0] = with_value(made[0], f"{QUBITS[2]}.f01", None)
    assert "every qubit found" not in broken(floors(made))
    made[1] = with_value(made[1], f"{QUBITS[0]}.t1", None)
    assert "every qubit found" in broken(floors(made))


def test_a_unit_other_than_the_truths_breaks_a_floor() -> None:
    made = worlds()
    made[0] = with_value(made[0], f"{QUBITS[0]}.sweet_spot", Measured(-0.0647, 0.0002, "mV"))
    assert "sigma and unit" in broken(floors(made))


def test_nothing_recovered_holds_no_accuracy() -> None:
    nothing = [tuple(replace(row, found=None) for row in world(0))]
    lost = broken(floors(nothing))
    assert {"every qubit found", "f01", "t1", "all pulls"} <= lost
