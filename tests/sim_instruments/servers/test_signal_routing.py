from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.servers.cabling import PLAN, Tone, twins

from podium.sim_instruments.physics.signals import CaptureTrain, Piece, PulseTrain, Window
from podium.sim_instruments.servers.cabling import Cabling
from podium.sim_instruments.servers.signal_routing import (
    leaking,
    phase_turns,
    route,
    routed,
    silence,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import FULL_SCALE_MV, PERFECT, Mixer
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer_signals import with_image
from podium.sim_instruments.wiring import Cable, Carrier

# From connectors to lines


def sent_from(connector: str) -> PulseTrain:
    piece = Piece(10e6, np.zeros(0, complex), 0.1 + 0j, 100)
    return PulseTrain(
        connector, np.array([0, 500]), np.zeros(2, np.int32), np.zeros(2), pieces=(piece,)
    )


def test_signals_leave_at_connectors_and_arrive_at_lines() -> None:
    cabling = Cabling.at(PLAN, twins(Tone()), (), 0)
    direct, modulated = routed(cabling, "rack", [sent_from("out0"), sent_from("out1")])
    assert (direct.line, direct.pieces[0].carrier_hz) == ("q0.drive", 10e6)
    assert (modulated.line, modulated.pieces[0].carrier_hz) == ("q1.drive", 5.01e9)


MIXER = Mixer(1.04, -2.0, (3.0, -1.0))


def on_line(cabling: Cabling, sent: list[PulseTrain]) -> dict[float, complex]:
    """Return the tones on q1's line at the time 0, by frequency."""
    found: dict[float, complex] = {}
    for one in routed(cabling, "rack", sent):
        hz = one.pieces[0].carrier_hz
        turned = one.pieces[0].level * np.exp(2j * np.pi * one.phase_turns[0])
        found[hz] = found.get(hz, 0) + turned
    return found


def test_the_modulator_of_a_source_adds_an_image_that_a_correction_takes_away() -> None:
    cabling = Cabling.at(PLAN, twins(Tone()), (), 0, {"generator": MIXER})
    (sent,) = (sent_from("out1"),)
    seen = on_line(cabling, [sent])
    assert seen.keys() == {5.01e9, 4.99e9}
    assert 0.01 < abs(seen[4.99e9] / seen[5.01e9]) < 0.05
    images = [one.spur for one in routed(cabling, "rack", [sent])]
    assert images == ["", "image"]
    corrected = with_image(sent, 0, np.zeros(2), PERFECT.sidebands(*MIXER.best_correction()))
    seen = on_line(cabling, list(corrected))
    assert abs(seen[4.99e9] / seen[5.01e9]) < 1e-4


def test_a_carrier_leaks_through_it_unless_static_levels_make_up_for_it() -> None:
    cabling = Cabling.at(PLAN, twins(Tone()), (), 0, {"generator": MIXER})
    (leak,) = leaking(cabling, "rack", 1000)
    assert (leak.line, leak.spur, leak.pieces[0].carrier_hz) == ("q1.drive", "carrier", 5e9)
    assert leak.pieces[0].duration_ns == 1000
    assert list(leaking(Cabling.at(PLAN, twins(Tone()), (), 0), "rack", 1000)) == []
    assert (
        list(leaking(Cabling.at(PLAN, twins(None), (), 0, {"generator": MIXER}), "rack", 9)) == []
    )


def test_static_levels_of_a_pair_of_outputs_are_offsets_of_its_modulator() -> None:
    cables = {"slot6.out0_1": Cable("q1.drive", "generator")}
    plan = replace(PLAN, outputs={"rack": cables})
    offsets = {"slot6.out0": -3.0 / FULL_SCALE_MV * 2.5, "slot6.out1": 1.0 / FULL_SCALE_MV * 2.5}
    cabling = Cabling.at(plan, twins(Tone()), (), 0, {"generator": MIXER})
    (leak,) = leaking(replace(cabling, levels_v={}), "rack", 1000)
    left = list(leaking(replace(cabling, levels_v={"rack": offsets}), "rack", 1000))
    assert not left or abs(left[0].pieces[0].level) < 1e-9 * abs(leak.pieces[0].level)


def test_nothing_arrives_without_a_cable_or_without_a_tone() -> None:
    cabling = Cabling.at(PLAN, twins(None), {"q0.drive"}, 0)
    assert (
        list(routed(cabling, "rack", [sent_from("out0"), sent_from("out1"), sent_from("out9")]))
        == []
    )


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
    arriving = route(given, Cable("node_a.q0.drive", None), None)
    assert arriving.line == "node_a.q0.drive"
    assert arriving.pieces == given.pieces
    assert arriving.phase_turns is given.phase_turns


def test_a_modulator_multiplies_by_its_tone() -> None:
    """Sample by sample: baseband times exp(2j pi f t), scaled to the source's power."""
    carrier = Carrier(4_935_000_000.017, 3.0)
    arriving = route(train(), Cable("node_a.q2.drive", "lo_q2"), carrier)
    assert arriving.line == "node_a.q2.drive"
    millihertz = round(carrier.frequency_hz * 1000)
    turns = [float(Fraction(millihertz * t, 10**12) % 1) for t in range(1100)]
    scale = np.sqrt(1e-3 * 10 ** (3.0 / 10)) / (2.5 / np.sqrt(2 * 50))
    expected = sampled(train(), 1100) * np.exp(2j * np.pi * np.array(turns)) * scale
    np.testing.assert_allclose(sampled(arriving, 1100), expected, atol=1e-12)


def test_full_scale_through_a_modulator_is_the_sources_power() -> None:
    full_scale = 2.5 / np.sqrt(2 * 50)
    piece = Piece(0.0, np.zeros(0, complex), full_scale + 0j, 10)
    arriving = route(train(pieces=(piece,)), Cable("x", "lo"), Carrier(5e9, 0.0))
    assert abs(arriving.pieces[0].level) ** 2 == pytest.approx(1e-3)


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
