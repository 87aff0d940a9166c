from dataclasses import dataclass, replace

import numpy as np
import pytest
from tests.sim_instruments.servers.box_on_a_wire import Box

from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.servers.cabling import Cabling, check_sources
from podium.sim_instruments.twins.qblox_cluster.mixer import FULL_SCALE_MV, PERFECT, Mixer
from podium.sim_instruments.twins.qblox_cluster.mixer_signals import with_image
from podium.sim_instruments.wiring import Cable, Carrier, Plan, PlanError


class Source(Box):
    """Ramps by 1 V a femtosecond."""

    def level_v(self, now_fs: int) -> float:
        return float(now_fs)


class Rack(Box):
    def levels_v(self) -> dict[str, float]:
        return {"slot6.out2": 0.25, "slot6.out3": -0.5}


@dataclass
class Tone:
    frequency_hz: float = 5e9
    power_dbm: float = 3.0
    iq: bool = True
    lock: str = "tone #1"


class Generator(Box):
    def __init__(self, tone: Tone | None) -> None:
        super().__init__()
        self._tone = tone

    def tone(self, now_fs: int) -> Tone | None:
        return self._tone


PLAN = Plan(
    name="made up",
    instruments={},
    outputs={
        "rack": {"out0": Cable("q0.drive", None), "out1": Cable("q1.drive", "generator")},
        "source": {},
    },
    inputs={"rack": {}, "source": {}},
    biases={
        "q0.flux": ("source", ""),
        "q1.flux": ("rack", "slot6.out2"),
        "q2.flux": ("rack", "slot6.out3"),
    },
    thermometers={},
)


def twins(tone: Tone | None = None) -> dict[str, Box]:
    return {"source": Source(), "rack": Rack(), "generator": Generator(tone)}


def train(connector: str) -> PulseTrain:
    piece = Piece(10e6, np.zeros(0, complex), 0.1 + 0j, 100)
    return PulseTrain(
        connector, np.array([0, 500]), np.zeros(2, np.int32), np.zeros(2), pieces=(piece,)
    )


def test_biases_are_what_the_sources_hold_at_that_moment() -> None:
    at_7 = Cabling.at(PLAN, twins(), (), 7).biases_v
    assert at_7 == {"q0.flux": 7.0, "q1.flux": 0.25, "q2.flux": -0.5}
    assert Cabling.at(PLAN, twins(), (), 8).biases_v["q0.flux"] == 8.0


def test_a_flux_line_without_its_cable_is_at_zero() -> None:
    found = Cabling.at(PLAN, twins(), {"q0.flux", "q2.flux"}, 7).biases_v
    assert found == {"q0.flux": 0.0, "q1.flux": 0.25, "q2.flux": 0.0}


def test_only_a_tone_that_is_on_and_modulated_carries() -> None:
    assert Cabling.at(PLAN, twins(Tone()), (), 0).carriers == {"generator": Carrier(5e9, 3.0)}
    assert Cabling.at(PLAN, twins(Tone(iq=False)), (), 0).carriers == {}
    assert Cabling.at(PLAN, twins(None), (), 0).carriers == {}


def test_signals_leave_at_connectors_and_arrive_at_lines() -> None:
    cabling = Cabling.at(PLAN, twins(Tone()), (), 0)
    direct, modulated = cabling.routed("rack", [train("out0"), train("out1")])
    assert (direct.line, direct.pieces[0].carrier_hz) == ("q0.drive", 10e6)
    assert (modulated.line, modulated.pieces[0].carrier_hz) == ("q1.drive", 5.01e9)


MIXER = Mixer(1.04, -2.0, (3.0, -1.0))


def on_line(cabling: Cabling, sent: list[PulseTrain]) -> dict[float, complex]:
    """Return the tones on q1's line at the time 0, by frequency."""
    found: dict[float, complex] = {}
    for one in cabling.routed("rack", sent):
        hz = one.pieces[0].carrier_hz
        turned = one.pieces[0].level * np.exp(2j * np.pi * one.phase_turns[0])
        found[hz] = found.get(hz, 0) + turned
    return found


def test_the_modulator_of_a_source_adds_an_image_that_a_correction_takes_away() -> None:
    cabling = Cabling.at(PLAN, twins(Tone()), (), 0, {"generator": MIXER})
    (sent,) = (train("out1"),)
    seen = on_line(cabling, [sent])
    assert seen.keys() == {5.01e9, 4.99e9}
    assert 0.01 < abs(seen[4.99e9] / seen[5.01e9]) < 0.05
    images = [one.spur for one in cabling.routed("rack", [sent])]
    assert images == ["", "image"]
    corrected = with_image(sent, 0, np.zeros(2), PERFECT.sidebands(*MIXER.best_correction()))
    seen = on_line(cabling, list(corrected))
    assert abs(seen[4.99e9] / seen[5.01e9]) < 1e-4


def test_a_carrier_leaks_through_it_unless_static_levels_make_up_for_it() -> None:
    cabling = Cabling.at(PLAN, twins(Tone()), (), 0, {"generator": MIXER})
    (leak,) = cabling.leaking("rack", 1000)
    assert (leak.line, leak.spur, leak.pieces[0].carrier_hz) == ("q1.drive", "carrier", 5e9)
    assert leak.pieces[0].duration_ns == 1000
    assert list(Cabling.at(PLAN, twins(Tone()), (), 0).leaking("rack", 1000)) == []
    assert list(Cabling.at(PLAN, twins(None), (), 0, {"generator": MIXER}).leaking("rack", 9)) == []


def test_static_levels_of_a_pair_of_outputs_are_offsets_of_its_modulator() -> None:
    cables = {"slot6.out0_1": Cable("q1.drive", "generator")}
    plan = replace(PLAN, outputs={"rack": cables})
    offsets = {"slot6.out0": -3.0 / FULL_SCALE_MV * 2.5, "slot6.out1": 1.0 / FULL_SCALE_MV * 2.5}
    cabling = Cabling.at(plan, twins(Tone()), (), 0, {"generator": MIXER})
    (leak,) = replace(cabling, levels_v={}).leaking("rack", 1000)
    left = list(replace(cabling, levels_v={"rack": offsets}).leaking("rack", 1000))
    assert not left or abs(left[0].pieces[0].level) < 1e-9 * abs(leak.pieces[0].level)


def test_nothing_arrives_without_a_cable_or_without_a_tone() -> None:
    cabling = Cabling.at(PLAN, twins(None), {"q0.drive"}, 0)
    assert list(cabling.routed("rack", [train("out0"), train("out1"), train("out9")])) == []


def test_sources_that_hold_levels_and_make_tones_are_in_order() -> None:
    check_sources(PLAN, twins())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"biases": {"q0.flux": ("generator", "")}}, "wiring.q0.flux: generator holds no level"),
        (
            {"biases": {"q0.flux": ("rack", "slot9.out0")}},
            "wiring.q0.flux: rack holds no level at 'slot9.out0'; it does at slot6.out2, ",
        ),
        (
            {"outputs": {"rack": {"out0": Cable("q0.drive", "source")}}},
            "wiring.q0.drive: source makes no tone",
        ),
    ],
)
def test_a_source_that_is_none_is_refused_with_its_line(changes, complaint) -> None:
    with pytest.raises(PlanError, match=complaint):
        check_sources(replace(PLAN, **changes), twins())
