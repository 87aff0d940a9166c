"""Formulas of pairs: published figures, and density matrices worked out apart."""

import itertools

import numpy as np
import pytest
from tests.benches.links import pair_world

from podium.control.links.pair_fidelity import (
    average_fidelity,
    check_bound,
    checked,
    fused,
    purified,
    swap_bound,
    swap_bounds,
    swapped,
    teleported_gate,
)
from podium.control.links.storage import Memory, stored_bound, time_above

EXACT = 1e-12


def test_figures_are_those_that_others_have_worked_out() -> None:
    assert [round(swapped([0.97] * n), 4) for n in (2, 3, 4)] == [0.9412, 0.9136, 0.8870]
    assert [round(purified(f, f)[0], 4) for f in (0.795, 0.9, 0.97)] == [0.8333, 0.9264, 0.9794]
    assert round(purified(0.795, 0.795)[1], 3) == 0.764
    assert [round(fused([f] * 2), 5) for f in (0.97, 0.9, 0.795)] == [0.941, 0.81111, 0.63669]
    assert teleported_gate(0.9689) == 0.9689
    assert round(average_fidelity(0.9689), 4) == 0.9751
    found = [round(teleported_gate(f, 0.01), 4) for f in (0.9689, 0.99, 0.795)]
    assert found == [0.9498, 0.9704, 0.7805]


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.9), (0.8, 0.95), (0.6, 0.7)])
def test_swaps_and_purification_are_those_of_density_matrices(first: float, second: float) -> None:
    left, right = pair_world.werner(first), pair_world.werner(second)
    outer = pair_world.fidelity(pair_world.swapped(left, right))
    assert abs(outer - swapped([first, second])) < EXACT
    (kept,), chance = pair_world.checked([left], right)
    assert abs(pair_world.fidelity(kept) - purified(first, second)[0]) < EXACT
    assert abs(chance - purified(first, second)[1]) < EXACT


@pytest.mark.parametrize("kept", [1, 2])
def test_a_check_of_several_pairs_is_that_of_density_matrices(kept: int) -> None:
    pair = pair_world.werner(0.87)
    found, chance = pair_world.checked([pair] * kept, pair)
    for one in found:
        assert abs(pair_world.fidelity(one) - checked(0.87, kept)[0]) < EXACT
    assert abs(chance - checked(0.87, kept)[1]) < EXACT
    if kept == 1:
        assert checked(0.87, 1) == pytest.approx(purified(0.87, 0.87), abs=EXACT)
    else:
        assert 0.87 < checked(0.87, kept)[0] < purified(0.87, 0.87)[0]


def test_a_swap_of_any_states_is_never_below_its_bound() -> None:
    drawn = np.random.default_rng(3)
    for _ in range(200):
        left, right = (pair_world.random_pair(0.6, drawn) for _ in range(2))
        least = swap_bound(pair_world.fidelity(left), pair_world.fidelity(right))
        assert pair_world.fidelity(pair_world.swapped(left, right)) >= least - EXACT
    bit = np.diag([1.0, 0, 0, 0])  # an even pair with no phase: bounds are reached
    worst = pair_world.fidelity(pair_world.swapped(pair_world.werner(1.0), bit))
    assert abs(worst - 0.5) < EXACT
    assert swap_bounds([0.9, 0.8, 0.7], 0.1) == pytest.approx(0.9 * 0.8 * 0.7 * 0.81)


@pytest.mark.parametrize("kept", [1, 2])
def test_better_pairs_pass_a_check_no_worse(kept: int) -> None:
    """So the check of pairs that are worth at least so much is worth at least its bound."""
    drawn = np.random.default_rng(4)
    for _ in range(60 if kept == 1 else 10):
        values = 0.51 + 0.48 * drawn.random(kept + 1)
        pairs = [pair_world.werner(value) for value in values]
        found, _ = pair_world.checked(pairs[:-1], pairs[-1])
        least = check_bound(values.min(), kept)
        assert min(pair_world.fidelity(one) for one in found) >= least - EXACT


def test_waiting_never_costs_more_than_its_bound() -> None:
    drawn = np.random.default_rng(5)
    for _ in range(150):
        t1 = 10 ** drawn.uniform(-5, -3, size=2)
        t2 = t1 * drawn.uniform(0.1, 2.0, size=2)
        memories = (Memory(t1[0], t2[0]), Memory(t1[1], t2[1]))
        better = drawn.uniform(1.0, 1.3, size=2)
        seconds = drawn.random() * min(one.longest_s for one in memories)
        rho = pair_world.random_pair(drawn.uniform(0.55, 0.95), drawn)
        before = pair_world.fidelity(rho)
        for place in range(2):
            true = (t1[place] * better[place], t2[place] * better[place], 0.1 * drawn.random())
            rho = pair_world.applied(rho, pair_world.decay(seconds, *true), place)
        assert pair_world.fidelity(rho) >= stored_bound(before, memories, seconds) - EXACT


def test_the_time_above_a_fidelity_ends_where_the_bound_crosses_it() -> None:
    ends = (Memory(50e-6, 40e-6), Memory(30e-6, 30e-6))
    seconds = time_above(0.95, ends, 0.9)
    assert stored_bound(0.95, ends, seconds) == pytest.approx(0.9, abs=1e-9)
    assert time_above(0.95, ends, 0.96) == 0.0
    assert time_above(0.95, ends, 0.1) == 15e-6
    values = [stored_bound(0.95, ends, t) for t in np.linspace(0, 15e-6, 20)]
    assert all(b < a for a, b in itertools.pairwise(values))
    with pytest.raises(ValueError, match="T2 <= 2 T1"):
        Memory(1e-6, 3e-6)
