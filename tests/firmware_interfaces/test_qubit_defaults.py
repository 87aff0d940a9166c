from itertools import product

import pytest

from podium.firmware_interfaces.qubit_defaults import SPREADS, typical_design, usual_spread

FREQUENCIES = {"f01": 5e9, "readout_frequency": 7e9}
OF_ANY_TRANSMON = {"anharmonicity", "kappa", "chi", "t1", "t2_echo", "t2_ramsey", "rabi_frequency"}
OF_A_FLUX_LINE = {"flux_period", "flux_offset", "asymmetry"}
CUT = 2.5
"""Worlds are drawn within so many spreads."""


def test_frequencies_are_enough() -> None:
    assert typical_design("transmon", FREQUENCIES, -55.0, None).keys() == OF_ANY_TRANSMON
    known = typical_design("transmon", FREQUENCIES, -55.0, 1.0)
    assert known.keys() == OF_ANY_TRANSMON | OF_A_FLUX_LINE


def test_what_is_written_is_not_replaced() -> None:
    written = {**FREQUENCIES, "kappa": 4e6, "t1": 80e-6}
    assert not written.keys() & typical_design("transmon", written, None, None).keys()


def test_of_a_fluxonium_what_has_either_sign_has_to_be_written() -> None:
    assert (
        not {"chi", "anharmonicity", *OF_A_FLUX_LINE}
        & typical_design("fluxonium", {}, None, 1.0).keys()
    )


def test_the_rabi_frequency_follows_the_power_at_the_chip() -> None:
    weak = typical_design("transmon", FREQUENCIES, -75.0, None)["rabi_frequency"]
    strong = typical_design("transmon", FREQUENCIES, -55.0, None)["rabi_frequency"]
    assert strong.value == pytest.approx(10 * weak.value)


@pytest.mark.parametrize("number", [{"t1": 8e-6}, {"t2_echo": 150e-6}, {"t2_ramsey": 90e-6}])
def test_coherence_times_go_together_with_the_one_that_is_written(number: dict[str, float]) -> None:
    known = typical_design("transmon", number, None, None)
    times = number | {name: one.value for name, one in known.items()}
    assert times["t2_echo"] < 1.8 * times["t1"]
    assert times["t2_ramsey"] < 0.92 * times["t2_echo"]


def test_no_draw_changes_the_sign_of_a_typical_value() -> None:
    for limit_v, chip_dbm in product((0.1, 12.0), (-90.0, None)):
        known = typical_design("transmon", FREQUENCIES, chip_dbm, limit_v)
        for name, one in known.items():
            assert one.spread > 0
            if name != "flux_offset":
                assert abs(one.value) > CUT * one.spread


def test_a_frequency_without_a_spread_has_to_be_searched() -> None:
    assert usual_spread("f01", 5e9) == pytest.approx(50e6)
    assert usual_spread("readout_frequency", 7e9) == pytest.approx(10.5e6)
    assert usual_spread("t1", 50e-6) == 0.0
    assert usual_spread("asymmetry", 0.4) == 0.05
    assert SPREADS["f01"] == usual_spread("f01", 1.0)
