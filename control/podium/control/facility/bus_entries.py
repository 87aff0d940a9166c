"""Defines the bus section of the facility file, as pydantic models.

How its keys go together is checked by ``check_bus.py``.
"""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from podium.control.facility.meeting_point import EXAMPLE, FORM, parse_endpoint
from podium.control.facility.quantity_entries import FileEntry


def _endpoint(text: str) -> str:
    parse_endpoint(text)
    return text


EndpointText = Annotated[
    str,
    AfterValidator(_endpoint),
    Field(json_schema_extra={"pattern": f"^{FORM}$", "examples": [EXAMPLE]}),
]


class EndpointsEntry(FileEntry):
    """A meeting point whose holder listens elsewhere than others connect to."""

    listen: EndpointText
    """Where its holder listens: tls/0.0.0.0:7447."""
    connect: EndpointText
    """What all others connect to: tls/rack-a.lab:7447."""


def _both(value: object) -> object:
    if not isinstance(value, str):
        return value
    _endpoint(value)
    return {"listen": value, "connect": value}


Meeting = Annotated[
    EndpointsEntry, BeforeValidator(_both, json_schema_input_type=EndpointText | EndpointsEntry)
]


class BusEntry(FileEntry):
    """Says how the processes of a facility find and know each other."""

    router: Meeting | None = None
    """Endpoint of a router of its own, to which all processes connect."""
    coordinator: Meeting | None = None
    """Endpoint of the coordinator, to which all others connect; instead of a router."""
    certificates: str | None = None
    """Folder of the certificates, relative to this file. TLS needs it."""
    clients: list[str] = Field(default_factory=list)
    """Who may ask the coordinator: names of people or programs that have a certificate."""
    insecure: bool = False
    """Go without TLS: whoever reaches the bus, on one computer any process, may do everything."""

    @property
    def names_a_place(self) -> bool:
        """Return whether it says where the processes of several computers meet."""
        return self.router is not None or self.coordinator is not None
