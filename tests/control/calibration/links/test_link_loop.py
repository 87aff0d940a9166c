"""One photon on a link with a way back: beside closed forms, and beside the world's equation."""

import numpy as np
import pytest

from podium.control.calibration.links.link_loop import LinkLoop, delivered, left_in_loop
from podium.control.calibration.links.link_model import EndModel, left_in_f
from podium.control.calibration.links.photon_shapes import middles_s, sech_rate_hz
from podium.sim_instruments.physics.links.link_channel import WindowResult, evolve_window
from podium.sim_instruments.physics.links.link_experiment import SENT
from podium.sim_instruments.physics.links.link_truth import transfer_of
from podium.sim_instruments.physics.links.link_window import (
    LEVELS,
    Atom,
    LinkWindow,
    Sideband,
    TransferResonator,
    Way,
    WindowEnd,
)

KAPPAS = (10.4e6, 13.5e6)
GAMMA, LENGTH = 10.4e6, 180
NS = 10**6
STOP_FS = 400 * NS
BARE = (EndModel(KAPPAS[0]), EndModel(KAPPAS[1]))
STILL = Atom(np.zeros((LEVELS, LEVELS)), np.zeros((LEVELS, LEVELS)))
FORTH = 0.77


FALLS, DEPHASES = (0.4e6, 0.45e6), (0.5e6, 0.3e6)
"""Of f at each end, 1/s: it lives 2.5 us, and loses its phase to g in as long."""


def atom(falls_1_s: float, dephases_1_s: float) -> Atom:
    rates, dephasing = np.zeros((LEVELS, LEVELS)), np.zeros((LEVELS, LEVELS))
    rates[1, 2] = falls_1_s
    dephasing[0, 2] = dephasing[2, 0] = dephases_1_s
    return Atom(rates, dephasing)


def in_the_world(
    drives: tuple[np.ndarray, np.ndarray],
    loop: LinkLoop,
    *,
    atoms: tuple[Atom, Atom] = (STILL, STILL),
    lag_ns: int = 0,
    off_hz: tuple[float, float] = (0.0, 0.0),
    stop_fs: int = STOP_FS,
) -> WindowResult:
    """Return what the world makes of sideband drives (Hz); ``off_hz``: carriers off the photon's.

    The photon's reference frequency is the first resonance.
    """
    begin_fs = 100 * NS if atoms == (STILL, STILL) else -min(0, lag_ns) * NS
    decays_fs = begin_fs, 0
    ends = tuple(
        WindowEnd(
            atoms[k],
            TransferResonator(KAPPAS[k], (0.0, loop.apart_hz)[k]),
            Sideband(drives[k] + 0j, begin_fs + k * lag_ns * NS, NS, off_hz[k]),
            0 if atoms == (STILL, STILL) else decays_fs[k],
            stop_fs,
        )
        for k in (0, 1)
    )
    back = loop.echo / np.sqrt(FORTH)
    return evolve_window(LinkWindow((ends[0], ends[1]), Way(np.sqrt(FORTH), 0, back), SENT))


def test_without_an_echo_both_are_the_closed_forms() -> None:
    """[x / sinh x]**2 with x = Gamma lag / 2, for pulses that are not cut; and a square pulse's."""
    sent = sech_rate_hz(middles_s(400), GAMMA, KAPPAS[0]) + 0j
    caught = sech_rate_hz(-middles_s(400), GAMMA, KAPPAS[1]) + 0j
    lags = np.array([0, 2, 5, 10, -10])
    ends = (EndModel(KAPPAS[0]), EndModel(KAPPAS[1]))
    x = np.where(lags == 0, 1e-9, np.pi * GAMMA * lags * 1e-9)
    arrived = delivered(sent, caught, ends, LinkLoop(), lags).f
    assert np.allclose(arrived, (x / np.sinh(x)) ** 2, atol=2e-4)
    rate, off = np.array([0.0, 1.5e6, 2.6e6, 6e6, 3e6]), np.array([0.0, 0.0, 0.0, 0.0, 4e6])
    found = left_in_loop(np.full(5, 120e-9), rate, off, BARE, LinkLoop(0j, 1e6))
    assert np.allclose(found, left_in_f(np.full(5, 120e-9), rate, KAPPAS[0], off), atol=1e-9)


