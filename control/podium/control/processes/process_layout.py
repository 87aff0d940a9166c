"""Decides which processes of a facility run on this computer, and how they connect."""

import socket
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from podium.control.bus.process_bus import own_credentials
from podium.control.facility.facility import Facility
from podium.control.facility.instrument_models import model_of
from podium.control.facility.meeting_point import MeetingPoint
from podium.control.facility.problems import suggest
from podium.control.facility.state_folder import (
    accepted_file,
    epochs_folder,
    findings_file,
    journal_file,
    records_folder,
    reservations_file,
    skews_file,
    supervision_folder,
)
from podium.control.processes.supervisor import KeptProcesses
from podium.control.security.access import Member
from podium.control.security.own_certificates import own_certificates
from podium.control.supervision.reading_owners import supervised


class NoSuchPart(ValueError):
    """A process is named that this facility does not have. The message says which it has."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The processes that are started here."""

    members: tuple[Member, ...]
    coordinator: str
    """Where the coordinator is asked: by TLS where the bus has a lock."""
    words: Mapping[Member, tuple[str, ...]]
    """Each one's arguments about the bus."""
    left_out: str = ""
    """Which process is not started, why, and what to do; empty: all are."""

    @property
    def agents(self) -> tuple[str, ...]:
        """Names of the agents."""
        return tuple(member.name for member in self.members if member.role == "agent")


def parts_of(
    facility: Facility,
    agents: Sequence[str],
    only: str | None,
    page: bool,
    *,
    insecure: bool = False,
) -> Parts:
    """Return the processes to start: all of the facility, or ``only`` those, commas between.

    On one computer they meet over TLS, with the certificates of this user, which are made where
    they are missing; not so where the facility file says ``insecure``, or ``insecure`` is given.
    Records without a certificate are left out unless they are named: a facility may have been
    set up before it had any. Raises :class:`NoSuchPart`, and ``BadCertificate`` when a
    certificate that is needed here cannot be used.
    """
    members = _chosen(facility, agents, only, page)
    meeting = facility.bus
    if meeting is None and not (insecure or facility.insecure):
        own_certificates()
        (place,) = free_endpoints(1, "tls")
        members = (Member("router"), *members)
        return Parts(members, place, dict.fromkeys(members, ("--meet", place)))
    if meeting is None:
        endpoints = free_endpoints(len(members))
        coordinator = endpoints[0]  # nothing is left out where there is no meeting point
        to = ("--coordinator", coordinator)
        return Parts(
            members,
            coordinator,
            {
                member: ("--listen", endpoint, *(to if member.role != "coordinator" else ()))
                for member, endpoint in zip(members, endpoints, strict=True)
            },
        )
    left_out = ""
    recording = Member("records")
    if only is None and recording in members and not _has_certificate(meeting, recording):
        members = tuple(member for member in members if member != recording)
        left_out = (
            f"{meeting.certificates} has no certificate records.pem, so no records are kept and "
            "runs are not recorded; `podium certificates --make`, where the authority's key is, "
            "makes it"
        )
    for member in members:
        own_credentials(meeting, member, holds=member.role == meeting.held_by)
    let_in = ("--agents", ",".join(agents))
    holds = {"router", "coordinator"}
    words = {member: let_in if member.role in holds else () for member in members}
    return Parts(members, str(meeting.connect), words, left_out)


def _has_certificate(meeting: MeetingPoint, member: Member) -> bool:
    folder = meeting.certificates
    return folder is None or (folder / f"{member.common_name}.pem").exists()


def _chosen(
    facility: Facility, agents: Sequence[str], only: str | None, page: bool
) -> tuple[Member, ...]:
    meeting = facility.bus
    known = {"coordinator": Member("coordinator")}
    if meeting is not None and meeting.held_by == "router":
        known = {"router": Member("router"), **known}
    known |= {name: Member("agent", name) for name in agents}
    if supervised(facility):
        known["supervisor"] = Member("supervisor")
    known["records"] = Member("records")
    if page:
        known["page"] = Member("page")
    if only is None:
        return tuple(known.values())
    if meeting is None:
        raise NoSuchPart(
            "--only needs a place where the processes of several computers meet: the facility file "
            "names none; add a section 'bus', as docs/how-to/across-racks.md shows"
        )
    names = [name.strip() for name in only.split(",")]
    for name in names:
        if name not in known:
            raise NoSuchPart(f"{facility.name} has no process {name!r}; {suggest(name, known)}")
    return tuple(member for name, member in known.items() if name in names)


def told_names(members: Iterable[Member]) -> str:
    """Return the processes as a person names them."""
    return ", ".join(f"{member.role} {member.name}".rstrip() for member in members)


