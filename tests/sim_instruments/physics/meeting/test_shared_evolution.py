"""What a few phases between nodes say about all others."""

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.meeting.shared_evolution import interpolated, phase_grid
from podium.sim_instruments.physics.population_table import ROWS, PopulationTable

HARMONIC = np.arange(-2, 3)


def test_polynomials_of_degree_two_are_found_at_all_phases() -> None:
    """Of two pairs of windows and six outcomes, at forty phases of each at once."""
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(5, 5, 6)) + 1j * rng.normal(size=(5, 5, 6))

    def at(turns: NDArray[np.float64]) -> NDArray[np.float64]:
        one, other = (np.exp(2j * np.pi * np.outer(turns[:, k], HARMONIC)) for k in (0, 1))
        return np.einsum("ka,kb,abn->kn", one, other, weights).real + 200

    grid = at(np.array(phase_grid(2)))
    turns = rng.uniform(-1, 2, (40, 2))
    np.testing.assert_allclose(interpolated(grid, turns), at(turns), rtol=1e-12)


def test_a_table_keeps_rows_of_several_kinds_beyond_its_room() -> None:
    table = PopulationTable(3 * ROWS, 9, 4)
    kinds = np.arange(1, 3 * ROWS, 2)
    rows = np.random.default_rng(6).uniform(size=(kinds.size, 3))
    table.add(0, 2, np.full(4, 0.25))
    table.add_kinds(kinds, 5, rows)
    found = table.table[table.number[kinds, 5]]
    np.testing.assert_array_equal(found[:, :3], rows)
    np.testing.assert_array_equal(found[:, 3], 0.0)
    np.testing.assert_array_equal(table.table[table.number[0, 2]], 0.25)
    assert (table.number >= 0).sum() == 1 + kinds.size