@pytest.mark.parametrize(
    ("echo", "apart_hz"), [(0.077, 0.0), (0.07j, 1.5e6), (-0.05 - 0.05j, -1e6)]
)
def test_what_is_left_is_what_the_world_leaves(echo: complex, apart_hz: float) -> None:
    """Pulses on the line and off it; the carrier turns by what it is off."""
    loop = LinkLoop(echo, apart_hz)
    for rate, off in ((8e6, 0.0), (3e6, 2e6), (3e6, -4e6)):
        drive = np.full(100, rate)
        result = in_the_world(
            (drive, np.zeros(1)), loop, off_hz=(off, 0.0), stop_fs=(100 + 100) * NS
        )
        state = np.zeros((LEVELS**2, LEVELS**2), np.complex128)
        state[2 * LEVELS, 2 * LEVELS] = 1
        after = result.channel.apply(state).reshape((LEVELS,) * 4)
        wanted = float(np.einsum("jaja->j", after)[2].real)
        found = left_in_loop(np.array([100e-9]), np.array([rate]), np.array([off]), BARE, loop)
        assert found[0] == pytest.approx(wanted, abs=2e-4)


def test_what_falls_and_dephases_meanwhile_is_what_the_world_leaves() -> None:
    loop = LinkLoop(0.05 + 0.05j, 1e6)
    ends = (EndModel(KAPPAS[0], FALLS[0], DEPHASES[0]), EndModel(KAPPAS[1]))
    for rate, off in ((0.0, 0.0), (8e6, 0.0), (3e6, 2e6), (1.5e6, -4e6)):
        result = in_the_world(
            (np.full(100, rate), np.zeros(1)),
            loop,
            atoms=(atom(FALLS[0], DEPHASES[0]), STILL),
            off_hz=(off, 0.0),
            stop_fs=100 * NS,
        )
        state = np.zeros((LEVELS**2, LEVELS**2), np.complex128)
        state[2 * LEVELS, 2 * LEVELS] = 1
        after = result.channel.apply(state).reshape((LEVELS,) * 4)
        levels = np.einsum("jaja->j", after).real
        pulse = np.array([100e-9]), np.array([rate]), np.array([off])
        in_f = left_in_loop(*pulse, ends, loop)[0]
        with_fallen = left_in_loop(*pulse, ends, loop, 1.0)[0]
        assert in_f == pytest.approx(levels[2], abs=3e-4)
        assert with_fallen - in_f == pytest.approx(levels[1], abs=3e-4)


def test_what_is_delivered_is_what_the_world_delivers() -> None:
    sent = sech_rate_hz(middles_s(LENGTH), GAMMA, KAPPAS[0])
    caught = sech_rate_hz(-middles_s(LENGTH), GAMMA, KAPPAS[1])
    ends = (EndModel(KAPPAS[0]), EndModel(KAPPAS[1]))
    for echo, apart, lag, off in ((0.077j, 0.0, 24, 0.0), (-0.077, 2e6, -8, 0.5e6)):
        loop = LinkLoop(echo, apart)
        result = in_the_world((sent, caught), loop, lag_ns=lag, off_hz=(0.0, off - apart))
        (found,) = delivered(sent + 0j, caught + 0j, ends, loop, np.array([lag]), off).f
        assert found * FORTH == pytest.approx(transfer_of(result), abs=1e-3)


