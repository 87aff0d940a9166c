"""Links with a station as the layer sees them: schemes, ages, alphas, how long an answer takes."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.links.station_lab import NOW, OPTICAL, entries

from podium.control.calibration.links.link_session import link_validities
from podium.control.facility.load import load_facility
from podium.control.links.heralded_links import (
    FULL_SHOTS,
    HeraldedFigure,
    aged_sigma,
    answer_s,
    best_alpha,
    known_figure,
    shots_for,
    unlikely,
    with_stations,
)
from podium.control.links.measured_network import measured_network
from podium.control.links.network import Request, Switch
from podium.control.links.routes import best_plan
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.one_click_model import (
    BadAlpha,
    OneClickModel,
    checked_alpha,
    click_chances,
)
from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import heralded_states, success

FACILITY = load_facility(OPTICAL)
VALIDITIES = link_validities(FACILITY)
NOW_S = float(NOW.seconds)
MODEL = OneClickModel(0.5, 9e-4, 0.96, 0.009, 1.3e-4)


def figure(scheme: str = "one_click", record: MemoryRecord | None = None) -> HeraldedFigure:
    found = known_figure(record or MemoryRecord(entries()), VALIDITIES, "link_ab", scheme, NOW_S)
    assert isinstance(found, HeraldedFigure)
    return found


@pytest.mark.parametrize("alpha", [0.02, 0.1, 0.3, 0.5])
def test_the_model_is_that_of_exact_states(alpha: float) -> None:
    link = HeraldedLink(
        Scheme.ONE_CLICK, (Arm(0.5), Arm(0.5)), (Detector(1.0, 9e-4), Detector(1.0, 9e-4)), alpha
    )
    chance, fidelity = success(heralded_states(link))
    perfect = replace(MODEL, contrast=1.0)
    assert perfect.chance(alpha) == pytest.approx(chance, rel=1e-9)
    assert perfect.fidelity(alpha) == pytest.approx(fidelity, abs=2e-3)  # dark counts' own part
    none, one, two = click_chances(0.5, 9e-4)
    assert 0 < none < one < two < 1


@pytest.mark.parametrize("alpha", [0.0, -0.1, 0.51, 1.0, math.nan])
def test_chances_to_emit_that_no_attempt_takes_are_refused(alpha: float) -> None:
    with pytest.raises(BadAlpha, match=r"above 0 and up to 0\.5"):
        checked_alpha(alpha)
    assert checked_alpha(0.5) == 0.5


def test_a_sigma_grows_with_age_to_root_two_of_it() -> None:
    entry = ParameterEntry("link_ab.one_click_fidelity", 0.9, 0.01, "1", "run", "r", NOW_S, 1)
    ages = [aged_sigma(entry, 86400.0, NOW_S + age) for age in (0.0, 43200.0, 86400.0)]
    assert ages == pytest.approx([0.01, 0.01 * math.sqrt(1.5), 0.01 * math.sqrt(2)])
    fresh, old = (figure(record=MemoryRecord(entries(age_s=age))) for age in (0.0, 8e4))
    assert old.least < fresh.least - 0.01


def test_the_best_alpha_is_the_largest_that_is_good_enough() -> None:
    found = [best_alpha(figure(), MODEL, wanted) for wanted in (0.5, 0.6, 0.7, 0.8)]
    assert [one.alpha for one in found] == sorted((one.alpha for one in found), reverse=True)
    for one, wanted in zip(found, (0.5, 0.6, 0.7, 0.8), strict=True):
        assert one.least >= wanted
        assert one.fidelity == pytest.approx(MODEL.fidelity(one.alpha))
        more = best_alpha(figure(), MODEL, wanted - 0.05)
        assert more.rate_hz >= one.rate_hz
        assert one.period_s == pytest.approx(figure().period_s)
    hopeless = best_alpha(figure(), MODEL, 0.99)
    assert hopeless.least < 0.99
    assert 0.02 < hopeless.alpha < 0.15  # dark counts spoil fewer emissions still


def test_a_scan_of_alpha_is_used_where_it_is_still_good() -> None:
    def scan(age_s: float) -> MemoryRecord:
        values = {"efficiency": (0.5, 3e-3), "dark": (9e-4, 1e-4), "contrast": (0.96, 9e-3)}
        more = [
            ParameterEntry(f"link_ab.alpha_{k}", v, s, "1", "run", "r", NOW_S - age_s, 1)
            for k, (v, s) in values.items()
        ]
        return MemoryRecord([*entries(), *more])

    for age_s, changes in ((0.0, True), (2e5, False)):
        found = known_figure(scan(age_s), VALIDITIES, "link_ab", "one_click", NOW_S, 0.6)
        assert isinstance(found, HeraldedFigure)
        assert (found.alpha != 0.1) is changes
    two = known_figure(scan(0.0), VALIDITIES, "link_ab", "two_clicks", NOW_S, 0.6)
    assert isinstance(two, HeraldedFigure)
    assert two.alpha == 0.5


def test_a_run_is_as_long_as_its_own_doubt_and_its_pairs_want() -> None:
    one = figure()
    near, far = shots_for(one, one.fidelity - 0.1, 1), shots_for(one, one.fidelity - 0.3, 1)
    assert FULL_SHOTS["one_click"] >= near > far
    assert shots_for(one, 0.5, 300) * one.chance > 300
    assert shots_for(one, 0.5, 10**6) == FULL_SHOTS["one_click"]
    assert answer_s(one, 0.5, 10**4) > 10 * answer_s(one, 0.5, 10)


@pytest.mark.parametrize(("number", "shots", "seed"), [(5, 40, 1), (60, 600, 2), (600, 6000, 3)])
def test_requests_are_refused_where_they_are_more_likely_to_fail(
    number: int, shots: int, seed: int
) -> None:
    """Against heralds drawn attempt by attempt: refused where fewer than half have enough."""
    one = replace(figure(), chance=0.1, rate_hz=0.1 / 175e-6)
    left_s = one.run_s(shots) * 1.01
    drawn = np.random.default_rng(seed).random((2000, shots)) < one.chance
    for asked in range(max(1, number - 10), number + 11, 4):
        enough = float((drawn.sum(axis=1) >= asked).mean())
        if abs(enough - 0.5) < 0.05:
            continue
        said = unlikely(one, shots, asked, left_s)
        assert (said is None) is (enough > 0.5), (asked, enough, said)
        if said:
            assert f"{asked} heralds need some" in said
    said = unlikely(one, shots, 1, one.run_s(shots) * 0.5)
    assert said is not None
    assert f"takes {shots * 18} attempts" in said


def test_the_layer_takes_the_scheme_that_answers_first() -> None:
    record = MemoryRecord(entries())
    bare = measured_network(FACILITY, record, {})
    seen = set()
    for wanted, number in itertools.product((0.6, 0.85), (1, 500)):
        network, figures = with_stations(bare, FACILITY, record, VALIDITIES, NOW_S, wanted, number)
        assert set(figures) == {"link_ab.one_click", "link_ab.two_clicks"} == set(network.links)
        plan = best_plan(network, Request(1, ("node_a", "node_b"), wanted, 1, 10**30))
        (leg,) = plan.legs
        other = next(name for name in figures if name != leg.link)
        assert (
            answer_s(figures[leg.link], wanted, number) <= answer_s(figures[other], wanted, number)
            or network.links[other].fidelity < wanted
        )
        seen.add(leg.link)
    assert "link_ab.two_clicks" in seen


def test_links_of_one_station_go_over_its_switch() -> None:
    """And a station more behind it is one link more at a time."""
    facility = load_facility(OPTICAL.parent / "facility_switched.yaml")
    record = MemoryRecord(entries())
    bare = measured_network(facility, record, {})
    network, figures = with_stations(bare, facility, record, VALIDITIES, NOW_S, 0.6, 1)
    assert {link.switch for link in network.links.values()} == {"matrix"}
    assert len(network.links) == 6
    assert set(figures) == {"link_ab.one_click", "link_ab.two_clicks"}
    assert network.switches == {"matrix": Switch("matrix", 1, 0.05)}
    alone, _ = with_stations(
        measured_network(FACILITY, record, {}), FACILITY, record, VALIDITIES, NOW_S
    )
    assert not alone.switches
