from dataclasses import replace

import pytest
from tests.benches.servers.cabling import PLAN, Tone, twins

from podium.sim_instruments.servers.cabling import Cabling, check_sources
from podium.sim_instruments.wiring import Cable, Carrier, PlanError


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
