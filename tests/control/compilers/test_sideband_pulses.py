"""Photon-shaped pulses on sideband ports, as machine code of both families plays them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.benches.compilers import qblox_oracle, zurich_oracle

from podium.control.calibration.links.photon_shapes import (
    SidebandDrive,
    absorption,
    emission,
    played,
)
from podium.control.calibration.links.shaped_photon import KNOTS, ShapedPhoton
from podium.control.facility.load import load_facility
from podium.control.families.qblox.targets import targets_of
from podium.control.families.zurich.targets import zurich_targets_of
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Variable,
)
from podium.control.program.waveforms import Gaussian, Sampled
from podium.firmware_interfaces.exact_time import FS_PER_NS

LINKED = Path(__file__).parents[3] / "examples" / "linked"
DRIVE = SidebandDrive(12e6, -30e6)


Pulses = tuple[Sampled, Sampled]


def sech() -> Pulses:
    return (
        played(emission(DRIVE, 10.4e6, 10.4e6, 180)),
        played(absorption(DRIVE, 10.4e6, 13.5e6, 180)),
    )


def shaped() -> Pulses:
    """Emission and catch by heights that go up and down, in quadrature, too."""
    heights = np.random.default_rng(5).uniform(-7e6, 7e6, (2, 2, KNOTS))
    sent, caught = (played(DRIVE.samples(one)) for one in ShapedPhoton(heights, 108).rates_hz())
    return sent, caught


def program(
    node: str, sideband_hz: float, drive_hz: float, pulses: Callable[[], Pulses]
) -> Program:
    """A photon's pulse after a drive pulse, its catch a swept time later, off by 0.3 MHz."""
    side, drive = (
        Frame("side", f"{node}.q0.sideband", sideband_hz),
        Frame("drive", f"{node}.q0.drive", drive_hz),
    )
    frames = (side.name, drive.name)
    sent, caught = pulses()
    lag = Axis("lag", (Variable("lag", "fs", Linear.steps(20 * FS_PER_NS, 4 * FS_PER_NS, 3)),))
    body = (
        Play("drive", Gaussian(ns=20, sigma_ns=5), 0.4),
        Barrier(frames),
        ShiftPhase("side", 0.17),
        Play("side", sent),
        Delay(("side",), Affine("lag")),
        SetFrequency("side", sideband_hz + 0.3e6),
        Play("side", caught),
        Barrier(frames),
        Play("drive", Gaussian(ns=20, sigma_ns=5), 0.2),
        Delay(frames, ns=4000),
    )
    return Program("photon", (side, drive), body, (lag,), shots=2)


@pytest.mark.parametrize("pulses", [sech, shaped])
def test_a_cluster_plays_the_photon_on_an_output_with_an_oscillator_of_its_own(
    pulses: Callable[[], Pulses],
) -> None:
    target = targets_of(load_facility(LINKED / "facility.yaml"))["cluster_a"]
    made = qblox_oracle.hold_against_reference(program("node_a", 4.021e9, 6.343e9, pulses), target)
    assert sorted(one.output for one in made.sequencers) == ["out0", "out1"]


@pytest.mark.parametrize("pulses", [sech, shaped])
def test_an_shfqc_plays_the_photon_on_a_channel_with_an_oscillator_of_its_own(
    pulses: Callable[[], Pulses],
) -> None:
    (target,) = zurich_targets_of(load_facility(LINKED / "facility_mixed.yaml"))["zi_b"]
    zurich_oracle.hold_against_reference(program("node_b", 3.49e9, 6.098e9, pulses), target)


@pytest.mark.parametrize("kappa_hz", [10.4e6, 13.5e6])
def test_a_pulse_that_full_scale_does_not_make_is_refused(kappa_hz: float) -> None:
    with pytest.raises(ValueError, match="of full scale"):
        emission(SidebandDrive(5e6, 0.0), 10.4e6, kappa_hz, 180)
