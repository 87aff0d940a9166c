"""A link between two operating points: order of elements, frames, and both directions."""

from dataclasses import replace

import numpy as np
import pytest

from podium.sim_instruments.physics.links.link_point import Link, LinkEnd
from podium.sim_instruments.physics.links.sech_photon import sideband
from podium.sim_instruments.physics.meeting.photon_channel import photon_channel
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse
from podium.sim_instruments.physics.operating_point import QubitPoint

NS = 1_000_000
END = LinkEnd("a.q0", "a.q0.sideband", 8.4e9, 10e6, 5e6, 0.0)
LINK = Link(
    "link_ab", (END, replace(END, qubit="b.q0", transfer_hz=8.4e9)), (0.8, 0.7), 5 * NS, 0.0, 0.1
)


def point(f01_hz: float, t1_s: float) -> QubitPoint:
    """A transmon that decays."""
    levels = np.array([0.0, f01_hz, 2 * f01_hz - 265e6])
    rates = np.zeros((3, 3))
    rates[0, 1], rates[1, 2] = 1 / t1_s, 2 / t1_s
    return QubitPoint(
        "q",
        levels,
        np.array([1.0, 1.4]),
        1.0,
        0.0,
        rates,
        0.0,
        0.0,
        1.0,
        np.zeros(3),
        0.0,
        1e6,
        1e6,
        1.0,
    )


POINTS = point(6.343e9, 20e-6), point(6.098e9, 15e-6)


def played(kind: str, atom: QubitPoint, *, detuning_hz: float = 0.0) -> SidebandPulse:
    """A pulse on the f0-g1 line."""
    band = sideband(kind, 9e6, 10e6, length_ns=300, centre_fs=0)
    carrier = float(atom.levels_hz[2]) - 8.4e9 + detuning_hz
    time_ns = np.arange(band.samples_hz.size) + 0.5
    turned = np.exp(-2e-9j * np.pi * detuning_hz * time_ns)
    return SidebandPulse(carrier, band.samples_hz / 5e6 * turned, 1.0)


def received(matrix: np.ndarray, sender: int) -> float:
    """The population of f at the far end of one photon."""
    start, stop = ((2, 0), (0, 2)) if sender == 0 else ((0, 2), (2, 0))
    (a, b), (c, d) = start, stop
    return float(matrix[36 * c + 4 * d, 36 * a + 4 * b].real)


def test_the_numbers_of_elements_are_those_of_two_flat_density_matrices() -> None:
    pulses = (played("emission", POINTS[0]), played("catch", POINTS[1]))
    matrix = photon_channel(LINK, POINTS, pulses, 0, (3, 3))
    assert matrix.shape == (81, 81)
    for k in range(9):
        a, b = divmod(k, 3)
        traced = sum(matrix[36 * c + 4 * d, 36 * a + 4 * b] for c in range(3) for d in range(3))
        assert traced == pytest.approx(1, abs=2e-5)
    # e of the first and g of the second: only the first decays
    stays = matrix[36 + 0, 36 + 0].real
    assert stays == pytest.approx(np.exp(-300e-9 / 20e-6), abs=1e-5)
    stays = matrix[0 + 4, 0 + 4].real
    assert stays == pytest.approx(np.exp(-300e-9 / 15e-6), abs=1e-5)


@pytest.mark.parametrize("sender", [0, 1])
def test_photons_go_both_ways_each_with_its_own_loss(sender: int) -> None:
    kinds = ("emission", "catch") if sender == 0 else ("catch", "emission")
    one, other = (played(kind, atom) for kind, atom in zip(kinds, POINTS, strict=True))
    link = replace(LINK, transmission=((0.8, 0.7), (0.6, 0.8))[sender])
    lag = 0 if sender == 0 else -2 * link.delay_fs
    found = photon_channel(link, POINTS, (one, other), lag, (3, 3))
    assert received(found, sender) == pytest.approx(0.8 * 0.97, abs=0.01)
    late = photon_channel(link, POINTS, (one, other), lag + 40 * NS, (3, 3))
    assert received(late, sender) < 0.75 * received(found, sender)


def test_a_carrier_off_resonance_is_made_up_for_by_a_turn_of_the_samples() -> None:
    straight = (played("emission", POINTS[0]), played("catch", POINTS[1]))
    turned = tuple(
        played(kind, atom, detuning_hz=hz)
        for kind, atom, hz in zip(("emission", "catch"), POINTS, (3e6, -2e6), strict=True)
    )
    for lag in (0, 7 * NS):
        one = photon_channel(LINK, POINTS, straight, lag, (3, 3))
        other = photon_channel(LINK, POINTS, (turned[0], turned[1]), lag, (3, 3))
        assert np.abs(one - other).max() < 2e-4  # turns are held for a nanosecond
    missed = replace(turned[0], samples=straight[0].samples), straight[1]
    assert received(photon_channel(LINK, POINTS, missed, 0, (3, 3)), 0) < 0.7


def test_the_light_shift_of_a_drive_moves_its_own_line() -> None:
    shifted = replace(END, stark_hz_per_watt=3e6)
    link = replace(LINK, ends=(shifted, LINK.ends[1]))
    pulses = (played("emission", POINTS[0]), played("catch", POINTS[1]))
    plain = received(photon_channel(LINK, POINTS, pulses, 0, (3, 3)), 0)
    moved = received(photon_channel(link, POINTS, pulses, 0, (3, 3)), 0)
    power = np.abs(pulses[0].samples) ** 2
    phase = 2e-9 * np.pi * 3e6 * (np.cumsum(power) - power / 2)
    follow = replace(pulses[0], samples=pulses[0].samples * np.exp(1j * phase))
    assert moved < plain - 0.01
    assert received(
        photon_channel(link, POINTS, (follow, pulses[1]), 0, (3, 3)), 0
    ) == pytest.approx(plain, abs=1e-4)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("sender", [0, 1])
def test_without_a_circulator_a_photon_goes_from_the_end_in_f_also_to_an_early_catch(
    sender: int, both: bool
) -> None:
    """A catch that begins 12 ns before the emission, and 17 ns before the photon arrives.

    ``both``: a little of the end that catches is in f, as in a warm world.
    """
    plain = replace(LINK, transmission=(0.8, 0.8))
    kinds = ("emission", "catch") if sender == 0 else ("catch", "emission")
    pulses = tuple(played(kind, atom) for kind, atom in zip(kinds, POINTS, strict=True))
    lag_fs = -17 * NS if sender == 0 else 7 * NS
    levels = (3, 3) if both else (3, 2) if sender == 0 else (2, 3)
    early = received(photon_channel(plain, POINTS, pulses, lag_fs, levels), sender)
    best_lag_fs = 0 if sender == 0 else -10 * NS
    best = received(photon_channel(plain, POINTS, pulses, best_lag_fs, levels), sender)
    assert best > 0.7
    assert 0.7 * best < early < 0.97 * best
