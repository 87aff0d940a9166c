"""Thermal photons beside one that is sent and caught: control's equation and the world's."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.linked_nodes import link_of, nodes, sideband_hz

from podium.control.calibration.links.link_loop import LinkLoop, left_in_loop
from podium.control.calibration.links.link_model import EndModel
from podium.control.calibration.links.photon_shapes import middles_s, sech_rate_hz
from podium.control.calibration.links.sideband_rate import FallingF
from podium.control.calibration.links.thermal_catch import ThermalWay, absorption_slopes
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.atom_maps import three_levels
from podium.sim_instruments.physics.meeting.photon_channel import photon_channel, photon_record
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse

KAPPA, RATE, SENT_NS, LAG_NS, TRANSMISSION = 10.4e6, 5.2e6, 140, 6, 0.77
"""Of the benches' link: g / 2 pi for one root of a watt."""
ATOMS = tuple(three_levels(one) for one in nodes())
NOTHING = np.zeros(0, np.complex128)


def link(photons: float) -> Link:
    """With a circulator that lets nothing through the wrong way."""
    found = link_of(*ATOMS, TRANSMISSION)
    ends = tuple(replace(end, thermal_photons=photons) for end in found.ends)
    return replace(found, ends=(ends[0], ends[1]))


def decay_1_s(end: int) -> float:
    return float(ATOMS[end].rates_1_s[:, 2].sum())


def ends() -> tuple[EndModel, EndModel]:
    one, other = (
        EndModel(KAPPA, decay_1_s(k), 4 * atom.dephasing_1_s) for k, atom in enumerate(ATOMS)
    )
    return one, other


def test_a_catch_lets_thermal_photons_by_while_it_holds_one() -> None:
    """By more than one and a half for each thermal photon; the world's resonators begin empty."""
    sent = sech_rate_hz(middles_s(SENT_NS), KAPPA, KAPPA)
    pulses = tuple(
        SidebandPulse(sideband_hz(atom), shape / RATE + 0j, 1.0)
        for atom, shape in zip(ATOMS, (sent, sent[::-1]), strict=True)
    )
    found = []
    for photons in (0.0, 0.002):
        record = photon_record(link(photons), ATOMS, (pulses[0], pulses[1]), LAG_NS * 10**6, (3, 1))
        assert record is not None
        found.append(record.absorption)
    way = ThermalWay(sent + 0j, sent[::-1] + 0j, ends(), 0.0, 0.0, LAG_NS, TRANSMISSION)
    assert sum(absorption_slopes(way)) == pytest.approx((found[1] - found[0]) / 0.002, rel=0.12)
    assert (found[1] - found[0]) / 0.002 < -1.2


def test_thermal_photons_hasten_what_a_drive_empties() -> None:
    """As much as a drive that is stronger by their number: of 0.4 % of one the rate seems so."""
    photons = 0.004
    silent = SidebandPulse(8.4e9, NOTHING, 1.0)
    falling = FallingF(*(getattr(ends()[0], one) for one in ("decay_1_s", "dephasing_1_s")), 0.0)
    warm = replace(falling, photons=photons)
    assert warm.hastened == pytest.approx(1 + photons, abs=1e-5)
    for rate_hz, duration_ns in ((1.5e6, 160), (1.0e6, 300), (2.0e6, 80)):
        pulse = SidebandPulse(
            sideband_hz(ATOMS[0]), np.full(duration_ns, rate_hz / RATE, np.complex128), 1.0
        )
        whole = photon_channel(link(photons), ATOMS, (pulse, silent), 0, (3, 1))
        after = whole[:, 2 * 27 + 2 * 9].reshape(3, 3, 3, 3)
        seen = float(np.einsum("abcc->ab", after)[2, 2].real)
        left = [
            float(
                left_in_loop(
                    np.array([duration_ns * 1e-9]),
                    np.array([one.hastened * rate_hz]),
                    np.zeros(1),
                    ends(),
                    LinkLoop(),
                )[0]
            )
            for one in (warm, falling)
        ]
        meant = [photons + (1 - photons) * one for one in left]
        assert abs(seen - meant[0]) < 8e-4
        assert abs(seen - meant[0]) < 0.5 * abs(seen - meant[1])
