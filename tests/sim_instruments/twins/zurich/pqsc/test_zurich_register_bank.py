"""What a PQSC writes into its registers, and what it makes of them for each port."""

import numpy as np

from podium.firmware_interfaces.zurich.values import vector_of
from podium.sim_instruments.twins.zurich.pqsc.register_bank import RegisterBank, written

CABLES = {0: "dev12001", 3: "dev12002", 8: "dev12003"}


def bank(**nodes) -> RegisterBank:
    made = RegisterBank(CABLES)
    for path, value in nodes.items():
        made.written(path, value)
    return made


def forwarded(made: RegisterBank, port: int, **sources) -> None:
    made.written(f"zsyncs/{port}/output/enable", 1)
    for position, (register, index) in sources.items():
        at = f"zsyncs/{port}/output/registerbank/sources/{position.removeprefix('at_')}"
        made.written(f"{at}/enable", 1)
        made.written(f"{at}/register", register)
        made.written(f"{at}/index", index)


def test_only_what_was_asked_for_is_written_anew():
    registers = [0] * 32
    written(registers, 5, 0b11_10_01, 0b111)
    written(registers, 5, 0b00_00_10, 0b001)
    assert registers[5] == 0b11_10_10
    assert not any(registers[:5] + registers[6:])


def test_a_port_gets_the_couples_that_its_nodes_name_and_hears_of_these_registers_alone():
    made = bank()
    forwarded(made, 3, at_0=(5, 2), at_7=(9, 15))
    forwarding = made.forwarding(0)
    port = forwarding.to("dev12002")
    registers = [0] * 32
    registers[5], registers[9] = 0b11_00_01, 0b10 << 30
    assert port.word(registers) == 0b11 | 0b10 << 14
    assert [port.hears(number) for number in (5, 9, 4)] == [True, True, False]
    assert forwarding.to("dev12001") is None, "its port is off"


def test_the_first_eight_ports_alone_take_results():
    assert bank().forwarding(0).takes_from == {"dev12001", "dev12002"}


def test_a_decoder_looks_the_bits_of_its_sources_up():
    made = bank()
    made.written("zsyncs/0/output/enable", 1)
    made.written("zsyncs/0/output/source", 1)
    made.written("zsyncs/0/output/decoder/source", 2)
    for k, (register, index) in enumerate(((4, 0), (6, 31))):
        made.written(f"feedback/decoder/lut/sources/{k}/register", register)
        made.written(f"feedback/decoder/lut/sources/{k}/index", index)
    made.written("feedback/decoder/lut/tables/2", vector_of(np.array([0, 7, 9, 0x1FF], np.uint32)))
    port = made.forwarding(0).to("dev12001")
    registers = [0] * 32
    assert port.word(registers) == 0
    registers[6] = 1 << 31
    assert port.word(registers) == 9
    registers[4] = 1
    assert port.word(registers) == 0xFF, "eight bits"
    registers[0] = 1
    assert port.word(registers) == 0, "beyond the end of the table that was written"


def test_registers_are_cleared_by_the_node_for_it():
    made = bank()
    made.registers[3] = 9
    made.written("feedback/registerbank/reset", 0)
    assert made.registers[3] == 9
    made.written("feedback/registerbank/reset", 1)
    assert not any(made.registers)
