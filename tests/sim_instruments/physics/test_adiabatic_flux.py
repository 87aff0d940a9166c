"""How much of a fluxonium changes its level in the edges of a flux pulse, against two levels."""

import numpy as np
import pytest

from podium.sim_instruments.physics.adiabatic_flux import (
    BANDWIDTH_HZ,
    moved_share,
    refuse_sudden,
)
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.joint.gate_truth import rise

PARTS = 64


def pulse(f_hz: float, top_hz: float, rise_ns: int, top_ns: int) -> np.ndarray:
    """Return by how much a flux pulse moves f01, each ns, Hz."""
    edge = rise(rise_ns)
    field = np.sqrt(top_hz**2 - f_hz**2) * np.concatenate([edge, np.ones(top_ns), edge[::-1]])
    return np.hypot(f_hz, field) - f_hz


def by_two_levels(f_hz: float, moved_hz: np.ndarray) -> float:
    """Solve H = f sigma_z / 2 + x(t) sigma_x / 2 for the smoothed pulse; return what has moved."""
    field = np.sqrt(np.maximum((f_hz + moved_hz) ** 2 - f_hz**2, 0.0))
    corner = np.concatenate([np.zeros(6), field, np.zeros(6)])
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
def test_no_pulse_moves_more_than_is_told(f_hz: float, top_hz: float, rise_ns: int) -> None:
    told, seen = [], []
    for top_ns in (9, 10, 11, 12, 13):
        moved_hz = pulse(f_hz, top_hz, rise_ns, top_ns)
        told.append(moved_share(f_hz, moved_hz, 1.0))
        seen.append(by_two_levels(f_hz, moved_hz))
    assert max(seen) < 2 * max(told) + 1e-6  # edges may add up otherwise
    assert max(told) < 30 * max(seen) + 1e-5  # and it is no wild guess


def test_a_sudden_pulse_is_refused_by_name_and_a_slow_one_is_played() -> None:
    refuse_sudden("node_a.q0", 1.05e9, pulse(1.05e9, 1.3e9, 4, 25))
    refuse_sudden("node_a.q0", 0.22e9, pulse(0.22e9, 0.24e9, 16, 25))
    refuse_sudden("node_a.q0", 0.3e9, np.zeros(20))
    with pytest.raises(
        NotSimulated, match=r"node_a\.q0, a fluxonium of 0\.300 GHz, by 300 MHz so .* longer edges"
    ):
        refuse_sudden("node_a.q0", 0.3e9, pulse(0.3e9, 0.6e9, 1, 25))
