import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.control.calibration.outcome import Panel, Picture, Series
from podium.control.report.plots import draw


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def _ids(svg: str) -> set[str]:
    return set(re.findall(r'\bid="([^"]+)"', svg))


def test_every_kind_of_panel_is_one_svg_element_with_its_labels(panels: list[Panel]) -> None:
    for panel in panels:
        svg = draw(panel, "p")
        assert ElementTree.fromstring(svg).tag == "svg"
        said = _texts(svg)
        assert panel.x_label in said
        assert any(text.startswith(panel.y_label) for text in said)
        assert {label for label, _ in panel.marks} <= set(said)


def test_colours_are_those_of_the_page_in_light_and_dark(panels: list[Panel]) -> None:
    for panel in panels:
        svg = draw(panel, "p")
        assert "var(--ink)" in svg
        literal = set(re.findall(r"#[0-9a-f]{6}\b", svg))
        assert literal <= ({"#ffffff", "#000000"} if panel.picture is not None else set())


def test_series_differ_in_mark_and_colour_and_their_fits_go_with_them(panels: list[Panel]) -> None:
    fringes = draw(panels[1], "p")
    assert "phase 0.00" in _texts(fringes)
    assert "fit 0.00" not in _texts(fringes)  # a fit has the colour of its points
    for colour in ("var(--series-0)", "var(--series-1)"):
        assert f"stroke: {colour}; stroke-width: 1.5" in fringes
        assert f"fill: {colour}" in fringes
    assert "var(--series-2)" not in fringes


def test_a_failed_fit_is_drawn_all_the_same_with_a_frame_that_says_so(panels: list[Panel]) -> None:
    failed = draw(panels[5], "p")
    assert "var(--bad)" in failed
    assert failed.count("<use") == 61  # each point
    assert not any("var(--bad)" in draw(panel, "p") for panel in panels[:5])


def test_no_drawing_asks_for_anything_from_outside(panels: list[Panel]) -> None:
    for panel in panels:
        svg = draw(panel, "p")
        assert "http" not in svg
        assert all(
            link.startswith(("#", "data:image/png;base64,"))
            for link in re.findall(r'href="([^"]*)"', svg)
        )
        assert "<style" not in svg  # it would reach the whole page


def test_ids_of_two_drawings_on_a_page_never_meet(panels: list[Panel]) -> None:
    one, two = draw(panels[0], "s0p0"), draw(panels[0], "s0p1")
    assert _ids(one)
    assert not _ids(one) & _ids(two)
    for svg in (one, two):
        used = set(re.findall(r"url\(#([^)]+)\)", svg)) | set(re.findall(r'href="#([^"]+)"', svg))
        assert used <= _ids(svg)


def test_the_same_panel_gives_the_same_drawing(panels: list[Panel]) -> None:
    assert draw(panels[3], "p") == draw(panels[3], "p")


def test_numbers_at_the_axes_keep_their_digits() -> None:
    x = np.linspace(7.25125, 7.25155, 31)
    said = _texts(draw(Panel("q0", "f (GHz)", "signal", (Series("data", x, x),)), "p"))
    numbers = [float(text) for text in said if re.fullmatch(r"[\d.]+", text)]
    assert len(numbers) > 6
    assert all(7.251 < number < 7.252 for number in numbers)  # no offset for the reader to add
    assert len(set(numbers)) >= len(numbers) / 2  # x and y have the same


def test_a_power_of_ten_stands_beside_the_label(panels: list[Panel]) -> None:
    said = _texts(draw(panels[4], "p"))
    assert any(re.fullmatch(r"power at the input \(V²\), 1e[−-]\d+", text) for text in said)
    assert not any(re.fullmatch(r"1e[−-]\d+", text) for text in said)


def test_thousands_of_points_stay_light(panels: list[Panel]) -> None:
    assert len(draw(panels[4], "p")) < 100_000  # 1900 points


