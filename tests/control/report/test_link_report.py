"""A link in the report: what was found beside what the world allows, and the pair's state."""

import json
import re

import numpy as np
import pytest

from podium.control.parameters.entry import Measured
from podium.control.report import link_page
from podium.control.report.comparison import Truth
from podium.control.report.link_story import ALLOWED, LinkStory
from podium.control.report.page import page
from podium.control.report.story import Story, summary

STATE = np.zeros((4, 4), np.complex128)
STATE[0, 0], STATE[1, 1], STATE[2, 2] = 0.15, 0.37, 0.48
STATE[1, 2], STATE[2, 1] = 0.38 - 0.02j, 0.38 + 0.02j


def told() -> LinkStory:
    link = LinkStory("link_ab", ("node_a.q0", "node_b.q0"), state=STATE)
    link.found = {
        "link_ab.transfer": Measured(0.69, 0.01, "1"),
        "link_ab.bell_fidelity": Measured(0.805, 0.006, "1"),
        "link_ab.chsh_s": Measured(2.15, 0.02, "1"),
        "link_ab.a.kappa": Measured(10.1e6, 0.2e6, "Hz"),
    }
    link.world = {
        "link_ab.best_transfer": Truth(0.70, "1"),
        "link_ab.best_bell_fidelity": Truth(0.82, "1"),
        "link_ab.a.kappa": Truth(10.3e6, "Hz"),
    }
    return link


def test_the_summary_has_found_allowed_and_the_state_as_json() -> None:
    story = Story("linked", 3, ("node_a.q0", "node_b.q0"))
    story.link = told()
    plain = json.loads(json.dumps(summary(story)))["link"]
    assert plain["bell_fidelity"] == {"value": 0.805, "sigma": 0.006, "allowed": 0.82}
    assert set(ALLOWED) <= plain.keys()
    assert plain["bell_concurrence"] == {"value": None, "sigma": None, "allowed": None}
    matrix = plain["density_matrix"]
    state = np.array(matrix["real"]) + 1j * np.array(matrix["imaginary"])
    assert np.allclose(state, STATE)
    assert plain["parameters"]["link_ab.a.kappa"]["truth"] == 10.3e6


def test_the_page_shows_every_element_of_the_state_and_how_far_off_parts_are() -> None:
    story = Story("linked", 3, ("node_a.q0", "node_b.q0"))
    story.link = told()
    text = page(story, ())
    shown = re.findall(r'fill="var\(--ink\)">([+−]\d\.\d{3})<', text)
    numbers = [float(one.replace("−", "-")) for one in shown]
    assert numbers == pytest.approx([*STATE.real.ravel(), *STATE.imag.ravel()], abs=5e-4)
    assert "the world allows 0.820" in text
    assert "-1.00" in text  # of kappa: (10.1 - 10.3) / 0.2


def test_without_a_pair_the_page_says_so_and_the_story_is_not_good() -> None:
    story = Story("linked", 3, ())
    story.link = LinkStory("link_ab", ("node_a.q0", "node_b.q0"))
    assert ("no pair", "over link_ab", True) in link_page.headlines(story.link)
    assert list(link_page.sections(story.link)) == []
    assert not story.good


def test_what_is_told_of_a_measurement_is_told_of_what_the_world_allows_then() -> None:
    spans = {"link_ab.transfer": "10..20", "link_ab.chsh_s": "30..40", "node_a.q0.t1": "1..2"}
    assert told().of_allowed(spans) == {
        "link_ab.best_transfer": "10..20",
        "link_ab.best_chsh_s": "30..40",
    }
