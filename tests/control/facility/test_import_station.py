"""From a QCoDeS Station file, which QCoDeS itself takes for one, to a facility file."""

import subprocess
from pathlib import Path

import pytest
from tests.benches.command_line import podium_here

from podium.control.agent.instruments import driver_class
from podium.control.facility.facility import InstrumentEntry, VisaAddress
from podium.control.facility.import_station import facility_of_station, name_from
from podium.control.facility.instrument_models import model_of
from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError
from podium.control.facility.source import read_source

STATION = """\
instruments:
  Bias1:
    type: qcodes.instrument_drivers.yokogawa.YokogawaGS200
    address: TCPIP::192.168.0.4::7655::SOCKET
    enable_forced_reconnect: true
    init: {terminator: "\\n"}
    parameters:
      voltage: {limits: [-1, 1], initial_value: 0.1, alias: gate}
  lo:
    type: qcodes.instrument_drivers.rohde_schwarz.SGS100A.RohdeSchwarzSGS100A
    address: GPIB0::28::INSTR
  fridge:
    driver: qcodes.instrument_drivers.Lakeshore
    type: LakeshoreModel372
    address: TCPIP::192.168.0.3::7777::SOCKET
  cluster:
    type: qblox_instruments.Cluster
    init: {identifier: 192.168.0.2}
  mock_dac:
    type: qcodes.instrument_drivers.mock_instruments.DummyInstrument
    init:
      gates: {"ch1", "ch2"}
    parameters:
      ch1: {monitor: true}
    add_parameters:
      sum: {label: both, source: ch1}
  odd_bias:
    type: qcodes.instrument_drivers.yokogawa.YokogawaGS200
    address: 192.168.0.9
"""

FACILITY = """\
# From the QCoDeS Station file {station}.
# Left to write: nodes and their wiring, fridges, clocks, and what `roles` instruments
# play that are named by a driver.
facility: my_station
instruments:
  bias1:  # line 2, 'Bias1' there
    model: yokogawa_gs200
    address: "TCPIP::192.168.0.4::7655::SOCKET"
    # not taken over: init terminator: "\\n" (the model sees to it)
    # not taken over: enable_forced_reconnect: true (an instrument has one owner, which \
reconnects by itself)
    # not taken over: parameters > voltage > limits: [-1, 1] (say it as `limit` of a role or of \
the wiring)
    # not taken over: parameters > voltage > initial_value: 0.1 (connecting only reads)
    # not taken over: parameters > voltage > alias: gate
  lo:  # line 9
    model: rohde_schwarz_sgs100a
    address: "GPIB0::28::INSTR"
  fridge:  # line 12
    model: lakeshore_372
    address: "TCPIP::192.168.0.3::7777::SOCKET"
    # to be written: channels: {{measurement input: stage of the fridge}}
  cluster:  # line 16
    model: qblox_cluster
    address: "192.168.0.2"
    # to be written: modules: {{slot: module}}
  mock_dac:  # line 19
    driver: qcodes.instrument_drivers.mock_instruments.DummyInstrument
    arguments: {{gates: [ch1, ch2]}}
    # not taken over: parameters > ch1 > monitor: true (Podium has a page of its own)
    # not taken over: add_parameters > sum > label: both
    # not taken over: add_parameters > sum > source: ch1
  odd_bias:  # line 27
    # named by its driver, since a GS200 takes a VISA resource; write \
'TCPIP::192.168.0.9::7655::SOCKET'
    driver: qcodes.instrument_drivers.yokogawa.YokogawaGS200
    address: "192.168.0.9"
"""


@pytest.fixture
def station(tmp_path: Path) -> Path:
    file = tmp_path / "My Station.yaml"
    file.write_text(STATION)
    return file


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return podium_here("import-station", *words)


def test_known_drivers_become_models_and_comments_say_what_was_left(station: Path) -> None:
    imported = facility_of_station(read_source(station)[0], "My Station")
    assert imported.text == FACILITY.format(station=station)
    assert imported.left[-1].startswith("odd_bias: named by its driver")


def test_what_remains_is_said_by_the_check_and_then_it_is_sound(
    station: Path, tmp_path: Path
) -> None:
    out = tmp_path / "facility.yaml"
    done = run(str(station), "--out", str(out))
    assert done.returncode == 0
    assert done.stdout.startswith(f"{out}: written; 11 things are left")
    assert "'channels' is missing" in done.stderr
    assert "'modules' is missing" in done.stderr
    text = out.read_text()
    for wanted, written in (
        ("# to be written: channels: {measurement input: stage of the fridge}", "{6: still}"),
        ("# to be written: modules: {slot: module}", "{2: QCM}"),
    ):
        key = wanted.split(": ")[1]
        assert wanted in text
        text = text.replace(wanted, f"{key}: {written}")
    out.write_text(text)
    facility = load_facility(out)
    assert list(facility.instruments) == [
        "bias1",
        "lo",
        "fridge",
        "cluster",
        "mock_dac",
        "odd_bias",
    ]
    again = run(str(station), "--out", str(out))
    assert again.returncode == 2
    assert "File exists" in again.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_imported_driver_makes_the_instrument_that_the_station_makes(
    station: Path, tmp_path: Path
) -> None:
    from qcodes.station import Station

    theirs = Station(config_file=str(station)).load_instrument("mock_dac")
    text = facility_of_station(read_source(station)[0], "x").text
    file = tmp_path / "facility.yaml"
    start = text.index("  mock_dac")
    file.write_text("facility: x\ninstruments:\n" + text[start : text.index("  odd_bias")])
    entry: InstrumentEntry = load_facility(file).instruments["mock_dac"]
    assert isinstance(entry.address, VisaAddress)
    ours = driver_class(model_of(entry))("mock_dac", entry.address.resource, driver=entry.driver)
    try:
        assert {"ch1", "ch2"} <= ours.snapshot().keys() <= {*theirs.parameters}
    finally:
        ours.close()
        theirs.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ":1:1: instruments: a Station file says 'instruments:'"),
        ("instruments: [a]", "a Station file says 'instruments:'"),
        ("instruments:\n  a: {address: x}\n", ":2:6: instruments > a: an instrument of a Station"),
        ("instruments:\n\ta: 1\n", ":2:1: a tab stands in the indentation"),
    ],
)
def test_what_is_no_station_file_is_refused_with_the_place(
    tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "station.yaml"
    file.write_text(text)
    done = run(str(file))
    assert done.returncode == 1
    assert says in done.stderr
    if "\t" not in text:
        with pytest.raises(FacilityError):
            facility_of_station(read_source(file)[0], "x")


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    assert run(str(tmp_path / "nothing.yaml")).returncode == 2


def test_names_become_names_of_a_facility_file() -> None:
    assert [name_from(text) for text in ("VNA-1", "2nd", "ü", "ok_1")] == [
        "vna_1",
        "i_2nd",
        "unnamed",
        "ok_1",
    ]
