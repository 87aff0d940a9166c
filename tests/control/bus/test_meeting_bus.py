"""Processes that meet over mutual TLS: who is let in, who may do what, and how a no is told."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import zenoh
from tests.benches.security.certificates import (
    ANN,
    COORDINATOR,
    PAGE,
    ROUTER,
    Authority,
    meeting_with,
)

from podium.control.bus import messages, news
from podium.control.bus.bus import Bus, BusError, Denied, NoAnswer, Presence
from podium.control.bus.direct_fires import fires_key
from podium.control.bus.local_socket import LocalConnections, LocalServer
from podium.control.bus.meeting_bus import MeetingBus
from podium.control.bus.process_bus import client_of, open_bus
from podium.control.bus.refusals import AskRefusals, Refusal, RefusalReport, refusals_key
from podium.control.bus.wire import decode, encode
from podium.control.bus.zenoh_bus import ZenohBus
from podium.control.bus.zenoh_config import holding, joining
from podium.control.facility.facility import Facility
from podium.control.facility.meeting_point import MeetingPoint
from podium.control.security.access import Admission, MayI, Member, Verdict, access_key
from podium.control.security.certificates import BadCertificate, Credentials, credentials_of

NODE_A, NODE_B = Member("agent", "node_a"), Member("agent", "node_b")
AGENTS = ("node_a", "node_b")
ASK_COORDINATOR = messages.coordinator_key("x")
ASK_A, ASK_B = messages.agent_key("x", "node_a"), messages.agent_key("x", "node_b")
AUTHORITIES: dict[Path, Authority] = {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    authority.sign("router", "coordinator", "page", "agent.node_a", "agent.node_b")
    authority.sign("client.ann", "client.ben")
    AUTHORITIES[authority.folder] = authority
    return authority.folder


@pytest.fixture(params=["router", "coordinator"])
def facility(request, example, folder) -> Facility:
    return meeting_with(replace(example, name="x"), folder, request.param)


@pytest.fixture
def at_a_router(example, folder) -> Facility:
    return meeting_with(replace(example, name="x"), folder)


async def echo(payload: bytes) -> bytes:
    return payload[::-1]


class Everybody:
    """The processes of a facility, each on its own bus."""

    def __init__(self, stack: AsyncExitStack, facility: Facility) -> None:
        self._stack = stack
        self._facility = facility
        self.on: dict[Member, Bus] = {}

    async def come(self, *members: Member) -> None:
        holder = "" if self._facility.bus is None else self._facility.bus.held_by
        for member in members:
            agents = AGENTS if member.role == holder else None
            opened = open_bus(self._facility, member, agents=agents)
            self.on[member] = await self._stack.enter_async_context(opened)

    async def serve(self, member: Member, key: str) -> None:
        await self._stack.enter_async_context(self.on[member].serve(key, echo))
        await self._stack.enter_async_context(self.on[member].announce(key))

    async def refusals(self) -> tuple[Refusal, ...]:
        key, question = refusals_key("x"), encode(AskRefusals())
        answer = await self.on[COORDINATOR].request(key, question, 5.0)
        return decode(answer, RefusalReport).refusals


@pytest.fixture
async def everybody(facility) -> AsyncIterator[Everybody]:
    async with AsyncExitStack() as stack:
        all_of_them = Everybody(stack, facility)
        first = (ROUTER,) if facility.bus.held_by == "router" else ()
        await all_of_them.come(*first, COORDINATOR, NODE_A, NODE_B, ANN, PAGE)
        await all_of_them.serve(COORDINATOR, ASK_COORDINATOR)
        await all_of_them.serve(NODE_A, ASK_A)
        await all_of_them.serve(NODE_B, ASK_B)
        await there(all_of_them.on[COORDINATOR], ASK_A, ASK_B)
        yield all_of_them


async def there(bus: Bus, *keys: str) -> None:
    """Return once these are announced."""
    missing = set(keys)
    async with asyncio.timeout(10), bus.watch(messages.agent_key("x", "*")) as changes:
        async for change in changes:
            if change.alive:
                missing.discard(change.key)
            if not missing:
                return


async def test_what_the_rules_allow_goes_through(everybody) -> None:
    on = everybody.on
    assert await on[COORDINATOR].request(ASK_A, b"ab", 5.0) == b"ba"
    assert await on[COORDINATOR].request_all(messages.agent_key("x", "*"), b"ab", 5.0) == {
        ASK_A: b"ba",
        ASK_B: b"ba",
    }
    assert await on[ANN].request(ASK_COORDINATOR, b"ab", 5.0) == b"ba"
    beats = messages.heartbeat_key("x", "*")
    async with on[COORDINATOR].subscribe(beats) as heard, asyncio.timeout(10):
        waiting = asyncio.ensure_future(anext(heard))
        while not waiting.done():
            await on[NODE_B].publish(messages.heartbeat_key("x", "node_b"), b"beat")
            await asyncio.wait({waiting}, timeout=0.02)
        assert waiting.result() == (messages.heartbeat_key("x", "node_b"), b"beat")


@pytest.mark.parametrize(
    ("member", "does", "key", "says"),
    [
        (ANN, "ask", ASK_A, "client.ann may not ask .*/agent/node_a: it may ask .*/coordinator, "),
        (ANN, "ask", messages.agent_key("x", "*"), "takes the certificate coordinator"),
        (ANN, "publish", messages.heartbeat_key("x", "node_a"), "it may publish nothing; that tak"),
        (NODE_A, "ask", ASK_B, "agent.node_a may not ask .*it may ask .*/clock/.*; that takes the"),
        (
            NODE_A,
            "serve",
            ASK_B,
            "agent.node_a may not answer .*takes the certificate agent.node_b",
        ),
        (NODE_A, "announce", ASK_B, "agent.node_a may not announce"),
        (NODE_A, "publish", messages.heartbeat_key("x", "node_b"), "agent.node_b"),
        (NODE_A, "publish", news.events_key("x", "agent node_b"), "certificate agent.node_b"),
        (PAGE, "ask", ASK_A, "page may not ask"),
        (PAGE, "watch", messages.heartbeat_key("x", "*"), "page may not watch"),
        (ANN, "subscribe", news.runs_key("x"), "client.ann may not hear .* certificate page"),
    ],
)
async def test_what_is_denied_says_who_what_of_whom_and_what_would_be_right(
    everybody, member, does, key, says
) -> None:
    with pytest.raises(Denied, match=f"denied: the certificate .*{says}"):
        await do(everybody.on[member], does, key)


async def do(bus: Bus, does: str, key: str) -> None:
    """Do one thing to ``key``."""
    match does:
        case "ask":
            await bus.request(key, b"", 5.0)
        case "publish":
            await bus.publish(key, b"")
        case "serve":
            async with bus.serve(key, echo):
                pass
        case "announce":
            async with bus.announce(key):
                pass
        case "watch":
            async with bus.watch(key):
                pass
        case "subscribe":
            async with bus.subscribe(key):
                pass


def pretending(facility: Facility, folder: Path, certificate: str, member: Member):
    """Open the bus of a process that takes itself for ``member``, with another's certificate."""
    credentials = credentials_of(folder, certificate)
    return MeetingBus.joined(facility.name, facility.bus, member, credentials)


