"""Windows of the master equation between two atoms, against one photon's amplitudes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from tests.benches.physics import linked_reference as reference
from tests.benches.physics.linked_nodes import (
    SIDEBAND_NS,
    Gate,
    feedline_of,
    link_of,
    nodes,
    run_of,
    sideband_hz,
)
from tests.benches.physics.small_chip import hann

from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting import shared_run
from podium.sim_instruments.physics.meeting.meeting_run import (
    HeardFeedline,
    MeetingRun,
    levels_found,
)
from podium.sim_instruments.physics.meeting.photon_channel import photon_channel
from podium.sim_instruments.physics.operating_point import QubitPoint

RATE_HZ = 6e6
FIRST = (Gate("ge", 100), Gate("ef", 140, 0.5), Gate("sideband", 180), Gate("ge", 500, 0.5))
SECOND = (Gate("sideband", 200, turns=0.13), Gate("ef", 380), Gate("ge", 500, 0.5))
Pair = tuple[QubitPoint, QubitPoint]
ENVELOPE = hann(SIDEBAND_NS).real
BEFORE = np.array([1.0, 0.0, 0.0, 0.0], complex)


def amplitudes(pair: Pair, link: Link, gates: tuple[Gate, Gate], late_ns: float) -> NDArray:
    """What becomes of f of the first atom: in it, and in f of the second.

    One excitation in the world's time, in the frame in which levels stand still and photons turn
    with 8.4 GHz from instant 0: cascaded amplitudes of two atoms and two resonators.
    """
    starts = gates[0].at_ns + 0.0, gates[1].at_ns + late_ns
    kappas = [2e-9 * np.pi * end.kappa_hz for end in link.ends]
    aside = [2e-9 * np.pi * (end.transfer_hz - 8.4e9) for end in link.ends]
    flight_ns = 1e-6 * link.delay_fs
    # the second end's clock is behind by the flight; the photon turns by 8.4 GHz on the way
    way = np.sqrt(link.transmission[0]) * np.exp(2j * np.pi * link.phase_turns)

    def rate(end: int, now_ns: float) -> complex:
        one, gate = pair[end], gates[end]
        into = now_ns - starts[end]
        if not 0 <= into < SIDEBAND_NS:
            return 0j
        carrier = sideband_hz(one)
        own_ns = gate.at_ns + into  # by its own clock, whose oscillators start at 0
        drive = ENVELOPE[int(into)] * np.exp(2j * np.pi * (carrier * 1e-9 * own_ns + gate.turns))
        turns = float(one.levels_hz[2]) * 1e-9 * now_ns - 8.4 * now_ns
        return complex(2e-9 * np.pi * RATE_HZ * np.conj(drive) * np.exp(2j * np.pi * turns))

    def change(now_ns: float, y: NDArray) -> NDArray:
        g = rate(0, now_ns), rate(1, now_ns + flight_ns)
        f, a, h, b = y
        out = np.sqrt(kappas[0]) * a
        return np.array(
            [
                -1j * g[0] * a,
                -1j * np.conj(g[0]) * f - (0.5 * kappas[0] + 1j * aside[0]) * a,
                -1j * g[1] * b,
                -1j * np.conj(g[1]) * h
                - (0.5 * kappas[1] + 1j * aside[1]) * b
                - np.sqrt(kappas[1]) * way * out,
            ]
        )

    first = min(starts[0], starts[1] - flight_ns)
    last = max(starts[0], starts[1] - flight_ns) + SIDEBAND_NS
    found = solve_ivp(change, (first, last), BEFORE, max_step=0.5, rtol=1e-5, atol=1e-7)
    return found.y[[0, 2], -1]


def shared_by(kept: complex, sent: complex):  # type: ignore[no-untyped-def]
    """The channel of one photon with these amplitudes, on flat first times flat second."""
    kraus = [np.eye(9, dtype=complex), np.zeros((9, 9), complex)]
    kraus[0][6, 6], kraus[0][2, 6] = kept, sent
    kraus[1][0, 6] = np.sqrt(1 - abs(kept) ** 2 - abs(sent) ** 2)
    whole = sum(np.kron(k, k.conj()) for k in kraus)
    order = np.arange(81).reshape(3, 3, 3, 3).transpose(0, 2, 1, 3).reshape(-1)
    return whole[np.ix_(order, order)]


def populations(
    pair: Pair, link: Link, late_fs: int, monkeypatch: pytest.MonkeyPatch
) -> NDArray[np.float64]:
    """Populations (3, 3) of both atoms at their first readings, from both in g."""
    seen: list[NDArray[np.float64]] = []

    def walked(members, block, kind, columns, *_):  # type: ignore[no-untyped-def]
        seen.append(columns(0, [0, 0])[1][0])
        raise StopIteration

    monkeypatch.setattr(shared_run, "walked", walked)
    runs = [
        MeetingRun(run_of(one, gates, 1), lambda ns, by=by: np.full_like(ns, by))
        for one, gates, by in zip(pair, (FIRST, SECOND), (0, late_fs), strict=True)
    ]
    feedlines = [
        HeardFeedline(FeedlineRun(feedline_of(one), run.signals, 7, (), None), [0], run.late_fs)
        for one, run in zip(pair, runs, strict=True)
    ]
    played = {f"{one.name}.sideband" for one in pair}
    with pytest.raises(StopIteration):
        levels_found([link], photon_channel, feedlines, played, 7)
    return seen[0].reshape(3, 3)


@pytest.mark.parametrize(("late_fs", "aside_hz"), [(13_000, 2e6), (-4_000_000, -3e6)])
def test_a_photon_keeps_its_phase_whatever_the_clocks_and_lines(
    late_fs: int, aside_hz: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = nodes(t1=1e6, dephasing=0.0)
    link = link_of(*pair, transmission=0.8)
    ends: Sequence = [
        replace(end, sideband_hz_per_root_watt=RATE_HZ, transfer_hz=8.4e9 + number * aside_hz)
        for number, end in enumerate(link.ends)
    ]
    link = replace(link, ends=(ends[0], ends[1]), phase_turns=0.0)
    found = populations(pair, link, late_fs, monkeypatch)
    late_ns = 1e-6 * late_fs
    kept, sent = amplitudes(pair, link, (FIRST[2], SECOND[0]), late_ns)

    def shared(pair_, photons, state, caught, late):  # type: ignore[no-untyped-def]
        return (shared_by(kept, sent) @ state.reshape(-1)).reshape(9, 9)

    monkeypatch.setattr(reference, "shared", shared)
    state = reference.joint_state(pair, (FIRST, SECOND), (2_040, 2_040), 0.0, late_ns)
    assert np.abs(found - reference.populations(state)).max() < 2e-3
