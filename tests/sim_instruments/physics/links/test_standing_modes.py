"""Two qubits and the standing modes of a short cable, against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from podium.sim_instruments.physics.links.standing_modes import (
    CableQubit,
    Oscillator,
    ShortCable,
    bell_fidelity,
    dark_mode_cable,
    half_swap_and_swap,
    normal_modes,
    process_fidelity,
    relay,
    transfer_probability,
    two_swaps,
)

PERFECT = CableQubit(1.0, 1.0)


def one_mode(qubit: CableQubit, kappa_hz: float, g_hz: float = 5e6) -> ShortCable:
    """A cable of which one mode counts."""
    return ShortCable((qubit, qubit), (Oscillator(0.0, kappa_hz),), np.full((2, 1), g_hz))


@pytest.mark.parametrize(
    ("qubit", "kappa_hz", "swaps", "relayed", "bell"),
    [
        (CableQubit(20e-6, 10e-6), 10e3, 0.9925, None, 0.9925),
        (CableQubit(7e-6, 3e-6), 1 / (2 * np.pi * 473e-9), 0.888, 0.949, 0.946),
    ],
)
def test_known_figures_of_swaps_and_relays(
    qubit: CableQubit, kappa_hz: float, swaps: float, relayed: float | None, bell: float
) -> None:
    cable = one_mode(qubit, kappa_hz)
    assert transfer_probability(cable, two_swaps(5e6, 5e6)) == pytest.approx(swaps, abs=5e-4)
    assert bell_fidelity(cable, half_swap_and_swap(5e6, 5e6)) == pytest.approx(bell, abs=5e-4)
    if relayed is not None:
        assert transfer_probability(cable, relay(5e6)) == pytest.approx(relayed, abs=5e-4)


def test_without_loss_everything_arrives_and_schedules_have_their_lengths() -> None:
    cable = one_mode(PERFECT, 0.0)
    for schedule, length_ns in ((two_swaps(5e6, 5e6), 100.0), (relay(5e6), 70.71)):
        assert sum(one.length_ns for one in schedule) == pytest.approx(length_ns, abs=0.01)
        assert transfer_probability(cable, schedule) == pytest.approx(1, abs=1e-6)
        assert process_fidelity(cable, schedule) == pytest.approx(1, abs=1e-6)
    assert bell_fidelity(cable, half_swap_and_swap(5e6, 5e6)) == pytest.approx(1, abs=1e-6)


def test_a_lossy_mode_takes_less_of_a_relay_than_of_two_swaps() -> None:
    """A relay has a photon in the mode for half of the time on average, for less time in all."""
    cable = one_mode(PERFECT, 0.05e6)
    lost = [1 - transfer_probability(cable, one) for one in (relay(5e6), two_swaps(5e6, 5e6))]
    rate = 2 * np.pi * 0.05e6 * 1e-9
    # in first order: rate times the mean photon number times the length
    assert lost[0] == pytest.approx(rate * 70.71 / 4, rel=0.05)
    assert lost[1] == pytest.approx(rate * 100 / 2, rel=0.05)


def test_neighbouring_modes_cost_little_where_they_are_far() -> None:
    spans = {}
    for spacing_hz in (1e9, 1e8, 2e7):
        modes = (Oscillator(0.0, 0.0), Oscillator(spacing_hz, 0.0), Oscillator(-spacing_hz, 0.0))
        couplings = 5e6 * np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0]])
        cable = ShortCable((PERFECT, PERFECT), modes, couplings)
        spans[spacing_hz] = transfer_probability(cable, relay(5e6))
    assert spans[1e9] == pytest.approx(1, abs=3e-4)
    assert spans[1e9] > spans[1e8] > spans[2e7]
    assert spans[1e8] > 0.98


def test_a_dark_mode_has_no_part_in_the_cable() -> None:
    ends, middle = Oscillator(0.0, 10e3), Oscillator(0.0, 2e6)
    exchange = 20e6 * np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float64)
    modes, _ = normal_modes((ends, middle, ends), exchange, np.zeros((2, 3)))
    dark = min(modes, key=lambda one: abs(one.detuning_hz))
    assert dark.kappa_hz == pytest.approx(10e3)
    bright = [one for one in modes if one is not dark]
    assert sorted(one.detuning_hz for one in bright) == pytest.approx(
        [-20e6 * np.sqrt(2), 20e6 * np.sqrt(2)]
    )
    assert [one.kappa_hz for one in bright] == pytest.approx([1.005e6] * 2)


def test_a_dark_mode_carries_over_a_cable_that_would_lose_the_photon() -> None:
    qubit = CableQubit(20e-6, 10e-6)
    dark = dark_mode_cable((qubit, qubit), 3e6, 10e3, 2e6, 40e6)
    strength = 3e6 / np.sqrt(2)
    plain = one_mode(qubit, 2e6, strength)
    schedule = relay(strength)
    assert transfer_probability(dark, schedule) > 0.95
    assert transfer_probability(plain, schedule) < 0.7


def test_numbers_that_no_cable_has_are_refused() -> None:
    with pytest.raises(ValueError, match="at most twice that"):
        _ = CableQubit(1e-6, 3e-6).dephasing_1_s
    with pytest.raises(ValueError, match="1 modes"):
        replace(one_mode(PERFECT, 0.0), couplings_hz=np.zeros((2, 2)))
