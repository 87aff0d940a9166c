"""A run in one piece that somebody asked for."""

import asyncio
from dataclasses import dataclass, field

from podium.control.bus.messages import RunLoopback, RunProgram


@dataclass(slots=True, eq=False)
class RunRecord:
    """One such run, while it is on."""

    ticket: str
    by: str
    work: RunProgram | RunLoopback
    """What was asked for."""
    procedure: str = ""
    """Id of the procedure that it is a part of; empty: of none."""
    run: str = ""
    """Empty until it is its turn."""
    stopped: str = ""
    stopped_by: str = ""
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has been accepted for good, or will be done while this process lives."""
