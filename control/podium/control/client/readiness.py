"""Tells when all instruments of a facility answer, or are in a person's hands."""

import asyncio
from collections.abc import Awaitable, Callable

from podium.control.bus import messages
from podium.control.runs.errors import RunFailed

SETTLED = ("connected", "released")
"""States of an instrument in which there is nothing to wait for."""
LOOK_FIRST_S, LOOK_MAX_S = 0.05, 0.2
"""Pause between two looks at the status, for which all agents are asked: twice as long each time,
up to the second."""


async def settled_status(
    ask: Callable[[], Awaitable[messages.FacilityStatus]], within_s: float
) -> messages.FacilityStatus:
    """Return the status once every instrument is settled, or as it is after ``within_s``.

    Raises ``RunFailed`` where nobody answers until then.
    """
    loop = asyncio.get_running_loop()
    give_up, pause_s = loop.time() + within_s, LOOK_FIRST_S
    while True:
        try:
            status = await ask()
        except RunFailed:
            if loop.time() > give_up:
                raise
        else:
            if (not status.missing and not _unsettled(status)) or loop.time() > give_up:
                return status
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LOOK_MAX_S)


def check_connected(status: messages.FacilityStatus) -> None:
    """Raise ``RunFailed`` where instruments or their owners are missing, naming them."""
    if lost := [*status.missing, *_unsettled(status)]:
        raise RunFailed("; ".join(lost))


def _unsettled(status: messages.FacilityStatus) -> list[str]:
    return [
        f"{one.name} is {one.state}: {one.last_error}"
        for agent in status.agents
        for one in agent.instruments
        if one.state not in SETTLED
    ]
