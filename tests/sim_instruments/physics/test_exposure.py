"""What photons do to coherences is held for the stretches that need it, and changes no bit."""

import numpy as np
import pytest
from tests.benches.physics.small_chip import capture, feedline_point, qubit_point, tone

from podium.sim_instruments.physics.drive_during_readout import readout_drive_maps
from podium.sim_instruments.physics.drive_line import Shape
from podium.sim_instruments.physics.episodes import episodes_of
from podium.sim_instruments.physics.evolution import bare_tables
from podium.sim_instruments.physics.exposure import Exposure, exposure_of

QUBIT = qubit_point()


def exposed(stride_ns: int) -> Exposure:
    tones, captures = [tone(7.25e9, 1e-6, 300, [0])], [capture(7.25e9, 200, [146])]
    (kind,) = episodes_of(feedline_point(QUBIT), tones, captures).kinds
    return exposure_of(QUBIT, kind, True, stride_ns)


@pytest.mark.parametrize("stride_ns", [1, 8])
@pytest.mark.parametrize("begin_ns", [-30, 0, 57, 290, 5_000])
def test_a_drive_among_photons_needs_its_own_stretch_alone(stride_ns: int, begin_ns: int) -> None:
    whole = exposed(stride_ns)
    shape = Shape(6.02e9, np.full(40, 1e-4 + 2e-5j), 1.0, 0j, 40)
    held = whole.holding(begin_ns, begin_ns + 40)
    tables = bare_tables(QUBIT, np.zeros(2), np.array([0.5, 0.5]))
    assert held.exponent.shape[2] <= 40 // stride_ns + 3
    np.testing.assert_array_equal(
        readout_drive_maps(shape, held, begin_ns, tables),
        readout_drive_maps(shape, whole, begin_ns, tables),
    )


def test_within_what_is_held_it_is_read_as_before() -> None:
    whole = exposed(8)
    held = whole.holding(40, 120)
    assert held.exponent.base is None, "the rest is let go"
    for at_ns in (40.0, 43.5, 96.0, 111.9):
        np.testing.assert_array_equal(held.exponent_at(at_ns), whole.exponent_at(at_ns))


def test_several_times_are_read_as_each_of_them() -> None:
    whole = exposed(8)
    times_ns = np.array([0, 3, 40, 43, 96, 8 * (whole.pace.shape[1] - 1)])
    together = whole.exponent_at(times_ns)
    for at_ns, one in zip(times_ns.tolist(), together, strict=True):
        np.testing.assert_array_equal(one, whole.exponent_at(at_ns))
