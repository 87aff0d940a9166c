"""The photon that a link is given by what is measured of it, else by the facility file."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.links.linked_ends import LINKED, bench_of, entry

from podium.control.calibration.links import photon_search
from podium.control.calibration.links.link_bench import SECOND_OVER_FIRST
from podium.control.calibration.links.photon_design import pair_model, shaped_for
from podium.control.calibration.links.photon_shapes import STRONGEST


def test_a_link_is_modelled_by_what_is_measured() -> None:
    designed = pair_model(bench_of(LINKED))
    assert designed.transmission == pytest.approx(0.77)
    assert (designed.loop.echo, designed.off_hz) == (0, 0)
    bench = bench_of(
        LINKED,
        **{
            "link_ab.transmission": (0.81, "1"),
            "link_ab.echo_i": (0.05, "1"),
            "link_ab.echo_q": (-0.02, "1"),
            "node_a.q0.t2_echo": (4e-6, "s"),
        },
    )
    found = pair_model(bench)
    assert found.transmission == 0.81
    assert found.loop.echo == 0.05 - 0.02j
    assert found.decay_1_s == pytest.approx(1 / 5e-6)
    assert found.dephasing_1_s == pytest.approx(1 / 4e-6 - 0.5 / 5e-6)
    assert found.ends[0].decay_1_s == pytest.approx(SECOND_OVER_FIRST[0] / 5e-6)
    assert found.ends[1].kappa_hz == 13.3e6


def test_resonances_are_apart_by_lines_and_scan_each_by_its_sigma() -> None:
    """A catch is played where it was scanned; the scan is surer than the lines."""
    bench = bench_of(LINKED, **{"link_ab.detuning": (0.4e6, "Hz")})
    lines, sigma = bench.apart_hz()
    scanned = replace(entry("link_ab.detuning", 0.4e6, "Hz"), sigma=sigma)
    bench.first.bench.record.put([scanned])
    model = pair_model(bench)
    assert model.off_hz == 0.4e6
    assert model.loop.apart_hz == pytest.approx((lines + 0.4e6) / 2)


def test_what_is_designed_can_be_played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photon_search, "ENDS", 1e-5)  # limits are limits of any search
    bench = bench_of(LINKED, **{"link_ab.b.sideband_rate": (11.0e6, "Hz")})
    found = shaped_for(bench, pair_model(bench))
    photon = replace(bench, chosen=found.shape).photon()
    assert photon.duration_ns == found.shape.duration_ns < bench.photon().duration_ns
    for pulse in (photon.sent, photon.caught):
        assert len(pulse) == photon.duration_ns
        assert np.max(np.abs(pulse)) <= STRONGEST * (1 + 1e-9)
