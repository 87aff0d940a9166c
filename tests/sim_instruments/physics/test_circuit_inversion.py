import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.sim_instruments.physics.circuit_inversion import NoSuchCircuit, circuit_of


@settings(max_examples=30, deadline=None)
@given(
    f01=st.floats(4.0e9, 6.2e9),
    anharmonicity=st.floats(-300e6, -150e6),
    detuning=st.floats(0.9e9, 2.5e9),
    chi=st.floats(-2.0e6, -0.3e6),
    asymmetry=st.floats(0, 0.8),
)
def test_the_found_circuit_has_the_frequencies_asked_for(
    f01: float, anharmonicity: float, detuning: float, chi: float, asymmetry: float
) -> None:
    circuit = circuit_of(
        f01_hz=f01,
        anharmonicity_hz=anharmonicity,
        readout_hz=f01 + detuning,
        chi_hz=chi,
        asymmetry=asymmetry,
    )
    dressed = circuit.at(0.0)
    assert dressed.f01_hz == pytest.approx(f01, abs=1)
    assert dressed.anharmonicity_hz == pytest.approx(anharmonicity, abs=1)
    assert dressed.readout_hz == pytest.approx(f01 + detuning, abs=1)
    assert dressed.chi_hz == pytest.approx(chi, abs=1)


@pytest.mark.parametrize(
    "wrong",
    [{"readout_hz": 5e9}, {"chi_hz": 1e6}, {"anharmonicity_hz": 2e8}, {"chi_hz": -90e6}],
)
def test_what_no_transmon_has_is_refused_with_the_numbers(wrong: dict[str, float]) -> None:
    asked = {
        "f01_hz": 6e9,
        "anharmonicity_hz": -175e6,
        "readout_hz": 7.2e9,
        "chi_hz": -1e6,
        "asymmetry": 0.4,
    }
    with pytest.raises(NoSuchCircuit, match="f01 6e\\+09 Hz, anharmonicity"):
        circuit_of(**(asked | wrong))
