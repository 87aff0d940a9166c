"""Starts by an edge at a trigger input: who still waits, and when it was by the own counter."""

import threading
from collections.abc import Iterable, Mapping

from podium.drivers.errors import NotStarted, Refused
from podium.drivers.zurich.clock_state import names_reference
from podium.drivers.zurich.completion import WAITING_FOR_TRIGGER, until
from podium.drivers.zurich.connection import Connection, Item
from podium.drivers.zurich.error_log import clear_items
from podium.drivers.zurich.rack import root_of
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai
from podium.firmware_interfaces.zurich.inventory.models import MODELS
from podium.firmware_interfaces.zurich.limits import PQSC
from podium.firmware_interfaces.zurich.program import ZurichProgram
from podium.firmware_interfaces.zurich.rack import ZurichRack, programs_of

START_SOURCE = "time stamp of the result logger"
"""Where a start is read from."""


class PlaneStart:
    """The clock of the first instrument behind a data server, and starts of programs by it.

    Where that is a PQSC the counter is that of the first analyser that is connected to it.

    Instruments that no reference or trigger of the timing plane goes to are no matter here.
    """

    def __init__(self, name: str, server: Connection, devices: Mapping[int, str]) -> None:
        self._name = name
        self._server = server
        self._devices = dict(devices)
        self.origin: Tai | None = None
        """The instant of tick 0; None: nobody has said so."""
        self.watched = False
        """Whether anybody looks for locks that were lost."""
        self.started: Tai | None = None
        """When the program that was armed last began; None: not yet, or no results yet."""

    @property
    def source(self) -> str:
        """Return the path that starts are read from; empty: there is no result logger here."""
        having = any("qa" in MODELS[model].counts for model in self._devices.values())
        return START_SOURCE if having else ""

    def counted_fs(self) -> int:
        """Return how long the counter has counted."""
        path = f"/dev{self._counting}/status/time"
        return self._server.whole("for its time", path) * self._tick_fs

    def to_clear(self, roots: Iterable[str]) -> list[Item]:
        """Return what empties error logs, except one whose entry on its clock is still unread."""
        kept = self.watched and names_reference(self._server, self.root)
        return clear_items(root for root in roots if not (kept and root == self.root))

    def armed(self) -> None:
        """Forget the start before."""
        self.started = None

    def waiting(self, programs: Iterable[ZurichProgram], after_s: float = 0.0) -> bool:
        """Return whether all cores still wait for their trigger, after a pause."""
        paths = [
            f"{root_of(one)}/{core.node}/sequencer/status" for one in programs for core in one.cores
        ]
        shown = self._server.wholes("whether all wait", paths, after_s)
        return all(status & WAITING_FOR_TRIGGER for status in shown)

    def wait(
        self,
        artifact: ZurichProgram | ZurichRack,
        within_s: float,
        interrupted: threading.Event,
    ) -> None:
        """Return once the trigger has come.

        Raises ``NotStarted`` where that is not within ``within_s``, ``Refused`` when
        ``interrupted`` was set. The sequencers then still wait.
        """
        programs = programs_of(artifact)
        if until(lambda after_s: not self.waiting(programs, after_s), within_s, interrupted):
            return
        if interrupted.is_set():
            interrupted.clear()
            raise Refused(f"{self._name}: running {artifact.name!r}: given up while it waited")
        raise NotStarted(
            f"{self._name}: running {artifact.name!r}: no edge at {input_of(artifact)} within "
            f"{within_s:g} s, and its sequencers still wait"
        )

    def stamp(self, programs: Iterable[ZurichProgram]) -> None:
        """Read when the program that records it began; its results are there."""
        program = next((one for one in programs if one.record is not None), None)
        if program is None or program.record is None:
            return
        root, record = root_of(program), program.record
        if root != f"/dev{self._counting}":
            raise Refused(
                f"{self._name}: start of {program.name!r}: the counter that is known is that of "
                f"dev{self._counting}, not of {program.instrument}; name the instrument that the "
                "trigger goes to first"
            )
        if self.origin is None:
            raise Refused(f"{self._name}: nobody has said what time it was when it began to count")
        path = f"{root}/qachannels/{record.channel}/readout/result/data/{record.slot}/wave"
        ticks = self._server.stamp("for the time stamp of its start", path)
        began_fs = self.origin.total_fs + ticks * self._tick_fs - record.after_fs
        self.started = Tai.from_fs(began_fs)

    @property
    def root(self) -> str:
        """Return the path of the first instrument's nodes."""
        return f"/dev{next(iter(self._devices))}"

    @property
    def _counting(self) -> int:
        """The serial number of the instrument whose counter shows starts: the first, or, where that
        is a PQSC, the first with a result logger."""
        first = next(iter(self._devices))
        if self._devices[first] != PQSC:
            return first
        having = (one for one, model in self._devices.items() if "qa" in MODELS[model].counts)
        return next(having, first)

    @property
    def _tick_fs(self) -> int:
        return round(FS_PER_S * MODELS[self._devices[self._counting]].time_base_s)


def from_outside(artifact: ZurichProgram | ZurichRack) -> bool:
    """Return whether an edge from outside begins it."""
    if isinstance(artifact, ZurichRack):
        return artifact.trigger is not None
    return artifact.start.external


def input_of(artifact: ZurichProgram | ZurichRack) -> str:
    """Return where the edge comes to that begins it, in words."""
    if isinstance(artifact, ZurichRack):
        return f"trigger input {(artifact.trigger or 0) + 1} of {artifact.pqsc}"
    return f"trigger input {artifact.start.source + 1} of {artifact.instrument}"
