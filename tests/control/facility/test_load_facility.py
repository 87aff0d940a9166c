import json
import pickle
from pathlib import Path

import pytest

from podium.control.facility.facility import (
    ConnectorRef,
    DriveWiring,
    Estimate,
    FeedlineWiring,
    FluxWiring,
    HostAddress,
    Modulator,
    UnknownPort,
    VisaAddress,
)
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError


def test_the_example_is_read_in_si_units(example: Path) -> None:
    facility = load_facility(example)
    assert facility.name == "first_light"
    assert facility.nodes["node_a"].kind == "digital"
    qubit = facility.nodes["node_a"].qubits["q0"]
    assert qubit.name == "node_a.q0"
    assert qubit.design["f01"] == Estimate(6.02e9, 40e6, "Hz", None, True)
    assert qubit.design["t1"] == Estimate(33e-6, 7e-6, "s", None, True)
    assert qubit.design["asymmetry"] == Estimate(0.4, 0.05, "1", None, True)
    assert list(facility.qubits()) == ["node_a.q0", "node_a.q1", "node_a.q2"]
    assert facility.fridges["fridge_a"].thermometer == ConnectorRef(
        "thermometry_a", "mixing_chamber"
    )
    assert facility.fridges["fridge_a"].cold_below_k == 0.03
    assert facility.clocks["house"].source == "cluster_a"


@pytest.mark.parametrize(
    ("written", "spread"),
    [("0.4", 0.05), ("{value: 0.4, assumed: true}", 0.05), ("{value: 0.4, spread: 0}", 0.0)],
)
def test_an_asymmetry_without_a_spread_has_the_usual_one(
    example: Path, tmp_path: Path, written: str, spread: float
) -> None:
    """As the world that is drawn from the same file: no design knows it exactly."""
    known = "asymmetry: {value: 0.4, spread: 0.05, assumed: true}"
    text = example.read_text()
    assert known in text
    path = tmp_path / "facility.yaml"
    path.write_text(text.replace(known, f"asymmetry: {written}"))
    for qubit in load_facility(path).qubits().values():
        assert qubit.design["asymmetry"].spread == spread


def test_lines_are_typed_by_what_they_carry(example: Path) -> None:
    facility = load_facility(example)
    assert facility.feedline_wiring("node_a.feedline") == FeedlineWiring(
        port="node_a.feedline",
        output=ConnectorRef("cluster_a", "slot2.out0"),
        input=ConnectorRef("cluster_a", "slot2.in0"),
        lo_hz=7.13e9,
        output_attenuation_db=30.0,
        input_attenuation_db=0.0,
        line_attenuation_db=66.0,
        line_gain_db=70.0,
        noise_temperature_k=2.0,
        delay=Estimate(150e-9, 20e-9, "s"),
    )
    assert facility.drive_wiring("node_a.q2.drive") == DriveWiring(
        port="node_a.q2.drive",
        output=ConnectorRef("cluster_a", "slot6.out0_1"),
        lo_hz=4.96e9,
        output_attenuation_db=0.0,
        line_attenuation_db=60.0,
        modulator=Modulator("lo_q2", 0.0),
    )
    assert facility.drive_wiring("node_a.q0.drive").modulator is None
    assert facility.flux_wiring("node_a.q0.flux") == FluxWiring(
        "node_a.q0.flux", ConnectorRef("bias_q0", ""), 1.2, 0.5
    )


def test_a_readout_port_is_a_share_of_its_feedline(example: Path) -> None:
    facility = load_facility(example)
    assert facility.line("node_a.q1.readout") == "node_a.feedline"
    assert facility.feedline_wiring("node_a.q1.readout").port == "node_a.feedline"


@pytest.mark.parametrize("port", ["node_a.q9.readout", "node_a.q0.drvie", "nowhere", "readout"])
def test_a_port_that_is_not_there_is_refused_by_name(example: Path, port: str) -> None:
    with pytest.raises(UnknownPort, match=f"no port {port}"):
        load_facility(example).line(port)


def test_a_port_of_another_kind_is_refused(example: Path) -> None:
    facility = load_facility(example)
    with pytest.raises(UnknownPort, match="not a drive line"):
        facility.drive_wiring("node_a.q0.flux")
    with pytest.raises(UnknownPort, match="not a feedline"):
        facility.feedline_wiring("node_a.q0.drive")
    with pytest.raises(UnknownPort, match="not a flux bias"):
        facility.flux_wiring("node_a.q0.readout")


def test_a_connector_knows_its_slot_and_socket() -> None:
    assert ConnectorRef("cluster_a", "slot6.out0_1").slot == 6
    assert ConnectorRef("cluster_a", "slot6.out0_1").socket == "out0_1"
    assert str(ConnectorRef("cluster_a", "slot6.out0_1")) == "cluster_a.slot6.out0_1"
    assert ConnectorRef("bias_q0", "").slot is None
    assert str(ConnectorRef("bias_q0", "")) == "bias_q0"


def test_instruments_keep_the_vendors_ports_and_their_options(example: Path) -> None:
    facility = load_facility(example)
    cluster = facility.instruments["cluster_a"]
    assert cluster.address == HostAddress(
        "192.168.0.2", FrozenMap({"scpi": 5025, "module_scpi_base": 25000})
    )
    assert cluster.options == {"modules": {2: "QRM-RF", 4: "QCM-RF", 6: "QCM"}}
    assert facility.instruments["bias_q0"].address == VisaAddress(
        "TCPIP::192.168.0.4::7655::SOCKET"
    )


def test_a_facility_is_a_value(example: Path) -> None:
    facility = load_facility(example)
    assert load_facility(example) == facility
    assert hash(load_facility(example)) == hash(facility)
    assert pickle.loads(pickle.dumps(facility)) == facility


