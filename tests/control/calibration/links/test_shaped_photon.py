"""Drives by heights: what a store keeps of them, and that no curve is above its heights."""

import numpy as np
import pytest

from podium.control.calibration.links.shaped_photon import (
    ATOMS,
    DURATION,
    HEIGHTS,
    KNOTS,
    ShapedPhoton,
    curves,
    places_ns,
)


def some(atoms_ns: int | None = 20) -> ShapedPhoton:
    heights = np.random.default_rng(3).normal(size=(2, 2, KNOTS)) * 1e6
    return ShapedPhoton(heights, 104, atoms_ns)


@pytest.mark.parametrize("atoms_ns", [20, None])
def test_a_store_gives_back_what_it_was_given(atoms_ns: int | None) -> None:
    stored = some(atoms_ns).quantities()
    assert set(stored) == {DURATION, ATOMS, *HEIGHTS}
    found = ShapedPhoton.stored(stored.get)
    assert found is not None
    assert (found.duration_ns, found.atoms_ns) == (104, atoms_ns)
    assert np.array_equal(found.heights_hz, some().heights_hz)


def test_a_store_without_all_of_it_has_a_sech() -> None:
    stored = some().quantities()
    assert ShapedPhoton.stored({}.get) is None
    assert ShapedPhoton.stored({**stored, DURATION: 0.0}.get) is None
    del stored[HEIGHTS[-1]]
    assert ShapedPhoton.stored(stored.get) is None


@pytest.mark.parametrize("duration_ns", [48, 104, 300])
def test_no_curve_is_above_its_heights(duration_ns: int) -> None:
    basis = curves(duration_ns)
    assert basis.shape == (KNOTS, duration_ns)
    assert np.allclose(basis.sum(axis=0), 1.0)
    assert basis.min() >= 0


def test_a_curve_through_equal_steps_is_straight() -> None:
    """Heights at their places on a line make that line: emission first, then the catch."""
    line = places_ns(100) * 1e4
    heights = np.zeros((2, 2, KNOTS))
    heights[0, 0], heights[1, 1] = line, -line
    sent, caught = ShapedPhoton(heights, 100).rates_hz()
    wanted = (np.arange(100) + 0.5) * 1e4
    assert np.allclose(sent, wanted)
    assert np.allclose(caught, -1j * wanted)
