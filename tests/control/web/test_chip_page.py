"""Chips and links on the page: rows with fidelity, age, budget and envelope."""

import re
from dataclasses import replace

import pytest
from tests.benches.web.chips import EDGE, LINK, STATION, picture_of
from tests.benches.web.outline import Outline
from tests.benches.web.page import entry, page_of

from podium.control.bus.messages import RunId
from podium.control.bus.news import RunNews
from podium.control.calibration.routines.error_budget import PARTS
from podium.control.web import chip_view
from podium.control.web.link_view import Links
from podium.control.web.pages import Pages

DAY_S = 86400.0
ROW_MOST = 3000
"""Bytes that a change of one parameter may send."""


def test_an_edge_has_gate_fidelity_age_and_budget():
    (row,) = chip_view.edges(picture_of("two_qubit", EDGE))
    assert (row.name, row.gate, row.mark, row.run) == ("node_a.q0_q1", "CZ", "good", "7-00001")
    assert row.fidelity.text == "99.200 ± 0.070 %"
    assert [one.title for one in row.budget] == ["decoherence", "leakage", "the rest"]
    assert sum(one.width for one in row.budget) == pytest.approx(100, abs=0.2)
    assert row.missing == ()
    (old,) = chip_view.edges(picture_of("two_qubit", EDGE, 40 * DAY_S))
    assert (old.mark, "older" in old.fidelity.complaint) == ("warn", True)


def test_an_edge_that_was_not_benchmarked_has_the_sum_of_its_parts():
    parts = {
        "decoherence": 4e-3,
        "leakage": 4e-4,
        "swap": 1e-4,
        "phase": -1e-4,
        "distortion": 2e-4,
    }
    known = [entry(f"node_a.q0_q1.{name}_error", one, 1e-4, "1") for name, one in parts.items()]
    whole = entry("node_a.q0_q1.budget_error", 4.6e-3, 2e-4, "1")
    (row,) = chip_view.edges(picture_of("two_qubit", (EDGE[0], *known, whole)))
    assert (row.fidelity.title, row.fidelity.text) == ("by its parts", "99.540 ± 0.020 %")
    assert [one.title for one in row.budget] == list(parts)
    assert [one.width > 0 for one in row.budget] == [True, True, True, False, True]
    assert [f"{name}_error" for name in parts] == list(PARTS), "all that the routine stores"
    benchmarked = (EDGE[0], *known, whole, entry("node_a.q0_q1.gate_error", 5e-3, 2e-4, "1"))
    (row,) = chip_view.edges(picture_of("two_qubit", benchmarked))
    assert [one.title for one in row.budget] == [*parts, "the rest"]
    assert len({one.kind for one in row.budget}) == len(row.budget), "each has its colour"


def test_an_edge_says_how_far_its_calibration_has_come():
    assert [one.state for one in chip_view.edges(picture_of("two_qubit", ()))] == ["not calibrated"]
    (row,) = chip_view.edges(picture_of("two_qubit", EDGE[:1]))
    assert (row.state, row.mark, row.fidelity) == ("not benchmarked", "unknown", None)


def test_an_iswap_is_calibrated_by_its_phases_and_judged_by_tomography():
    picture = picture_of("two_qubit", ())
    (edge,) = picture.facility.edges().values()
    iswap = replace(edge, gate="iswap")
    half = (entry("node_a.q0_q1.gate_amplitude", 0.5, 1e-3, "1"),)
    assert chip_view.edge_row(picture_of("two_qubit", half), iswap).state == "not calibrated"
    phases = (*half, entry("node_a.q0_q1.swap_phase_first", 0.1, 1e-2, "1"))
    assert chip_view.edge_row(picture_of("two_qubit", phases), iswap).state == "not benchmarked"
    known = (
        *phases,
        entry("node_a.q0_q1.average_fidelity", 0.957, 3e-3, "1"),
        entry("node_a.q0_q1.cycle_error", 0.031, 2e-3, "1"),
    )
    row = chip_view.edge_row(picture_of("two_qubit", known), iswap)
    assert (row.fidelity.title, row.fidelity.text) == ("by tomography", "95.70 ± 0.30 %")
    assert "error of a cycle" in [one.title for one in row.figures]


def test_a_chip_is_a_graph_whose_edges_tell_their_gates():
    (drawn,) = chip_view.drawings(picture_of("two_qubit", EDGE))
    assert [one.name for one in drawn.qubits] == ["q0", "q1"]
    assert [one.text for one in drawn.edges] == ["CZ 99.20 %"]
    assert "q0 to q1, CZ 99.20 %" in drawn.words


def test_qubits_off_the_line_are_on_a_circle_and_never_over_each_other():
    names = tuple(f"q{n}" for n in range(5))
    ring = [("q0", "q1"), ("q1", "q2"), ("q2", "q3"), ("q3", "q4"), ("q4", "q0")]
    for ends, flat in ((ring[:4], True), (ring, False)):
        width, height, at = chip_view.places(names, ends)
        assert (len({y for _, y in at.values()}) == 1) is flat
        assert all(40 < x < width - 40 and 40 < y < height - 40 for x, y in at.values())
        apart = [abs(complex(*at[a]) - complex(*at[b])) for a in names for b in names if a < b]
        assert min(apart) > 80


