"""A search's forecast against closed forms of single parts, and against its own program."""

from dataclasses import replace

import numpy as np
import pytest

from podium.control.calibration.links.grover_forecast import (
    Lifetimes,
    SearchParts,
    foretold,
    seen,
)
from podium.control.parameters.noisy_register import ReadoutErrors

NONE = ReadoutErrors(0.0, 0.0)
LONG = Lifetimes(1.0, 1.0, 1.0)
PERFECT = SearchParts(
    pair=1.0,
    stray=1.0,
    gates=(0.0, 0.0),
    halves=(NONE, NONE),
    data=(NONE, NONE),
    excited=(0.0, 0.0),
    lifetimes=(LONG, LONG),
    beside=(1.0, 1.0),
    halves_t1_s=(1.0, 1.0),
    reset_s=(0.0, 0.0),
    waits_s=(0.0, 0.0),
    flips_s=(0.0, 0.0),
    gate_waits_s=(0.0, 0.0),
)


def success(**parts: object) -> float:
    chances = foretold(replace(PERFECT, **parts))  # type: ignore[arg-type]
    assert np.allclose(chances.sum(axis=1), 1.0)
    return float(np.diag(chances).mean())


def test_perfect_parts_find_each_entry() -> None:
    assert np.allclose(foretold(PERFECT), np.eye(4))


@pytest.mark.parametrize("fidelity", [0.5, 0.8, 0.97])
def test_each_error_of_a_pair_leads_astray_but_for_one_that_undoes_another(
    fidelity: float,
) -> None:
    """Of a Werner pair's three errors each flips another one of control, target and both."""
    other = (1 - fidelity) / 3
    assert success(pair=fidelity) == pytest.approx(fidelity**2 + 3 * other**2)


def test_a_wrong_result_spoils_its_round_and_the_half_that_is_used_again() -> None:
    """A half that was not flipped makes no second pair, and leaves a guess of four."""
    e = 0.04
    wrong = ReadoutErrors(e, e)
    right = (1 - e) ** 2
    expected = right**2 + (1 - right) / 4
    assert success(halves=(wrong, wrong)) == pytest.approx(expected)


def test_a_phase_that_strays_turns_one_qubit_of_each_pair() -> None:
    """Coherence v is a phase flip with (1 - v)/2, of the control, which the next round sees as one
    of the target: both rounds have to be right."""
    kept = (1 + 0.9) / 2
    assert success(stray=0.9) == pytest.approx(kept**2)


def test_a_readout_that_takes_coherence_of_the_data_beside_it_costs_in_both_rounds() -> None:
    kept = (1 + 0.9) / 2
    assert success(beside=(0.9, 1.0)) == pytest.approx(kept**2)


def test_data_qubits_that_begin_in_one_are_flipped_as_well_as_they_are_read() -> None:
    wrong = ReadoutErrors(0.0, 0.1)
    left = 1 - 0.2 * 0.1
    assert success(excited=(0.2, 0.2), data=(wrong, wrong)) == pytest.approx(left**2)


def test_waits_cost_what_lifetimes_say_and_slow_noise_hardly_anything_at_first() -> None:
    lives = Lifetimes(t1_s=100e-6, echo_s=100e-6, ramsey_s=50e-6)
    assert lives.kept(50e-6)[1] == pytest.approx(np.exp(-1))
    short = lives.kept(1e-6)[1]
    assert np.exp(-1 / 100) > short > np.exp(-1 / 50)
    spans = {"waits_s": (1e-6, 1e-6), "gate_waits_s": (1e-6, 1e-6)}
    process = 1 - (1 + np.exp(-0.01) + 2 * short) / 4  # of halves of the entangled state at first
    equator = (1 - short) / 2  # of each qubit by itself behind the second controlled Z
    expected = 1 - 2 * process - 2 * equator
    assert success(lifetimes=(lives, lives), **spans) == pytest.approx(expected, abs=5e-4)


def test_gates_lose_twelve_fifteenths_of_their_infidelity_each_time() -> None:
    assert success(gates=(0.01, 0.01)) == pytest.approx((1 - 0.01 * 12 / 15) ** 4, abs=2e-4)


def test_what_is_read_has_the_errors_of_the_last_readouts_in_it() -> None:
    parts = replace(PERFECT, data=(ReadoutErrors(0.01, 0.03), ReadoutErrors(0.0, 0.05)))
    read = seen(foretold(PERFECT), parts)
    assert np.diag(read) == pytest.approx([0.99, 0.99 * 0.95, 0.97, 0.97 * 0.95])
