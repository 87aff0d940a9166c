"""Describes where the processes of a facility on several computers meet, as a frozen value.

On one computer ``podium up`` makes such a place on loopback by itself.
"""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Holder = Literal["router", "coordinator"]
"""Who listens at the meeting point; all others connect to it."""
HOLDERS: tuple[Holder, ...] = get_args(Holder)

FORM = r"(tcp|tls)/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})"
EXAMPLE = "tls/rack-a.lab:7447"
PORT_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place on the network."""

    protocol: Literal["tcp", "tls"]
    host: str
    """A name or an IP address, without brackets."""
    port: int

    @property
    def is_everywhere(self) -> bool:
        """Return whether it stands for all interfaces (0.0.0.0): a listener only, never a peer."""
        try:
            return ipaddress.ip_address(self.host).is_unspecified
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol}/{host}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Return the endpoint that ``text`` writes; raises ``ValueError`` saying how one is written."""
    found = re.fullmatch(FORM, text)
    if found is None or not 0 < int(found[3]) <= PORT_MAX:
        raise ValueError(f"it is no endpoint; write it like {EXAMPLE!r}")
    return Endpoint("tls" if found[1] == "tls" else "tcp", found[2].strip("[]"), int(found[3]))


@dataclass(frozen=True, slots=True)
class MeetingPoint:
    """Holds the endpoint to which all processes of a facility connect, and their certificates."""

    held_by: Holder
    listen: Endpoint
    """Where its holder listens."""
    connect: Endpoint
    """What all others connect to."""
    certificates: Path | None = None
    """Folder of ``authority.pem`` and, for each process, ``NAME.pem`` and ``NAME.key``; None: there
    is no TLS, and whoever reaches it may do everything."""
    clients: tuple[str, ...] = ()
    """Who may ask the coordinator, with a certificate of their own."""
    insecure: bool = False
    """Without TLS, and somebody has said so."""
    by_role: bool = False
    """One certificate stands for all processes of a role: they are one user's, on one computer."""
