"""A run's dataset holds its captures over the axes of its program."""

import subprocess
import sys

import numpy as np
import pytest

from podium.control.bus.messages import CaptureData
from podium.control.program.conditions import is_one
from podium.control.program.dataset import dataset_of
from podium.control.program.program import Axis, Capture, If, Linear, Program, Variable

AXIS = Axis("delay", (Variable("wait", "fs", Linear.steps(0, 2_000_000, 3)),))
VALUES = np.array([0.1, 0.2, 0.4])


def captured() -> dict[str, CaptureData]:
    trace = np.arange(5.0)
    return {"q0": CaptureData(VALUES, -VALUES, np.ones(3, np.int64), trace, 2 * trace, True)}


def test_captures_have_units_and_the_axes_as_coordinates() -> None:
    data = dataset_of(Program("t", (), (), (AXIS,), shots=1), captured(), {"run": 7})
    assert data.sizes == {"delay": 3, "q0_time": 5}
    np.testing.assert_array_equal(data.q0_q, -VALUES)
    np.testing.assert_allclose(data.wait, [0.0, 2e-9, 4e-9])
    np.testing.assert_allclose(data.q0_trace_q.sel(q0_time=3e-9, method="nearest"), 6.0)
    assert data.wait.attrs == {"units": "s"}
    assert data.q0_i.attrs == data.q0_trace_i.attrs == {"units": "V", "out_of_range": 1}
    assert data.attrs == {"run": 7}


@pytest.mark.parametrize("counts", [2, np.array([2, 2, 2])])
def test_of_a_capture_that_may_be_left_out_it_tells_how_often_it_was_made(counts) -> None:
    capture = CaptureData(VALUES, -VALUES, counts, None, None, False)
    captured_or_not = If(is_one("before"), (Capture("readout", "q0", 10**9),))
    data = dataset_of(Program("t", (), (captured_or_not,), (AXIS,), shots=2), {"q0": capture}, {})
    assert data.q0_count.values.tolist() == [2, 2, 2]
    assert data.q0_count.attrs == {"units": "1"}


@pytest.mark.slow
def test_it_is_made_without_importing_dask() -> None:
    pytest.importorskip("dask")
    said = subprocess.run(
        [sys.executable, "-c", MADE], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.split() == ["False", "True"]


MADE = """
import sys
import numpy as np, xarray
from tests.control.program.test_dataset import AXIS, captured
from podium.control.program.conditions import is_one
from podium.control.program.dataset import dataset_of
from podium.control.program.program import Axis, Program
axis = Axis("wait", AXIS.variables)
data = dataset_of(Program("t", (), (), (axis,), shots=1), captured(), {})
found = "dask" in sys.modules
xarray.Dataset({"a": ("x", np.zeros(2))})
print(found, "dask" in sys.modules)
"""
