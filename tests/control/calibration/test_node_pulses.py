"""Pulses of a qubit of one of several nodes: as long as they are calibrated, or of a length."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.links.linked_ends import bench_of

from podium.control.calibration.sequences import pulse_area_ns


def test_a_pulse_of_another_length_turns_as_far() -> None:
    plain = bench_of(**{"node_a.q0.ef_pi_amplitude": (0.31, "1")}).first.node
    quick = replace(plain, own_ns=20)
    assert (plain.pulse_ns, quick.pulse_ns) == (36, 20)
    for amplitude in ("pi_amplitude", "ef_pi_amplitude"):
        before, behind = (getattr(one, amplitude)() for one in (plain, quick))
        areas = before * pulse_area_ns(36), behind * pulse_area_ns(20)
        assert areas[1] == pytest.approx(areas[0], rel=1e-9)
    assert plain.pi_amplitude() == 0.42
    assert (quick.pi().waveform.duration_fs, quick.drive) == (20 * 10**6, plain.drive)


def test_an_expected_amplitude_is_scaled_once() -> None:
    """Where 1-2 is not measured, its amplitude follows that of 0-1: both by their own length."""
    plain = bench_of().first.node
    quick = replace(plain, own_ns=20)
    ratio = quick.ef_pi_amplitude() / plain.ef_pi_amplitude()
    assert ratio == pytest.approx(36 / 20)
    assert quick.ef_pi_amplitude() == pytest.approx(quick.pi_amplitude() / np.sqrt(2))
