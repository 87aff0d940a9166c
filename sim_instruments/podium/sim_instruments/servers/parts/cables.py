"""Cables and clocks between parts: what goes over them, as values in messages.

An edge of a trigger output is announced ahead of its time, and is sent when it is announced. What
a marker has sent is asked for by the part that hears it: the other brings its instrument up to that
instant and answers with all edges that are known, and until when all are known. Until it has
answered, nothing later is known where it is heard. A change of a clock's lock goes to all parts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from podium.sim_instruments.physics.digital_lines import DigitalLines, Promise
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.parts.messages import Message
from podium.sim_instruments.servers.timing_cables import RaisesTriggers

Post = Callable[[Message], object]
"""Sends ``{"to": instrument, ...}`` to the part that has it, ``{"to": "", ...}`` to all others."""
NEVER_FS = 1 << 62
"""A dead part sends nothing until then."""


@dataclass(frozen=True, slots=True)
class RemoteTrigger:
    """The far end of a trigger cable is in another part."""

    sink: str
    label: str
    post: Post

    def edge(self, at_fs: int) -> None:
        """Send a rising edge there."""
        self.post({"to": self.sink, "do": "edge", "cable": self.label, "at_fs": at_fs})


class RemoteSender:
    """One instrument of another part whose markers are heard here."""

    def __init__(self, lines: DigitalLines, name: str, post: Post, start_fs: int) -> None:
        self._lines = lines
        self._name = name
        self._post = post
        self._promise: Promise = lines.promise(name, start_fs)
        self._known_fs = start_fs
        self.asked = False
        """Whether it was asked and has not answered."""

    def settle(self, now_fs: int) -> None:
        """Ask what was sent until now, unless that is known or asked for."""
        if not self.asked and self._known_fs < now_fs:
            self.asked = True
            since = {"since_fs": self._known_fs, "now_fs": now_fs}
            self._post({"to": self._name, "do": "sent?", "instrument": self._name, **since})

    def take(self, edges: Mapping[str, Any], since_fs: int, known_fs: int) -> None:
        """Take what it has sent, by connector, and until when all of it is known."""
        self.asked = False
        for connector, sent in edges.items():
            arrived = [(int(at_fs), bool(up)) for at_fs, up in sent]
            self._lines.replace((self._name, connector), since_fs, arrived)
        self._known_fs = max(self._known_fs, known_fs)
        self._promise.from_fs = self._known_fs

    def end(self) -> None:
        """Take that its part has ended: it sends nothing any longer."""
        self.take({}, self._known_fs, NEVER_FS)


class PartCables:
    """All cables and clocks of a part that go to others."""

    def __init__(self, laboratory: Laboratory, post: Post) -> None:
        """Connect them."""
        self._laboratory = laboratory
        self._post = post
        timing = laboratory.plan.timing
        self._markers: dict[str, list[str]] = {}
        """Connectors that are heard elsewhere, by instrument."""
        self._settle: dict[str, Callable[[int], None]] = {}
        self._senders: dict[str, RemoteSender] = {}
        for cable in timing.triggers:
            if cable.sink[0] in timing.elsewhere:
                raising = laboratory.twins[cable.source[0]]
                if isinstance(raising, RaisesTriggers):
                    remote = RemoteTrigger(cable.sink[0], cable.label, post)
                    raising.connect(cable.source[1], remote)
        lines = laboratory.lines
        for cable in timing.markers:
            instrument, connector = cable.source
            if cable.sink[0] in timing.elsewhere:
                self._markers.setdefault(instrument, []).append(connector)
            elif instrument in timing.elsewhere and instrument not in self._senders:
                start_fs = laboratory.clock.start_fs
                sender = RemoteSender(lines, instrument, post, start_fs)
                lines.watch(instrument, sender.settle)
                self._senders[instrument] = sender
        for name, clock in laboratory.clocks.items():
            if name not in timing.elsewhere:
                clock.on_lose = partial(self._lost, name)
                clock.on_lock = partial(self._locking, name)

    def asking(self) -> bool:
        """Tell whether another part was asked and has not answered."""
        return any(sender.asked for sender in self._senders.values())

    def take(self, message: Message) -> None:
        """Take what another part has sent."""
        laboratory = self._laboratory
        match message["do"]:
            case "edge":
                cable = laboratory.trigger_lines[str(message["cable"])]
                cable.edge(int(message["at_fs"]))
            case "sent?":
                self._answer(message)
            case "sent":
                self._senders[str(message["instrument"])].take(
                    message["edges"], int(message["since_fs"]), int(message["known_fs"])
                )
            case "lost":
                clock = laboratory.clocks.get(str(message["clock"]))
                if clock is not None:
                    clock.lose(int(message["at_fs"]))
            case "locking":
                clock = laboratory.clocks.get(str(message["clock"]))
                if clock is not None:
                    clock.lock(int(message["at_fs"]), int(message["takes_fs"]))
            case "ended":
                for name in message["instruments"]:
                    if name in self._senders:
                        self._senders[name].end()

    def _answer(self, message: Message) -> None:
        name, since_fs = str(message["instrument"]), int(message["since_fs"])
        lines, now_fs = self._laboratory.lines, int(message["now_fs"])
        lines.settle(name, now_fs)
        promised_fs = lines.promised_fs(name)
        known_fs = now_fs if promised_fs is None else min(now_fs, promised_fs)
        edges = {
            connector: lines.sent((name, connector), since_fs)
            for connector in self._markers.get(name, ())
        }
        told = {"instrument": name, "edges": edges, "since_fs": since_fs}
        self._post({"to_part": message["part"], "do": "sent", **told, "known_fs": known_fs})

    def _lost(self, name: str, at_fs: int) -> None:
        self._post({"to": "", "do": "lost", "clock": name, "at_fs": at_fs})

    def _locking(self, name: str, at_fs: int, takes_fs: int) -> None:
        change = {"clock": name, "at_fs": at_fs, "takes_fs": takes_fs}
        self._post({"to": "", "do": "locking", **change})