async def has_arrived(bus: Bus) -> None:
    """Return once all that ``bus`` has sent before has come to who holds the meeting point."""
    question = encode(MayI("", "", ""))
    async with asyncio.timeout(10):
        decode(await bus.request(access_key("x"), question, 5.0), Verdict)


async def test_one_who_asks_with_anothers_certificate_is_denied_and_told_so(
    everybody, facility, folder, caplog
) -> None:
    """It takes itself for the coordinator: what stops it is Zenoh, where it arrives."""
    async with pretending(facility, folder, "agent.node_b", COORDINATOR) as liar:
        with caplog.at_level(logging.WARNING), pytest.raises(Denied) as no:
            await liar.request(ASK_A, b"", 5.0)
    assert "denied: the certificate agent.node_b may not ask podium/x/agent/node_a" in str(no.value)
    assert "that takes the certificate coordinator" in str(no.value)
    assert "refused what='denied: the certificate agent.node_b may not ask podium" in caplog.text


async def test_a_second_one_with_the_same_certificate_may_not_answer_and_is_told(
    everybody, facility, folder, monkeypatch
) -> None:
    monkeypatch.setattr("podium.control.bus.meeting_bus.ENDING_S", 0.0)
    coordinator = everybody.on[COORDINATOR]
    async with pretending(facility, folder, "agent.node_a", NODE_A) as second:
        await has_arrived(second)
        with pytest.raises(
            Denied, match=r"agent/node_a is answered by another process \([0-9a-f]+"
        ):
            async with second.serve(ASK_A, lie):
                pass
        assert await coordinator.request(ASK_A, b"ab", 5.0) == b"ba"
    told = await everybody.refusals()
    assert any(f"{ASK_A} is answered by another process" in one.what for one in told)


