"""S by counts: of states that are known, of noise, and the program that makes it."""

import numpy as np
import pytest
from tests.benches.links.linked_ends import bench_of

from podium.control.calibration.fits.chsh_test import AXES, chsh_test
from podium.control.calibration.fits.two_qubit_state import READ_TURNS, both, largest_chsh, turned
from podium.control.calibration.links.link_chsh import chsh_program
from podium.control.program.validate import validate

SHOTS = 20_000
PSI = np.array([0, 1, 1, 0]) / np.sqrt(2)


def drawn(rho: np.ndarray, phase: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of both ends (shots, settings) each, by matrices alone."""
    turn = np.diag([1, np.exp(1j * phase), 1, np.exp(1j * phase)])
    rho = turn @ rho @ turn.conj().T
    columns = []
    for axis in "xy":
        for k in range(AXES):
            u = both(turned(np.pi / 2, READ_TURNS[axis]), turned(np.pi / 2, k / AXES))
            chance = np.clip(np.diag(u @ rho @ u.conj().T).real, 0, 1)
            columns.append(rng.choice(4, size=SHOTS, p=chance / chance.sum()))
    number = np.array(columns).T
    return (number >> 1).astype(bool), (number & 1).astype(bool)


@pytest.mark.parametrize("phase", [0.0, 0.3, 2.2])
def test_s_of_a_worn_pair_is_that_of_its_best_axes(phase: float) -> None:
    rho = 0.85 * np.outer(PSI, PSI) + 0.15 * np.eye(4) / 4
    found = chsh_test(*drawn(rho, phase, np.random.default_rng(4)))
    best = largest_chsh(rho.astype(complex))
    assert best == pytest.approx(0.85 * 2 * np.sqrt(2))
    assert 0.97 * best - 4 * found.sigma < found.s < best + 4 * found.sigma
    assert found.sigma == pytest.approx(np.sqrt(4 * (1 - best**2 / 16) / (SHOTS / 2)), rel=0.1)


def test_noise_does_not_choose_an_s_for_itself() -> None:
    """The axes are the best of one half's noise; on the other half they are nothing."""
    rng = np.random.default_rng(6)
    found = [chsh_test(*drawn(np.eye(4) / 4, 0.0, rng)) for _ in range(12)]
    mean = np.mean([one.s / one.sigma for one in found])
    assert abs(mean) < 5 / np.sqrt(len(found))


def test_a_product_state_stays_below_two() -> None:
    plus = np.ones(4) / 2
    found = chsh_test(*drawn(np.outer(plus, plus), 0.7, np.random.default_rng(7)))
    assert found.s < 2 + 4 * found.sigma


def test_the_program_reads_all_axes_with_either_axis_of_the_first() -> None:
    program = chsh_program(bench_of(), 100)
    validate(program)
    assert program.axes[0].count == 2 * AXES
    assert program.keep_shots
