"""A network analyzer on a feedline: what ``podium check`` says of its wiring."""

import pytest
from tests.benches.referees.analyzed_feedline import PORTS, facility_text

from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError
from podium.sim_instruments.wiring import AnalyzedLine, PlanError, read_plan

MODEL = "rohde_schwarz_znb20"


def file_of(folder, text):
    path = folder / "facility.yaml"
    path.write_text(text)
    return path


def complaints(folder, text):
    with pytest.raises(FacilityError) as caught:
        load_facility(file_of(folder, text))
    return str(caught.value)


@pytest.mark.parametrize("model", [MODEL, "keysight_n5222b"])
def test_an_analyzer_beside_the_readout_is_fine(tmp_path, model):
    facility = load_facility(file_of(tmp_path, facility_text(model)))
    assert "vna_a" in facility.instruments


def test_the_simulation_wires_what_the_file_says(tmp_path):
    plan = read_plan(file_of(tmp_path, facility_text(MODEL, attenuation="20 dB")))
    wired = {("port1", "port2"): AnalyzedLine("node_a.feedline", pytest.approx(0.1))}
    assert plan.analyzed["vna_a"] == wired
    assert plan.analyzed["cluster_a"] == {}


@pytest.mark.parametrize(
    ("ports", "says"),
    [
        ("output: vna_a.port1, input: vna_a.port3", "has no connector 'port3'"),
        ("output: vna_a, input: vna_a.port2", "say which connector of vna_a, e.g. 'vna_a.port1'"),
        ("output: vna_b.port1, input: vna_a.port2", "there is no instrument 'vna_b'"),
        ("output: lo_q2, input: vna_a.port2", "a port of a network analyzer is wanted"),
        ("output: vna_a.port1, input: vna_a.port1", "vna_a.port1 is already the output of"),
        ("output: vna_a.port1", "input"),
    ],
)
def test_a_wrong_port_is_named(tmp_path, ports, says):
    assert says in complaints(tmp_path, facility_text(MODEL, ports=ports))


def test_a_feedline_beyond_the_range_of_the_model_is_named(tmp_path):
    text = facility_text(MODEL).replace("lo: 7.13 GHz", "lo: 20.5 GHz", 1)
    assert "vna_a.port1 goes from 100 kHz to 20 GHz; the feedline is read out about 20.5 GHz" in (
        complaints(tmp_path, text)
    )


def test_two_boxes_make_no_analyzer(tmp_path):
    other = (
        "  vna_b:\n    model: rohde_schwarz_znb20\n    address: TCPIP::192.168.0.7::5025::SOCKET\n"
    )
    text = facility_text(MODEL, ports="output: vna_a.port1, input: vna_b.port2")
    text = text.replace("  vna_a:\n", f"{other}  vna_a:\n", 1)
    assert "vna_b.port2 is a port of another box than vna_a.port1" in complaints(tmp_path, text)
    with pytest.raises(PlanError, match="vna_a and vna_b are two boxes"):
        read_plan(tmp_path / "facility.yaml")


def test_its_ports_are_not_for_anything_else(tmp_path):
    text = facility_text(MODEL).replace("output: cluster_a.slot4.out0", "output: vna_a.port2", 1)
    assert "vna_a.port2 is a port of a network analyzer" in complaints(tmp_path, text)


def test_the_ports_are_named_in_full():
    assert PORTS.count("vna_a.port") == 2
