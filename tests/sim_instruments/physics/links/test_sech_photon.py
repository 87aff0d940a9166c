"""Sech photons and their closed forms, against the cascaded engine."""

import numpy as np
import pytest

from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_experiment import SENT, bell_fidelity
from podium.sim_instruments.physics.links.link_window import (
    Atom,
    LinkWindow,
    TransferResonator,
    Way,
    WindowEnd,
)
from podium.sim_instruments.physics.links.sech_photon import (
    bell_of_overlap,
    emission,
    overlap_of_detuning,
    overlap_of_skew,
    sideband,
)

NS = 1_000_000
GAMMA_HZ = 10.4e6
CLOSED = 4e-5
"""How far the closed forms were checked."""
LENGTH_NS = 700.0
STILL = Atom(np.zeros((3, 3)), np.zeros((3, 3)))


def link(
    kappa_hz: tuple[float, float] = (GAMMA_HZ, GAMMA_HZ),
    *,
    skew_fs: int = 0,
    detuning_hz: float = 0.0,
    transmission: float = 1.0,
    turns: float = 0.0,
    length_ns: float = LENGTH_NS,
) -> LinkWindow:
    """A photon between two atoms without decay."""
    delay_fs, centre = 5 * NS, round(length_ns / 2) * NS + 100 * NS
    ends = []
    for e, kind in enumerate(("emission", "catch")):
        shift = e * detuning_hz  # of the second resonator, with a drive on its f0-g1 line
        band = sideband(
            kind,
            GAMMA_HZ,
            kappa_hz[e],
            length_ns=length_ns,
            centre_fs=centre + e * (delay_fs + skew_fs),
            detuning_hz=-shift,
        )
        resonator = TransferResonator(kappa_hz[e], shift)
        ends.append(WindowEnd(STILL, resonator, band, 0, 2 * centre))
    way = Way(np.sqrt(transmission) * np.exp(2j * np.pi * turns), delay_fs)
    return LinkWindow((ends[0], ends[1]), way, SENT)


def pair(window: LinkWindow) -> np.ndarray:
    """The Bell pair of ideal pulses."""
    state = np.zeros((9, 9), np.complex128)
    state[np.ix_([3, 6], [3, 6])] = 0.5
    after = evolve_window(window).channel.apply(state)
    # f to e at the second end
    order = [0, 2, 1, 3, 5, 4, 6, 8, 7]
    return after[np.ix_(order, order)]


def caught(window: LinkWindow) -> float:
    """The population of f at the second end that one photon leaves."""
    state = np.zeros((9, 9), np.complex128)
    state[6, 6] = 1
    return float(evolve_window(window).channel.apply(state)[2, 2].real)


@pytest.mark.parametrize(
    ("skew_ns", "expected", "bell"),
    [
        (0, 1.0, 1.0),
        (1, 0.99964, None),
        (5, 0.99115, 0.99557),
        (10, 0.9652, 0.98251),
        (20, 0.8690, 0.93337),
        (40, 0.5827, None),
    ],
)
def test_a_skew_costs_what_two_sech_photons_do_not_share(
    skew_ns: float, expected: float, bell: float | None
) -> None:
    window = link(skew_fs=round(skew_ns * NS))
    found = caught(window)
    assert found == pytest.approx(float(overlap_of_skew(GAMMA_HZ, skew_ns)) ** 2, abs=CLOSED)
    assert found == pytest.approx(expected, abs=5e-5)
    if bell is not None:
        assert bell_fidelity(pair(window)) == pytest.approx(bell, abs=5e-5)


def test_a_skew_is_not_rounded_to_samples() -> None:
    for skew_fs in (123_457, 2_500_001):
        closed = float(overlap_of_skew(GAMMA_HZ, skew_fs / NS)) ** 2
        assert caught(link(skew_fs=skew_fs)) == pytest.approx(closed, abs=CLOSED)


@pytest.mark.parametrize(
    ("detuning_hz", "expected"), [(5e5, 0.99243), (1e6, 0.97013), (2e6, 0.8867)]
)
def test_a_detuned_receiver_misses_part_of_the_photon(detuning_hz: float, expected: float) -> None:
    window = link(detuning_hz=detuning_hz)
    closed = float(overlap_of_detuning(GAMMA_HZ, detuning_hz)) ** 2
    assert caught(window) == pytest.approx(closed, abs=CLOSED)
    assert caught(window) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("loss", "bell"), [(0.05, 0.97484), (0.23, 0.88125), (0.5, 0.72855)])
def test_loss_costs_what_amplitude_damping_does(loss: float, bell: float) -> None:
    window = link(transmission=1 - loss, turns=0.3)
    assert caught(window) == pytest.approx(1 - loss, abs=CLOSED)
    assert bell_fidelity(pair(window)) == pytest.approx(bell, abs=CLOSED)
    assert float(bell_of_overlap(1.0, 1 - loss)) == pytest.approx(bell, abs=1e-5)


def test_loss_and_skew_multiply_amplitudes() -> None:
    found = bell_fidelity(pair(link(skew_fs=10 * NS, transmission=0.8)))
    assert found == pytest.approx(0.88239, abs=5e-5)


def test_the_phase_of_the_way_is_that_of_the_pair() -> None:
    for turns in (0.0, 0.1, -0.3):
        coherence = pair(link(turns=turns))[1, 3]
        expected = np.angle(pair(link())[1, 3]) + 2 * np.pi * turns
        assert np.angle(coherence * np.exp(-1j * expected)) == pytest.approx(0, abs=1e-6)


def test_a_resonator_wider_than_the_photon_emits_the_same() -> None:
    window = link((14e6, 20e6))
    record = evolve_window(window).photon
    assert record is not None
    time_ns = 1e-6 * record.time_fs - 450.0
    gamma = 2e-9 * np.pi * GAMMA_HZ
    expected = 1e9 * gamma / 4 / np.cosh(gamma * time_ns / 2) ** 2
    assert np.abs(record.emitted_1_s - expected).max() < 1e-3 * expected.max()
    assert caught(window) == pytest.approx(1, abs=CLOSED)
    assert record.absorption == pytest.approx(1, abs=CLOSED)


@pytest.mark.parametrize("above_hz", [-3e6, 1e6, 4e6])
def test_detuned_resonators_emit_and_catch_the_same_photon(above_hz: float) -> None:
    """A photon at the reference frequency, between resonators above and below it."""
    centre, kappa_hz = 350 * NS, 16e6
    ends = []
    for kind, shift in (("emission", above_hz), ("catch", -0.5 * above_hz)):
        band = sideband(
            kind, GAMMA_HZ, kappa_hz, length_ns=LENGTH_NS, centre_fs=centre, above_hz=shift
        )
        ends.append(WindowEnd(STILL, TransferResonator(kappa_hz, shift), band, 0, 2 * centre))
    assert caught(LinkWindow((ends[0], ends[1]), Way(1.0, 0), SENT)) == pytest.approx(1, abs=1e-4)


def test_a_resonator_narrower_than_the_photon_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 10\.000 MHz"):
        emission(10.4e6, 10e6, 0.0)


def test_pulses_that_are_cut_off_move_the_best_delay() -> None:
    """The lag that a scan over delay shows is no skew of a clock."""
    lags = np.arange(-10, 11, 2)
    whole = [caught(link(skew_fs=int(lag) * NS)) for lag in lags]
    cut = [caught(link((14e6, GAMMA_HZ), skew_fs=int(lag) * NS, length_ns=120.0)) for lag in lags]
    assert lags[int(np.argmax(whole))] == 0
    assert abs(lags[int(np.argmax(cut))]) >= 2
