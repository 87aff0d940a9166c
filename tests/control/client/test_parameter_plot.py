"""A parameter over days, as a notebook draws it."""

from pathlib import Path

import pytest
from IPython.core.formatters import DisplayFormatter
from tests.benches.web.page import entry

from podium.control.client.parameter_plot import NoHistory, plot_parameter
from podium.control.parameters.store import ParameterStore

NAME = "node_a.q0.f01"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    place = tmp_path / "parameters.sqlite"
    with ParameterStore(place) as kept:
        for day, value in enumerate((6.01e9, 6.02e9, 6.03e9)):
            kept.put([entry(NAME, value, 1e6, "Hz", tai_s=1.8e9 + 86400 * day)])
        kept.put([entry(NAME, 6.04e9, 1e6, "Hz", tai_s=1.81e9, who="ada", why="known")])
    return place


def test_values_and_sigmas_stand_at_their_days(store: Path, tmp_path: Path) -> None:
    figure = plot_parameter(store, NAME)
    (axes,) = figure.axes
    assert axes.get_ylabel() == "GHz"
    measured, by_hand = axes.containers
    days, values = measured.lines[0].get_data()
    assert list(values) == pytest.approx([6.01, 6.02, 6.03])
    assert days[1] - days[0] == pytest.approx(1.0)
    (bars,) = measured.lines[2]
    assert bars.get_segments()[0][:, 1] == pytest.approx([6.009, 6.011])
    assert by_hand.get_label() == "set by hand"
    figure.savefig(tmp_path / "f01.png")


def test_a_notebook_is_given_a_picture(store: Path) -> None:
    formatters = DisplayFormatter().format(plot_parameter(store, NAME))[0]
    assert formatters["image/png"].startswith(b"\x89PNG")


def test_a_parameter_that_the_store_does_not_have_is_named(store: Path) -> None:
    with pytest.raises(NoHistory, match=r"no value of node_a.q0.f02; it has node_a.q0.f01"):
        plot_parameter(store, "node_a.q0.f02")
