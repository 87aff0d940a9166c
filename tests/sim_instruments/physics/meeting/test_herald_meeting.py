"""Runs that meet at a herald station: clicks, and what the qubits are found in with each."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.benches.physics.heralding_station import (
    LENGTH_NS,
    heralded_link,
    photon,
    station,
)
from tests.benches.physics.linked_nodes import (
    PULSE_NS,
    Gate,
    PhotonExchange,
    feedline_of,
    nodes,
    run_of,
    sideband_hz,
)
from tests.benches.thoroughness import cases, sampled

from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.links.click_detector import ClickDetector
from podium.sim_instruments.physics.links.herald_station import HeraldStation
from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import heralded_states, success
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.herald_clicks import HeraldClicks
from podium.sim_instruments.physics.meeting.meeting_run import (
    HeardFeedline,
    ideal_run,
    levels_found,
    with_cuts,
)
from podium.sim_instruments.physics.meeting.member import FILLING_NS
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.signals import Piece, RunSignals

SHOTS = 6_000
SWITCHED = Path(__file__).parents[4] / "examples" / "linked" / "facility_switched.yaml"
DARK_LINKS = dict.fromkeys(("link_ab", "link_ac", "link_bc"), (0.0, 0.0))
SIGMAS = 5.5
PULSES = 0.01
"""What pulses of 40 ns on the atoms leave out."""
SENDS_NS = 180
PERIOD_NS = 40_000_000
"""Ten lifetimes: each shot begins in the ground state."""


def emitters() -> tuple[QubitPoint, QubitPoint]:
    return nodes(t1=4e-3, dephasing=0.0)


def shots_of(one: QubitPoint, gates: tuple[Gate, ...], shots: int = SHOTS) -> RunSignals:
    run = run_of(one, gates, shots, start_fs=10**24, readout_ns=3_000, period_ns=PERIOD_NS)
    whole = Piece(sideband_hz(one), photon(one).samples, 0j, LENGTH_NS)
    drives = [
        replace(train, pieces=(whole,) * len(train.pieces))
        if train.line.endswith("sideband")
        else train
        for train in run.drives
    ]
    return replace(run, drives=tuple(drives))


def one_click(alpha: float, *after: Gate) -> tuple[Gate, ...]:
    angle = 2 / np.pi * float(np.arcsin(np.sqrt(alpha)))
    return (
        Gate("ge", 100),
        Gate("ef", 140, angle),
        Gate("sideband", SENDS_NS),
        *after,
    )


def played(
    of: HeraldStation, gates: tuple[tuple[Gate, ...], tuple[Gate, ...]], shots: int = SHOTS
) -> tuple[NDArray[np.int64], NDArray[np.int64], HeraldClicks]:
    """Levels (2, shots), clicks of each detector (2, shots), and these with their instants."""
    pair, seed = emitters(), 7
    link = heralded_link(pair, of)
    runs = [ideal_run(shots_of(one, own, shots)) for one, own in zip(pair, gates, strict=True)]
    feedlines = [
        HeardFeedline(FeedlineRun(feedline_of(one), run.signals, seed, (), None), [0], run.late_fs)
        for one, run in zip(pair, runs, strict=True)
    ]
    lines = {f"{one.name}.sideband" for one, own in zip(pair, gates, strict=True) if own}
    seen: list[HeraldClicks] = []
    known, _ = levels_found([link], PhotonExchange(), feedlines, lines, seed, clicks=seen)
    ground = np.zeros(shots, np.int64)
    levels = np.stack(
        [
            k[one.name][1].level if one.name in k else ground
            for k, one in zip(known, pair, strict=True)
        ]
    )
    (clicks,) = seen
    counts = np.zeros((2, shots), np.int64)
    np.add.at(counts, (clicks.detector, clicks.at_fs // (PERIOD_NS * 10**6)), 1)
    return levels, counts, clicks


def off_sigma(found: int, of: int, chance: float, more: float = 0.0) -> float:
    sigma = np.sqrt(max(of * chance * (1 - chance), 1.0)) + more * of
    return abs(found - of * chance) / float(sigma)


@pytest.mark.parametrize(("alpha", "eta"), sampled(((0.2, 0.5), (0.4, 0.8)), kept=((0.4, 0.8),)))
def test_single_clicks_come_as_often_and_leave_pairs_as_good_as_the_closed_form(
    alpha: float, eta: float
) -> None:
    """p = 2 a eta - (a eta)^2; one excitation is shared in (1 - a)/(1 - a eta/2) of them."""
    levels, counts, clicks = played(station((eta, eta)), (one_click(alpha), one_click(alpha)))
    single = counts.sum(axis=0) == 1
    chance = 2 * alpha * eta - (alpha * eta) ** 2
    assert off_sigma(int(single.sum()), SHOTS, chance, PULSES) < SIGMAS
    if alpha * eta > 0.3:  # the null: photons of both do come together
        assert off_sigma(int(single.sum()), SHOTS, 2 * alpha * eta, PULSES) > SIGMAS
    odd = levels[0][single] != levels[1][single]
    good = (1 - alpha) / (1 - alpha * eta / 2)
    assert off_sigma(int(odd.sum()), int(single.sum()), good, PULSES) < SIGMAS
    within = clicks.at_fs % (PERIOD_NS * 10**6) - (SENDS_NS + 5) * 10**6
    within = within - round(emitters()[0].drive_delay_ns * 1e6)
    assert within.min() > 0
    assert abs(within.mean() / 1e6 - LENGTH_NS / 2) < 3  # ns


@pytest.mark.parametrize("skew_ns", sampled((0, 40), kept=(40,)))
def test_correlations_of_a_heralded_pair_have_the_sign_of_the_detector(skew_ns: int) -> None:
    """Half pi pulses on both: the first detector's pairs agree where the second's do not.

    A photon that is 40 ns late shares x / sinh x, 0.76, of its amplitude.
    """
    alpha, eta = 0.2, 0.5
    x = np.pi * 10.4e6 * skew_ns * 1e-9
    overlap = float(x / np.sinh(x)) if skew_ns else 1.0
    means = []
    for turns in (0.0, 0.25):
        first = one_click(alpha, Gate("ge", 1_000, 0.5))
        second = one_click(alpha, Gate("ge", 1_000, 0.5, turns))
        late = tuple(
            replace(one, at_ns=one.at_ns + skew_ns) if one.at_ns < 1_000 else one for one in second
        )
        levels, counts, _ = played(station((eta, eta)), (first, late))
        for detector in (0, 1):
            mine = (counts[detector] == 1) & (counts[1 - detector] == 0)
            same = 1.0 - 2.0 * (levels[0][mine] != levels[1][mine])
            means.append((float(same.mean()), 1 / np.sqrt(mine.sum())))
    (x0, s), (x1, _), (y0, _), (y1, _) = means
    good = overlap * (1 - alpha) / (1 - alpha * eta / 2)
    for one, other in ((x0, x1), (y0, y1)):
        assert one == pytest.approx(-other, abs=SIGMAS * np.sqrt(2) * s)
    assert np.hypot(x0, y0) == pytest.approx(good, abs=SIGMAS * s + 0.02)


def test_two_clicks_leave_a_pair_without_the_shots_in_which_both_emitted() -> None:
    """p = eta^2 / 2, whatever the phase of the way, and both are never found alike."""
    eta, shots = 0.9, cases(1_000, SHOTS)
    swap = (Gate("ef", 800), Gate("ge", 840), Gate("sideband", 880))
    gates = one_click(0.5, *swap)
    levels, _, clicks = played(station((eta, eta)), (gates, gates), shots)
    early = clicks.at_fs % (PERIOD_NS * 10**6) < 860 * 10**6
    by_window = np.zeros((2, shots), np.int64)
    np.add.at(by_window, (1 - early, clicks.at_fs // (PERIOD_NS * 10**6)), 1)
    heralds = (by_window == 1).all(axis=0)
    assert off_sigma(int(heralds.sum()), shots, eta**2 / 2, PULSES) < SIGMAS
    odd = levels[0][heralds] != levels[1][heralds]
    assert odd.mean() > 1 - 3 * PULSES
    link = HeraldedLink(Scheme.TWO_CLICKS, (Arm(eta), Arm(eta)), (Detector(), Detector()))
    assert success(heralded_states(link))[0] == pytest.approx(eta**2 / 2)


def test_dark_counts_herald_as_many_wrong_pairs_as_exact_states_say() -> None:
    """Pulses of both detectors in a window of each shot, against states with their dark counts."""
    alpha, eta, rate_hz, window_fs = 0.3, 0.6, 1e4, 5 * 10**9
    of = station((eta, eta), dark_hz=rate_hz, dead_fs=5 * 10**7)
    levels, photons, clicks = played(of, (one_click(alpha), one_click(alpha)))
    begins = np.arange(SHOTS) * PERIOD_NS * 10**6 + SENDS_NS * 10**6
    spans = np.stack([begins, begins + window_fs], axis=1)
    counts = np.zeros((2, SHOTS), np.int64)
    for number in (0, 1):
        one = ClickDetector("link_ab", f"d{number}", number, of, 7)
        mine = [clicks.origin_fs + int(at) for at in clicks.at_fs[clicks.detector == number]]
        end_fs = clicks.origin_fs + SHOTS * PERIOD_NS * 10**6
        edges = one.pulses(mine, clicks.origin_fs, end_fs, spans)
        at_fs = np.array([at - clicks.origin_fs for at, up in edges if up])
        shot = at_fs // (PERIOD_NS * 10**6)
        inside = (at_fs >= begins[shot]) & (at_fs < begins[shot] + window_fs)
        np.add.at(counts[number], shot[inside], 1)
    seen = counts > 0
    single = seen.sum(axis=0) == 1
    dark = Detector(1.0, float(-np.expm1(-rate_hz * window_fs * 1e-15)))
    link = HeraldedLink(Scheme.ONE_CLICK, (Arm(eta), Arm(eta)), (dark, dark), alpha)
    states = heralded_states(link)
    chance, _ = success(states)
    assert off_sigma(int(single.sum()), SHOTS, chance, PULSES) < SIGMAS
    good = sum(s.probability * (s.rho[1, 1] + s.rho[2, 2]).real for s in states if s.sign) / chance
    odd = levels[0][single] != levels[1][single]
    assert off_sigma(int(odd.sum()), int(single.sum()), good, PULSES) < SIGMAS
    bright = photons.sum(axis=0) == 1  # the null: photons alone
    assert off_sigma(int(bright.sum()), SHOTS, chance, PULSES) > SIGMAS / 2
    assert (levels[0][bright] != levels[1][bright]).mean() > good + 0.03


@pytest.mark.parametrize("late_ns", [0, FILLING_NS, FILLING_NS + 1])
def test_a_pulse_may_reach_into_a_readout_that_fills_its_resonator(late_ns: int) -> None:
    """Lines are a nanosecond or two off; what is in the dark by then is as it was."""
    one = emitters()[0]
    reads_ns = 3_000 + feedline_of(one).delay_in_ns
    ends_ns = round(reads_ns - one.drive_delay_ns) - PULSE_NS + late_ns
    flipped = (Gate("ge", 100), Gate("ef", 140), Gate("sideband", SENDS_NS), Gate("ge", ends_ns))
    if late_ns > FILLING_NS:
        with pytest.raises(NotSimulated, match=r"its feedline \(1 ns too many\)"):
            played(station((0.6, 0.6)), (flipped, ()))
        return
    levels, _, _ = played(station((0.6, 0.6)), (flipped, ()))
    assert (levels[0] == 1).mean() > 1 - 2 * PULSES


def test_an_emitter_by_itself_clicks() -> None:
    pair_gates = (Gate("ge", 100), Gate("ef", 140), Gate("sideband", SENDS_NS)), ()
    levels, counts, clicks = played(station((0.6, 0.6)), pair_gates)
    assert off_sigma(clicks.at_fs.size, SHOTS, 0.6, PULSES) < SIGMAS
    assert (levels == 0).mean() > 1 - PULSES
    assert abs(int(counts[0].sum()) - int(counts[1].sum())) < SIGMAS * np.sqrt(clicks.at_fs.size)


def test_a_link_that_is_cut_lets_no_photon_to_its_station() -> None:
    pair, of = emitters(), station((0.6, 0.6))
    link = heralded_link(pair, of)
    run = replace(ideal_run(shots_of(pair[0], one_click(0.3))), cut=frozenset({"link_ab"}))
    (cut,), (whole,) = (with_cuts([link], [one]) for one in (run, replace(run, cut=frozenset())))
    assert whole == link
    assert cut.station is not None
    assert [arm.efficiency for arm in cut.station.arms] == [0.0, 0.0]
    assert cut.station.detectors == of.detectors  # they are dark, and count


def three_links() -> list[Link]:
    """Return the links of three nodes whose photons a switch leads to one station."""
    world = sample(SWITCHED, 7)
    return list(world.quantum_links())


def lit(**light: tuple[float, float]) -> list[Link]:
    """Return these links as a run finds them that begins with this light."""
    begun = ideal_run(RunSignals(1, 10**18, 10, (), (), {}))
    return with_cuts(three_links(), [replace(begun, light={**DARK_LINKS, **light})])


def emitting(links: Sequence[Link]) -> dict[str, list[str]]:
    """Return the ends of each link whose photons it takes."""
    return {link.name: [end.qubit for end in link.ends if end.sideband] for link in links}


def test_a_photon_goes_over_the_link_that_its_switch_leads_it_to() -> None:
    """Of resonators that several links have each is at one of them, which alone hears it."""
    assert emitting(lit(link_ac=(0.7, 0.6)))["link_ac"] == ["node_a.q0", "node_c.q0"]
    assert emitting(lit(link_bc=(0.7, 0.6)))["link_bc"] == ["node_b.q0", "node_c.q0"]
    for light in ({}, {"link_ab": (0.7, 0.7)}, {"link_ab": (0.7, 0.0), "link_ac": (0.7, 0.6)}):
        taken = [name for ends in emitting(lit(**light)).values() for name in ends]
        assert sorted(taken) == ["node_a.q0", "node_b.q0", "node_c.q0"], light
    # Of node_a led to the first output and node_c to the second, node_b has no light.
    found = emitting(lit(link_ab=(0.7, 0.0), link_ac=(0.7, 0.6), link_bc=(0.0, 0.6)))
    assert found == {"link_ab": ["node_b.q0"], "link_ac": ["node_a.q0", "node_c.q0"], "link_bc": []}


def test_a_switch_takes_of_the_light_what_its_paths_lose() -> None:
    whole = {link.name: link.station.arms for link in three_links()}
    seen = {link.name: link.station.arms for link in lit(link_ac=(0.7, 0.6))}
    parts = [
        [now.efficiency / before.efficiency for now, before in zip(seen[name], arms, strict=True)]
        for name, arms in whole.items()
    ]
    assert parts == [
        pytest.approx([0.0, 0.0]),
        pytest.approx([0.7, 0.6]),
        pytest.approx([0.0, 0.0]),
    ]


def test_mirrors_that_move_while_two_runs_begin_let_nothing_through() -> None:
    begun = ideal_run(RunSignals(1, 10**18, 10, (), (), {}))
    runs = [replace(begun, light={"link_ab": light}) for light in ((0.7, 0.6), (0.7, 0.0))]
    (ab, *_) = with_cuts(three_links(), runs)
    assert ab.station.arms[0].efficiency > 0
    assert ab.station.arms[1].efficiency == 0


def test_a_phase_that_strays_takes_the_coherence_of_one_click() -> None:
    """Coherence times exp(-sigma^2 / 2) over many shots."""
    alpha, eta, sigma, shots = 0.2, 0.5, 1.0, cases(3_000, SHOTS)
    gates = one_click(alpha, Gate("ge", 1_000, 0.5))
    of = replace(station((eta, eta), phase_sigma=sigma), phase_time_fs=10**12)
    found = []
    for turns in (0.0, 0.25):
        second = one_click(alpha, Gate("ge", 1_000, 0.5, turns))
        levels, counts, _ = played(of, (gates, second), shots)
        mine = (counts[0] == 1) & (counts[1] == 0)
        found.append(float(np.mean(1.0 - 2.0 * (levels[0][mine] != levels[1][mine]))))
    whole = (1 - alpha) / (1 - alpha * eta / 2)  # as above, of a phase that stays
    assert np.hypot(*found) / whole == pytest.approx(np.exp(-(sigma**2) / 2), abs=0.25)