def free_endpoints(count: int, protocol: str = "tcp") -> list[str]:
    """Return loopback endpoints whose ports were free just now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [f"{protocol}/127.0.0.1:{probe.getsockname()[1]}" for probe in probes]
    finally:
        for probe in probes:
            probe.close()


OURS = "podium."
AGENT = "podium.control.agent.process"
COORDINATOR = "podium.control.coordinator.process"
COORDINATOR_FILES: Mapping[str, Callable[[Path], Path]] = {
    "--accepted": accepted_file,
    "--findings": findings_file,
    "--reservations": reservations_file,
    "--skews": skews_file,
}
"""By option: where the coordinator keeps what outlives it."""
PAGE = "podium.control.web.process"
ROUTER = "podium.control.bus.router"
SUPERVISOR = "podium.control.supervision.process"
RECORDS = "podium.control.records.process"


async def keep_bus(
    kept: KeptProcesses,
    parts: Parts,
    facility: Path,
    common: Sequence[str],
    state_file: Path,
) -> None:
    """Start router and coordinator, those that are among ``parts``, and keep them running.

    ``facility``: its file; ``common``: as of :func:`keep_agents`. They end with ``kept``.
    """
    for member in parts.members:
        if member.role == "router":
            words = [str(facility), *parts.words[member]]
            await kept.keep("router", ROUTER, words)
        if member.role == "coordinator":
            words = [*common, *parts.words[member]]
            for name, file in COORDINATOR_FILES.items():
                words += [name, str(file(state_file))]
            await kept.keep("coordinator", COORDINATOR, words)


async def keep_page(
    kept: KeptProcesses,
    parts: Parts,
    words: Sequence[str],
    listening: socket.socket,
) -> None:
    """Start the page behind a socket that listens already, and keep it running.

    ``words``: its files and its key. It ends with ``kept``.
    """
    number = listening.fileno()
    words = [
        *words,
        *parts.words[Member("page")],
        *("--socket", str(number)),
    ]
    await kept.keep("page", PAGE, words, inherit=[number])


async def keep_agents(
    kept: KeptProcesses,
    facility: Facility,
    owners: Mapping[str, Sequence[str]],
    of_the_bus: Mapping[str, Sequence[str]],
    common: Sequence[str],
    state_file: Path,
    store: str,
) -> None:
    """Start an agent for each of ``owners`` (names, with instruments) and keep it running.

    ``of_the_bus``: each one's arguments about it; ``common``: the facility file and what is laid
    over it. They end with ``kept``.
    """
    for name, instruments in owners.items():
        words = [
            *common,
            *("--name", name, "--instruments", ",".join(instruments)),
            *of_the_bus[name],
            *("--journal", str(journal_file(state_file))),
            *("--epochs", str(epochs_folder(state_file))),
            *("--store", store),
        ]
        await kept.keep(
            f"agent {name}", AGENT, words, imports=driver_modules(facility, instruments)
        )


def driver_modules(facility: Facility, instruments: Iterable[str]) -> list[str]:
    """Return the modules of ours that hold the drivers of instruments, and their compilers.

    A vendor's packages take a second to import, and each agent would. What others bring along may
    start threads, which no copy would have: it is left to the agents.
    """
    models = [model_of(facility.instruments[name]) for name in instruments]
    paths = (path for model in models for path in (model.driver, model.family) if path)
    modules = dict.fromkeys(path.partition(":")[0] for path in paths)
    return [one for one in modules if one.startswith(OURS)]


async def keep_supervisor(
    kept: KeptProcesses,
    parts: Parts,
    common: Sequence[str],
    state_file: Path,
) -> str | None:
    """Start the supervisor of the cold side, if it is one of ``parts``, and keep it running.

    ``common``: as of :func:`keep_agents`. It ends with ``kept``. Returns where its metrics are;
    they stay there when it is started again. None: there is no supervisor.
    """
    me = Member("supervisor")
    if me not in parts.members:
        return None
    listening = kept.stack.enter_context(closing(socket.socket()))
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    words = [
        *common,
        *parts.words[me],
        *("--folder", str(supervision_folder(state_file))),
        *("--metrics", str(listening.fileno())),
    ]
    await kept.keep("supervisor", SUPERVISOR, words, inherit=[listening.fileno()])
    return f"http://127.0.0.1:{listening.getsockname()[1]}/metrics"


async def keep_records(
    kept: KeptProcesses,
    parts: Parts,
    common: Sequence[str],
    state_file: Path,
    url: str | None,
) -> None:
    """Start the records, if they are one of ``parts``, and keep them running.

    ``common``: as of :func:`keep_agents`; ``url``: the database of their index, None: a file
    beside the data. They end with ``kept``.
    """
    me = Member("records")
    if me not in parts.members:
        return
    words = [
        *common,
        *parts.words[me],
        *("--folder", str(records_folder(state_file))),
        *(() if url is None else ("--records", url)),
    ]
    await kept.keep("records", RECORDS, words)


def files_of(arguments: Namespace) -> list[str]:
    """Return the words that name the facility file and what is laid over it."""
    return list(_files(arguments.facility, arguments.endpoints))


def _files(facility: Path, endpoints: Path | None) -> Iterator[str]:
    yield str(facility)
    if endpoints is not None:
        yield from ("--endpoints", str(endpoints))