async def test_one_who_was_refused_answers_once_the_first_has_gone(facility, folder) -> None:
    async with AsyncExitStack() as stack:
        everybody = Everybody(stack, facility)
        await everybody.come(*((ROUTER,) if facility.bus.held_by == "router" else ()), COORDINATOR)
        coordinator = everybody.on[COORDINATOR]
        async with pretending(facility, folder, "agent.node_a", NODE_A) as second:
            await has_arrived(second)
            async with (
                open_bus(facility, NODE_A) as first,
                first.serve(ASK_A, echo),
                first.announce(ASK_A),
            ):
                await there(coordinator, ASK_A)
                assert await coordinator.request(ASK_A, b"ab", 5.0) == b"ba"
                waiting = asyncio.ensure_future(one_answer(second, coordinator))
                await asyncio.wait({waiting}, timeout=0.1)
                assert not waiting.done()
            assert await waiting == b"lie"


async def one_answer(answerer: Bus, asker: Bus) -> bytes:
    async with answerer.serve(ASK_A, lie):
        await has_arrived(answerer)
        return await asker.request(ASK_A, b"ab", 5.0)


@asynccontextmanager
async def answering_unasked(facility: Facility, folder: Path) -> AsyncIterator[ZenohBus]:
    """Answer for node_a beside it: it does not ask whether it may."""
    credentials = credentials_of(folder, "agent.node_a")
    assert facility.bus is not None
    session = await asyncio.to_thread(zenoh.open, joining("x", facility.bus, credentials))
    rude = ZenohBus(session, asyncio.get_running_loop())
    async with closing_bus(rude):
        async with rude.serve(ASK_A, lie), rude.announce(ASK_A):
            await has_arrived(rude)
            yield rude
        await has_arrived(rude)


async def test_where_two_answer_nobody_is_believed(everybody, facility, folder) -> None:
    """It is as quick as the first: speed decides nothing."""
    coordinator = everybody.on[COORDINATOR]
    async with answering_unasked(facility, folder):
        with pytest.raises(Denied, match="2 processes answer for podium/x/agent/node_a"):
            await coordinator.request(ASK_A, b"ab", 5.0)
    assert await coordinator.request(ASK_A, b"ab", 5.0) == b"ba"


async def test_one_who_answers_beside_a_local_socket_is_not_asked_and_is_soon_seen(
    at_a_router, folder, monkeypatch
) -> None:
    async with AsyncExitStack() as stack:
        everybody = Everybody(stack, at_a_router)
        await everybody.come(ROUTER, COORDINATOR, NODE_A)
        await everybody.serve(NODE_A, ASK_A)
        coordinator = everybody.on[COORDINATOR]
        await there(coordinator, ASK_A)
        assert await coordinator.request(ASK_A, b"ab", 5.0) == b"ba"
        async with answering_unasked(at_a_router, folder):
            for _ in range(3):
                assert await coordinator.request(ASK_A, b"ab", 5.0) == b"ba"
            monkeypatch.setattr(LocalConnections, "find", lambda *_: None)  # ANEW_S later
            with pytest.raises(Denied, match="2 processes answer for podium/x/agent/node_a"):
                await coordinator.request(ASK_A, b"ab", 5.0)


