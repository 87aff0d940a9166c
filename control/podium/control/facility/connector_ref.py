"""Parses the name of a connector."""

import re
from dataclasses import dataclass

_PLACE = re.compile(r"(?:slot|dev)(\d+)")


@dataclass(frozen=True, slots=True)
class ConnectorRef:
    """A connector or a readable channel of an instrument, e.g. ``cluster_a.slot2.out0``."""

    instrument: str
    channel: str
    """Its name within the instrument (``slot2.out0``); empty where the box has only one."""

    def __str__(self) -> str:
        return f"{self.instrument}.{self.channel}" if self.channel else self.instrument

    @property
    def slot(self) -> int | None:
        """The slot of its module, or the serial number behind a data server; None: neither."""
        head, dot, _ = self.channel.partition(".")
        found = _PLACE.fullmatch(head) if dot else None
        return None if found is None else int(found[1])

    @property
    def socket(self) -> str:
        """Its name within the module (``out0``, ``out0_1``)."""
        return self.channel if self.slot is None else self.channel.partition(".")[2]
