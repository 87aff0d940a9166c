"""The data server where all twins are served: on sockets, with faults, on every kind of clock."""

import asyncio
import os
from contextlib import asynccontextmanager

import numpy as np
import pytest
from tests.benches.thoroughness import sampled
from tests.benches.zurich.requests import bootstrap, get, request, set_value, subscribe, told
from tests.benches.zurich.sockets import opened

from podium.firmware_interfaces.zurich import rpc
from podium.firmware_interfaces.zurich.handshake import HELLO_BYTES
from podium.firmware_interfaces.zurich.values import bytes_vector, vector_of
from podium.sim_instruments.servers.clock import ClockMode
from podium.sim_instruments.servers.serving import ServedLaboratory

__all__ = ["opened"]

WITHIN_S = 20.0
ON = "/dev12000/sgchannels/0/output/on"
WAVE = "/dev12000/sgchannels/0/awg/waveform/waves/0"


class Client:
    """Says bytes, and waits for the answers to questions."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.heard = b""

    async def ask(self, data: bytes, question: int):
        self.writer.write(data + rpc.finish(question))
        return await self.until(lambda: question in told(self.heard).answers)

    async def until(self, there):
        async with asyncio.timeout(WITHIN_S):
            while not there():
                piece = await self.reader.read(1 << 20)
                assert piece, "the connection has ended"
                self.heard += piece
        return told(self.heard)


@asynccontextmanager
async def client(serving: ServedLaboratory, kernel: str = "dev12000"):
    listening = serving.served["zi"].listening
    reader, writer = await asyncio.open_connection(listening.host, listening.ports["data_server"])
    try:
        async with asyncio.timeout(WITHIN_S):
            assert b"orchestrator" in await reader.readexactly(HELLO_BYTES)
            writer.write(request(kernel))
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(bootstrap(0) + rpc.finish(0))
        yield Client(reader, writer)
    finally:
        writer.close()


@pytest.mark.parametrize(
    "mode", sampled(ClockMode, kept=[ClockMode.PACED]), ids=lambda mode: mode.value
)
async def test_bytes_that_look_like_lines_arrive_as_they_were_sent(opened, mode) -> None:
    sent = np.frombuffer(b"\n\r\n\0" * 50_000, np.uint32)
    async with opened(mode) as serving, client(serving) as one:
        await one.ask(set_value(5, WAVE, vector_of(sent)), 5)
        answer = await one.ask(get(6, WAVE), 6)
    (found,) = answer.values(6)
    assert np.array_equal(found.numbers(), sent)


async def test_what_one_client_sets_reaches_another(opened) -> None:
    async with opened() as serving, client(serving) as one, client(serving) as other:
        await one.ask(subscribe(5, ON, 7), 5)
        await other.ask(set_value(5, ON, 1), 5)
        heard = await one.until(lambda: told(one.heard).sends)
    assert heard.sends[0][1:] == (7, [(ON, 1)])


async def test_a_client_that_is_cut_off_leaves_the_others(opened) -> None:
    async with opened() as serving, client(serving) as one, client(serving) as other:
        await one.ask(subscribe(5, "/dev12000/*", 7), 5)
        one.writer.transport.abort()
        for number in range(20):
            (found,) = (
                await other.ask(set_value(10 + number, ON, number % 2), 10 + number)
            ).values(10 + number)
            assert found == number % 2


async def test_garbage_ends_its_own_connection(opened) -> None:
    async with opened() as serving, client(serving) as one, client(serving) as other:
        one.writer.write(os.urandom(64) + b"\xff" * 64)
        async with asyncio.timeout(WITHIN_S):
            while await one.reader.read(1 << 16):
                pass
        assert (await other.ask(get(5, ON), 5)).values(5) == [0]


async def test_a_fault_cuts_it_like_any_instrument(opened) -> None:
    async with opened() as serving, client(serving) as one:
        serving.served["zi"].faults.drop()
        with pytest.raises((AssertionError, ConnectionError)):
            await one.ask(get(5, ON), 5)
        async with client(serving) as again:
            assert (await again.ask(get(5, ON), 5)).values(5) == [0]


async def test_commands_are_counted(opened) -> None:
    async with opened() as serving, client(serving) as one:
        await one.ask(get(5, ON), 5)
        await one.ask(set_value(6, "/dev12000/sgchannels/0/awg/elf/data", bytes_vector(b"x")), 6)
        assert serving.tallies()["zi"]["commands"] == 2
