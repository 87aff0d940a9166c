"""Couplers and edges of the facility file: what they come to, and what is told when wrong."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from podium.control.commands.params_words import elements_of
from podium.control.facility.check_edges import transmon_hz
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError

EXAMPLES = Path(__file__).parents[3] / "examples" / "two_qubit"
TWO = EXAMPLES / "facility.yaml"
EDGE = "exchange: {value: 5.5 MHz, spread: 0.3 MHz, assumed: true}"
COUPLERS = "    couplers:\n      c01: {design: {f01: {value: 6.8 GHz, spread: 50 MHz}}}\n"
THROUGH = "coupler: c01\n        exchange_first: 80 MHz\n        exchange_second: 80 MHz"
LINE = (
    "  node_a.c01.flux: {source: bias_c, limit: 1.2 V, slew: 1 V/s, output: cluster_a.slot8.out0, "
    "range: 5 V, line_attenuation: 14 dB}\n"
)
SOURCE = '  bias_c: {model: yokogawa_gs200, address: "TCPIP::192.168.0.4::7655::SOCKET"}\n'
PULSES = "    output: cluster_a.slot6.out0    # pulses, which a bias tee adds to it\n"

CASES = [
    ("an unknown end", "ends: [q0, q1]", "ends: [q0, q2]", "q2]", "node_a has no qubit 'q2'"),
    ("one end twice", "ends: [q0, q1]", "ends: [q0, q0]", "[q0, q0]", "two different qubits"),
    (
        "two edges of one pair",
        "    edges:\n",
        "    edges:\n      other: {ends: [q1, q0], exchange: 5 MHz}\n",
        "[q0, q1]\n        gate",
        "'other' (line of other: {) is already an edge of these two; remove one",
    ),
    (
        "a coupling of one pair",
        "    edges:\n",
        "    couplings: {other: {ends: [q1, q0], exchange: 5 MHz}}\n    edges:\n",
        "[q0, q1]\n        gate",
        "'other' (line of other: {) is already a coupling of these two; remove one",
    ),
    ("an unknown gate", "gate: cz", "gate: cy", "cy\n", "'cy' is not known here; it can be 'cz'"),
    (
        "an unknown coupler",
        EDGE,
        f"{EDGE}\n        coupler: c01",
        "c01    #",
        "no coupler 'c01'; it has",
    ),
    (
        "a coupler that nothing biases",
        "    edges:\n",
        f"{COUPLERS}    edges:\n",
        "c01: {design",
        "nothing biases 'c01': 'node_a.c01.flux' is not wired; add it under 'wiring'",
    ),
    (
        "a coupler that no edge names",
        "    edges:\n",
        f"{COUPLERS}    edges:\n",
        "c01: {design",
        "no edge has 'c01' as its coupler",
    ),
    ("no coupling at all", EDGE, "pulsed: q0", "q0_q1:", "what couples its qubits?"),
    ("a coupling of nothing", EDGE, "exchange: 0 Hz", "0 Hz", "a coupling of nothing is none"),
    (
        "an off point without a coupler",
        EDGE,
        f"{EDGE}\n        off_point: 0.2 V",
        "off_point",
        "'off_point' is of a coupler, and this edge names none",
    ),
    (
        "a stranger that is pulsed",
        EDGE,
        f"{EDGE}\n        pulsed: q2",
        "q2    #",
        "'q2' is not of this edge; it can be q0 or q1",
    ),
    (
        "the lower one that is pulsed",
        EDGE,
        f"{EDGE}\n        pulsed: q1",
        "q1    #",
        "flux lowers 'q1' from its 5.4 GHz, which is below where 'cz' with 'q0' is; pulse 'q0'",
    ),
    (
        "no output for pulses",
        f"{PULSES}    range: 5 V                      # from peak to peak\n"
        "    line_attenuation: 14 dB         # a volt of pulses counts as 0.2 V of the bias\n",
        "",
        "node_a.q0.flux",
        "'cz' of 'q0_q1' pulses the flux of 'q0': add the 'output'",
    ),
    (
        "pulses that are too weak",
        "line_attenuation: 14 dB         #",
        "line_attenuation: 34 dB         #",
        "34 dB",
        "bring 'q0' from 6.02 GHz down to",
    ),
    (
        "a range that there is not",
        "range: 5 V                      #",
        "range: 2 V                      #",
        "2 V ",
        "2 V is no range of cluster_a.slot6.out0: 5 V",
    ),
    (
        "a name that is taken",
        "      q0_q1:  ",
        "      feedline:  ",
        "feedline:  ",
        "'feedline' is also the name of a feedline",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "at", "says"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_what_is_wrong_with_an_edge_names_its_place(
    old: str, new: str, at: str, says: str, refuses_in: Callable[..., None]
) -> None:
    partial(refuses_in, TWO)(old, new, at, says)


@pytest.fixture
def with_coupler(tmp_path: Path) -> Facility:
    text = TWO.read_text().replace("    edges:\n", f"{COUPLERS}    edges:\n")
    text = text.replace(EDGE, THROUGH).replace("6: QCM}", "6: QCM, 8: QCM}")
    text = text.replace("  thermometry_a:\n", f"{SOURCE}  thermometry_a:\n")
    file = tmp_path / "facility.yaml"
    file.write_text(text + LINE)
    return load_facility(file)


@pytest.mark.parametrize("name", ["facility.yaml", "facility_zi.yaml"])
def test_an_edge_of_the_example_lasts_as_long_as_its_exchange_takes(name: str) -> None:
    edge = load_facility(EXAMPLES / name).edges()["node_a.q0_q1"]
    assert (edge.ends, edge.gate, edge.coupler, edge.pulsed) == (("q0", "q1"), "cz", None, "q0")
    assert edge.flux_port == "node_a.q0.flux"
    assert edge.design["exchange"].value == 5.5e6
    lasts = edge.design["gate_duration"]
    assert lasts.value == pytest.approx(1 / (2 * 2**0.5 * 5.5e6))
    assert lasts.spread == pytest.approx(lasts.value * 0.3 / 5.5)
    assert lasts.by_default


def test_a_coupler_has_a_flux_line_and_typical_values(with_coupler: Facility) -> None:
    coupler = with_coupler.couplers()["node_a.c01"]
    assert coupler.flux_port in with_coupler.wiring
    assert coupler.design["f01"].value == 6.8e9
    assert coupler.design["flux_period"].value == pytest.approx(1.25 * 1.2)
    assert coupler.design["anharmonicity"].by_default
    edge = with_coupler.edges()["node_a.q0_q1"]
    assert (edge.coupler, edge.pulsed) == ("c01", "c01")
    assert edge.design["exchange_first"].value == 80e6
    assert with_coupler.qubits().keys() == {"node_a.q0", "node_a.q1"}


def test_couplers_and_edges_own_parameters(with_coupler: Facility) -> None:
    assert {"node_a.c01", "node_a.q0_q1"} <= elements_of(with_coupler)


def test_an_output_that_holds_its_bias_too_has_no_attenuation_in_between(
    refuses_in: Callable[..., None],
) -> None:
    partial(refuses_in, TWO)(
        "output: cluster_a.slot6.out0    #",
        "output: cluster_a.slot6.out2    #",
        "14 dB         #",
        "cluster_a.slot6.out2 holds the bias too: there is one line, and 0 dB in between",
    )


def test_a_transmon_is_symmetric_about_its_sweet_spot_and_lowest_at_half_a_quantum() -> None:
    assert transmon_hz(6e9, -0.2e9, 0.4, 0.0) == pytest.approx(6e9)
    assert transmon_hz(6e9, -0.2e9, 0.4, 0.2) == pytest.approx(transmon_hz(6e9, -0.2e9, 0.4, -0.2))
    assert transmon_hz(6e9, -0.2e9, 0.4, 0.5) == pytest.approx(6.2e9 * 0.4**0.5 - 0.2e9)


def third(f01: str, exchange: str = "6 MHz") -> str:
    """The example with a third qubit that couples to q0."""
    qubit = (
        f"q2: {{kind: transmon, design: {{f01: {f01}, anharmonicity: -180 MHz, "
        "readout_frequency: 7.1 GHz}}"
    )
    return (
        f"      {qubit}\n    couplings: {{q0_q2: {{ends: [q0, q2], exchange: {exchange}}}}}\n"
        "    edges:\n"
    )


def told_of(tmp_path: Path, *qubit: str) -> list[str]:
    file = tmp_path / "facility.yaml"
    file.write_text(TWO.read_text().replace("    edges:\n", third(*qubit)))
    try:
        load_facility(file)
    except FacilityError as error:
        return [str(one) for one in error.problems if "past 'q2'" in str(one)]
    return []


def test_a_gate_that_drags_its_qubit_past_a_neighbour_names_it_and_the_leakage(
    tmp_path: Path,
) -> None:
    (said,) = told_of(tmp_path, "5.8 GHz")
    assert "'cz' brings 'q0' from 6.02 GHz down to 5.575 GHz, and on the way, at 5.8 GHz" in said
    assert "which 'q0_q2' couples to it by 6 MHz" in said
    # 01-10, and 11 with 20 and 02 at sqrt(2) of the rate; four passages of 445 MHz in 1 ns
    lost = 4 * (4 * 3.14159**2 * 6e6**2 / 445e15) * (1 + 2 + 2)
    assert f"some {lost * 100:.1g} % of an excitation" in said


@pytest.mark.parametrize("qubit", [("5.1 GHz",), ("6.5 GHz",), ("5.8 GHz", "0.5 MHz")])
def test_a_neighbour_out_of_the_way_or_hardly_coupled_is_none(
    qubit: tuple[str, ...], tmp_path: Path
) -> None:
    assert told_of(tmp_path, *qubit) == []


CNOTS = [
    ("gate: cnot", "gate: cnot\n        pulsed: q0", "'cnot' pulses no flux: it drives 'q0'"),
    ("f01: {value: 5.00 GHz", "f01: {value: 4.805 GHz", "5 MHz from its f12: that moves the"),
    ("f01: {value: 5.00 GHz", "f01: {value: 5.09 GHz", "10 MHz from its f01: that moves the"),
    ("lo: 4.85 GHz, line", "lo: 5.47 GHz, line", "at which a CNOT drives q0, of 5 GHz"),
    ("gate: cnot", "gate: iswap", "'node_a.q0.flux' is not wired"),
]


@pytest.mark.parametrize(("old", "new", "said"), CNOTS)
def test_a_cnot_that_cannot_be_is_said_with_what_would_be_right(old, new, said, tmp_path) -> None:
    text = (EXAMPLES / "facility_fixed.yaml").read_text()
    assert old in text
    path = tmp_path / "facility.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FacilityError) as refused:
        load_facility(path)
    assert said in str(refused.value)


def test_a_carrier_makes_the_cz_of_a_coupler_another_gate() -> None:
    edge = load_facility(EXAMPLES / "facility_carrier.yaml").edges()["node_a.q0_q1"]
    assert (edge.gate, edge.played) == ("cz", "carrier cz")
    assert replace(edge, carrier=False).played == "coupler cz"
    assert replace(edge, gate="iswap").played == "carrier iswap", "with the word or without"


CARRIERS = [
    (
        "facility_carrier.yaml",
        "gate: cz",
        "gate: cnot",
        "a carrier on flux makes a 'cz' or an 'iswap' through a coupler",
    ),
    (
        "facility_carrier.yaml",
        "coupler: c01",
        "pulsed: q0\n        coupler: c01",
        "leave 'pulsed' out, or remove 'carrier'",
    ),
    (
        "facility.yaml",
        "gate: cz",
        "gate: cz\n        carrier: true",
        "name the 'coupler', or remove 'carrier'",
    ),
]


@pytest.mark.parametrize(("example", "old", "new", "said"), CARRIERS)
def test_a_carrier_that_cannot_be_is_said_with_what_would_be_right(
    example: str, old: str, new: str, said: str, tmp_path: Path
) -> None:
    text = (EXAMPLES / example).read_text()
    assert old in text
    path = tmp_path / "facility.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FacilityError) as refused:
        load_facility(path)
    assert said in str(refused.value)