@pytest.mark.parametrize("lag", [-24, 0, 6, 40])
def test_f_falls_and_dephases_while_pulses_play_and_at_no_other_time(lag: int) -> None:
    """Not before the emission; at the second end until both pulses have ended."""
    sent = sech_rate_hz(middles_s(LENGTH), GAMMA, KAPPAS[0])
    caught = sech_rate_hz(-middles_s(LENGTH), GAMMA, KAPPAS[1])
    ends = tuple(EndModel(*one) for one in zip(KAPPAS, FALLS, DEPHASES, strict=True))
    loop, atoms = LinkLoop(0.05j), tuple(atom(*one) for one in zip(FALLS, DEPHASES, strict=True))
    stop_ns = max(LENGTH, LENGTH + lag) - min(0, lag)
    result = in_the_world(
        (sent, caught), loop, atoms=(atoms[0], atoms[1]), lag_ns=lag, stop_fs=stop_ns * NS
    )
    state = np.zeros((LEVELS**2, LEVELS**2), np.complex128)
    state[2 * LEVELS, 2 * LEVELS] = 1
    received = result.channel.apply(state).reshape((LEVELS,) * 4)
    wanted = np.einsum("ajaj->j", received).real
    # the lags of others beside it change nothing
    lags = np.array([lag, -60, 100])
    found = delivered(sent + 0j, caught + 0j, (ends[0], ends[1]), loop, lags)
    assert found.f[0] * FORTH == pytest.approx(wanted[2], abs=1e-3)
    assert found.fallen[0] * FORTH == pytest.approx(wanted[1], abs=1e-3)


def test_what_arrives_and_what_goes_on_are_those_of_the_links_master_equation() -> None:
    """Late, aside, too weak, with an echo, with dephasing: the equation that worlds are made by."""
    sent = sech_rate_hz(middles_s(144), 10.4e6, 10.4e6) + 0j
    best = sech_rate_hz(-middles_s(144), 10.4e6, 13.5e6) + 0j
    echo, apart, phi = 0.04 + 0.03j, 0.2e6, 2e5
    rates = np.zeros((3, 3))
    rates[0, 1], rates[1, 2] = 2e5, 4e5
    dephasing = np.zeros((3, 3))
    dephasing[2, :2] = dephasing[:2, 2] = phi
    atom, forth = Atom(rates, dephasing), np.sqrt(0.77)
    ends = EndModel(10.4e6, 4e5, phi), EndModel(13.5e6, 4e5, phi)
    for lag, off, strength in ((3, 0.0, 1.0), (15, 0.0, 1.0), (0, 1e6, 1.0), (3, 0.0, 0.8)):
        caught = strength * best
        (found,) = [
            delivered(sent, caught, ends, LinkLoop(echo, apart), np.array([lag]), np.array([off]))
        ]
        stop_fs = (144 + lag) * 10**6
        window = LinkWindow(
            (
                WindowEnd(atom, TransferResonator(10.4e6), Sideband(sent, 0, 10**6), 0, stop_fs),
                WindowEnd(
                    atom,
                    TransferResonator(13.5e6, apart),
                    Sideband(caught, lag * 10**6, 10**6, off - apart),
                    0,
                    stop_fs,
                ),
            ),
            Way(forth + 0j, 0, echo / forth),
            ((2, 0),),
            bound=1e-8,
        )
        photon = evolve_window(window).photon
        assert photon is not None
        assert found.absorption[0] == pytest.approx(photon.absorption, abs=1e-6)
        assert found.f[0] / found.arrived[0] == pytest.approx(photon.caught, abs=1e-6)


def test_each_setting_may_have_a_catch_of_its_own() -> None:
    sent = sech_rate_hz(middles_s(144), 10.4e6, 10.4e6) + 0j
    caught = sech_rate_hz(-middles_s(144), 10.4e6, 13.5e6) + 0j
    ends, lags = (EndModel(10.4e6), EndModel(13.5e6)), np.array([0, 8])
    both = delivered(sent, np.stack([caught, 0.7 * caught], 1), ends, LinkLoop(), lags)
    for k, one in enumerate((caught, 0.7 * caught)):
        alone = delivered(sent, one, ends, LinkLoop(), lags[k : k + 1])
        assert both.f[k] == pytest.approx(alone.f[0], abs=1e-12)
        assert both.passed[k] == pytest.approx(alone.passed[0], abs=1e-12)
