import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces import vxi11
from podium.firmware_interfaces.vxi11 import (
    Accept,
    Call,
    CallSplitter,
    Flag,
    GarbageArguments,
    RpcError,
)

words = st.integers(0, 2**32 - 1)
calls = st.builds(Call, words, words, words, words, words, st.binary(max_size=40))


def sent(call: Call, fragment: int = 1 << 20) -> bytes:
    """As RFC 5531 draws a call: fields, two times flavour and body, in fragments."""
    head = (call.xid, 0, call.rpc_version, call.program, call.version, call.procedure)
    record = vxi11.words(*head, 0, 0, 0, 0) + call.arguments
    parts = [record[at : at + fragment] for at in range(0, len(record), fragment)]
    lengths = [len(part) for part in parts]
    lengths[-1] |= 1 << 31
    return b"".join(vxi11.words(n) + part for n, part in zip(lengths, parts, strict=True))


@given(st.lists(calls, max_size=4), st.integers(1, 50), st.integers(1, 40))
def test_chopping_and_fragments_change_nothing(given_calls, fragment, size) -> None:
    stream = b"".join(sent(call, fragment) for call in given_calls)
    splitter, found = CallSplitter(), []
    for at in range(0, len(stream), size):
        found += splitter.feed(stream[at : at + size])
    assert found == given_calls


@given(st.binary(max_size=200))
def test_any_bytes_are_calls_or_none(data) -> None:
    try:
        for call in CallSplitter().feed(data):
            for read in (vxi11.read_link, vxi11.read_write, vxi11.read_read, vxi11.read_link_id):
                read(call.arguments)
    except (RpcError, GarbageArguments):
        pass


@pytest.mark.parametrize(
    "record",
    [vxi11.words(1, 1, 2), vxi11.words(1, 0, 2), vxi11.words(1, 0, 2, 3, 4, 5, 0, 500)],
    ids=["a reply", "too short", "credentials without end"],
)
def test_a_record_that_is_no_call_ends_the_stream(record) -> None:
    with pytest.raises(RpcError):
        CallSplitter().feed(vxi11.words(len(record) | 1 << 31) + record)


def test_a_record_without_end_is_not_waited_for() -> None:
    with pytest.raises(RpcError, match="a record of more than"):
        CallSplitter().feed(vxi11.words(0x7FFF_FFFF))


def test_arguments_are_read_as_the_rpcl_has_them() -> None:
    link = vxi11.read_link(vxi11.words(77, 1, 2000) + vxi11.opaque(b"inst0"))
    assert (link.client, link.lock, link.lock_timeout_ms, link.device) == (77, True, 2000, "inst0")
    write = vxi11.read_write(vxi11.words(5, 1000, 0, 8) + vxi11.opaque(b"*IDN?"))
    assert (write.link, write.io_timeout_ms, write.flags, write.data) == (
        5,
        1000,
        Flag.END,
        b"*IDN?",
    )
    read = vxi11.read_read(vxi11.words(5, 100, 1000, 0, 128, 10))
    assert (read.size, read.flags, read.terminator) == (100, Flag.TERMINATOR_SET, 10)
    with pytest.raises(GarbageArguments):
        vxi11.read_write(vxi11.words(5, 1000, 0, 8, 100) + b"short")


def test_replies_are_laid_out_as_the_rfc_draws_them() -> None:
    call = Call(0xABCD, 2, 1, 1, 0, b"")
    assert vxi11.accepted(call, Accept.SUCCESS, vxi11.opaque(b"abcde")) == bytes.fromhex(
        "80000024 0000abcd 00000001 00000000 00000000 00000000 00000000 00000005 6162636465000000"
    )
    assert vxi11.wrong_rpc_version(call)[4:] == vxi11.words(0xABCD, 1, 1, 0, 2, 2)
