"""Neighbours that nothing drives share a state where pulses pass something on, with few nodes."""

import numpy as np
import pytest
from tests.benches.physics.coupled_chip import (
    COUPLED,
    EXCHANGE_HZ,
    NAMES,
    PERIOD_NS,
    POINT,
    SPOTS,
    flip,
    quanta_where,
    run,
    square,
    world,
)
from tests.benches.thoroughness import sampled

from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.fast_flux import moving
from podium.sim_instruments.physics.joint import joint_run
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.cluster_signals import MemberSignals
from podium.sim_instruments.physics.joint.joint_run import clusters_of
from podium.sim_instruments.physics.joint.passed_excitation import noise_shares, passed_amplitude
from podium.sim_instruments.physics.joint.slow_noise_nodes import noise_nodes

CLUSTER = cluster_point(POINT.qubits, COUPLED, SPOTS)
SILENT = drives_of([])
DRIVES = drives_of([flip(0, [20])])


def shares(quanta: float, *, both: bool = False):
    """Of q0, which is driven and moved by so much, and of q1."""
    flux = square([100], quanta, 500)
    by = moving(COUPLED, NAMES[0], [flux], SPOTS)
    assert by is not None
    played = [
        MemberSignals(DRIVES, drives_of(by.trains)),
        MemberSignals(DRIVES if both else SILENT, SILENT),
    ]
    return noise_shares(CLUSTER, played)


def test_what_is_driven_holds_an_excitation_of_its_own() -> None:
    assert shares(0.01, both=True).tolist() == [1.0, 1.0]


def test_an_exchange_off_resonance_passes_on_what_rabi_allows() -> None:
    levels = [COUPLED.bare_at(name, SPOTS, 0.0)[0] for name in NAMES]
    anharmonicity = levels[0][2] - 2 * levels[0][1]
    apart = abs(levels[0][1] - levels[1][1]), abs(levels[0][1] + anharmonicity - levels[1][1])
    bounds = [
        4 * g**2 / (4 * g**2 + hz**2)
        for g, hz in zip((EXCHANGE_HZ, 2**0.5 * EXCHANGE_HZ), apart, strict=True)
    ]
    own, other = shares(1e-4)
    assert own == 1.0
    assert 0.8 * max(bounds) < other < 1.2 * max(bounds) < 0.05


@pytest.mark.parametrize("transition", [0, 1])
def test_a_pulse_that_leads_through_resonance_makes_both_count(transition: int) -> None:
    assert shares(1.01 * quanta_where(transition))[1] > 0.95


def prepared(monkeypatch, *played, read_ns):
    """The cluster of both, whatever pulses pass on."""
    found = []
    plain = joint_run.prepare_cluster

    def watched(*given):
        found.append(plain(*given))
        return found[-1]

    monkeypatch.setattr("podium.sim_instruments.physics.feedline_run.prepare_cluster", watched)
    monkeypatch.setattr(joint_run, "PASSED", 0.0)
    world().play(run(played, [read_ns], PERIOD_NS))
    (cluster,) = found
    return cluster


@pytest.mark.parametrize("share_of_resonance", [0.3, 0.5, 0.7, -0.3])
def test_a_rectangle_of_the_worst_length_passes_on_what_is_said(
    share_of_resonance: float, monkeypatch
) -> None:
    quanta = share_of_resonance * quanta_where(0)
    passed = passed_amplitude(COUPLED, NAMES, SPOTS, [quanta], 1)
    hz = [COUPLED.bare_at(NAMES[k], SPOTS, k * 0.0 + (1 - k) * quanta)[0][1] for k in (0, 1)]
    worst_ns = round(0.5e9 / np.hypot(2 * EXCHANGE_HZ, hz[0] - hz[1]))
    found = []
    for duration_ns in (worst_ns, 2 * worst_ns):
        with monkeypatch.context() as patch:
            pulse = square([100], quanta, duration_ns)
            cluster = prepared(patch, pulse, read_ns=400)
        basis = cluster.point.basis
        found.append(cluster.columns.column(0, basis.index(1, 0))[basis.index(0, 1)])
    assert max(found) == pytest.approx(passed**2, rel=0.3, abs=3e-5)
    assert found[1] < max(0.3 * found[0], 3e-5)


def test_a_neighbour_that_nothing_drives_stands_alone_where_little_is_passed_on() -> None:
    drive, read = flip(0, [100]), [1000]
    far, near = (square([200], share * quanta_where(0), 40) for share in (0.12, 0.9))

    def found(*played, is_whole=True):
        fluxes = [one for one in played if one.line.endswith(".flux")]
        return clusters_of(POINT, run(played, read, 5000), COUPLED, fluxes, is_whole=is_whole)

    assert found(drive, far) == []
    assert found(drive, near) == [NAMES]
    assert found(drive, far, flip(1, [100])) == [NAMES]
    assert found(drive, far, is_whole=False) == [NAMES]


def ramsey(monkeypatch, quanta: float, long_ns: int):
    """Populations behind two halves of a flip of q0 with a long pulse between them."""
    drives = [flip(0, [20], 0.5), flip(0, [long_ns + 200], 0.5)]
    pulse = square([80], quanta, long_ns)
    cluster = prepared(monkeypatch, *drives, pulse, read_ns=long_ns + 400)
    return cluster.columns, cluster.columns.column(0, 0)


@pytest.mark.parametrize("share_of_resonance", sampled([0.5, 1.0], kept=[0.5]))
def test_fewer_nodes_find_what_all_of_them_find(share_of_resonance: float, monkeypatch) -> None:
    monkeypatch.setattr(joint_run, "noise_nodes", widened)
    quanta = share_of_resonance * quanta_where(0)
    few, found = ramsey(monkeypatch, quanta, 3000)
    monkeypatch.setattr(joint_run, "noise_shares", lambda point, played: np.ones(len(played)))
    every, known = ramsey(monkeypatch, quanta, 3000)
    assert np.abs(found - known).max() < 1e-3
    assert (few._at_nodes.count < every._at_nodes.count) == (share_of_resonance < 1.0)


def widened(slow_hz, span_ns):
    """Noise that strays by 100 kHz."""
    return noise_nodes((slow_hz[0], 1e5), span_ns)
