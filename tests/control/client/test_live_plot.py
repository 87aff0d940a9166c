"""The plot that follows a measurement, drawn without a screen."""

import numpy as np
import pytest
import xarray

from podium.control.client.live_plot import LivePlot, _prefix, progress_line
from podium.control.program.dataset import dataset_of
from podium.control.program.program import Axis, Linear, Program, Variable

PNG = b"\x89PNG\r\n\x1a\n"


class Values:
    def __init__(self, shape) -> None:
        self.i = np.arange(np.prod(shape, dtype=int)).reshape(shape) * 1e-5
        self.q = 2 * self.i
        self.trace_i = self.trace_q = np.zeros(5)
        self.out_of_range = False
        self.counts = np.ones(shape, np.int64)
        self.results = None
        self.clicks = False


def dataset(counts=(4,), keep: int = 0, captures=("q0",), **attributes) -> xarray.Dataset:
    axes = tuple(
        Axis(
            f"axis{n}",
            (
                Variable(f"wait{n}", "fs", Linear.steps(0, 4 * 10**9, count)),
                Variable(f"q1_level{n}", "1", Linear.steps(0, 0.1, count)),
            ),
        )
        for n, count in enumerate(counts)
    )
    program = Program("Rabi", (), (), axes, shots=max(1, keep), keep_shots=bool(keep))
    shape = (keep, *counts) if keep else counts
    attributes = {"program": "Rabi"} | attributes
    return dataset_of(program, {name: Values(shape) for name in captures}, attributes)


def drawn(data):
    pictures: list[bytes] = []
    plot = LivePlot(pictures.append)
    plot.update(data)
    assert pictures[0].startswith(PNG)
    return plot.figure.axes, plot


def test_a_line_is_drawn_over_its_coordinate_with_units() -> None:
    data = dataset()
    (axes,), _ = drawn(data)
    i, q = axes.lines
    np.testing.assert_allclose(i.get_xdata(), [0, 4, 8, 12])
    np.testing.assert_allclose(i.get_ydata(), np.array([0, 10, 20, 30]))
    np.testing.assert_allclose(q.get_ydata(), 2 * i.get_ydata())
    assert axes.get_xlabel() == "wait0 (µs)"
    assert axes.get_ylabel() == "µV"


def test_each_capture_has_a_plot_over_its_own_coordinate() -> None:
    axes, _ = drawn(dataset(captures=("q0", "q1", "q2", "q3")))
    assert [one.get_title() for one in axes] == ["q0", "q1", "q2", "q3"]
    assert [one.get_xlabel() for one in axes] == ["wait0 (µs)", "q1_level0", *["wait0 (µs)"] * 2]


def test_two_axes_make_a_map_that_leaves_out_what_is_not_measured_yet() -> None:
    data = dataset((3, 4))
    data.q0_i[2] = np.nan
    (axes, _), _ = drawn(data)
    (mesh,) = axes.collections
    values = mesh.get_array().reshape(3, 4)
    assert values.mask[2].all()
    assert not values.mask[:2].any()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("wait1 (µs)", "wait0 (µs)")


@pytest.mark.parametrize("counts", [(), (2,)])
def test_single_shots_make_clouds_in_the_iq_plane(counts) -> None:
    (axes,), _ = drawn(dataset(counts, keep=50))
    assert [len(line.get_xdata()) for line in axes.lines] == [50] * (counts[0] if counts else 1)
    assert axes.get_xlabel().startswith("I (")


def test_kept_shots_of_a_sweep_are_averaged() -> None:
    (axes,), _ = drawn(dataset((4,), keep=3))
    assert len(axes.lines[0].get_xdata()) == 4


@pytest.mark.parametrize("counts", [(), (1,), (3, 2, 2), (1, 1)])
def test_whatever_the_axes_there_is_a_picture(counts) -> None:
    drawn(dataset(counts))


def test_nothing_measured_is_no_error() -> None:
    drawn(xarray.Dataset())
    data = dataset()
    data.q0_i[:] = np.nan
    data.q0_q[:] = np.nan
    drawn(data)


def test_the_title_says_how_far_it_is() -> None:
    assert progress_line(dataset()) == "Rabi"
    assert progress_line(dataset(shots=8, shots_done=3)) == "Rabi: 3 of 8 shots"
    stopped = dataset(shots=8, shots_done=3, stopped="enough")
    assert progress_line(stopped) == "Rabi: 3 of 8 shots, stopped"


def test_it_redraws_the_same_figure_and_can_be_saved(tmp_path) -> None:
    _, plot = drawn(dataset())
    figure = plot.figure
    plot.update(dataset((2, 2)))
    plot.update(dataset())
    assert plot.figure is figure
    assert len(figure.axes) == 1
    plot.save(tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").read_text().startswith("<?xml")


def test_prefixes() -> None:
    for value, expected in [(0.03, (1e-3, "m")), (7e9, (1e9, "G")), (0.0, (1.0, "")), (5, (1, ""))]:
        size, prefix = _prefix(np.array([value, np.nan]))
        assert (pytest.approx(size), prefix) == expected
