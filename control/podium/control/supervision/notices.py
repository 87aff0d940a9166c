"""Sends notices of alarms through Apprise: one for each leader, and never a crash.

Apprise is an extra (``pip install 'podium[notices]'``) and imported when a notice is sent. One
that cannot be sent is a note beside the readings.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from importlib import import_module

from podium.control.bus.cold import AlarmNews, Countdown
from podium.control.bus.log import event_log
from podium.control.supervision.alarm_rules import PRIORITIES

SEND_S = 60.0
"""A notice that is not sent within this is given up."""
WAITING_MAX = 100
"""So many wait to be sent; then the oldest are given up."""
NO_SAFETY_SYSTEM = "No safety system: the fridge's own interlocks stay in charge."

Send = Callable[[Sequence[str], str, str], str]
"""Sends title and body to addresses; returns why it did not work, empty if it did."""

log = event_log("supervisor")


def due(
    before: Sequence[AlarmNews], after: Sequence[AlarmNews], noticed: dict[str, int]
) -> tuple[AlarmNews, ...]:
    """Return the alarms that people are notified of now; pure but for ``noticed``.

    Those are alarms that nobody has acknowledged, were not on before, and follow no other. One
    that follows is reported only if it is more urgent than all that was reported of its leader.
    ``noticed``: by leader, the highest priority told of; of alarms that are over it is forgotten.
    """
    was = {one.name for one in before if one.state == "unacknowledged"}
    on = {one.name for one in after}
    for name in [name for name in noticed if name not in on]:
        del noticed[name]
    found = []
    for one in after:
        if one.state != "unacknowledged" or (one.name in was and not one.leader):
            continue
        leader, urgency = one.leader or one.name, PRIORITIES.index(one.priority)
        if one.leader and (one.name in was or urgency <= noticed.get(leader, -1)):
            continue
        noticed[leader] = max(urgency, noticed.get(leader, -1))
        found.append(one)
    return tuple(found)


def words_of(
    alarm: AlarmNews, followers: Sequence[str], countdowns: Sequence[Countdown]
) -> tuple[str, str]:
    """Return title and body of a notice."""
    title = f"{alarm.priority.upper()}: {alarm.name}"
    lines = [alarm.what, f"Cause: {alarm.cause}.", f"Do: {alarm.to_do}"]
    lines += [f"{one.words} in {one.at_s / 60:.0f} min" for one in countdowns]
    lines += [f"Follows: {', '.join(followers)}"] if followers else []
    return title, "\n".join([*lines, NO_SAFETY_SYSTEM])


class Notices:
    """Sends notices, one after the other."""

    def __init__(self, addresses: Sequence[str], send: Send | None = None) -> None:
        """``addresses``: as Apprise writes them; ``send``: instead of Apprise, for tests."""
        self.addresses = tuple(addresses)
        self._send = send or send_with_apprise
        self._noticed: dict[str, int] = {}
        self._before: tuple[AlarmNews, ...] = ()
        self._waiting: deque[tuple[str, str]] = deque(maxlen=WAITING_MAX)
        self._arrived = asyncio.Event()
        self.sent = 0
        self.problem = ""
        """Why the last notice could not be sent; empty: it was."""

    def hear(self, alarms: tuple[AlarmNews, ...], countdowns: Sequence[Countdown] = ()) -> None:
        """Take the alarms as they are; notices to people are sent soon."""
        for one in due(self._before, alarms, self._noticed):
            if not self.addresses:
                continue
            followers = [other.name for other in alarms if other.leader == one.name]
            here = [other for other in countdowns if other.fridge == one.fridge]
            self._waiting.append(words_of(one, followers, here))
            self._arrived.set()
        self._before = alarms

    async def keep_sending(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._one(*self._waiting.popleft())

    async def _one(self, title: str, body: str) -> None:
        try:
            async with asyncio.timeout(SEND_S):
                why = await asyncio.to_thread(self._send, self.addresses, title, body)
        except TimeoutError:
            why = f"not sent within {SEND_S:.0f} s"
        except Exception as error:  # of somebody's service, in somebody's library
            why = f"{type(error).__name__}: {error}"
        if why:
            log.warning("notice not sent", title=title, reason=why)
        else:
            self.sent += 1
        self.problem = f"a notice could not be sent ({title}): {why}" if why else ""


def send_with_apprise(addresses: Sequence[str], title: str, body: str) -> str:
    """Send through Apprise; return why it did not work, without the addresses: they hold keys."""
    try:
        apprise = import_module("apprise")
    except ImportError:
        return "Apprise is not installed: pip install 'podium[notices]'"
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines may show passwords
    sender = apprise.Apprise()
    bad = [address.partition("://")[0] for address in addresses if not sender.add(address)]
    if bad:
        return f"Apprise knows no service at an address of {', '.join(bad)}"
    return "" if sender.notify(title=title, body=body) else "its service refused it"