async def lie(_: bytes) -> bytes:
    return b"lie"


async def test_one_who_answers_for_another_is_never_asked(everybody, facility, folder) -> None:
    asked = []

    async def lie(payload: bytes) -> bytes:
        asked.append(payload)
        return b"lie"

    coordinator = everybody.on[COORDINATOR]
    async with (
        pretending(facility, folder, "agent.node_b", NODE_A) as liar,
        liar.serve(ASK_A, lie),
        liar.announce(ASK_A),
    ):
        await has_arrived(liar)
        for _ in range(20):
            assert await coordinator.request(ASK_A, b"ab", 5.0) == b"ba"
    assert not asked


async def test_news_of_another_are_not_passed_on(everybody, facility, folder) -> None:
    beat_a, beat_b = (messages.heartbeat_key("x", name) for name in AGENTS)
    heard: list[tuple[str, bytes]] = []
    async with (
        pretending(facility, folder, "agent.node_b", NODE_A) as liar,
        everybody.on[COORDINATOR].subscribe(messages.heartbeat_key("x", "*")) as beats,
        asyncio.timeout(10),
    ):
        waiting = asyncio.ensure_future(anext(beats))
        while len(heard) < 5:
            await has_arrived(liar)
            await liar.publish(beat_a, b"false")
            await has_arrived(liar)
            await everybody.on[NODE_B].publish(beat_b, b"true")
            await asyncio.wait({waiting}, timeout=0.02)
            if waiting.done():
                heard.append(waiting.result())
                waiting = asyncio.ensure_future(anext(beats))
        waiting.cancel()
    assert set(heard) == {(beat_b, b"true")}


async def test_a_certificate_that_is_not_in_the_file_is_not_admitted(
    everybody, facility, folder, caplog
) -> None:
    late = replace(facility, bus=replace(facility.bus, clients=("ann", "ben")))
    with caplog.at_level(logging.WARNING):
        async with open_bus(late, Member("client", "ben")) as ben:
            with pytest.raises(Denied) as no:
                await ben.request(ASK_COORDINATOR, b"", 5.0)
            async with asyncio.timeout(10):
                while "not admitted" not in caplog.text:  # noqa: ASYNC110  a log tells nobody
                    await asyncio.sleep(0.01)
    holder = facility.bus.held_by
    assert f"the {holder} of x does not know the certificate client.ben" in str(no.value)
    assert "named under bus > clients in the facility file" in str(no.value)
    assert f"then the {holder} is started again" in str(no.value)


async def test_nobody_listens_but_who_holds_the_meeting_point(everybody, facility) -> None:
    listening = {
        (one.laddr.ip, one.laddr.port)
        for one in psutil.Process().net_connections("inet")
        if one.status == psutil.CONN_LISTEN or one.type == socket.SOCK_DGRAM
    }
    assert listening == {(facility.bus.listen.host, facility.bus.listen.port)}


async def test_nobody_there_is_no_denial(everybody) -> None:
    with pytest.raises(NoAnswer, match="no answer from podium/x/agent/node_c"):
        await everybody.on[COORDINATOR].request(messages.agent_key("x", "node_c"), b"", 2.0)


# Requests on one computer go by local sockets


@pytest.fixture
def through(monkeypatch) -> list[str]:
    """Return the keys of which somebody is asked through the meeting point."""
    asked, get = [], ZenohBus._get

    async def watched(bus: ZenohBus, key: str, payload: bytes, timeout_s: float):
        asked.append(key)
        return await get(bus, key, payload, timeout_s)

    monkeypatch.setattr(ZenohBus, "_get", watched)
    return asked


