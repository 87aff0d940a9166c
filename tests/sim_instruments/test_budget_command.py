"""``podium twin budget``: a link's device table from a file, and what each part costs."""

import json
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest

from podium.sim_instruments.budget_command import add_budget, run_budget
from podium.sim_instruments.physics.links.dephasing import number_operator
from podium.sim_instruments.physics.links.link_budget import link_budget
from podium.sim_instruments.physics.links.link_table import LinkTableError, parse_link_table
from podium.sim_instruments.physics.links.published_links import KURPIERS_2018, PublishedLink

TABLE = """
name: kurpiers2018
gamma: {value: 10.4e6, unit: Hz, source: a second text}
kappa:
- {value: 10.4e6, unit: Hz, source: a second text}
- {value: 13.5e6, unit: Hz, source: a second text}
pulse: {value: 180e-9, unit: s, source: a second text}
pi_pulse: {value: 20e-9, unit: s, source: a second text}
transmission: {value: 0.77, unit: '1', source: a second text}
delay: {value: 4.5e-9, unit: s, assumed: true}
t1_ge: [{value: 5.0e-6, unit: s, assumed: true}, {value: 4.5e-6, unit: s, assumed: true}]
t1_ef: [{value: 2.3e-6, unit: s, assumed: true}, {value: 1.6e-6, unit: s, assumed: true}]
t2_ge: [{value: 3.4e-6, unit: s, assumed: true}, {value: 2.6e-6, unit: s, assumed: true}]
t2_ef: [{value: 2.1e-6, unit: s, assumed: true}, {value: 1.1e-6, unit: s, assumed: true}]
"""


def test_a_table_s_link_is_the_published_one() -> None:
    read, known = parse_link_table(TABLE).link(), KURPIERS_2018
    for field in PublishedLink.__slots__:
        if field != "name":
            assert getattr(read, field) == pytest.approx(getattr(known, field)), field


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("gamma: {value: 10.4e6", "gamma: {value: 11e6", "at most kappa"),
        ("transmission: {value: 0.77", "transmission: {value: 1.2", "above 0, at most 1"),
        ("pulse: {value: 180e-9, unit: s", "pulse: {value: 180, unit: ns", "'s' is wanted"),
        ("pulse: {value: 180e-9", "pulse: {value: 0", "must be longer"),
        ("delay:", "dealy:", "dealy"),
        (", assumed: true}\nt1_ge", "}\nt1_ge", "give either a source"),
        ("name:", "name: [", "not YAML"),
    ],
)
def test_what_no_link_has_is_refused_and_named(old: str, new: str, said: str) -> None:
    assert old in TABLE
    with pytest.raises(LinkTableError, match=said):
        parse_link_table(TABLE.replace(old, new, 1))


def test_without_loss_of_atoms_the_way_costs_what_the_closed_form_says() -> None:
    """``(1 + sqrt eta)^2 / 4``, with pulses so long that nothing is cut off."""
    ever = 1e3, 1e3
    widths = 10.4e6, 10.4e6
    link = PublishedLink("ideal", 10.4e6, widths, 400.0, 1e-3, 0.77, 4.5, ever, ever, ever, ever)
    budget = link_budget(link, number_operator)
    assert budget.bell_fidelity == pytest.approx((1 + np.sqrt(0.77)) ** 2 / 4, abs=1e-4)
    assert next(iter(budget.costs)) == "way"
    assert budget.costs["way"] == pytest.approx(1 - budget.bell_fidelity, abs=1e-4)
    assert all(abs(cost) < 1e-4 for part, cost in budget.costs.items() if part != "way")
    assert budget.without_all == pytest.approx(1, abs=1e-4)


def test_the_dearest_part_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_budget(parser)
    file = tmp_path / "table.yaml"
    file.write_text(TABLE, encoding="utf-8")
    assert run_budget(parser.parse_args([str(file), "--json"])) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["number_operator"]["bell_fidelity"] == pytest.approx(0.765, abs=2e-3)
    for model, second in (("number_operator", "dephasing"), ("two_sigma_z", "decay")):
        costs = found[model]["costs"]
        assert [*costs][:2] == ["way", second]
        assert list(costs.values()) == sorted(costs.values(), reverse=True)
    assert run_budget(parser.parse_args([str(tmp_path / "none.yaml")])) == 2
    assert "none.yaml" in capsys.readouterr().err
