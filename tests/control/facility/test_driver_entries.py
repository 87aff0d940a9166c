"""Instruments that the file names by a QCoDeS driver instead of a model."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.benches.facility.driver_entries import GS200, SGS100A, entry_of

from podium.control.facility.facility import VisaAddress
from podium.control.facility.instrument_models import model_of
from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError
from podium.firmware_interfaces.models import VoltageOutput
from podium.firmware_interfaces.qcodes_any import FluxMapping, RoleMappings


@pytest.fixture
def with_drivers(example: Path, tmp_path: Path) -> Path:
    """The example, with a bias and a modulator named by their drivers."""
    text = example.read_text()
    for name, entry in (("bias_q0", GS200), ("lo_q2", SGS100A)):
        text = text.replace(entry_of(text, name), entry, 1)
    file = tmp_path / "drivers.yaml"
    file.write_text(text)
    return file


def test_it_serves_wherever_its_roles_serve(with_drivers: Path, example: Path) -> None:
    facility = load_facility(with_drivers)
    assert facility.wiring == load_facility(example).wiring
    entry = facility.instruments["bias_q0"]
    assert entry.address == VisaAddress("TCPIP::192.168.0.4::7655::SOCKET")
    assert entry.driver is not None
    assert entry.driver.arguments == (("timeout", 3), ("terminator", "\n"))
    assert entry.driver.roles == RoleMappings(
        FluxSource=FluxMapping("voltage", 1.5, "output", setup=(("voltage_range", 10),))
    )
    model = model_of(entry)
    assert model.roles == ("FluxSource",)
    assert [(one.name, one.level.high) for one in model.connectors] == [("", 1.5)]
    assert isinstance(model.connectors[0], VoltageOutput)
    assert hash(facility) == hash(load_facility(with_drivers))


def test_without_roles_it_serves_nothing_but_is_there(example: Path, tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    more = "  dmm: {driver: qcodes.instrument_drivers.Keysight.Keysight34465A, address: GPIB::22}\n"
    file.write_text(example.read_text().replace("\ninstruments:\n", "\ninstruments:\n" + more))
    entry = load_facility(file).instruments["dmm"]
    assert model_of(entry).roles == ()


def test_endpoints_may_name_the_same_box_by_its_model(with_drivers: Path, tmp_path: Path) -> None:
    for model in ("yokogawa_gs200", "qcodes.instrument_drivers.yokogawa.YokogawaGS200"):
        here = {"bias_q0": {"model": model, "visa": "TCPIP::127.0.0.9::7655::SOCKET"}}
        file = tmp_path / "endpoints.json"
        file.write_text(json.dumps({"instruments": here}))
        facility = load_facility(with_drivers, file)
        address = VisaAddress("TCPIP::127.0.0.9::7655::SOCKET")
        assert facility.instruments["bias_q0"].address == address
    file.write_text(json.dumps({"instruments": {"bias_q0": {"model": "lakeshore_372"}}}))
    with pytest.raises(FacilityError, match="not a lakeshore_372"):
        load_facility(with_drivers, file)


CASES = [
    (
        "a model and a driver",
        "driver: qcodes.instrument_drivers.yokogawa.YokogawaGS200",
        "driver: qcodes.instrument_drivers.yokogawa.YokogawaGS200\n    model: yokogawa_gs200",
        "driver: qcodes.instrument_drivers.yoko",
        "a model or a driver, not both; remove one of them",
    ),
    (
        "a driver that is no import path",
        "driver: qcodes.instrument_drivers.yokogawa.YokogawaGS200",
        "driver: YokogawaGS200",
        "YokogawaGS200\n",
        "no import path; write it like 'qcodes.instrument_drivers.yokogawa.YokogawaGS200'",
    ),
    ("a role", "FluxSource:", "FluxSorce:", "FluxSorce", "did you mean 'FluxSource'?"),
    ("a key of a role", "level: voltage", "levl: voltage", "levl", "did you mean 'level'?"),
    ("a role's limit", ", limit: 1.5 V", "", "FluxSource:", "'limit' is missing"),
    ("a limit without unit", "limit: 1.5 V", "limit: 1.5", "1.5,", "1.5 has no unit"),
    (
        "a wiring limit above the role's",
        "limit: 1.5 V",
        "limit: 1 V",
        "1.2 V, slew",
        "1.2 V is not possible: -1 V to 1 V; the nearest is 1 V",
    ),
    (
        "steps of a box with a rate",
        "limit: 1.5 V",
        "limit: 1.5 V, rate: ramp_rate, step: 1 mV",
        "step: 1 mV",
        "remove 'step' or 'rate'",
    ),
    (
        "a range upside down",
        "highest: 12 GHz",
        "highest: 1 GHz",
        "1 GHz, limit",
        "it must be above the lowest, 1 GHz",
    ),
    (
        "a modulator without modulation",
        "modulated: IQ_state,",
        "",
        "lo_q2\n",
        "lo_q2 has no connector that a line could be wired to",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "at", "says"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_a_wrong_driver_entry_names_its_place_and_what_would_be_right(
    old: str, new: str, at: str, says: str, with_drivers: Path, refuses_in: Callable[..., None]
) -> None:
    refuses_in(with_drivers, old, new, at, says)


def test_a_driver_on_the_address_of_another_instrument_is_told(
    with_drivers: Path, refuses_in: Callable[..., None]
) -> None:
    refuses_in(
        with_drivers,
        '"TCPIP::192.168.0.5::5025::SOCKET"',
        '"tcpip::192.168.0.4::7655::socket"',
        '"tcpip::192.168.0.4',
        "is also the address of bias_q0 (line of bias_q0:)",
    )