async def test_requests_go_through_the_meeting_point_once_and_then_by_a_local_socket(
    everybody, facility, through
) -> None:
    ann, fires = everybody.on[ANN], fires_key("x", "node_a")
    async with everybody.on[NODE_A].serve(fires, echo):
        await has_arrived(everybody.on[NODE_A])
        for _ in range(3):
            assert await ann.request(fires, b"ab", 5.0) == b"ba"
            assert await ann.request(ASK_COORDINATOR, b"ab", 5.0) == b"ba"
        assert through.count(fires) == 1
        # A coordinator that holds the meeting point is at the other end of that anyway.
        holder = facility.bus.held_by
        assert through.count(ASK_COORDINATOR) == (3 if holder == "coordinator" else 1)
    with pytest.raises(NoAnswer, match="no answer from podium/x/fires/node_a"):
        await ann.request(fires, b"ab", 2.0)
    through.clear()
    async with everybody.on[NODE_A].serve(fires, echo):
        await has_arrived(everybody.on[NODE_A])
        for _ in range(2):
            assert await ann.request(fires, b"ab", 5.0) == b"ba"
    assert through.count(fires) == 1


async def test_who_is_no_longer_invited_asks_through_the_meeting_point(
    everybody, through, monkeypatch
) -> None:
    ann, begun = everybody.on[ANN], []

    async def answer(payload: bytes) -> bytes:
        begun.append(payload)
        return payload

    fires = fires_key("x", "node_a")
    async with everybody.on[NODE_A].serve(fires, answer):
        await has_arrived(everybody.on[NODE_A])
        with monkeypatch.context() as patch:
            patch.setattr(LocalServer, "_counts_until_s", lambda *_: 0.0)
            for payload in (b"1", b"2"):
                assert await ann.request(fires, payload, 5.0) == payload
        assert begun == [b"1", b"2"]
        assert through.count(fires) == 2


async def test_who_is_denied_learns_of_no_local_socket(everybody, facility, folder) -> None:
    fires, asked = fires_key("x", "node_a"), []

    async def answer(payload: bytes) -> bytes:
        asked.append(payload)
        return payload

    async with (
        everybody.on[NODE_A].serve(fires, answer),
        pretending(facility, folder, "agent.node_b", ANN) as liar,
    ):
        await has_arrived(everybody.on[NODE_A])
        for _ in range(2):
            with pytest.raises(Denied, match=r"certificate agent\.node_b may not ask .*/fires/"):
                await liar.request(fires, b"", 5.0)
    assert not asked


@asynccontextmanager
async def closing_bus(bus: Bus) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await bus.close()


async def test_an_impostor_at_the_meeting_point_is_neither_asked_nor_answered(
    at_a_router, folder
) -> None:
    """Its certificate is of the right authority, and for this host: but it is an agent's."""
    asked = []

    async def answer(payload: bytes) -> bytes:
        asked.append(payload)
        return payload

    meeting = at_a_router.bus
    admitted = Admission.of("x", "router", AGENTS, ())
    config = holding(meeting, credentials_of(folder, "agent.node_b"), admitted)
    impostor = ZenohBus(await asyncio.to_thread(zenoh.open, config), asyncio.get_running_loop())
    async with closing_bus(impostor), open_bus(at_a_router, COORDINATOR) as coordinator:
        with pytest.raises(Denied, match=r"has the certificate agent\.node_b, not router"):
            await coordinator.request(ASK_A, b"", 5.0)
        async with open_bus(at_a_router, NODE_A) as agent, agent.serve(ASK_A, answer):
            with pytest.raises(Denied, match="it is neither asked nor answered"):
                await agent.request(access_key("x"), b"", 5.0)
            with pytest.raises(NoAnswer):
                await impostor.request(ASK_A, b"", 5.0)
    assert not asked


