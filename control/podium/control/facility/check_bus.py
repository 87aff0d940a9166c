"""Checks the bus of a facility on several computers: endpoint, certificates, clients."""

import re

from podium.control.facility.bus_entries import BusEntry, EndpointsEntry
from podium.control.facility.file_contents import Complaints, FileContents
from podium.control.facility.meeting_point import (
    EXAMPLE,
    HOLDERS,
    Endpoint,
    Holder,
    MeetingPoint,
    parse_endpoint,
)
from podium.control.facility.problems import KeyPath

CLIENT = re.compile(r"[a-z][a-z0-9_]{0,40}")
"""With ``client.`` before it, it is the common name of a certificate: at most 64 characters."""


def check_bus(parsed: FileContents, complaints: Complaints) -> None:
    """Check the section ``bus``."""
    entry = parsed.bus
    if entry is None:
        return
    _check_clients(entry, complaints)
    holders = [holder for holder in HOLDERS if getattr(entry, holder) is not None]
    if not holders and entry.insecure and not (entry.certificates or entry.clients):
        return  # all on one computer, without a lock
    if len(holders) != 1:
        message = "the processes meet at a router or at the coordinator, not at both"
        if not holders:
            message = (
                f"it does not say where the processes meet: 'router: {EXAMPLE}' or "
                f"'coordinator: {EXAMPLE}'"
            )
        complaints.at(("bus", *holders[1:]), message, at_key=True)
        return
    meeting = meeting_point(entry)
    path: KeyPath = ("bus", meeting.held_by)
    _check_endpoints(meeting, path, complaints)
    secured = "tls" in (meeting.connect.protocol, meeting.listen.protocol)
    if secured and entry.certificates is None:
        message = "TLS needs certificates; add 'certificates: FOLDER', and see podium certificates"
        complaints.at(path, message)
    if secured and entry.insecure:
        message = "with TLS nothing is insecure; remove this line"
        complaints.at(("bus", "insecure"), message, at_key=True)
    if not secured:
        _check_open(entry, meeting, path, complaints)


def _check_endpoints(meeting: MeetingPoint, path: KeyPath, complaints: Complaints) -> None:
    if meeting.connect.is_everywhere:
        host = meeting.connect.host
        message = (
            f"nobody can connect to {host}, which stands for all interfaces; write {{listen: "
            f"{meeting.listen}, connect: {EXAMPLE}}}"
        )
        complaints.at((*path, "connect"), message)
    if meeting.connect.protocol != meeting.listen.protocol:
        message = f"one end is {meeting.listen.protocol} and the other {meeting.connect.protocol}"
        complaints.at((*path, "connect"), message)


def _check_open(
    entry: BusEntry, meeting: MeetingPoint, path: KeyPath, complaints: Complaints
) -> None:
    """Check a meeting point without TLS: it is on loopback, or somebody says that he knows."""
    for key, given in (("certificates", entry.certificates), ("clients", entry.clients)):
        if given:
            message = f"without TLS nobody is told apart by certificates; write {_as_tls(meeting)}"
            complaints.at(("bus", key), message, at_key=True)
    if not entry.insecure:
        message = (
            f"without TLS whoever reaches {meeting.listen} could move biases, on loopback any "
            f"process of this computer. Write {_as_tls(meeting)}, with certificates; "
            "'insecure: true' allows it"
        )
        complaints.at((*path, "listen"), message)


def _as_tls(meeting: MeetingPoint) -> str:
    return f"tls/{str(meeting.connect).partition('/')[2]}"


def _check_clients(entry: BusEntry, complaints: Complaints) -> None:
    for place, name in enumerate(entry.clients):
        path: KeyPath = ("bus", "clients", place)
        if not CLIENT.fullmatch(name):
            message = f"{name!r}: a client's name is of small letters, digits and underscores"
            complaints.at(path, message)
        elif name in entry.clients[:place]:
            complaints.at(path, f"{name!r} stands here twice")


def remark_on_bus(parsed: FileContents, remarks: Complaints) -> None:
    """Remark on a bus that nobody may use."""
    entry = parsed.bus
    if entry is not None and entry.certificates is not None and not entry.clients:
        message = "it names no clients: nobody may ask the coordinator; add 'clients: [NAME]'"
        remarks.at(("bus",), message, at_key=True)


def meeting_point(entry: BusEntry) -> MeetingPoint:
    """Return the meeting point of a section that names one; its folder is as written."""
    holder: Holder = "coordinator" if entry.router is None else "router"
    given: EndpointsEntry | None = getattr(entry, holder)
    if given is None:
        raise ValueError("the section bus names no meeting point")
    listen: Endpoint = parse_endpoint(given.listen)
    return MeetingPoint(
        held_by=holder,
        listen=listen,
        connect=parse_endpoint(given.connect),
        clients=tuple(entry.clients),
        insecure=entry.insecure,
    )
