"""The twin of a Cryomech compressor, judged by others' clients.

`cpa1110` and pymodbus are used unmodified. The vendor's sample programs have a window of their
own and cannot run here: their requests are replayed and their reading of the answer is taken
down as a table of byte offsets, independently of our codec.
"""

import socket
import struct

import pytest
from cpa1110 import CPA1110, Connection
from cpa1110.enums import Errors, OperatingState, PressureUnits, TemperatureUnits, Warnings
from pymodbus.client import ModbusTcpClient

from podium.sim_instruments.physics.steady_cryostat import STEADY, SteadyCryostat
from podium.sim_instruments.twins.cryomech_cpa import CryomechCpa

C = 273.15
QUERY = bytes.fromhex("0999 0000 0006 01 04 0001 0035")
QUERY_3 = bytes.fromhex("0999 0000 0006 01 04 0001 0037")
START = bytes.fromhex("0999 0000 0006 01 06 0001 0001")
STOP = bytes.fromhex("0999 0000 0006 01 06 0001 FFFF")
SAMPLE_2_FLOATS = {  # CPA_2xxx_ModbusTCP.py: offset in the reply of each float
    "coolant_in": 21,
    "coolant_out": 25,
    "oil": 29,
    "helium": 33,
    "motor_current": 57,
}
SAMPLE_3_TENTHS = {  # CPA_3xxx_ModbusTCP.py
    "coolant_in": 87,
    "coolant_out": 89,
    "oil": 91,
    "helium": 93,
    "motor_current": 105,
}


@pytest.fixture
def fridge():
    return SteadyCryostat()


@pytest.fixture
def twin(fridge):
    return CryomechCpa("4321", fridge.read, fridge.write)


@pytest.fixture
def at(serve, twin):
    return serve(twin, "modbus")


@pytest.fixture
def shown(fridge):
    """What a person reads: degrees Celsius, psi, A."""
    celsius = {
        name: STEADY[f"compressor.{name}"] - C
        for name in ("coolant_in", "coolant_out", "oil", "helium")
    }
    return celsius | {"motor_current": fridge.read("compressor.motor_current", 0)}


def test_cpa1110_reads_stops_and_starts(at, twin, shown) -> None:
    with CPA1110(at.host, Connection.TCP, port=at.port) as client:
        read = client.read_snapshot()
        assert read.operating_state is OperatingState.RUNNING
        assert (read.warnings, read.errors) == (Warnings.NO_WARNINGS, Errors.NO_ERRORS)
        assert read.coolant_in_temperature == pytest.approx(shown["coolant_in"], abs=1e-3)
        assert read.coolant_out_temperature == pytest.approx(shown["coolant_out"], abs=1e-3)
        assert read.oil_temperature == pytest.approx(shown["oil"], abs=1e-3)
        assert read.helium_temperature == pytest.approx(shown["helium"], abs=1e-3)
        assert read.motor_current == pytest.approx(shown["motor_current"], abs=1e-3)
        assert read.low_pressure_average == pytest.approx(80.37, abs=0.01)
        assert read.high_pressure_average == pytest.approx(284.2, abs=0.01)
        assert read.delta_pressure_average == pytest.approx(203.83, abs=0.02)
        assert abs(read.low_pressure - read.low_pressure_average) <= 3.0 + 1e-3
        assert read.hours_of_operation == pytest.approx(20_122.1, abs=0.01)
        assert read.pressure_units is PressureUnits.PSI
        assert read.temperature_units is TemperatureUnits.C
        assert (read.panel_serial_number, read.model_number) == (4321, 4 << 8 | 19)
        client.disable_compressor()
        assert client.operating_state is OperatingState.IDLING
        client.enable_compressor()
        assert client.operating_state is OperatingState.RUNNING
    assert twin.tallies()["unknown"] == 0


def test_pymodbus_hears_the_refusals_of_the_specification(at, twin) -> None:
    with ModbusTcpClient(at.host, port=at.port, retries=0) as client:
        assert client.read_input_registers(1, count=2).registers == [3, 1]
        assert client.read_holding_registers(1).registers == [1]
        for answer, code in (
            (client.read_input_registers(0), 2),
            (client.read_input_registers(50, count=10), 2),
            (client.read_coils(0), 1),
            (client.read_discrete_inputs(0), 1),
            (client.write_coil(0, True), 1),
            (client.write_register(2, 1), 2),
            (client.write_register(1, 77), 3),
            (client.read_device_information(), 1),
        ):
            assert answer.isError()
            assert answer.exception_code == code, answer
        assert not client.write_registers(1, [0xFF], device_id=16).isError()
        assert client.read_input_registers(1, count=2, device_id=16).registers == [0, 0]


def exchange(at, request: bytes) -> bytes:
    """As the samples do it: one connection for one request, one recv for its answer."""
    with socket.create_connection((at.host, at.port), timeout=5) as wire:
        wire.sendall(request)
        return wire.recv(1024)


def test_the_vendors_samples_read_what_the_fridge_says(at, shown) -> None:
    said = exchange(at, QUERY)
    assert len(said) == 9 + 2 * 0x35
    assert (said[10], said[12]) == (3, 1)
    for name, offset in SAMPLE_2_FLOATS.items():
        low_high = said[offset + 1], said[offset], said[offset + 3], said[offset + 2]
        (value,) = struct.unpack("<f", bytes(low_high))
        assert value == pytest.approx(shown[name], abs=1e-3), name
    assert (said[66], said[68], said[71], said[72]) == (0, 1, 4, 19)
    said = exchange(at, QUERY_3)
    assert len(said) == 9 + 2 * 0x37
    for name, offset in SAMPLE_3_TENTHS.items():
        tenths = said[offset] << 8 | said[offset + 1]
        assert tenths / 10 == pytest.approx(shown[name], abs=0.051), name
    hours = bytes((said[109], said[110], said[107], said[108]))
    assert int.from_bytes(hours, "big") / 10 == pytest.approx(20_122.1, abs=0.051)
    assert not any(said[111:119])


def test_the_vendors_samples_stop_and_start_it(at, fridge) -> None:
    assert exchange(at, STOP) == STOP
    assert exchange(at, QUERY)[9:13] == b"\0\0\0\0"
    assert exchange(at, START) == START
    assert exchange(at, QUERY)[9:13] == b"\0\3\0\1"


def test_a_trip_reads_as_the_samples_decode_it(serve, fridge) -> None:
    """They subtract bits from a negative number, greatest first."""
    broken = {"compressor.errors": 68.0, "compressor.running": 0.0}

    def read(name: str, now_fs: int) -> float:
        return broken[name] if name in broken else fridge.read(name, now_fs)

    at = serve(CryomechCpa("4321", read, fridge.write), "modbus")
    said = exchange(at, QUERY)
    (alarms,) = struct.unpack("<f", bytes((said[18], said[17], said[20], said[19])))
    assert (said[10], said[12], alarms) == (7, 0, -68.0)