@pytest.mark.parametrize(
    "panel",
    [
        Panel("q0", "x", "y"),
        Panel("q0", "x", "y", (Series("data", np.array([]), np.array([])),)),
        Panel("q0", "x", "y", (Series("data", np.full(4, np.nan), np.arange(4.0)),), failed=True),
        Panel("q0", "x", "y", marks=(("lost", float("nan")),)),
        Panel(
            "q0", "x", "y", picture=Picture(np.arange(3.0), np.arange(2.0), np.zeros((2, 3)), "z")
        ),
        Panel(
            "q0",
            "x",
            "y",
            picture=Picture(np.arange(3.0), np.arange(2.0), np.full((2, 3), np.nan), "z", True),
        ),
        Panel("q0", "x", "y", picture=Picture(np.ones(1), np.ones(1), np.ones((1, 1)), "z", True)),
        Panel(
            "q0",
            "x",
            "y",
            picture=Picture(np.array([2.0, 0.0, 1.0]), np.array([3.0, 1.0]), np.eye(2, 3), "z"),
        ),
    ],
    ids=[
        "nothing",
        "no points",
        "no numbers",
        "no place",
        "flat",
        "blank",
        "one point",
        "unsorted",
    ],
)
def test_odd_panels_are_drawn_too(panel: Panel) -> None:
    assert draw(panel, "p").startswith("<svg")


_finite = st.tuples(st.integers(-999, 999), st.integers(-12, 12)).map(lambda n: n[0] * 10.0 ** n[1])
_numbers = _finite | st.sampled_from([float("nan"), float("inf")])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(_numbers, _numbers), max_size=8), st.booleans(), st.booleans())
def test_whatever_the_data_there_is_a_drawing(
    points: list[tuple[float, float]], line: bool, equal: bool
) -> None:
    x, y = np.array(points, dtype=np.float64).reshape(-1, 2).T
    panel = Panel("q0", "x", "y", (Series("data", x, y, line),), equal_axes=equal)
    assert draw(panel, "p").startswith("<svg")


def test_a_map_with_a_best_place_has_contours_about_it_and_a_cross() -> None:
    x, y = np.linspace(0, 10, 21), np.linspace(0, 1, 11)
    hill = np.exp(-(((x[None, :] - 6) / 3) ** 2) - ((y[:, None] - 0.5) / 0.3) ** 2)
    plain = draw(Panel("q0", "x", "y", picture=Picture(x, y, hill, "z")), "p")
    svg = draw(Panel("q0", "x", "y", picture=Picture(x, y, hill, "z", best=(6.0, 0.5))), "p")
    assert svg.replace("\n", "").count("<path") == plain.count("<path") + 2
    contours, cross = re.findall(r'<path d="([^"]+)" style="stroke-width', svg)
    at, down = (float(one) + 4 for one in re.match(r"M([\d.]+) ([\d.]+)l", cross).groups())
    lines = [np.array(re.findall(r"([\d.]+) ([\d.]+)", one), float) for one in contours.split("M")]
    inner = min((line for line in lines if len(line)), key=lambda line: np.ptp(line[:, 0]))
    assert inner.mean(axis=0) == pytest.approx([at, down], abs=2)
    wide = max((line for line in lines if len(line)), key=lambda line: np.ptp(line[:, 0]))
    assert wide[:, 0].min() < inner[:, 0].min() < at < inner[:, 0].max() < wide[:, 0].max()


def test_what_a_label_says_is_no_markup() -> None:
    svg = draw(Panel('q"0', "x < 1 & <b>", "y", ()), "p")
    assert ElementTree.fromstring(svg).get("aria-label") == 'q"0: y over x < 1 & <b>'
    assert "x < 1 & <b>" in _texts(svg)


def test_drawing_leaves_pyplot_and_its_state_alone(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from podium.control.calibration.outcome import Panel, Series\n"
        "from podium.control.report.plots import draw\n"
        "draw(Panel('q0', 'x', 'y', (Series('d', np.arange(3.0), np.arange(3.0)),)), 'p')\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout == "False\n"
