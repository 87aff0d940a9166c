"""The two-qubit Cliffords are a group, of pulses as few as published."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from podium.control.calibration.fits.two_qubit_state import ideal_gate
from podium.control.calibration.two_qubit_cliffords import (
    GROUP,
    IDLE,
    OF_CZ,
    OF_ISWAP,
    TURNS,
    Native,
    Sequence,
    cliffords,
    draw,
    tableau_of,
    tableau_of_layers,
    unitary_of,
)

ONE = [unitary_of(turn) for turn in TURNS]
SWAPPED = 0.02

of_both = pytest.mark.parametrize("native", [OF_CZ, OF_ISWAP], ids=lambda one: one.gate)


@of_both
def test_an_element_has_one_and_a_half_gates_on_average(native: Native) -> None:
    """Corcoles et al., Phys. Rev. A 87, 030301(R) (2013): 576, 5184, 5184, 576 of 0, 1, 2, 3."""
    gates = np.array([len(layers) - 1 for layers in cliffords(native).layers])
    assert np.bincount(gates).tolist() == [576, 5184, 5184, 576]
    assert gates.mean() == 1.5


def test_an_element_has_eleven_thirds_of_a_pulse_on_average() -> None:
    """5/3 in the last layer, 4/3 or 2/3 in that before one CZ or two, 2 in each between two."""
    pulses = [sum(TURNS[k].pulse > 0 for layer in one for k in layer) for one in cliffords().layers]
    expected = 5 / 3 + 0.45 * 4 / 3 + 0.45 * (2 / 3 + 2) + 0.05 * 4
    assert np.mean(pulses) == pytest.approx(expected)


def test_of_iswaps_an_element_needs_no_more_pulses() -> None:
    pulses = [
        sum(TURNS[k].pulse > 0 for layer in one for k in layer)
        for one in cliffords(OF_ISWAP).layers
    ]
    assert np.mean(pulses) == pytest.approx(5 / 3 + 0.45 * 4 / 3 + 0.45 * (1 + 1) + 0.05 * 2)


@of_both
def test_all_elements_differ_and_products_with_inverses_are_the_identity(native: Native) -> None:
    group = cliffords(native)
    assert len(np.unique(group.tableaux.keys())) == len(group.layers) == GROUP
    one = tableau_of_layers(((IDLE, IDLE),)).keys()
    inverses = group.tableaux.inverse()
    assert np.all(inverses.after(group.tableaux).keys() == one)
    assert np.all(group.tableaux.after(inverses).keys() == one)
    assert sorted(group.find(inverses)) == list(range(GROUP))


def test_products_are_elements() -> None:
    group = cliffords()
    rng = np.random.default_rng(1)
    first, second = (group.tableaux[rng.integers(GROUP, size=2000)] for _ in range(2))
    product = first.after(second)
    assert np.all(group.tableaux[group.find(product)].keys() == product.keys())


def test_the_same_seed_draws_the_same_cliffords_with_and_without_gates_between() -> None:
    plain, gated = draw(9, (1, 2)), draw(9, (1, 2), interleaved=True)
    assert plain == draw(9, (1, 2))
    assert plain.elements[:-1] == gated.elements[:-1]
    assert plain.target == gated.target
    assert plain.elements != draw(9, (1, 3)).elements


def test_targets_are_drawn_evenly() -> None:
    targets = np.bincount([draw(1, (5, k)).target for k in range(400)], minlength=4)
    assert np.sum((targets - 100) ** 2 / 100) < 30.7  # chi-square, 3 degrees: 1e-6


def test_what_is_no_clifford_is_refused() -> None:
    with pytest.raises(ValueError, match="no Clifford"):
        tableau_of(np.diag([1, np.exp(0.3j)]))


@of_both
def test_layers_with_paulis_make_the_elements_that_were_drawn(native: Native) -> None:
    drawn = draw(40, (3, 1), True, native)
    assert len(set(drawn.paulis)) > 10
    for element, layers in zip(drawn.elements, drawn.layers, strict=True):
        made, wanted = tableau_of_layers(layers, native), cliffords(native).tableaux[element]
        assert np.array_equal(made.images, wanted.images)
        assert np.array_equal(made.signs, wanted.signs)


@cache
def both(first: int, second: int) -> np.ndarray:
    return np.kron(ONE[first], ONE[second])


def signal(drawn: Sequence) -> float:
    """What comes back, less a quarter, by gates that swap some of 01 and 10."""
    angle = np.arcsin(np.sqrt(SWAPPED))
    swap = np.eye(4, dtype=complex)
    swap[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    gate = swap @ ideal_gate("cz")
    state = np.eye(4, dtype=complex)[0]
    for k, element in enumerate(drawn.layers):
        if k and drawn.interleaved:
            state = gate @ state
        for n, (first, second) in enumerate(element):
            if n:
                state = gate @ state
            state = both(first, second) @ state
    return float(abs(state[drawn.target]) ** 2 - 0.25)


def benchmarked(*, paulis: bool, draws: int) -> float:
    """The error by the ratio of mean signals over many draws, without noise of shots."""
    lengths = (8, 16)
    slopes = []
    for length in lengths:
        means = []
        for interleaved in (False, True):
            seen = []
            for k in range(draws):
                drawn = draw(length, (length, k), interleaved)
                if not paulis:
                    drawn = replace(drawn, paulis=((IDLE, IDLE),) * len(drawn.paulis))
                seen.append(signal(drawn))
            means.append(np.mean(seen))
        slopes.append(np.log(means[1] / means[0]) / length)
    return float(0.75 * (1 - np.exp(np.mean(slopes))))


def test_a_coherent_error_is_benchmarked_as_large_as_it_is() -> None:
    true = 1 - ((2 + 2 * np.sqrt(1 - SWAPPED)) ** 2 + 4) / 20
    assert benchmarked(paulis=True, draws=200) == pytest.approx(true, rel=0.15)
    assert abs(benchmarked(paulis=False, draws=100) / true - 1) > 0.2
