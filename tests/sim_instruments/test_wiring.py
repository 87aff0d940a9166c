import re
from pathlib import Path

import numpy as np
import pytest

from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.servers.signal_routing import route
from podium.sim_instruments.wiring import (
    Cable,
    Plan,
    PlanError,
    Thermometry,
    plan_of,
    read_plan,
)

EXAMPLE = Path(__file__).parents[2] / "examples" / "first_light" / "facility.yaml"

# The plan


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read_plan(EXAMPLE)


def test_outputs_lead_to_lines_by_way_of_modulators(plan) -> None:
    assert plan.outputs["cluster_a"] == {
        "slot2.out0": Cable("node_a.feedline", None),
        "slot4.out0": Cable("node_a.q0.drive", None),
        "slot4.out1": Cable("node_a.q1.drive", None),
        "slot6.out0_1": Cable("node_a.q2.drive", "lo_q2"),
    }
    assert plan.outputs["bias_q0"] == {}


def test_pulses_beside_a_bias_are_volts_that_the_line_weakens() -> None:
    rack = read_plan(EXAMPLE.parents[1] / "zi_rack" / "facility.yaml")
    cable = rack.outputs["zi_a"]["dev8001.sigout0"]
    assert (cable.line, cable.modulator) == ("node_a.q0.flux", None)
    assert cable.factor == pytest.approx(0.1)
    assert rack.biases["node_a.q0.flux"] == ("bias_q0", "")
    at, which = np.zeros(1, np.int64), np.zeros(1, np.int32)
    piece = Piece(0.0, np.array([0.02 + 0j]), 0.04 + 0j, 5)
    train = PulseTrain("dev8001.sigout0", at, which, np.zeros(1), (piece,))
    arriving = route(train, cable, None)
    assert arriving is not None
    assert arriving.line == "node_a.q0.flux"
    assert arriving.pieces[0].level == pytest.approx(0.004)
    assert arriving.pieces[0].samples == pytest.approx([0.002])
    with pytest.raises(PlanError, match=r"wiring\.node_a\.q0\.flux\.line_attenuation: .*dB"):
        plan_of(
            {
                "instruments": {"zi": {"model": "zurich"}, "b": {"model": "yokogawa_gs200"}},
                "wiring": {
                    "node_a.q0.flux": {
                        "source": "b", "output": "zi.dev1.sigout0", "line_attenuation": "20 V",
                    }
                },
            }
        )  # fmt: skip


def test_inputs_hear_lines(plan) -> None:
    assert plan.inputs["cluster_a"] == {"slot2.in0": "node_a.feedline"}


def test_biases_come_from_sources_with_and_without_connectors(plan) -> None:
    assert plan.biases == {
        "node_a.q0.flux": ("bias_q0", ""),
        "node_a.q1.flux": ("cluster_a", "slot6.out2"),
        "node_a.q2.flux": ("cluster_a", "slot6.out3"),
    }


def test_exchanged_cables_lead_to_each_others_line(plan) -> None:
    swapped = plan.exchanged("node_a.q0.drive", "node_a.q1.drive")
    lines = {connector: cable.line for connector, cable in swapped.outputs["cluster_a"].items()}
    assert lines["slot4.out0"] == "node_a.q1.drive"
    assert lines["slot4.out1"] == "node_a.q0.drive"
    assert lines["slot2.out0"] == "node_a.feedline"
    assert swapped.lines == plan.lines
    assert swapped.biases == plan.biases
    assert swapped.exchanged("node_a.q1.drive", "node_a.q0.drive") == plan


def test_exchanged_flux_lines_take_each_others_source(plan) -> None:
    swapped = plan.exchanged("node_a.q0.flux", "node_a.q1.flux")
    assert swapped.biases["node_a.q0.flux"] == plan.biases["node_a.q1.flux"]
    assert swapped.driver_of("node_a.q1.flux") == ("bias_q0", "")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("node_a.q0.drive", "node_a.q0.flux"),
        ("node_a.q0.drive", "node_a.q0.drive"),
        ("node_a.feedline", "node_a.q0.drive"),
        ("node_a.q0.drive", "node_a.q7.drive"),
    ],
)
def test_only_two_lines_of_one_kind_can_be_exchanged(plan, one: str, other: str) -> None:
    with pytest.raises(ValueError, match="line"):
        plan.exchanged(one, other)


def test_a_thermometer_sits_in_its_fridge(plan) -> None:
    assert plan.thermometers == {
        "thermometry_a": Thermometry("fridge_a", {5: "still", 6: "mixing_chamber"})
    }


def test_lines_are_all_that_a_cable_goes_to(plan) -> None:
    qubits = {f"node_a.q{k}.{what}" for k in range(3) for what in ("drive", "flux")}
    assert plan.lines == qubits | {"node_a.feedline"}


def test_a_facility_without_wiring_and_fridges_is_a_plan() -> None:
    plan = plan_of({"facility": "bare", "instruments": {"a": {"model": "m"}}})
    assert (plan.name, plan.lines, plan.thermometers) == ("bare", frozenset(), {})


BASE = {"instruments": {"a": {"model": "m"}, "t": {"model": "n"}}}


@pytest.mark.parametrize(
    ("tree", "complaint"),
    [
        (None, "the file: a mapping is wanted, not None"),
        ({"instruments": ["a"]}, r"instruments: a mapping is wanted, not ['a']"),
        ({"instruments": {"a": "b"}}, "instruments.a: a mapping is wanted, not 'b'"),
        ({"instruments": {"a": {}}}, "instruments.a names no model"),
        (
            {**BASE, "wiring": {"x.drive": {"output": "b.out0"}}},
            "wiring.x.drive names b.out0, but the file has no instrument 'b'; it has a, t",
        ),
        (
            {**BASE, "wiring": {"x.drive": {"output": "a.out0", "modulator": "lo"}}},
            "wiring.x.drive names lo, but the file has no instrument 'lo'",
        ),
        ({**BASE, "wiring": {"x.flux": {"source": "v"}}}, "wiring.x.flux names v"),
        ({**BASE, "wiring": {"x": {"input": "w.in0"}}}, "wiring.x names w.in0"),
        ({**BASE, "wiring": {"x": "a.out0"}}, "wiring.x: a mapping is wanted, not 'a.out0'"),
        ({**BASE, "fridges": {"f": {"thermometer": "u.mxc"}}}, "fridges.f names u.mxc"),
        ({**BASE, "fridges": {"f": {"thermometer": "t.mxc"}}}, "t.channels: a mapping is wanted"),
        (
            {
                "instruments": {"t": {"model": "n", "channels": {"six": "mxc"}}},
                "fridges": {"f": {"thermometer": "t.mxc"}},
            },
            "t.channels: a whole number is wanted, not 'six'",
        ),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(tree, complaint) -> None:
    with pytest.raises(PlanError, match=re.escape(complaint)):
        plan_of(tree)


def test_a_bad_file_is_told_by_its_name(tmp_path) -> None:
    path = tmp_path / "facility.yaml"
    path.write_text("instruments: [")
    with pytest.raises(PlanError, match=r"facility\.yaml: .*flow node"):
        read_plan(path)
    path.write_text("instruments: 5")
    with pytest.raises(PlanError, match=r"facility\.yaml: instruments: a mapping"):
        read_plan(path)
    with pytest.raises(FileNotFoundError):
        read_plan(tmp_path / "none.yaml")
