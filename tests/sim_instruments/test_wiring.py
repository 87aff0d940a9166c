import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.sim_instruments.physics.signals import CaptureTrain, Piece, PulseTrain, Window
from podium.sim_instruments.wiring import (
    Cable,
    Carrier,
    Plan,
    PlanError,
    Thermometry,
    phase_turns,
    plan_of,
    read_plan,
    route,
    silence,
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


# The way through a modulator


def test_a_carriers_phase_is_exact_where_floats_are_not() -> None:
    """5 GHz and 1 mHz, 1000 s in: f t in float64 is off by a thousandth of a turn."""
    times_ns = np.array([10**12 - 1, 10**12 + 12_345_678_901])
    hertz = 5_000_000_000.001
    exact = [(Fraction(5_000_000_000_001, 1000) * int(t) / 10**9) % 1 for t in times_ns]
    assert phase_turns(hertz, times_ns) == pytest.approx([float(turns) for turns in exact], abs=0)
    naive = hertz * 1e-9 * times_ns % 1
    assert np.abs(naive - [float(turns) for turns in exact]).max() > 1e-4


@given(
    st.integers(0, 20 * 10**12),
    st.lists(st.integers(0, 2**62), min_size=1, max_size=20),
)
def test_a_carriers_phase_is_the_fraction_rounded_once(millihertz, times_ns) -> None:
    found = phase_turns(millihertz / 1000, np.array(times_ns, dtype=np.int64))
    for turns, time_ns in zip(found, times_ns, strict=True):
        assert turns == float(Fraction(millihertz * time_ns, 10**12) % 1)


def train(start_ns=(0, 1000), **more) -> PulseTrain:
    piece = Piece(25e6, np.array([0.1, 0.2 + 0.1j]), 0.05 + 0j, 100)
    fields = {
        "line": "slot6.out0_1",
        "start_ns": np.array(start_ns, dtype=np.int64),
        "piece": np.zeros(len(start_ns), dtype=np.int32),
        "phase_turns": np.full(len(start_ns), 0.125),
        "pieces": (piece,),
    }
    return PulseTrain(**(fields | more))


def sampled(train: PulseTrain, duration_ns: int) -> np.ndarray:
    """Return the signal of a train sample by sample, slowly and with exact phases."""
    signal = np.zeros(duration_ns, complex)
    for start, index, phase in zip(train.start_ns, train.piece, train.phase_turns, strict=True):
        piece = train.pieces[index]
        for j in range(piece.duration_ns):
            value = piece.samples[j] if j < len(piece.samples) else piece.level
            turns = float(Fraction(round(piece.carrier_hz * 1000) * j, 10**12) % 1) + phase
            signal[start + j] += value * np.exp(2j * np.pi * turns)
    return signal


def test_a_cable_only_renames() -> None:
    given = train()
    routed = route(given, Cable("node_a.q0.drive", None), None)
    assert routed.line == "node_a.q0.drive"
    assert routed.pieces == given.pieces
    assert routed.phase_turns is given.phase_turns


def test_a_modulator_multiplies_by_its_tone() -> None:
    """Sample by sample: baseband times exp(2j pi f t), scaled to the source's power."""
    carrier = Carrier(4_935_000_000.017, 3.0)
    routed = route(train(), Cable("node_a.q2.drive", "lo_q2"), carrier)
    assert routed.line == "node_a.q2.drive"
    millihertz = round(carrier.frequency_hz * 1000)
    turns = [float(Fraction(millihertz * t, 10**12) % 1) for t in range(1100)]
    scale = np.sqrt(1e-3 * 10 ** (3.0 / 10)) / (2.5 / np.sqrt(2 * 50))
    expected = sampled(train(), 1100) * np.exp(2j * np.pi * np.array(turns)) * scale
    np.testing.assert_allclose(sampled(routed, 1100), expected, atol=1e-12)


def test_full_scale_through_a_modulator_is_the_sources_power() -> None:
    full_scale = 2.5 / np.sqrt(2 * 50)
    piece = Piece(0.0, np.zeros(0, complex), full_scale + 0j, 10)
    routed = route(train(pieces=(piece,)), Cable("x", "lo"), Carrier(5e9, 0.0))
    assert abs(routed.pieces[0].level) ** 2 == pytest.approx(1e-3)


def test_without_a_tone_nothing_comes_through_a_modulator() -> None:
    assert route(train(), Cable("node_a.q2.drive", "lo_q2"), None) is None


def test_an_input_without_a_cable_hears_nothing() -> None:
    windows = (Window(7e9, 100, None), Window(7e9, 300, None))
    start = np.array([0, 1000, 2000])
    capture = CaptureTrain(
        "slot2.in0", start, np.array([0, 1, 0], np.int32), np.zeros(3), windows, scope=True
    )
    heard = silence(capture)
    assert heard.integrated.shape == (3,)
    assert not heard.integrated.any()
    assert heard.trace.shape == (300,)
    assert not heard.trace.any()
