"""NetQASM in bytes is what the netqasm SDK 2.3.0 has written, and anything else is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.netqasm import (
    BANKS,
    INSTRUCTIONS,
    VERSION,
    Instruction,
    NetqasmError,
    NewApplication,
    OpenSocket,
    Register,
    StopApplication,
    Subroutine,
    read_message,
    read_subroutine,
    text_of,
    write_subroutine,
)

TOLD = json.loads(
    (Path(__file__).parents[1] / "benches" / "links" / "netqasm_sdk.json").read_text()
)
OPERANDS = {
    "r": st.builds(Register, st.sampled_from(BANKS), st.integers(0, 15)),
    "b": st.integers(0, 255),
    "i": st.integers(-(2**31), 2**31 - 1),
}


@st.composite
def instructions(draw: st.DrawFn) -> Instruction:
    name, layout = draw(st.sampled_from(list(INSTRUCTIONS.values())))
    return Instruction(name, tuple(draw(OPERANDS[kind]) for kind in layout))


@pytest.mark.parametrize("host", TOLD)
def test_the_sdk_s_subroutines_have_the_sdk_s_text(host: str) -> None:
    texts = 0
    for one in TOLD[host]:
        message = read_message(bytes.fromhex(one["bytes"]))
        if isinstance(message, Subroutine):
            assert text_of(message) == one["text"]
            assert write_subroutine(message) == bytes.fromhex(one["bytes"])[1:]
            texts += 1
    assert texts >= 1


def test_the_sdk_s_other_messages_are_read() -> None:
    first, second, *_, last, _ = [
        read_message(bytes.fromhex(one["bytes"])) for one in TOLD["alice"]
    ]
    assert isinstance(first, NewApplication)
    assert second == OpenSocket(0, 0, 1, 0, 80)
    assert last == StopApplication(0)


@given(st.lists(instructions(), max_size=8), st.integers(0, 2**16 - 1))
def test_what_is_written_is_read_again(program: list[Instruction], application: int) -> None:
    one = Subroutine(VERSION, application, tuple(program))
    assert read_subroutine(write_subroutine(one)) == one


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_an_error_of_ours(data: bytes) -> None:
    try:
        read_message(data)
    except NetqasmError:
        return


def test_refusals_say_what_would_be_right() -> None:
    with pytest.raises(NetqasmError, match="4 bytes and 7 for each"):
        read_subroutine(b"\0\x0a\0\0\x04")
    with pytest.raises(NetqasmError, match=r"version 1\.0"):
        read_subroutine(b"\1\0\0\0")
    with pytest.raises(NetqasmError, match="line 0: there is no instruction 250"):
        read_subroutine(b"\0\x0a\0\0\xfa\0\0\0\0\0\0")
    with pytest.raises(NetqasmError, match="does not fit"):
        write_subroutine(Subroutine(VERSION, 0, (Instruction("jmp", (2**40,)),)))