async def test_a_router_that_is_started_again_is_found_by_all(at_a_router) -> None:
    async with AsyncExitStack() as stack:
        others = Everybody(stack, at_a_router)
        async with asyncio.timeout(20), open_bus(at_a_router, ROUTER, agents=AGENTS):
            await others.come(COORDINATOR, NODE_A, ANN)
            await others.serve(COORDINATOR, ASK_COORDINATOR)
            await others.serve(NODE_A, ASK_A)
            await there(others.on[COORDINATOR], ASK_A)
            watching = others.on[COORDINATOR].watch(messages.agent_key("x", "*"))
            changes = await stack.enter_async_context(watching)
            assert await anext(changes) == Presence(ASK_A, True)
        async with asyncio.timeout(20):
            assert await anext(changes) == Presence(ASK_A, False)
            with pytest.raises(NoAnswer, match="is not reached: nobody listens there"):
                await others.on[ANN].request(ASK_COORDINATOR, b"", 2.0)
            async with open_bus(at_a_router, ROUTER, agents=AGENTS):
                assert await anext(changes) == Presence(ASK_A, True)
                assert await others.on[COORDINATOR].request(ASK_A, b"ab", 5.0) == b"ba"
                assert await answered(others.on[ANN], ASK_COORDINATOR) == b"ba"


async def answered(bus: Bus, key: str) -> bytes:
    """Return the answer of one who may be on the way back."""
    while True:
        try:
            return await bus.request(key, b"ab", 2.0)
        except NoAnswer:
            await asyncio.sleep(0.02)


async def test_who_comes_before_the_router_is_there_as_soon_as_it_is(at_a_router) -> None:
    async with AsyncExitStack() as stack:
        early = Everybody(stack, at_a_router)
        await early.come(COORDINATOR, NODE_A)
        with pytest.raises(BusError, match="is not reached"):
            await early.on[NODE_A].publish(messages.heartbeat_key("x", "node_a"), b"")
        await early.serve(NODE_A, ASK_A)
        with pytest.raises(NoAnswer, match="is not reached: nobody listens there"):
            await early.on[COORDINATOR].request(ASK_A, b"", 2.0)
        async with asyncio.timeout(20), open_bus(at_a_router, ROUTER, agents=AGENTS):
            await there(early.on[COORDINATOR], ASK_A)
            assert await early.on[COORDINATOR].request(ASK_A, b"ab", 5.0) == b"ba"
            await stack.aclose()


@pytest.mark.parametrize("which", ["expired", "of another authority", "none"])
async def test_who_has_no_valid_certificate_does_not_come_in(
    which, at_a_router, tmp_path, folder
) -> None:
    """Zenoh itself refuses: the certificate is not tried beforehand here."""
    other = Authority(tmp_path / "other")
    if which == "expired":
        other = Authority(tmp_path / "same", AUTHORITIES[folder].ca)
        other.sign_expired("client.ann")
    else:
        other.sign("client.ann")
    credentials = Credentials(
        "client.ann",
        folder / "authority.pem",
        other.folder / "client.ann.pem",
        other.folder / "client.ann.key",
        0.0,
    )
    config = joining("x", at_a_router.bus, credentials)
    if which == "none":
        config.insert_json5("transport/link/tls/connect_certificate", "null")
        config.insert_json5("transport/link/tls/connect_private_key", "null")
    async with open_bus(at_a_router, ROUTER, agents=AGENTS) as router:
        with pytest.raises(zenoh.ZError, match="Unable to connect"):
            await asyncio.to_thread(zenoh.open, config)
        assert isinstance(router, ZenohBus)
        assert not router.neighbours()


async def test_a_client_says_which_one_it_is_where_several_could_be_meant(
    at_a_router, monkeypatch, tmp_path
) -> None:
    meeting: MeetingPoint = at_a_router.bus
    with pytest.raises(BadCertificate, match=r"those of ann, ben. Clients are ann; PODIUM_CLIENT="):
        client_of(meeting)
    monkeypatch.setenv("PODIUM_CLIENT", "ben")
    with pytest.raises(BadCertificate, match="'ben' is no client of this facility"):
        client_of(meeting)
    monkeypatch.setenv("PODIUM_CLIENT", "ann")
    assert client_of(meeting) == ANN
    monkeypatch.delenv("PODIUM_CLIENT")
    with pytest.raises(BadCertificate, match="there is none"):
        client_of(replace(meeting, certificates=tmp_path))
    Authority(tmp_path).sign("client.ann")
    assert client_of(replace(meeting, certificates=tmp_path)) == ANN
