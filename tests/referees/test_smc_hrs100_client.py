"""The twin of an SMC HRS100, judged by pymodbus and by what SMC and others have published.

No client of the HRS can be installed. pymodbus is used unmodified; addresses, steps and bits are
written off here from SMC's manuals, and from public clients that read and write them (CMS's
``Lab5015Utils`` with minimalmodbus, Mouvent's ``chiller.c``, a C# handler of a tool maker): all
three speak Modbus ASCII over a serial line, whose gateway changes the frame and nothing inside.
"""

import socket

import pytest
from pymodbus.client import ModbusTcpClient

from podium.sim_instruments.physics.steady_cryostat import STEADY, SteadyCryostat
from podium.sim_instruments.testing import twin_instrument
from podium.sim_instruments.twins.smc_hrs100 import SmcHrs100

RUN, STOP_ALARM, SERIAL, TEMP_READY = 1 << 0, 1 << 1, 1 << 5, 1 << 9
LOW_LEVEL, HIGH_DISCHARGE_PRESSURE = 1 << 0, 1 << 12


@pytest.fixture
def fridge():
    return SteadyCryostat()


@pytest.fixture
def twin(fridge):
    return SmcHrs100("1", fridge.read, fridge.write)


@pytest.fixture
def at(serve, twin):
    return serve(twin, "modbus")


@pytest.fixture
def client(at):
    with ModbusTcpClient(at.host, port=at.port, retries=0) as client:
        yield client


def test_pymodbus_reads_what_the_register_map_has(client, fridge, twin) -> None:
    read = client.read_holding_registers(0, count=16).registers
    assert read[0x0000] == 200  # 20.0 C of the fridge's water
    assert read[0x0001] == 100  # 0.1 l/min
    assert read[0x0002] == 25  # 0.01 MPa
    assert read[0x0003] == 0  # no conductivity sensor
    assert read[0x0004] & (RUN | SERIAL | TEMP_READY) == RUN | SERIAL | TEMP_READY
    assert read[0x0005:0x000B] == [0] * 6
    assert read[0x000B] == 200
    assert read[0x000C] == 1
    assert read[0x000D:] == [0] * 3
    assert twin.tallies()["unknown"] == 0


def test_what_lab5015utils_sets_it_reads(client, fridge) -> None:
    """``write_register(11, value, 1)``, ``read_register(0, 1)``, ``(2, 2)``, ``12`` for its run."""
    assert not client.write_register(11, round(17.4 * 10)).isError()
    assert client.read_holding_registers(11).registers == [174]
    assert not client.write_register(12, 0).isError()
    assert client.read_holding_registers(12).registers == [0]
    assert fridge.read("water.on", 0) == 0
    assert client.read_holding_registers(4).registers[0] & RUN == 0
    assert client.read_holding_registers(2).registers == [0]
    assert not client.write_register(12, 1).isError()
    assert fridge.read("water.on", 0) == 1


def test_the_tool_maker_s_handler_starts_and_sets_by_function_16(client, fridge) -> None:
    """SET_ON, SET_OFF, SET_TEMP of it: 10 000C 0001 02 0001 ..., and GET_ALL of 13 registers."""
    assert not client.write_registers(0x000C, [0]).isError()
    assert not client.write_registers(0x000B, [225]).isError()
    assert not client.write_registers(0x000C, [1]).isError()
    every = client.read_holding_registers(0, count=0x000D).registers
    assert (len(every), every[0x000B], every[0x000C]) == (13, 225, 1)


def test_the_example_of_the_manual_by_function_23(at) -> None:
    """HRX-OM-M091, 4-15: read 0004h to 0006h, write 15.5 C and run; there in ASCII and with LRC.

    Request 01 17 0004 0003 000B 0002 04 009B 0001, response 01 17 06 0000 0000 0000 of one that
    stood still; this one runs, in serial mode.
    """
    request = bytes.fromhex("0001 0000 000F 01 17 0004 0003 000B 0002 04 009B 0001")
    with socket.create_connection((at.host, at.port), timeout=5) as wire:
        wire.sendall(request)
        said = wire.recv(300)
        assert said[:9] == bytes.fromhex("0001 0000 0009 01 17 06")
        status, *alarms = (int.from_bytes(said[at : at + 2], "big") for at in (9, 11, 13))
        assert status & (RUN | SERIAL) == RUN | SERIAL
        assert alarms == [0, 0]
        wire.sendall(bytes.fromhex("0002 0000 0006 01 03 000B 0002"))
        assert wire.recv(300)[9:] == bytes.fromhex("009B 0001")


def test_pymodbus_hears_the_exceptions_that_the_manuals_list(client, at) -> None:
    """01 function, 02 address, 03 data (HECR 5.9, of the same family); a write changes nothing."""
    for answer, code in (
        (client.read_holding_registers(0x0100, count=7), 2),  # their example
        (client.read_holding_registers(10, count=7), 2),
        (client.read_input_registers(0), 1),
        (client.read_coils(0), 1),
        (client.write_coil(0, True), 1),
        (client.write_register(0, 200), 2),
        (client.write_register(11, 49), 3),
        (client.write_register(11, 351), 3),
        (client.write_register(12, 2), 3),
        (client.write_registers(11, [180, 7]), 3),
        (
            client.readwrite_registers(read_address=20, read_count=1, write_address=11, values=[9]),
            2,
        ),
    ):
        assert answer.isError()
        assert answer.exception_code == code, answer
    assert client.read_holding_registers(11, count=2).registers == [200, 1]


def test_a_gateway_tells_that_nobody_has_another_number(client) -> None:
    answer = client.read_holding_registers(0, device_id=2)
    assert answer.exception_code == 11


def test_an_alarm_stops_it_as_the_flags_say(client, fridge, twin) -> None:
    twin.trip(0)
    status, first = client.read_holding_registers(4, count=2).registers
    assert status & (RUN | STOP_ALARM) == STOP_ALARM
    assert first == HIGH_DISCHARGE_PRESSURE
    assert fridge.read("water.on", 0) == 0
    assert not client.write_register(12, 1).isError()
    assert client.read_holding_registers(4).registers[0] & RUN == 0


def test_served_it_has_the_port_of_modbus_tcp() -> None:
    with twin_instrument("smc_hrs100", options={"bus_address": "7"}) as box:
        assert box.port != 0
        with ModbusTcpClient(box.host, port=box.port, retries=0) as client:
            water = client.read_holding_registers(0, device_id=7).registers[0]
        assert water / 10 + 273.15 == pytest.approx(293.15, abs=3)
        assert not box.unknown
    assert STEADY["compressor.coolant_out"] > 293.15
