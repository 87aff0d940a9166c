"""Opens the bus of one process: it holds a meeting point, joins one, or has no lock."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Collection, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import zenoh

from podium.control.bus.bus import Bus, BusError
from podium.control.bus.log import event_log
from podium.control.bus.meeting_bus import MeetingBus
from podium.control.bus.refusals import AskRefusals, Refusals, refusals_key
from podium.control.bus.wire import decode, encode
from podium.control.bus.zenoh_bus import ZenohBus
from podium.control.bus.zenoh_config import holding
from podium.control.facility.command import DONE, FOUND_PROBLEM
from podium.control.facility.facility import Facility
from podium.control.facility.meeting_point import MeetingPoint, parse_endpoint
from podium.control.security.access import EVERY, NAMED, Admitted, MayI, Member, Verdict, access_key
from podium.control.security.certificates import BadCertificate, Credentials, credentials_of
from podium.control.security.own_certificates import check_private, own_meeting

GRANTED_S = 5.0
"""Who was allowed to answer does so within this time; from then on that is seen on the bus."""


@dataclass(frozen=True, slots=True)
class _Grant:
    zid: str
    at: float


class AnswerClaims:
    """Kept by who holds the meeting point. Nothing is lost with it: who answers is seen."""

    def __init__(self, bus: ZenohBus) -> None:
        self._bus = bus
        self._granted: dict[str, _Grant] = {}

    async def judge(self, question: MayI, name: str | None, present: Collection[str]) -> Verdict:
        """Return whether who asks may answer a key; ``present``: Zenoh's identities of all here."""
        there = await self._bus.answerers(question.key)
        granted = self._granted.get(question.key)
        if granted and granted.zid in present and time.monotonic() - granted.at < GRANTED_S:
            there.add(granted.zid)
        others = sorted(there - {question.zid})
        if others:
            return Verdict(
                False,
                f"denied: {question.key} is answered by another process ({', '.join(others)}) "
                f"already, so {name or 'this one'} ({question.zid}) may not: end the other first",
            )
        self._granted[question.key] = _Grant(question.zid, time.monotonic())
        return Verdict(True, "")


CLIENT_VARIABLE = "PODIUM_CLIENT"
"""Environment variable: with which client's certificate the facility is asked."""
ENDS_SOON_S = 30 * 86_400
"""A certificate that ends sooner is warned of."""

log = event_log("bus")


def run_process(work: Coroutine[Any, Any, None]) -> int:
    """Run the work of a process to its end; return the exit status."""
    try:
        asyncio.run(work)
    except BusError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    return DONE


@asynccontextmanager
async def open_bus(
    facility: Facility,
    me: Member,
    *,
    meet: str | None = None,
    listen: str | None = None,
    connect: str | None = None,
    agents: Sequence[str] | None = None,
    refusals: Refusals | None = None,
) -> AsyncGenerator[Bus]:
    """Be on the bus as ``me`` while the context is open; raises ``BusError`` if that cannot be.

    Where the facility file names a meeting point, it is used; ``meet`` is the endpoint of this
    user's own on this computer, with the certificates that are there. Who gives the ``agents`` that
    are let in holds it, if it is the one who does, and counts in ``refusals`` whom it refuses.
    Otherwise ``listen`` and ``connect`` are endpoints on loopback, and there is no lock: whoever
    reaches them may do everything.
    """
    meeting = facility.bus
    if meeting is None and meet is not None:
        meeting = own_meeting(parse_endpoint(meet))
    if meeting is None:
        given = [[] if one is None else [one] for one in (listen, connect)]
        bus = await ZenohBus.open(*given)
        try:
            yield bus
        finally:
            await asyncio.shield(bus.close())
        return
    _check_open(meeting)
    if meeting.by_role:
        me = replace(me, name=EVERY) if me.role in NAMED else me
        agents = None if agents is None else (EVERY,)
    holds = agents is not None and me.common_name == meeting.held_by
    credentials = own_credentials(meeting, me, holds=holds)
    if holds and agents is not None:
        admitted = Admitted.of(facility.name, meeting.held_by, agents, meeting.clients)
        refusals = refusals or Refusals(log)
        async with _held(meeting, credentials, admitted, refusals) as held:
            yield held
    else:
        async with MeetingBus.joined(facility.name, meeting, me, credentials) as joined:
            yield joined


