"""Frames and requests of Modbus TCP: examples of the specification, and streams cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.modbus import (
    PDU_MAX,
    Code,
    Frame,
    FrameSplitter,
    Function,
    ModbusError,
    ModbusException,
    ReadRegisters,
    WriteRegisters,
    decode_request,
    encode,
    exception_response,
    read_response,
    write_response,
)

words = st.integers(0, 0xFFFF)
frames = st.builds(Frame, words, st.integers(0, 255), st.binary(min_size=1, max_size=PDU_MAX))


def test_the_examples_of_the_specification() -> None:
    """APS V1.1b3: 6.3 (read 107 to 109), 6.4 (read 8), 6.6 (write 1), 6.12 (write 1 and 2)."""
    read = decode_request(bytes.fromhex("03 00 6B 00 03"))
    assert read == ReadRegisters(Function.READ_HOLDING, 0x6B, 3)
    answer = read_response(read, (0x022B, 0x0000, 0x0064))
    assert answer == bytes.fromhex("03 06 02 2B 00 00 00 64")
    read = decode_request(bytes.fromhex("04 00 08 00 01"))
    assert read_response(read, (0x000A,)) == bytes.fromhex("04 02 00 0A")
    write = decode_request(bytes.fromhex("06 00 01 00 03"))
    assert write_response(write) == bytes.fromhex("06 00 01 00 03")
    write = decode_request(bytes.fromhex("10 00 01 00 02 04 00 0A 01 02"))
    assert write == WriteRegisters(Function.WRITE_MANY, 1, (0x000A, 0x0102))
    assert write_response(write) == bytes.fromhex("10 00 01 00 02")


def test_the_example_frame_of_the_messaging_guide() -> None:
    """MTG V1.0b, 4.4.2.2 as printed: transaction 0x1501, 6 bytes follow, unit 255, read 5."""
    frame = Frame(0x1501, 0xFF, bytes.fromhex("03 00 04 00 01"))
    assert encode(frame) == bytes.fromhex("15 01 00 00 00 06 FF 03 00 04 00 01")


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        ("2B 0E 01 00", Code.ILLEGAL_FUNCTION),
        ("01 00 00 00 01", Code.ILLEGAL_FUNCTION),
        ("04", Code.ILLEGAL_DATA_VALUE),
        ("04 00 01 00", Code.ILLEGAL_DATA_VALUE),
        ("04 00 01 00 00", Code.ILLEGAL_DATA_VALUE),
        ("04 00 01 00 7E", Code.ILLEGAL_DATA_VALUE),
        ("04 00 01 00 01 00", Code.ILLEGAL_DATA_VALUE),
        ("06 00 01 00 01 00", Code.ILLEGAL_DATA_VALUE),
        ("10 00 01 00 02 03 00 0A 01 02", Code.ILLEGAL_DATA_VALUE),
        ("10 00 01 00 02 04 00 0A 01", Code.ILLEGAL_DATA_VALUE),
        ("10 00 01 00 00 00", Code.ILLEGAL_DATA_VALUE),
    ],
)
def test_a_bad_request_is_answered_by_the_exception_of_the_specification(pdu, code) -> None:
    request = bytes.fromhex(pdu)
    with pytest.raises(ModbusException) as refused:
        decode_request(request)
    assert refused.value.code is code
    assert exception_response(request, code) == bytes((request[0] + 0x80, code))


@given(st.lists(frames, max_size=5), st.integers(1, 40))
def test_chopping_the_stream_changes_nothing(sent, size) -> None:
    stream = b"".join(map(encode, sent))
    splitter, found = FrameSplitter(), []
    for at in range(0, len(stream), size):
        found += splitter.feed(stream[at : at + size])
    assert found == sent


@given(st.binary(max_size=600))
def test_any_bytes_are_frames_or_no_modbus(data) -> None:
    try:
        for frame in FrameSplitter().feed(data):
            decode_request(frame.pdu)
    except (ModbusError, ModbusException):
        pass


@pytest.mark.parametrize("length", [0, 1, PDU_MAX + 2, 0xFFFF])
def test_a_length_that_no_frame_has_ends_the_stream(length) -> None:
    with pytest.raises(ModbusError):
        FrameSplitter().feed(b"\0\0\0\0" + length.to_bytes(2, "big") + b"\1")


def test_another_protocol_ends_the_stream() -> None:
    with pytest.raises(ModbusError, match="protocol 1"):
        FrameSplitter().feed(bytes.fromhex("0000 0001 0006 01"))