def test_a_link_has_fidelity_rate_last_calibration_and_a_photon_at_both_ends():
    picture = picture_of("linked", LINK)
    picture.add_run(
        RunNews(
            RunId(7, 3), "link Bell state", (), ("setting",), 18, 2500, "done",
            1.0, 4.0, 0, "", nodes=("node_a", "node_b"),
        )
    )  # fmt: skip
    (row,) = Links(picture).rows()
    assert (row.mark, row.fidelity.text) == ("good", "79.0 ± 1.0 %")
    assert row.rate == "1.12e+04 pairs a second in run 7-00003"
    assert (row.calibrated_tai_s, row.run) == (1.8e9 + 60, "7-00001")
    assert [end[0] for end in row.envelope.ends] == ["node_a", "node_b"]
    assert "77.0 % of it" in row.envelope.words
    first, second = (peak(end[1]) for end in row.envelope.ends)
    assert second / first == pytest.approx(0.77, abs=0.05)


def station_picture(entries=STATION, age_s: float = 600.0):
    return picture_of("linked", entries, age_s, "facility_optical.yaml")


def test_a_station_has_what_each_scheme_gives_and_its_last_calibration():
    picture = station_picture()
    picture.add_run(
        RunNews(
            RunId(7, 3), "heralded pairs, two clicks", (), ("setting",), 18, 4000, "done",
            1.0, 20.0, 0, "", nodes=("node_a", "node_b"),
        )
    )  # fmt: skip
    (row,) = Links(picture).rows()
    assert (row.mark, row.fidelity.text) == ("good", "95.3 ± 1.0 %")
    assert [one.title for one in row.heralds] == ["one click, alpha 0.1", "two clicks"]
    assert [one.rate.text for one in row.heralds] == ["586.9 ± 5.3 Hz", "732.7 ± 7.1 Hz"]
    assert row.rate == "461 pairs a second in run 7-00003"  # 72,000 attempts, 0.128 of them
    assert (row.calibrated_tai_s, row.problem, row.envelope) == (1.8e9 + 60, "", None)
    assert "d0 at station.slot10.io0 and d1 at station.slot10.io1" in row.station
    assert [one.title for one in row.figures][:2] == ["visibility", "lag of the second"]
    html = page_of(picture, "chips")
    for said in ("herald station", "one click, alpha 0.1", "732.7", "lag of the second"):
        assert said in html


def test_a_station_whose_figures_are_old_or_missing_says_so():
    (row,) = Links(station_picture(age_s=3 * DAY_S)).rows()
    assert (row.mark, row.old) == ("warn", 5)
    (row,) = Links(station_picture(())).rows()
    assert (row.mark, row.fidelity, row.heralds) == ("unknown", None, ())
    assert "no heralded pair yet" in page_of(station_picture(()), "chips")
    one = [two for two in STATION if "two_clicks" not in two.name]
    (row,) = Links(station_picture(one)).rows()
    assert row.fidelity.text == "87.6 ± 1.2 %"


def peak(path: str) -> int:
    """Return how far a path rises."""
    heights = [int(step.split()[1]) for step in re.findall(r"25 -?\d+", path)]
    sums = [sum(heights[: n + 1]) for n in range(len(heights))]
    return -min(sums)


def test_an_envelope_is_computed_once_for_each_change():
    picture = picture_of("linked", LINK)
    links = Links(picture)
    before = links.rows()[0].envelope
    assert links.rows()[0].envelope is before
    picture.take_parameters({**picture.parameters, "link_ab.transmission": LINK[2]}, "")
    assert links.rows()[0].envelope is not before


def test_a_link_without_ends_says_what_is_missing():
    (row,) = Links(picture_of("two_nodes", ())).rows()
    assert (row.envelope, row.mark) == (None, "unknown")
    assert row.problem == "links > link_ab > transfer is not in the facility file"


@pytest.mark.parametrize(
    "picture",
    [picture_of("two_qubit", EDGE), picture_of("linked", LINK), station_picture()],
    ids=["edge", "link", "station"],
)
def test_one_change_sends_a_row_of_less_than_three_kilobytes(picture):
    pages = Pages(picture)
    for topic in ("drawings", "edges", "links"):
        for html in pages.topic(topic)().html.values():
            assert len(html.encode()) < ROW_MOST, html
    assert any(pages.topic(topic)().html for topic in ("drawings", "links"))


@pytest.mark.parametrize(
    ("example", "entries", "file"),
    [
        ("two_qubit", EDGE, "facility.yaml"),
        ("linked", LINK, "facility.yaml"),
        ("linked", STATION, "facility_optical.yaml"),
        ("first_light", (), "facility.yaml"),
    ],
)
def test_everything_on_the_page_has_a_name(example, entries, file):
    html = page_of(picture_of(example, entries, file=file), "chips")
    outline = Outline()
    outline.feed(html)
    assert outline.nameless == []
    assert len(outline.ids) == len(set(outline.ids))
    assert " style=" not in html  # the page's rules refuse it
    assert ('href="/chips"' in html) is (example != "first_light")
