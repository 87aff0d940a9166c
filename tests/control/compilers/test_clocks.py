"""Delays as whole femtoseconds, or a refusal that says what is wrong."""

import numpy as np
import pytest

from podium.control.compilers.clocks import CLOCK_MAX_FS, later, waits_fs
from podium.control.compilers.errors import DoesNotFit
from podium.control.program.program import Affine, Axis, Linear, Variable
from podium.firmware_interfaces.exact_time import OffGridError

AXES = (Axis("wait", (Variable("t", "fs", Linear.steps(0.0, 1000.0, 3)),)),)


def test_whole_numbers_stay_as_they_are_however_long() -> None:
    assert waits_fs(2**62 + 1, "x", ()).item() == 2**62 + 1
    with pytest.raises(DoesNotFit, match=r"longer than 2\.56 h"):
        waits_fs(CLOCK_MAX_FS + 1, "x", ())


def test_a_swept_delay_is_whole_at_every_point() -> None:
    assert waits_fs(Affine("t", 2.0, 5.0), "x", AXES).tolist() == [5, 2005, 4005]


@pytest.mark.parametrize("offset_fs", [0.5, 0.01, 1.2e-2, 0.99])
def test_a_delay_between_two_femtoseconds_is_refused(offset_fs: float) -> None:
    with pytest.raises(OffGridError, match="is not a whole number of femtoseconds"):
        waits_fs(Affine("t", 1.0, offset_fs), "x", AXES)


def test_a_clock_that_would_run_over_is_refused_even_at_one_point() -> None:
    clock = np.array([0, 2**62, 2**62])
    assert later(clock, np.array([5, 5, 2**62 - 1]), "x").tolist() == [5, 2**62 + 5, 2**63 - 1]
    with pytest.raises(DoesNotFit, match="let it wait for less"):
        later(clock, np.array([5, 5, 2**62]), "x")
