"""The timing diagram: what is in it, and how it looks in a browser, by day and by night."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.async_api import Browser
from tests.benches.compilers.picture_cases import case_of, damaged
from tests.benches.programs.edge_programs import edge_programs
from tests.benches.programs.example_programs import first_light, ramsey

from podium.control.pictures.code_comparison import compare, points_of
from podium.control.pictures.drawing import draw
from podium.control.pictures.points import say_point
from podium.control.pictures.svg import page
from podium.control.program.program import Program
from podium.sim_instruments.twins.qblox_cluster.runs.emulation import emulate

PROGRAMS = first_light() | edge_programs()
OUTSIDE = """
() => [...document.querySelectorAll("text")].filter((one) => {
  const [a, b] = [one, document.querySelector("svg")].map((e) => e.getBoundingClientRect());
  return a.left < b.left || a.right > b.right || a.top < b.top || a.bottom > b.bottom;
}).map((one) => one.textContent)
"""
NAMES_OVERLAP = """
() => { const names = [...document.querySelectorAll("text.frame, text.note")].map(
    (one) => [one.textContent, one.getBoundingClientRect()]);
  return names.flatMap(([a, p], k) => names.slice(k + 1).filter(([b, q]) =>
    p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 4 && q.top < p.bottom - 4
  ).map(([b, q]) => `${a} | ${b}`)); }
"""
PAPER = '() => getComputedStyle(document.querySelector(".paper")).fill'
INK = '() => getComputedStyle(document.querySelector(".frame")).fill'
PULSE = '() => getComputedStyle(document.querySelector(".i")).stroke'


def long_numbers() -> Program:
    """A program whose carriers have all the digits that a calibration finds."""
    rabi = PROGRAMS["rabi"]
    frames = tuple(replace(f, frequency_hz=f.frequency_hz + 1234567.891) for f in rabi.frames)
    return replace(rabi, name="long_numbers", frames=frames)


def both(name: str) -> str:
    case = case_of(long_numbers() if name == "long_numbers" else PROGRAMS[name])
    point = points_of(case)[-1]
    (one,) = compare(case, [point], emulate)
    said = say_point(point, case.program.axes)
    return draw([one.meant, one.played], name, said, one.differences)


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "long_gaps"])
def test_every_kind_of_program_can_be_drawn(name: str) -> None:
    root = ElementTree.fromstring(both(name))
    texts = [e.text or "" for e in root.iter() if e.tag.endswith("}text")]
    for frame in {s.frame for s in case_of(PROGRAMS[name]).view(_first(name)).lanes}:
        assert frame in texts
    assert any("no difference" in text for text in texts)


def _first(name: str) -> tuple[int, ...]:
    return points_of(case_of(PROGRAMS[name]))[0]


def test_names_are_words_and_never_markup() -> None:
    case = case_of(ramsey())
    svg = draw([case.view((1,))], "<b>&ramsey</b>", 'a "point"')
    root = ElementTree.fromstring(svg)
    texts = [e.text for e in root.iter() if e.tag.endswith("}text")]
    assert "<b>&ramsey</b>" in texts
    assert "Drag 40 ns, 0.1997, +46.8°" in texts
    assert "<b>" not in page(svg, "<b>", "<b>")


def test_marks_that_overlap_are_one_and_hold_all_their_words() -> None:
    case = damaged(case_of(ramsey()), "q0.readout", "upd_param 152", "upd_param 200")
    (one,) = compare(case, [(1,)], emulate)
    assert len([each for each in one.drawn if each.end_ns]) == 2
    root = ElementTree.fromstring(draw([one.meant, one.played], "x", "", one.drawn))
    (mark,) = [e for e in root.iter() if e.get("class") == "off"]
    said = mark[0].text or ""
    assert all(difference.what in said for difference in one.drawn if difference.end_ns)


def test_a_picture_of_a_thousand_pulses_stays_small() -> None:
    view = case_of(PROGRAMS["resonator_spectroscopy"]).view((0,))
    lane = view.lanes[0]
    many = tuple(lane.stretches[0] for _ in range(1000))
    svg = draw([type(view)("program", view.duration_ns, (lane_with(lane, many),))], "many")
    assert len(svg) < 600_000


def lane_with(lane, stretches):
    return type(lane)(
        lane.frame, lane.port, lane.connector, lane.lo_hz, lane.tunings, stretches, (), None
    )


@pytest.mark.chromium
async def test_in_a_browser_all_words_are_on_the_paper_by_day_and_by_night(
    browser: Browser, tmp_path: Path
) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        tab = await (await browser.new_context(color_scheme=scheme)).new_page()
        for name in ("rabi", "long_numbers", "ef_spectroscopy", "ramsey", "kept_shots"):
            file = tmp_path / f"{name}.html"
            file.write_text(page(both(name), name, ""))
            await tab.goto(file.as_uri())
            assert await tab.evaluate(OUTSIDE) == [], name
            assert await tab.evaluate(NAMES_OVERLAP) == [], name
        seen[scheme] = [await tab.evaluate(what) for what in (PAPER, INK, PULSE)]
    assert seen["light"][:2] == ["rgb(255, 255, 255)", "rgb(31, 35, 40)"]
    assert seen["dark"][:2] == ["rgb(13, 17, 23)", "rgb(230, 237, 243)"]
    assert seen["light"][2] != seen["dark"][2]
