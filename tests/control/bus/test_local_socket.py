"""Requests at local sockets: what holds through the meeting point holds here, for one user only."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.bus import local_socket
from podium.control.bus.answer_tasks import AnswerTasks
from podium.control.bus.bus import Answerer, AnswererFailed, NoAnswer
from podium.control.bus.local_socket import (
    ALIVE,
    ANEW_S,
    ANSWER,
    HEAD,
    REQUEST,
    SECRET,
    Frames,
    LocalConnection,
    LocalConnections,
    LocalServer,
    NoFrame,
    NotInvited,
)

pytestmark = pytest.mark.skipif(not local_socket.THERE, reason="this system has no such sockets")
KEY = "podium/x/fires/a"


@asynccontextmanager
async def serving(answer: Answerer) -> AsyncIterator[LocalServer]:
    async with AnswerTasks.opened(KEY, answer) as answering, LocalServer.opened(answering) as one:
        assert one is not None
        yield one


@asynccontextmanager
async def served(answer: Answerer) -> AsyncIterator[str]:
    """Serve, and give an invitation."""
    async with serving(answer) as server:
        yield server.invitation()


def address_of(invitation: str) -> str:
    return invitation.partition(" ")[0]


@asynccontextmanager
async def connected(invitation: str) -> AsyncIterator[LocalConnection]:
    connection = await LocalConnection.made(KEY, address_of(invitation))
    assert connection is not None
    connection.show(invitation.partition(" ")[2])
    try:
        yield connection
    finally:
        connection.close()


async def echo(payload: bytes) -> bytes:
    return payload[::-1]


# Frames

FRAME = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, ALIVE), st.binary(max_size=40))


@given(st.lists(FRAME, max_size=5), st.data())
def test_frames_come_out_as_they_went_in_wherever_they_are_cut(frames, data) -> None:
    stream = b"".join(HEAD.pack(len(one[2]), one[0], one[1]) + one[2] for one in frames)
    split, found, at = Frames(), [], 0
    while at < len(stream):
        ends = data.draw(st.integers(at + 1, len(stream)))
        found += split.feed(stream[at:ends])
        at = ends
    assert found == frames


@pytest.mark.parametrize("head", [HEAD.pack(3, 1, ALIVE + 1), HEAD.pack(2**31, 1, REQUEST)])
def test_what_is_no_frame_is_refused(head) -> None:
    with pytest.raises(NoFrame):
        Frames().feed(head)


# Requests


@pytest.mark.parametrize("size", [0, 3, 3 << 20])
async def test_a_request_is_answered(size) -> None:
    payload = os.urandom(size)
    async with served(echo) as invitation, connected(invitation) as asked:
        assert await asked.request(payload, 10.0) == payload[::-1]


async def test_requests_are_answered_side_by_side_each_by_its_own_answer() -> None:
    gates = {b"1": asyncio.Event(), b"2": asyncio.Event()}

    async def answer(payload: bytes) -> bytes:
        gates[bytes([99 - payload[0]])].set()  # the other one may go on
        await gates[payload].wait()
        return payload

    async with served(answer) as invitation, connected(invitation) as asked:
        both = asked.request(b"1", 10.0), asked.request(b"2", 10.0)
        assert await asyncio.gather(*both) == [b"1", b"2"]


async def test_one_who_raises_says_why_and_goes_on() -> None:
    async def picky(payload: bytes) -> bytes:
        if payload == b"bad":
            raise ValueError("bad is bad")
        return payload

    async with served(picky) as invitation, connected(invitation) as asked:
        with pytest.raises(AnswererFailed, match=f"{KEY}: ValueError: bad is bad"):
            await asked.request(b"bad", 10.0)
        assert await asked.request(b"good", 10.0) == b"good"


class Gate:
    """An answerer that waits until it may answer."""

    def __init__(self) -> None:
        self.begun, self.open, self.done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer(self, payload: bytes) -> bytes:
        self.begun.set()
        await self.open.wait()
        self.done.set()
        return payload


async def test_who_leaves_leaves_nobody_waiting() -> None:
    gate = Gate()
    async with asyncio.TaskGroup() as tasks, AsyncExitStack() as stack:
        async with served(gate.answer) as invitation:
            asked = await stack.enter_async_context(connected(invitation))
            waiting = tasks.create_task(_no_answer(asked, 60.0))
            await gate.begun.wait()
        assert "it has left" in await waiting
        assert asked.closed
        assert await LocalConnection.made(KEY, address_of(invitation)) is None


async def _no_answer(asked: LocalConnection, timeout_s: float) -> str:
    with pytest.raises(NoAnswer) as no:
        await asked.request(b"", timeout_s)
    return str(no.value)


async def test_an_answer_that_does_not_come_in_time_closes_the_connection() -> None:
    gate = Gate()
    async with served(gate.answer) as invitation, connected(invitation) as asked:
        assert "waited at most 0.05 s" in await _no_answer(asked, 0.05)
        assert asked.closed
        async with connected(invitation) as again:
            gate.open.set()
            assert await again.request(b"ab", 10.0) == b"ab"


async def test_who_works_long_is_waited_for_as_long_as_it_is_alive(monkeypatch) -> None:
    monkeypatch.setattr(local_socket, "SILENT_S", 0.02)
    gate, asked_after = Gate(), []
    take = LocalServer._take

    def noted(server: LocalServer, caller: object, number: int, kind: int, data: bytes) -> None:
        take(server, caller, number, kind, data)
        if kind == ALIVE:
            asked_after.append(kind)
            if len(asked_after) == 3:
                gate.open.set()

    monkeypatch.setattr(LocalServer, "_take", noted)
    async with served(gate.answer) as invitation, connected(invitation) as asked:
        assert await asked.request(b"ab", 60.0) == b"ab"
        assert len(asked_after) == 3
        asked._look()
        assert asked._next_look is None, "nobody waits: nobody is asked"


async def test_one_without_a_sign_of_life_is_no_longer_waited_for(monkeypatch) -> None:
    monkeypatch.setattr(local_socket, "SILENT_S", 0.02)
    monkeypatch.setattr(LocalServer, "_take", lambda *_: None)  # as one that is frozen
    async with served(echo) as invitation, connected(invitation) as asked:
        assert "no sign of life" in await _no_answer(asked, 60.0)
        assert asked.closed


async def test_who_gives_up_does_not_end_the_work_and_gets_no_others_answer() -> None:
    gate = Gate()
    async with served(gate.answer) as invitation, connected(invitation) as asked:
        first = asyncio.ensure_future(asked.request(b"first", 10.0))
        await gate.begun.wait()
        first.cancel()
        second = asyncio.ensure_future(asked.request(b"second", 10.0))
        gate.open.set()
        assert await second == b"second"
        assert first.cancelled()
        assert gate.done.is_set()


# Who is let in


async def test_a_process_of_another_user_is_neither_asked_nor_answered(monkeypatch) -> None:
    async with served(echo) as invitation:
        address, _, secret = invitation.partition(" ")
        shown = HEAD.pack(len(secret), 0, SECRET) + secret.encode()
        asking = shown + HEAD.pack(2, 1, REQUEST) + b"ab"
        monkeypatch.setattr(local_socket.os, "getuid", lambda: 2**30)
        assert await LocalConnection.made(KEY, address) is None
        assert await _said_to(address, asking) == b""
        monkeypatch.undo()
        said = await _said_to(address, asking, end=False)
        assert said == HEAD.pack(2, 1, ANSWER) + b"ba"


@pytest.mark.parametrize("shown", [None, "", "0" * 32, "ü"])
async def test_who_was_not_invited_is_not_answered_and_nothing_is_begun(shown) -> None:
    """The kernel lists names of sockets: to know one is not enough."""
    begun = []

    async def answer(payload: bytes) -> bytes:
        begun.append(payload)
        return payload

    async with serving(answer) as server:
        secret = server.invitation().partition(" ")[2]
        given = "" if shown is None else f"{server.address} {shown}"
        async with connected(given or server.address) as asked:
            with pytest.raises(NotInvited):
                await asked.request(b"no", 10.0)
            asked.show(secret)
            assert await asked.request(b"yes", 10.0) == b"yes"
    assert begun == [b"yes"]


async def test_a_secret_counts_for_the_time_it_was_given_for_and_no_longer(monkeypatch) -> None:
    loop = asyncio.get_running_loop()
    real_s, ahead_s = loop.time, [0.0]
    async with serving(echo) as server:
        first = server.invitation()
        async with connected(first) as asked:
            monkeypatch.setattr(loop, "time", lambda: real_s() + ahead_s[0])
            ahead_s[0] = ANEW_S - 1.0
            assert server.invitation() == first
            ahead_s[0] = ANEW_S + 1.0
            assert server.invitation() != first
            assert await asked.request(b"ab", 10.0) == b"ba"
            ahead_s[0] = 2 * ANEW_S + 1.0
            with pytest.raises(NotInvited):
                await asked.request(b"ab", 10.0)
            asked.show(server.invitation().partition(" ")[2])
            assert await asked.request(b"ab", 10.0) == b"ba"
            async with connected(first) as late:
                with pytest.raises(NotInvited):
                    await late.request(b"ab", 10.0)
            assert first.partition(" ")[2] not in server._secrets


@pytest.mark.parametrize("garbage", [b"\xff" * 20, HEAD.pack(1, 1, ANSWER) + b"x"])
async def test_garbage_closes_its_own_connection_alone(garbage) -> None:
    async with served(echo) as invitation, connected(invitation) as asked:
        assert await _said_to(address_of(invitation), garbage) == b""
        assert await asked.request(b"ab", 10.0) == b"ba"


async def _said_to(address: str, message: bytes, *, end: bool = True) -> bytes:
    """Send a message, and return all that comes until the ``end``, or what comes first."""
    reader, writer = await asyncio.open_unix_connection(f"\0{address}")
    try:
        writer.write(message)
        async with asyncio.timeout(10):
            return await reader.read(-1 if end else 1 << 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("address", ["podium/nobody", "", "x" * 200])
async def test_an_address_that_leads_nowhere_is_none(address) -> None:
    assert await LocalConnection.made(KEY, address) is None


# Where to ask


async def learn(known: LocalConnections, invitation: str) -> None:
    """Take in an answer that was asked for just now."""
    await known.learn(KEY, invitation, asyncio.get_running_loop().time())


async def test_what_was_said_holds_for_a_while() -> None:
    known, loop = LocalConnections(), asyncio.get_running_loop()
    async with served(echo) as invitation:
        await learn(known, invitation)
        found = known.find(KEY)
        assert found is not None
        assert await found.request(b"ab", 10.0) == b"ba"
        await known.learn(KEY, invitation, loop.time() - ANEW_S)  # the answer took its time
        assert known.find(KEY) is None
        await learn(known, invitation)
        assert known.find(KEY) is found
        known.close()


async def test_who_calls_while_it_leaves_is_closed() -> None:
    server = LocalServer(None)
    server._left = True
    here, there = socket.socketpair()
    with there:
        transport, _ = await asyncio.get_running_loop().create_unix_connection(
            server._called, sock=here
        )
        assert transport.is_closing()
        await asyncio.sleep(0)
        assert not server._callers
        assert await asyncio.get_running_loop().sock_recv(_unblocked(there), 1) == b""


def _unblocked(end: socket.socket) -> socket.socket:
    end.setblocking(False)
    return end


async def _asked(known: LocalConnections) -> None:
    """Ask who answers the key, and echoes."""
    found = known.find(KEY)
    assert found is not None
    assert await found.request(b"ab", 10.0) == b"ba"


async def test_who_has_left_is_looked_for_anew() -> None:
    known, gate = LocalConnections(), Gate()
    async with served(gate.answer) as invitation:
        await learn(known, invitation)
        found = known.find(KEY)
        assert found is not None
        await _no_answer(found, 0.01)
        assert known.find(KEY) is None
        await learn(known, invitation)
        again = known.find(KEY)
        assert again is not None
        assert again is not found
        gate.open.set()
        assert await again.request(b"ab", 10.0) == b"ab"
    async with served(echo) as another:
        await learn(known, another)
        await _asked(known)
        known.close()


async def test_nobody_is_sought_again_where_nobody_was(monkeypatch) -> None:
    tried = []

    async def made(key: str, address: str) -> None:
        tried.append(address)

    monkeypatch.setattr(LocalConnection, "made", made)
    known = LocalConnections()
    for _ in range(3):
        await learn(known, "podium/far_away secret")
    assert tried == ["podium/far_away"]
    assert known.find(KEY) is None


async def test_two_who_learn_at_once_share_one_connection() -> None:
    known = LocalConnections()
    async with served(echo) as invitation:
        await asyncio.gather(learn(known, invitation), learn(known, invitation))
        await _asked(known)
        known.close()


async def test_one_who_gives_up_while_it_connects_leaves_it_to_the_next(monkeypatch) -> None:
    known, made = LocalConnections(), LocalConnection.made

    async def given_up(key: str, address: str) -> None:
        raise asyncio.CancelledError

    async with served(echo) as invitation:
        monkeypatch.setattr(LocalConnection, "made", given_up)
        with pytest.raises(asyncio.CancelledError):
            await learn(known, invitation)
        monkeypatch.setattr(LocalConnection, "made", made)
        await learn(known, invitation)
        await _asked(known)
        known.close()


async def test_where_the_kernel_knows_no_users_there_is_none(monkeypatch) -> None:
    monkeypatch.setattr(local_socket, "THERE", False)
    async with AnswerTasks.opened(KEY, echo) as answering, LocalServer.opened(answering) as one:
        assert one is None
        assert await LocalConnection.made(KEY, "podium/x") is None


async def test_where_no_socket_may_be_opened_there_is_none(monkeypatch) -> None:
    async def refused(_: LocalServer) -> asyncio.Server:
        raise PermissionError("not in this container")

    monkeypatch.setattr(LocalServer, "_listen", refused)
    async with AnswerTasks.opened(KEY, echo) as answering, LocalServer.opened(answering) as one:
        assert one is None
