"""Sending and receiving in place of the vendor's: the same bytes, fewer pieces."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from podium.drivers.qblox_cluster.client_sockets import LONG_BYTES, FastSocket


class Peer:
    """Keeps what comes, piece by piece, and says what it is told to."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.came = asyncio.Event()
        self.answers: dict[bytes, bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1 << 24):
            self.heard.append(piece)
            self.came.set()
            for question, answer in self.answers.items():
                if piece.endswith(question):
                    writer.write(answer)
        writer.close()


@pytest.fixture
async def both() -> AsyncIterator[tuple[FastSocket, Peer]]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        transport = SimpleNamespace(_reader=reader, _writer=writer, timeout=5.0)
        yield FastSocket(transport), peer
        writer.close()
        await writer.wait_closed()


async def test_what_is_told_goes_out_with_the_question_that_follows(both) -> None:
    quick, peer = both
    peer.answers = {b"COUNt?\n": b"0\r\n"}
    await quick.write_binary(b"PROGram ", b"#15", b"stop\n", b"\n")
    await quick.write_binary(b"SYSTem:ERRor:COUNt?\n")
    assert await quick.readline() == "0\r\n"
    assert peer.heard == [b"PROGram #15stop\n\nSYSTem:ERRor:COUNt?\n"]


async def test_what_nobody_asks_after_goes_out_as_well(both) -> None:
    quick, peer = both
    await quick.write_binary(b"SEQuencer:STOP\n")
    await asyncio.wait_for(peer.came.wait(), 5)
    assert peer.heard == [b"SEQuencer:STOP\n"]


async def test_a_long_message_arrives_whole_and_in_its_place(both) -> None:
    quick, peer = both
    peer.answers = {b"?\n": b"#13abc\r\n"}
    block = bytes(range(256)) * (8 * LONG_BYTES // 256)
    await quick.write_binary(b"first\n")
    await quick.write_binary(block)
    await quick.write_binary(b"?\n")
    assert await quick.read_binary(8) == b"#13abc\r\n"
    assert b"".join(peer.heard) == b"first\n" + block + b"?\n"


async def test_an_answer_that_does_not_come_is_not_waited_for_longer_than_the_time_out(
    both,
) -> None:
    quick, _ = both
    quick._transport.timeout = 0.01
    await quick.write_binary(b"*IDN?\n")
    with pytest.raises(TimeoutError):
        await quick.readline()
    with pytest.raises(TimeoutError):
        await quick.read_binary(1)


async def test_an_answer_that_is_cut_off_is_an_error(both) -> None:
    quick, peer = both
    peer.answers = {b"?\n": b"#1"}
    await quick.write_binary(b"?\n")
    assert await quick.read_binary(2) == b"#1"
    quick._transport._writer.write_eof()
    with pytest.raises(BrokenPipeError, match="while trying to read 4 bytes"):
        await quick.read_binary(4)
