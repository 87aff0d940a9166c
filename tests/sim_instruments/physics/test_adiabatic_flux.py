"""How much of a fluxonium changes its level in the edges of a flux pulse, against two levels."""

import numpy as np
import pytest

from podium.sim_instruments.physics.adiabatic_flux import (
    BANDWIDTH_HZ,
    moved_share,
    refuse_sudden,
)
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.joint.pulse_edges import rise

PARTS = 64


def pulse(f_hz: float, top_hz: float, rise_ns: int, top_ns: int) -> np.ndarray:
    """Return by how much a flux pulse moves f01, each ns, Hz."""
    edge = rise(rise_ns)
    field = np.sqrt(top_hz**2 - f_hz**2) * np.concatenate([edge, np.ones(top_ns), edge[::-1]])
    return np.hypot(f_hz, field) - f_hz


def by_two_levels(f_hz: float, moved_hz: np.ndarray, flux: np.ndarray) -> float:
    """Solve H = f sigma_z / 2 + x(t) sigma_x / 2 for the smoothed pulse; return what has moved."""
    field = np.sqrt(np.maximum((f_hz + moved_hz) ** 2 - f_hz**2, 0.0))
    corner = np.concatenate([np.zeros(6), np.where(flux < 0, -field, field), np.zeros(6)])
    fine = np.interp(np.arange(0, corner.size - 1, 1 / PARTS), np.arange(corner.size), corner)
    sigma = 1e9 * np.sqrt(np.log(2)) / (2 * np.pi * BANDWIDTH_HZ) * PARTS
    reach = int(5 * sigma)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    fine = np.convolve(fine, bell / bell.sum(), mode="same")
    whole = np.hypot(f_hz, fine)
    angle = np.pi * 1e-9 / PARTS * whole
    stays, turns = np.cos(angle), -1j * np.sin(angle) / whole
    zero, one = 1.0 + 0j, 0j
    for x_hz, stay, turn in zip(fine.tolist(), stays.tolist(), turns.tolist(), strict=True):
        zero, one = (
            stay * zero + turn * (x_hz * one - f_hz * zero),
            stay * one + turn * (x_hz * zero + f_hz * one),
        )
    return abs(one) ** 2


@pytest.mark.parametrize(
    ("f_hz", "top_hz"), [(1.05e9, 1.3e9), (0.3e9, 0.36e9), (0.22e9, 0.24e9), (0.6e9, 0.75e9)]
)
@pytest.mark.parametrize("rise_ns", [1, 3, 6])
def test_a_pulse_moves_what_is_told(f_hz: float, top_hz: float, rise_ns: int) -> None:
    told, seen = [], []
    for top_ns in (9, 10, 11, 12, 13):
        moved_hz = pulse(f_hz, top_hz, rise_ns, top_ns)
        told.append(moved_share(f_hz, moved_hz, np.ones(moved_hz.size), 1.0))
        seen.append(by_two_levels(f_hz, moved_hz, np.ones(moved_hz.size)))
    # First order holds to its own size: amplitudes of a tenth are good to some tenths.
    assert np.abs(np.sqrt(told) - np.sqrt(seen)).max() < 0.25 * np.sqrt(max(seen)) + 2e-3


def test_a_sudden_pulse_is_refused_by_name_and_a_slow_one_is_played() -> None:
    for f_hz, moved_hz in (
        (1.05e9, pulse(1.05e9, 1.3e9, 4, 25)),
        (0.22e9, pulse(0.22e9, 0.24e9, 16, 25)),
        (0.3e9, np.zeros(20)),
    ):
        refuse_sudden("node_a.q0", f_hz, moved_hz, np.ones(moved_hz.size))
    with pytest.raises(
        NotSimulated, match=r"node_a\.q0, a fluxonium of 0\.300 GHz, by 300 MHz so .* longer edges"
    ):
        refuse_sudden("node_a.q0", 0.3e9, pulse(0.3e9, 0.6e9, 1, 25), np.ones(27))


def test_a_carrier_about_half_flux_turns_levels_both_ways() -> None:
    """Through 0 the levels turn on, where a field without its sign would have a kink."""
    f_hz, at = 1.05e9, np.arange(101)
    for carrier_hz in (0.095e9, 0.128e9, 0.135e9):
        flux = np.cos(2 * np.pi * carrier_hz * 1e-9 * at)
        moved_hz = np.hypot(f_hz, 0.6e9 * flux) - f_hz
        told = moved_share(f_hz, moved_hz, flux, 1.0)
        seen = by_two_levels(f_hz, moved_hz, flux)
        assert np.sqrt(told) == pytest.approx(np.sqrt(seen), rel=0.4, abs=4e-3)
