"""Kinds of qubits, registers, hubs and links: what is told when they are wrong."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.benches.facility.loaded_examples import loaded
from tests.benches.thoroughness import cases

from podium.control.facility.facility import Facility
from podium.control.facility.fluxonium import Energies, spectrum
from podium.control.facility.load import load_facility

TEN = Path(__file__).parents[3] / "examples" / "ten_nodes" / "facility.yaml"
COUPLING = "q1_q2: {ends: [q1, q2], exchange: *exchange}"
MODULATED = "    modulator: lo_c0\n    lo: 1.2 GHz"
ENERGY = "josephson_energy: {value: 2.086 GHz, spread: 20 MHz}"

CASES = [
    (
        "an unknown kind of qubit",
        "kind: fluxonium",
        "kind: fluxion",
        "fluxion\n",
        "'fluxion' is not known here; it can be 'transmon' or 'fluxonium'",
    ),
    (
        "a kind that is misspelt",
        "kind: fluxonium",
        "knd: fluxonium",
        "q0:\n        knd",
        "'kind' is missing; did you mean it by 'knd'?",
    ),
    (
        "f01 of a fluxonium",
        "charging_energy: {value: 1.572 GHz, spread: 10 MHz}",
        "f01: 1.31 GHz",
        "f01: 1.31",
        "'f01' is not known here",
    ),
    (
        "an energy without a unit",
        ENERGY,
        "josephson_energy: 2.086",
        "2.086\n",
        "2.086 has no unit; a frequency",
    ),
    (
        "a junction that is too weak",
        ENERGY,
        "josephson_energy: 0.4 GHz",
        "0.4 GHz",
        "EJ / EL is 0.745; a fluxonium has more than 1, and up to 20 here",
    ),
    ("an energy of nothing", ENERGY, "josephson_energy: 0 GHz", "0 GHz", "must be above zero"),
    (
        "a fluxonium beyond its drive",
        MODULATED,
        MODULATED.replace("1.2", "2.2"),
        "2.2 GHz",
        "node_c.q0's f01 (of its energies) of 1.31309 GHz ± 47.4842 MHz (3 spreads)",
    ),
    (
        "a coupling to itself",
        COUPLING,
        COUPLING.replace("[q1, q2]", "[q1, q1]"),
        "[q1, q1]",
        "a coupling has two different qubits at its ends: [q0, q1]",
    ),
    (
        "a coupling to nobody",
        COUPLING,
        COUPLING.replace("[q1, q2]", "[q1, q9]"),
        "q9]",
        "node_d has no qubit 'q9'; there is q0, q1, q2, q3",
    ),
    (
        "a coupling given twice",
        COUPLING,
        COUPLING.replace("[q1, q2]", "[q1, q0]"),
        "[q1, q0]",
        "these two are already coupled by 'q0_q1' (line of q0_q1:); remove one",
    ),
    (
        "a coupling of nothing",
        "exchange: &exchange {value: 5.9 MHz, spread: 0.4 MHz}",
        "exchange: &exchange 0 MHz",
        "&exchange 0 MHz",
        "a coupling of nothing is none",
    ),
    (
        "a coupling that is called like a qubit",
        "q0_q1: {ends",
        "q1: {ends",
        "q1: {ends",
        "'q1' is also the name of a qubit",
    ),
    (
        "a register without a bias",
        "  node_d.q3.flux: {<<: *bias, source: cluster_d.slot6.out3}\n",
        "",
        "q3:\n        kind: transmon",
        "'node_d.q3.flux' is not wired; add it under 'wiring'",
    ),
    (
        "a link between hubs",
        "hubs:\n  exchange: {}\n\nlinks:\n  link_a: {ends: [node_a, exchange]}",
        "hubs:\n  exchange: {}\n  other: {}\n\nlinks:\n  link_a: {ends: [other, exchange]}",
        "[other, exchange]",
        "both ends are hubs; one end of a link is a node",
    ),
    (
        "a link to nobody",
        "[node_b, exchange]",
        "[node_b, exchanger]",
        "exchanger]",
        "there is no node or hub 'exchanger'; did you mean 'exchange'?",
    ),
    (
        "a hub in no fridge",
        "exchange: {}",
        "exchange: {fridge: fridge_c}",
        "fridge_c}",
        "there is no fridge 'fridge_c'; did you mean 'fridge_",
    ),
    (
        "a hub that is called like a node",
        "exchange: {}\n",
        "exchange: {}\n  node_a: {}\n",
        "node_a: {}",
        "'node_a' is also a name in 'nodes'",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "at", "says"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_what_is_wrong_with_kinds_registers_and_hubs_names_its_place(
    old: str, new: str, at: str, says: str, refuses_in: Callable[..., None]
) -> None:
    partial(refuses_in, TEN)(old, new, at, says)


@pytest.fixture(scope="module")
def ten() -> Facility:
    return loaded(TEN)


def test_the_example_is_the_facility_that_it_says(ten: Facility) -> None:
    kinds = [{q.kind for q in node.qubits.values()} for node in ten.nodes.values()]
    digital = [kind for kind, node in zip(kinds, ten.nodes.values(), strict=True) if node.kind]
    assert len(digital) == 10
    assert [node.kind for node in ten.nodes.values()].count("analog") == 2
    assert kinds.count({"fluxonium"}) == 2
    assert len(ten.fridges) == 2
    assert {node.fridge for node in ten.nodes.values()} == ten.fridges.keys()
    assert ten.hubs.keys() == {"exchange"}
    assert [link.ends for link in ten.links.values()] == [(name, "exchange") for name in ten.nodes]
    assert ten.timing.markers.keys() == ten.nodes.keys()
    assert len({wiring.output.instrument for wiring in ten.timing.triggers.values()}) == 11


def test_f01_of_a_fluxonium_follows_from_its_energies_with_their_spreads(ten: Facility) -> None:
    design = ten.nodes["node_c"].qubits["q0"].design
    energies = [design[f"{name}_energy"] for name in ("charging", "josephson", "inductive")]
    middle = spectrum(Energies(*(energy.value for energy in energies)))
    assert design["f01"].value == middle.f01_hz == pytest.approx(1.313e9, rel=1e-3)
    assert design["anharmonicity"].value == middle.anharmonicity_hz > 0
    assert design["f01"].source == "its circuit energies, at half a flux quantum"
    rng = np.random.default_rng(1)
    drawn = [
        spectrum(Energies(*(rng.normal(e.value, e.spread) for e in energies))).f01_hz
        for _ in range(cases(60, 300))
    ]
    assert np.std(drawn) == pytest.approx(design["f01"].spread, rel=0.25)


def test_couplings_stand_in_si_units(ten: Facility) -> None:
    coupling = ten.nodes["node_d"].couplings["q1_q2"]
    assert (coupling.node, coupling.element, coupling.ends) == ("node_d", "q1_q2", ("q1", "q2"))
    assert (coupling.exchange.value, coupling.exchange.unit) == (5.9e6, "Hz")


def test_merge_keys_of_what_was_merged_itself_are_taken_over(ten: Facility) -> None:
    wiring = ten.feedline_wiring("node_i.feedline")
    assert (wiring.lo_hz, wiring.line_gain_db) == (7.12e9, 70.0)
    assert wiring.output.instrument == "cluster_i"


def test_a_register_may_do_without_drive_lines(tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    lines = TEN.read_text().splitlines(keepends=True)
    kept = [line for line in lines if ".drive" not in line or "node_d" not in line]
    file.write_text("".join(kept))
    assert "node_d.q0.drive" not in load_facility(file).wiring