def join_bus(
    facility: Facility, me: Member, coordinator: str | None
) -> AbstractAsyncContextManager[Bus]:
    """Be on the bus of a facility that is up; see :func:`open_bus`.

    ``coordinator``: its endpoint as ``podium up`` says it; ``tls/`` has a lock, ``tcp/`` has none.
    """
    if coordinator is not None and coordinator.startswith("tls/"):
        return open_bus(facility, me, meet=coordinator)
    return open_bus(facility, me, connect=coordinator)


def client_of(meeting: MeetingPoint | None) -> Member:
    """Return as which client this process asks: named in the environment, or the only one here.

    Raises :class:`BadCertificate` when that is not clear.
    """
    named = os.environ.get(CLIENT_VARIABLE)
    if meeting is None or meeting.certificates is None or meeting.by_role:
        return Member("client", named or "somebody")
    here = [key.name.removeprefix("client.").removesuffix(".key") for key in _keys(meeting)]
    name = named or (here[0] if len(here) == 1 else "")
    known = ", ".join(meeting.clients) or "nobody"
    if not name:
        found = f"there are those of {', '.join(sorted(here))}" if here else "there is none"
        raise BadCertificate(
            f"{meeting.certificates}: a client's certificate and key are needed, client.NAME.pem "
            f"and client.NAME.key; {found}. Clients are {known}; {CLIENT_VARIABLE}=NAME says which"
        )
    if name not in meeting.clients:
        raise BadCertificate(
            f"denied: {name!r} is no client of this facility; clients are {known}. They are named "
            "under bus > clients in the facility file"
        )
    return Member("client", name)


def _keys(meeting: MeetingPoint) -> list[Path]:
    folder = meeting.certificates
    return [] if folder is None else sorted(folder.glob("client.*.key"))


def own_credentials(meeting: MeetingPoint, me: Member, *, holds: bool) -> Credentials | None:
    """Return by what this process is known, tried; None without TLS.

    ``holds``: it listens at the meeting point. Raises :class:`BadCertificate`.
    """
    if meeting.certificates is None:
        return None
    host = meeting.connect.host if holds else None
    if meeting.by_role:
        check_private(meeting.certificates)
    credentials = credentials_of(meeting.certificates, me.common_name, host)
    days = (credentials.ends_s - time.time()) / 86_400
    if days * 86_400 < ENDS_SOON_S:
        log.warning("certificate ends soon", file=str(credentials.certificate), days=round(days, 1))
    return credentials


def _check_open(meeting: MeetingPoint) -> None:
    if meeting.certificates is None and not meeting.insecure:
        raise BusError(
            f"bus at {meeting.connect}: without TLS whoever reaches it could move biases; write "
            "tls/ with certificates, or 'insecure: true' in the facility file"
        )


@asynccontextmanager
async def _held(
    meeting: MeetingPoint, credentials: Credentials | None, admitted: Admitted, refusals: Refusals
) -> AsyncGenerator[Bus]:
    """Hold the meeting point: others connect here; who is denied something may ask why."""
    config = holding(meeting, credentials, admitted)
    try:
        session = await asyncio.to_thread(zenoh.open, config)
    except zenoh.ZError as error:
        raise BusError(f"bus: cannot listen on {meeting.listen}: {error}") from error
    bus = ZenohBus(session, asyncio.get_running_loop())

    claims = AnswerClaims(bus)

    async def judge(payload: bytes) -> bytes:
        question = decode(payload, MayI)
        neighbours = await asyncio.to_thread(bus.neighbours)
        name = neighbours.get(question.zid)
        verdict = Verdict(True, "")
        if credentials is not None:
            verdict = admitted.judge(name, question.does, question.key)
        if verdict.allowed and question.does == "answer":
            verdict = await claims.judge(question, name, neighbours)
        if not verdict.allowed:
            refusals.add(verdict.words)
        return encode(verdict)

    async def tell(payload: bytes) -> bytes:
        decode(payload, AskRefusals)
        return encode(refusals.told())

    try:
        async with (
            bus.serve(access_key(admitted.facility), judge),
            bus.serve(refusals_key(admitted.facility), tell),
        ):
            yield bus
    finally:
        await asyncio.shield(bus.close())