def test_the_digest_follows_the_content_and_not_the_layout(example: Path, tmp_path: Path) -> None:
    text = example.read_text()
    same, other = tmp_path / "same.yaml", tmp_path / "other.yaml"
    same.write_text(
        "# another comment\n"
        + text.replace("{2: QRM-RF, 4:", "{ 4:").replace("6: QCM}", "6: QCM, 2: QRM-RF}")
    )
    other.write_text(text.replace("cold_below: 30 mK", "cold_below: 31 mK"))
    digest = load_facility(example).digest
    assert load_facility(same).digest == digest
    assert load_facility(other).digest != digest


def test_an_anchor_may_serve_many_places(example: Path, tmp_path: Path) -> None:
    text = example.read_text()
    line = "{source: cluster_a.slot6.out2, limit: 1.2 V, slew: 0.5 V/s}"
    assert line in text
    file = tmp_path / "anchors.yaml"
    file.write_text(
        text.replace(
            "{source: bias_q0, limit: 1.2 V, slew: 0.5 V/s}",
            "&flux {source: bias_q0, limit: 1.2 V, slew: 0.5 V/s}",
        ).replace(line, "{<<: *flux, source: cluster_a.slot6.out2}")
    )
    assert load_facility(file).wiring == load_facility(example).wiring


def _endpoints(tmp_path: Path, instruments: dict[str, object]) -> Path:
    file = tmp_path / "endpoints.json"
    file.write_text(json.dumps({"instruments": instruments, "control": {"port": 1}}, indent=2))
    return file


def test_endpoints_are_laid_over_the_addresses(example: Path, tmp_path: Path) -> None:
    endpoints = _endpoints(
        tmp_path,
        {
            "cluster_a": {
                "model": "qblox_cluster",
                "host": "127.12.0.2",
                "ports": {"scpi": 15025},
                "connect": "Cluster('cluster_a', '127.12.0.2')",
            },
            "lo_q2": {
                "model": "rohde_schwarz_sgs100a",
                "visa": "TCPIP::127.0.0.5::5025::SOCKET",
                "connect": "...",
            },
        },
    )
    plain, laid = load_facility(example), load_facility(example, endpoints)
    assert laid.instruments["cluster_a"].address == HostAddress(
        "127.12.0.2", FrozenMap({"scpi": 15025, "module_scpi_base": 25000})
    )
    assert laid.instruments["lo_q2"].address == VisaAddress("TCPIP::127.0.0.5::5025::SOCKET")
    assert laid.instruments["bias_q0"] == plain.instruments["bias_q0"]
    assert laid.digest == plain.digest


def test_all_errors_of_an_endpoints_file_come_at_once(example: Path, tmp_path: Path) -> None:
    endpoints = _endpoints(
        tmp_path,
        {
            "cluster_b": {"model": "qblox_cluster", "host": "127.0.0.1"},
            "cluster_a": {"model": "qblox_cluster", "visa": "x"},
            "lo_q2": {"model": "yokogawa_gs200", "visa": "x"},
            "bias_q0": {"model": "yokogawa_gs200", "host": "127.0.0.1"},
            "thermometry_a": {"host": "127.0.0.1"},
        },
    )
    with pytest.raises(FacilityError) as refused:
        load_facility(example, endpoints)
    told = [problem.message for problem in refused.value.problems]
    assert told == [
        "the facility has no instrument 'cluster_b'; did you mean 'cluster_a'?",
        "a Cluster is reached by 'host', which is missing",
        "lo_q2 is a rohde_schwarz_sgs100a in the facility file, not a yokogawa_gs200",
        "a GS200 is reached by 'visa', which is missing",
        "'model' is missing",
    ]
    assert refused.value.problems[0].line == 3


@pytest.mark.parametrize(
    ("ports", "says"),
    [
        ({"skpi": 1}, "has no port 'skpi'; did you mean 'scpi'?"),
        ({"scpi": "5025"}, "'5025'"),
    ],
)
def test_ports_of_endpoints_are_checked(
    example: Path, tmp_path: Path, ports: dict[str, object], says: str
) -> None:
    entry = {"model": "qblox_cluster", "host": "127.0.0.1", "ports": ports}
    with pytest.raises(FacilityError) as refused:
        load_facility(example, _endpoints(tmp_path, {"cluster_a": entry}))
    assert says in str(refused.value)


def test_who_is_too_early_for_an_endpoints_file_hears_who_writes_it(
    example: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match=r"e\.json; `podium twin serve` writes it once"):
        load_facility(example, tmp_path / "e.json")


@pytest.mark.parametrize("text", ["[]", "{}", '{"instruments": [1]}', ""])
def test_an_endpoints_file_without_instruments_is_refused(
    example: Path, tmp_path: Path, text: str
) -> None:
    endpoints = tmp_path / "endpoints.json"
    endpoints.write_text(text)
    with pytest.raises(FacilityError, match="an endpoints file says"):
        load_facility(example, endpoints)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("hold", "hold"), ("finish", "finish"), ("0 V", 0.0), ("-300 mV", -0.3)],
)
def test_a_bias_has_a_safe_rule(said, meant, example: Path, tmp_path: Path) -> None:
    assert load_facility(example).flux_wiring("node_a.q0.flux").safe == "hold"
    file = tmp_path / "facility.yaml"
    text = example.read_text().replace("slew: 0.5 V/s}", f"slew: 0.5 V/s, safe: {said}}}", 1)
    file.write_text(text)
    assert load_facility(file).flux_wiring("node_a.q0.flux").safe == meant
