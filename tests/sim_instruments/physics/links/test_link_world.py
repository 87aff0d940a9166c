"""Worlds draw quantum links from a facility file, and the truth names them."""

from pathlib import Path

import numpy as np
import pytest

from podium.firmware_interfaces.yaml_text import parse_yaml
from podium.sim_instruments.physics.clock_makes import WHITE_RABBIT, WHITE_RABBIT_LOW_JITTER
from podium.sim_instruments.physics.design import DesignError, design_of
from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_window import (
    Atom,
    LinkWindow,
    Sideband,
    TransferResonator,
    Way,
    WindowEnd,
)
from podium.sim_instruments.physics.links.link_world import link_truth, mode_photons
from podium.sim_instruments.physics.sampling import draw_world, sample
from podium.sim_instruments.physics.truth import truth
from podium.sim_instruments.physics.world_file import WorldFileError, dump_world, parse_world

LINKED = Path(__file__).parents[4] / "examples" / "linked" / "facility.yaml"


@pytest.fixture(scope="module")
def world():
    return sample(LINKED, 3)


def test_a_link_is_drawn_within_its_spreads_and_reads_back(world) -> None:
    assert parse_world(dump_world(world)) == world
    (link,) = world.quantum_links()
    assert link.name == "link_ab"
    assert [end.sideband for end in link.ends] == ["node_a.q0.sideband", "node_b.q0.sideband"]
    assert abs(link.ends[0].kappa_hz - 10.4e6) <= 2.5 * 0.3e6
    assert abs(link.transmission[0] - 0.77) <= 2.5 * 0.01
    assert link.transmission[1] == pytest.approx(link.transmission[0] * link.isolation)
    assert abs(link.delay_fs - 4_500_000) <= 2.5 * 300_000


def test_seeds_differ_and_repeat(world) -> None:
    assert sample(LINKED, 3).links == world.links
    other = sample(LINKED, 4).links["link_ab"]
    assert other.phase.value != world.links["link_ab"].phase.value
    assert other.ends[0].sideband.value != world.links["link_ab"].ends[0].sideband.value


def test_the_truth_names_what_full_scale_does_and_where_the_sideband_is(world) -> None:
    qubits = truth(world.chip(), None, optima=False)
    told = link_truth(world.links, qubits)
    (link,) = world.quantum_links()
    end = link.ends[0]
    # 5 dBm out of a QCM-RF at full scale: models.py
    watts = 1e-3 * 10**0.5
    assert told["link_ab.a.sideband_rate"].value == pytest.approx(
        end.sideband_hz_per_root_watt * watts**0.5
    )
    assert told["link_ab.a.stark_shift"].value == pytest.approx(end.stark_hz_per_watt * watts)
    assert told["link_ab.a.stark_shift"].value < 0
    at_rest = 2 * qubits["node_a.q0.f01"].value + qubits["node_a.q0.anharmonicity"].value
    assert told["link_ab.a.sideband_frequency"].value == at_rest - end.transfer_hz
    assert told["link_ab.transmission"].value == link.transmission[0]


def test_a_link_without_a_circulator_loses_the_same_both_ways() -> None:
    tree = parse_yaml(LINKED.read_bytes())
    del tree["links"]["link_ab"]["isolation"]
    (link,) = draw_world(design_of(tree, "x"), 3).quantum_links()
    assert link.isolation == 0
    assert link.transmission[0] == link.transmission[1]


def test_a_sideband_without_a_line_is_refused() -> None:
    tree = parse_yaml(LINKED.read_bytes())
    del tree["wiring"]["node_b.q0.sideband"]
    with pytest.raises(DesignError, match=r"node_b.q0.sideband is not wired"):
        design_of(tree, "x")


def test_a_link_to_no_qubit_of_the_world_is_refused(world) -> None:
    text = dump_world(world).replace("qubit: node_b.q0", "qubit: node_b.q5")
    with pytest.raises(WorldFileError, match=r"link_ab ends at node_b.q5"):
        parse_world(text)


def test_a_phase_reference_that_holds_links_is_of_low_jitter_clocks() -> None:
    tree = parse_yaml(LINKED.read_bytes())
    assert design_of(tree, "x").timing.clocks["wrtd_a"] is WHITE_RABBIT_LOW_JITTER
    tree["timing"]["phase_reference"]["jitter"] = "13 ps"
    assert design_of(tree, "x").timing.clocks["wrtd_a"] is WHITE_RABBIT


def test_an_end_meets_what_the_way_brings_and_the_noise_of_what_it_loses() -> None:
    """As a long pulse of an end lifts its atom, by the link's master equation."""
    world = sample(LINKED, 3)
    one, other = (end.thermal_photons.value for end in world.links["link_ab"].ends)
    link = world.links["link_ab"]
    forth, back = link.transmission.value, link.transmission_back.value
    assert mode_photons(link, 0) == pytest.approx((1 - back) * one + back * other)
    assert mode_photons(link, 1) == pytest.approx(forth * one + (1 - forth) * other)
    rest = Atom(np.zeros((3, 3)), np.zeros((3, 3)))
    played = Sideband(np.full(400, 3.6e6, complex), 0, 10**6)
    silent = Sideband(np.zeros(1, complex), 0, 10**6)
    for end in (0, 1):
        ends = [
            WindowEnd(
                rest,
                TransferResonator(10.4e6, 0.0, photons),
                played if k == end else silent,
                0,
                400 * 10**6 if k == end else 0,
            )
            for k, photons in enumerate((one, other))
        ]
        way = Way(complex(forth**0.5), 0, complex(back**0.5))
        state = evolve_window(LinkWindow((ends[0], ends[1]), way, ((0, 0),), bound=1e-9))
        levels = np.diagonal(state.channel.matrix[:, 0].reshape(9, 9)).real.reshape(3, 3)
        in_f = float(levels.sum(axis=1 - end)[2])
        photons = mode_photons(link, end)
        assert in_f == pytest.approx(photons / (1 + 2 * photons), rel=0.02)
    qubits = truth(world.chip(), None, optima=False)
    told = link_truth(world.links, qubits)
    assert told["link_ab.b.mode_photons"].value == mode_photons(link, 1)


def test_an_end_without_a_circulator_meets_its_own_photons_alone() -> None:
    tree = parse_yaml(LINKED.read_bytes())
    del tree["links"]["link_ab"]["isolation"]
    link = draw_world(design_of(tree, "x"), 3).links["link_ab"]
    assert [mode_photons(link, k) for k in (0, 1)] == [
        end.thermal_photons.value for end in link.ends
    ]
