"""Certificates of a small authority, for processes on loopback, and a meeting point with them."""

import datetime
import socket
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import trustme

from podium.control.facility.facility import Facility
from podium.control.facility.meeting_point import Endpoint, Holder, MeetingPoint
from podium.control.security.access import Member

HOST = "127.0.0.1"
DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)


@dataclass
class Authority:
    """Signs what is asked for, into a folder as a facility file names it."""

    folder: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca.cert_pem.write_to_path(str(self.folder / "authority.pem"))

    def sign(self, *names: str, host: str = HOST, file: str = "", **times: Any) -> None:
        """Sign certificates with these common names (``file``: under another name)."""
        for name in names:
            made = self.ca.issue_cert(host, common_name=name, **times)
            to = self.folder / (file or name)
            key = to.with_name(f"{to.name}.key")
            made.private_key_pem.write_to_path(str(key))
            key.chmod(0o600)
            made.cert_chain_pems[0].write_to_path(str(to.with_name(f"{to.name}.pem")))

    def sign_expired(self, name: str) -> None:
        """Sign one that ended a day ago."""
        self.sign(name, not_before=NOW - 9 * DAY, not_after=NOW - DAY)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def meeting_with(
    facility: Facility,
    folder: Path,
    held_by: Holder = "router",
    clients: tuple[str, ...] = ("ann",),
    port: int | None = None,
) -> Facility:
    """Return ``facility`` with a meeting point over TLS, on a free port of this machine."""
    endpoint = Endpoint("tls", HOST, port or free_port())
    point = MeetingPoint(held_by, endpoint, endpoint, folder, clients)
    return replace(facility, bus=point)


ROUTER, COORDINATOR, PAGE = Member("router"), Member("coordinator"), Member("page")
SUPERVISOR, RECORDS = Member("supervisor"), Member("records")
ANN = Member("client", "ann")
